/**
 * Claims: what other workers are asking origins for, have been answered, and are about to write, by key. A worker
 * that finds nothing on disk for a claimed key waits a little for the claim, then asks the origin itself. Once
 * another worker's origin has answered for a key, what is on disk for that key is out of date until that worker says
 * that it is settled.
 *
 * Promises: nobody waits longer than `askedMs` for an answer that is under way, nor longer than `writtenMs` for one
 * that has come and is being written. Claims are bounded in number; one that came to nothing is forgotten after
 * `restMs`, and those of a worker that leaves at once.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'

/** Answers that come quickly are asked for once; otherwise each worker asks for itself. */
const askedMs = 50
/** The answer has come; asking for it again would take as long. */
const writtenMs = 1000
/** Its worker may be unable to settle it. */
const restMs = 10_000
/** About 200 bytes each. */
const claimsMax = 10_000

/** How far a worker is with it. */
const Stage = { ASKED: 0, ANSWERED: 1, SOON: 2 } as const
type Stage = (typeof Stage)[keyof typeof Stage]

class Claim {
  readonly atMs: number
  readonly #clock: Clock
  readonly #stages = new Map<number, Stage>()
  readonly #waiting: Set<() => void> = new Set()

  constructor(clock: Clock) {
    this.#clock = clock
    this.atMs = clock.nowMs()
  }

  get stage(): Stage {
    let stage: Stage = Stage.ASKED
    for (const each of this.#stages.values()) if (each > stage) stage = each
    return stage
  }

  enter(peer: number, stage: Stage): void {
    // A worker that has been answered and asks again still has something newer.
    if (stage === Stage.ASKED && this.#stages.has(peer)) return
    this.#stages.set(peer, stage)
  }

  /** False: another worker still has it. */
  settle(peer: number): boolean {
    this.#stages.delete(peer)
    return this.#stages.size === 0
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
      if (this.stage === Stage.SOON) timer = this.#clock.after(writtenMs, end)
      else end()
    }
    this.#waiting.add(end)
    timer = this.#clock.after(askedMs, onAskedEnd)
    return promise
  }

  release(): void {
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

  /** Has the origin given another worker something newer than what is on disk? */
  isAnswered(key: string): boolean {
    const claim = this.#claims.get(key)
    return claim !== undefined && claim.stage !== Stage.ASKED
  }

  /** Another worker asks an origin for it. */
  asked(key: string, peer: number): void {
    this.#enter(key, peer, Stage.ASKED)
  }

  /** Another worker has been answered. `isSoon`: all of it is there, or is about to be. */
  answered(key: string, peer: number, isSoon: boolean): void {
    this.#enter(key, peer, isSoon ? Stage.SOON : Stage.ANSWERED)
  }

  #enter(key: string, peer: number, stage: Stage): void {
    let claim = this.#claims.get(key)
    if (claim === undefined) {
      this.#claims.set(key, (claim = new Claim(this.#clock)))
      this.#forgetOld(claim.atMs)
    }
    claim.enter(peer, stage)
  }

  #forgetOld(nowMs: number): void {
    for (const [old, claim] of this.#claims) {
      if (this.#claims.size <= claimsMax && nowMs - claim.atMs < restMs) break
      this.#claims.delete(old)
      claim.release()
    }
  }

  /** It is on disk, or will not be. */
  settle(key: string, peer: number): void {
    const claim = this.#claims.get(key)
    if (claim === undefined) return
    const isOver = claim.settle(peer)
    if (isOver) this.#claims.delete(key)
    if (isOver || claim.stage === Stage.ASKED) claim.release()
  }

  /** The worker is gone: what it has not written is lost. */
  leave(peer: number): void {
    for (const key of this.#claims.keys()) this.settle(key, peer)
  }

  /** null: nobody else asks for it. */
  wait(key: string): Promise<void> | null {
    return this.#claims.get(key)?.wait() ?? null
  }

  close(): void {
    for (const claim of this.#claims.values()) claim.release()
    this.#claims.clear()
  }
}
