/**
 * Time, as a seam: everything that asks for the time or waits for it gets a Clock, so that the tests advance
 * one by hand and the whole engine runs on it.
 *
 * Invariants: `nowMs()` never goes back; `wallMs()` may (the system clock is set). Durations are measured with
 * `nowMs()` only; `wallMs()` is for what people and peers read (logs, Date, Expires).
 */

/** A pending call of `Clock.after`. */
export interface ClockTimer {
  cancel(): void
}

export interface Clock {
  /** Monotonic time in milliseconds with fractions; its zero has no meaning. */
  nowMs(): number
  /** Milliseconds since 1970 by the wall. */
  wallMs(): number
  /** Calls `callback` once, not before `delayMs`. Does not keep the process alive. Not for the hot path. */
  after(delayMs: number, callback: () => void): ClockTimer
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * The HTTP-date text (RFC 9110 §5.6.7) of a clock, made anew at most once a second: `new Date()` and its text
 * cost about 0.5 µs, a comparison of two numbers costs nothing.
 */
export class DateText {
  readonly #clock: Clock
  #second = -1
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1000).toUTCString()
    }
    return this.#text
  }
}
