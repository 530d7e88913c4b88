/**
 * Time, as a seam: everything that asks for the time or waits for it is given a Clock. Tests advance one by hand, and
 * the whole engine runs on it.
 *
 * Invariants: `nowMs()` never goes back; `wallMs()` may, when the system clock is set. Durations are measured with
 * `nowMs()` only; `wallMs()` is for what people and peers read (logs, Date, Expires).
 */
// As a global it is a getter, which costs as much as the look itself.
import { performance } from 'node:perf_hooks'

/** A pending call of `Clock.after`. */
export interface ClockTimer {
  cancel(): void
}

export interface Clock {
  /** Monotonic time in milliseconds with fractions; its zero has no meaning. May stand still within one event. */
  nowMs(): number
  /** Milliseconds since 1970 by the wall. */
  wallMs(): number
  /** Calls `callback` once, not before `delayMs`. Does not keep the process alive. Not for the hot path. */
  after(delayMs: number, callback: () => void): ClockTimer
}

/**
 * The system's time. While an event is handled (`hold` to `release`, see net/stage.ts) `nowMs()` stands still: a request is
 * asked for the time four to ten times on its way, of which one look is worth paying for. It is read when the event first
 * asks, so after the process stood still it is right all the same. Whatever measures its own work must not do so within
 * an event.
 */
class SystemClock implements Clock {
  #isHeld = false
  #heldMs = -1

  nowMs(): number {
    if (!this.#isHeld) return performance.now()
    if (this.#heldMs < 0) this.#heldMs = performance.now()
    return this.#heldMs
  }

  wallMs(): number {
    return Date.now()
  }

  after(delayMs: number, callback: () => void): ClockTimer {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }

  hold(): void {
    this.#isHeld = true
    this.#heldMs = -1
  }

  release(): void {
    this.#isHeld = false
  }
}

export const systemClock: SystemClock = new SystemClock()

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
