/**
 * Pauses: for how long the event loop does not come round, and whose work that is: the store's background work, the
 * collector's, or other programs' who had the processor. By the wall: the kernel counts the time of a thread in ticks of
 * 4 ms, which is as long as what is looked for.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { systemClock, type Clock } from '../../src/core/clock.ts'

interface Span {
  readonly startMs: number
  readonly endMs: number
}

export interface PauseReport {
  /** The longest turn, all told. */
  readonly longestMs: number
  /** The longest without what the collector took of it. */
  readonly longestOwnMs: number
  readonly longestGcMs: number
  readonly gcMs: number
  /** Of the background work's slices, without the collector: half of them, 99 of 100, all. */
  readonly slices: number
  readonly sliceMedianMs: number
  readonly sliceP99Ms: number
  readonly sliceLongestMs: number
}

export class Pauses {
  #gc: Span[] = []
  #slices: Span[] = []
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      this.#gc.push({ startMs: startTime, endMs: startTime + duration })
  })

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** A clock that tells how long what it calls takes. */
  readonly clock: Clock = {
    nowMs: () => systemClock.nowMs(),
    wallMs: () => systemClock.wallMs(),
    after: (delayMs, callback) =>
      systemClock.after(delayMs, () => {
        const startMs = performance.now()
        callback()
        this.#slices.push({ startMs, endMs: performance.now() })
      }),
  }

  /** Does `work` once in each turn for `ms`, and looks how long the turns take. */
  async watch(ms: number, work: () => void): Promise<PauseReport> {
    await this.#settle()
    this.#gc = []
    this.#slices = []
    const turns: Span[] = []
    const endMs = performance.now() + ms
    for (let startMs = performance.now(); startMs < endMs;) {
      work()
      await new Promise((resolve) => setImmediate(resolve))
      const now = performance.now()
      if (now - startMs > 0.2) turns.push({ startMs, endMs: now })
      startMs = now
    }
    await this.#settle()
    return this.#report(turns)
  }

  /** What the collector did is told a turn or two later. */
  async #settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  #report(turns: readonly Span[]): PauseReport {
    const slices = this.#slices.map((span) => this.#without(span)).toSorted((a, b) => a - b)
    const gcs = this.#gc.map(({ startMs, endMs }) => endMs - startMs)
    return {
      longestMs: longest(turns.map(({ startMs, endMs }) => endMs - startMs)),
      longestOwnMs: longest(turns.map((turn) => this.#without(turn))),
      longestGcMs: longest(gcs),
      gcMs: gcs.reduce((sum, one) => sum + one, 0),
      slices: slices.length,
      sliceMedianMs: slices[Math.floor(slices.length / 2)] ?? 0,
      sliceP99Ms: slices[Math.floor(slices.length * 0.99)] ?? 0,
      sliceLongestMs: slices.at(-1) ?? 0,
    }
  }

  #without({ startMs, endMs }: Span): number {
    let gcMs = 0
    for (const gc of this.#gc) gcMs += Math.max(0, Math.min(endMs, gc.endMs) - Math.max(startMs, gc.startMs))
    return endMs - startMs - gcMs
  }
}

function longest(all: readonly number[]): number {
  return all.reduce((most, one) => Math.max(most, one), 0)
}

/** The longest that a loop which does nothing stands still: what other programs take. */
export function machinePauseMs(ms: number): number {
  const endMs = performance.now() + ms
  let most = 0
  for (let last = performance.now(); last < endMs;) {
    const now = performance.now()
    most = Math.max(most, now - last)
    last = now
  }
  return most
}
