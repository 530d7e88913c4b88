/**
 * Growth: a body that is still arriving, and those who read it meanwhile. It is where a fill (which appends) and the
 * sources of answers (which read) meet; neither knows the other.
 *
 * A follower reads from the body itself at its own pace, so a slow one holds nobody back. The fill is held back only
 * by the fastest: `front` is as far as anybody has read.
 *
 * Invariants: a follower is told of growth until it leaves, of the end or of the break once, and of nothing after it
 * has left; followers may join and leave within any of these calls.
 */
import type { Fault } from '../../core/faults.ts'
import { List, type ListNode } from '../../core/list.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { BodySpan } from './body-span.ts'

/** The source of an answer that is read from a growing body. */
export interface Follower extends ListNode<Follower> {
  /** Offset in the body of the next byte that it will read. */
  readonly position: number
  /** Where it will stop, as far as it knows. */
  readonly readsUntil?: number
  /** There is more to read, or `Growth.isWhole` is true now. */
  onGrown(): void
  /** The body will never be whole. It has left already. */
  onBroken(fault: Fault): void
  /** What it would read next is gone: it fell behind. `rest` says how it can be had still, if it can. It has left. */
  onLeftBehind(rest: Rest | null): void
}

/** What a follower of a body that is not all there yet reads by. */
export interface Followed {
  follow(follower: Follower): void
  /** It has read all it wants, or its client is gone. Twice is harmless. */
  leave(follower: Follower): void
  /** `follower` has read on, or begins. */
  advance(follower: Follower): void
}

/** What is read: the body of an entry, or what there is of one that is put together, or not stored. */
export interface ReadableBody {
  /** Bytes that are there, from the first on. */
  readonly length: number
  readonly isWhole: boolean
  /** Sets `span` to the bytes from `offset` on that lie together, at most to `end`. False: none, or not yet. */
  readAt(offset: number, span: BodySpan, end?: number): boolean
  /** Are the bytes at `offset` on their way from where the body lies? */
  isAway?(offset: number): boolean
}

/** What is read instead of a body whose next bytes are gone. */
export interface RestBody extends ReadableBody, Followed {}

/** How those who fell behind get on. */
export interface Rest {
  /** For a client that has read up to `position`. */
  join(x: Exchange, position: number): RestBody
}

export interface GrowthOwner {
  /** `front` may have moved. */
  onAdvance(): void
  /** The last follower has left. */
  onDeserted(): void
}

export class Growth implements Followed {
  readonly #followers: List<Follower> = new List()
  readonly #owner: GrowthOwner
  /** Whose turn is next while they are told: `leave` moves it on. */
  #next: Follower | null = null
  readonly rest: Rest | null
  /** How far the fastest has read; 0 when nobody follows. */
  front = 0
  isWhole = false

  /** `rest`: how those who fall behind get on; null: not at all. */
  constructor(owner: GrowthOwner, rest: Rest | null = null) {
    this.#owner = owner
    this.rest = rest
  }

  get size(): number {
    return this.#followers.size
  }

  /** How many have not read up to `offset`. */
  countBefore(offset: number): number {
    let count = 0
    for (let f = this.#followers.first; f !== null; f = f.next) if (f.position < offset) count++
    return count
  }

  /** Its position counts from its first `advance` on: it calls that when it is ready to read. */
  follow(follower: Follower): void {
    this.#followers.addLast(follower)
  }

  /** It has read all it wants, or its client is gone. Twice is harmless. */
  leave(follower: Follower): void {
    if (!this.#remove(follower)) return
    if (follower.position >= this.front) this.#findFront()
    if (this.isWhole) return
    if (this.#followers.size === 0) this.#owner.onDeserted()
    else this.#owner.onAdvance()
  }

  /** `follower` has read on, or begins: somebody may wait for bytes that are far from being there. */
  advance(follower: Follower): void {
    if (follower.position <= this.front) return
    this.front = follower.position
    if (!this.isWhole) this.#owner.onAdvance()
  }

  // The side of the fill

  /** The body is longer, or whole (`isWhole`). */
  grown(): void {
    this.#next = this.#followers.first
    while (this.#next !== null) {
      const follower: Follower = this.#next
      this.#next = follower.next
      follower.onGrown()
    }
  }

  /** It will never be whole: all are told, and have left. */
  broken(fault: Fault): void {
    for (let f = this.#followers.takeFirst(); f !== null; f = this.#followers.takeFirst()) f.onBroken(fault)
    this.front = 0
  }

  /** Bytes before `offset` are gone: those who have not read them leave. */
  forgotten(offset: number): void {
    this.#next = this.#followers.first
    while (this.#next !== null) {
      const follower: Follower = this.#next
      this.#next = follower.next
      if (follower.position >= offset) continue
      this.#remove(follower)
      follower.onLeftBehind(this.rest)
    }
  }

  #remove(follower: Follower): boolean {
    if (follower === this.#next) this.#next = follower.next
    return this.#followers.remove(follower)
  }

  #findFront(): void {
    this.front = 0
    for (let f = this.#followers.first; f !== null; f = f.next)
      if (f.position > this.front) this.front = f.position
  }
}
