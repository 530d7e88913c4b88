/**
 * Claims: what other workers are asking origins for, and are about to write, by key. Who finds nothing on disk for a key
 * that is claimed waits a little for that, and then asks itself.
 *
 * Promises: nobody waits longer than `askedMs` for an answer that is under way, nor longer than `writtenMs` for one that has
 * come and is being written; claims are bounded in number, and one that nothing came of is forgotten after `restMs`.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'

/** So there is one request for what comes quickly, and else one for each worker. */
const askedMs = 50
/** The answer is there; to ask for it again would take as long. */
const writtenMs = 1000
/** Its worker may have died. */
const restMs = 10_000
/** About 200 bytes each. */
const claimsMax = 10_000

class Claim {
  readonly atMs: number
  /** The answer is whole, and on its way to the disk. */
  isWriting = false
  readonly #clock: Clock
  readonly #waiting: Set<() => void> = new Set()

  constructor(clock: Clock) {
    this.#clock = clock
    this.atMs = clock.nowMs()
  }

  wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let timer: ClockTimer | null = null
    const end = (): void => {
      timer?.cancel()
      this.#waiting.delete(end)
      resolve()
    }
    const onAskedEnd = (): void => {
      if (this.isWriting) timer = this.#clock.after(writtenMs, end)
      else end()
    }
    this.#waiting.add(end)
    timer = this.#clock.after(askedMs, onAskedEnd)
    return promise
  }

  settle(): void {
    for (const end of this.#waiting) end()
  }
}

export class Claims {
  readonly #clock: Clock
  readonly #claims = new Map<string, Claim>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(key: string): boolean {
    return this.#claims.has(key)
  }

  /** Another worker asks an origin for it. */
  asked(key: string): void {
    if (this.#claims.has(key)) return
    const claim = new Claim(this.#clock)
    this.#claims.set(key, claim)
    for (const [old, { atMs }] of this.#claims) {
      if (this.#claims.size <= claimsMax && claim.atMs - atMs < restMs) break
      this.settle(old)
    }
  }

  /** Another worker has it, and writes it. */
  writing(key: string): void {
    this.asked(key)
    const claim = this.#claims.get(key)
    if (claim !== undefined) claim.isWriting = true
  }

  /** It is on disk, or will not be. */
  settle(key: string): void {
    const claim = this.#claims.get(key)
    this.#claims.delete(key)
    claim?.settle()
  }

  /** null: nobody else asks for it. */
  wait(key: string): Promise<void> | null {
    return this.#claims.get(key)?.wait() ?? null
  }

  close(): void {
    for (const key of this.#claims.keys()) this.settle(key)
  }
}
