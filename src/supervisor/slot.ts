/** Slot: the place of one worker: which process fills it, and how long to wait before the next try after a crash. */
import type { WorkerProcess } from './worker-process.ts'

/** First and longest wait before a crashed worker is replaced. */
export const backoffFirstMs = 100
export const backoffMostMs = 10_000
/** A worker that lived this long has proved itself: the wait starts again from the shortest. */
export const provenMs = 30_000

export class Slot {
  readonly number: number
  worker: WorkerProcess | null = null
  /** The worker listens. */
  isServing = false
  timer: NodeJS.Timeout | null = null
  #waitMs = 0

  constructor(number: number) {
    this.number = number
  }

  /** How long to wait after a worker that lived for `livedMs`; it doubles with each crash. */
  nextWaitMs(livedMs: number): number {
    if (livedMs >= provenMs) this.#waitMs = 0
    this.#waitMs = this.#waitMs === 0 ? backoffFirstMs : Math.min(this.#waitMs * 2, backoffMostMs)
    return this.#waitMs
  }

  clear(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }
}
