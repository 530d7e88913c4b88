/**
 * Unshared: keys whose last answer nobody could share. Who asks for one is not made to wait for another's answer, which
 * would only end in asking the origin itself, one after the other.
 *
 * Bounded: beyond `keysMax` the oldest is forgotten, which costs one needless wait.
 */
import type { Clock } from '../core/clock.ts'

export class Unshared {
  readonly #clock: Clock
  readonly #keysMax: number
  /** Key → until when. In the order of their ends, as all are kept equally long. */
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
