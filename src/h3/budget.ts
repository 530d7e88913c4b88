/**
 * Budget: how much a client may make us do for nothing, at once and per second. A client that uses it up is sent
 * away.
 */
import type { Clock } from '../core/clock.ts'

export class Budget {
  readonly #clock: Clock
  readonly #burst: number
  readonly #perSecond: number
  #left: number
  #filledMs: number

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock
    this.#burst = burst
    this.#perSecond = perSecond
    this.#left = burst
    this.#filledMs = clock.nowMs()
  }

  /** False: it is used up. */
  takes(): boolean {
    if (--this.#left >= 0) return true
    const nowMs = this.#clock.nowMs()
    const refill = ((nowMs - this.#filledMs) * this.#perSecond) / 1000
    this.#filledMs = nowMs
    this.#left = Math.min(this.#burst, this.#left + refill)
    return this.#left >= 0
  }
}
