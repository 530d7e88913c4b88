/**
 * KeyMemory: keys about which something is remembered for a while: that answers for them cannot be shared, so that
 * nobody is made to wait for another's; that a validation has just failed.
 *
 * It is bounded: beyond `keysMax` the oldest is forgotten, which costs one needless wait, or one more attempt.
 */
import type { Clock } from '../../core/clock.ts'

export class KeyMemory {
  readonly #clock: Clock
  readonly #keysMax: number
  /** Key → until when it is remembered, oldest first. */
  readonly #until: Map<string, number> = new Map()

  constructor(clock: Clock, keysMax: number) {
    this.#clock = clock
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#until.size
  }

  has(key: string): boolean {
    if (this.#until.size === 0) return false
    const untilMs = this.#until.get(key)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.nowMs()) return true
    this.#until.delete(key)
    return false
  }

  add(key: string, forMs: number): void {
    this.#until.delete(key)
    this.#until.set(key, this.#clock.nowMs() + forMs)
    if (this.#until.size <= this.#keysMax) return
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest)
      return
    }
  }

  delete(key: string): void {
    this.#until.delete(key)
  }
}
