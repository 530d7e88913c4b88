/**
 * UseCounts: how often each key was asked for recently, so that what is asked for once does not displace what is
 * asked for again and again.
 *
 * It is bounded: two generations of at most `keysMax` keys each; when the young one is full, the old one is
 * forgotten. A key that comes back within a generation is still known.
 */

/** About 150 bytes each. */
const keysMax = 50_000

export class UseCounts {
  #young = new Map<string, number>()
  #old = new Map<string, number>()
  readonly #keysMax: number

  constructor(max: number = keysMax) {
    this.#keysMax = max
  }

  /** Counts one more. Returns how many there have been, this one included. */
  add(key: string): number {
    const uses = (this.#young.get(key) ?? this.#old.get(key) ?? 0) + 1
    if (this.#young.size >= this.#keysMax && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, uses)
    return uses
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}
