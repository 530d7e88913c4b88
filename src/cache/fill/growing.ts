/**
 * Growing: the entry that a fill writes: in the store, in the store beneath when the first has no room, or, when
 * neither takes it, as a window that moves on.
 *
 * Invariants: what was begun in the store is completed or abandoned once. Of an entry that is not stored at most
 * `windowBytes` and a block are held; a reader that has not read what leaves the window is told that it fell behind,
 * and never given other bytes. (How long a reader is waited for before that: patience.ts.)
 */
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/faults.ts'
import type { Entry } from '../store/entry.ts'
import { Growth, type GrowthOwner } from '../store/growth.ts'
import type { FillLimits } from './fill-limits.ts'
import { blockBytes } from '../store/memory-body.ts'
import { Patience } from './patience.ts'
import type { CacheStore, GrowingBelow, GrowingBelowOwner } from '../store/store.ts'
import { Tails } from './tails.ts'

/** Where the entry grows. */
export interface GrowingPlace {
  readonly store: CacheStore
  readonly clock: Clock
  readonly limits: FillLimits
}

export class Growing implements GrowingBelowOwner {
  readonly entry: Entry
  readonly growth: Growth
  /** A store takes the entry. */
  isStored: boolean
  readonly #store: CacheStore
  readonly #windowBytes: number
  readonly #patience: Patience
  /** The growing file, if the entry grows in the store beneath. */
  #below: GrowingBelow | null = null
  readonly #owner: GrowthOwner
  /** How many bytes have left the window. */
  #forgotten = 0

  /** `from` is the step by which the origin is asked. */
  constructor(entry: Entry, { store, clock, limits }: GrowingPlace, owner: GrowthOwner, from: number) {
    this.entry = entry
    this.#store = store
    this.#owner = owner
    this.#windowBytes = limits.windowBytes
    this.growth = new Growth(owner, tailsOf(entry, from, limits.windowBytes, clock))
    this.#patience = new Patience(clock, this.growth, limits.windowBytes, () => owner.onAdvance())
    this.isStored = store.begin(entry) || this.#beginBelow()
  }

  #beginBelow(): boolean {
    this.#below = this.#store.beginBelow(this.entry, this.growth, this)
    return this.#below !== null
  }

  onCaughtUp(): void {
    this.#owner.onAdvance()
  }

  onLost(): void {
    const { entry, growth } = this
    const { body } = entry
    this.#below = null
    body.backing = null
    this.#store.abandon(entry)
    this.isStored = entry.isBelow = false
    this.#forgotten = body.forget(body.heldFrom)
    growth.forgotten(this.#forgotten)
    this.#owner.onAdvance()
  }

  /** Can it still be read from its first byte? */
  get isJoinable(): boolean {
    return this.#forgotten === 0
  }

  /** Was it purged since then? Of one that no store took, every purge may have been about it. */
  isPurgedSince(generation: number): boolean {
    const store = this.#store
    return store.generation !== generation && (!this.isStored || store.isPurged(this.entry))
  }

  /** Is it so far ahead of the fastest reader, or of one that is waited for, that the origin should wait? */
  get isAhead(): boolean {
    if (this.#patience.isWaiting || this.#below?.isBehind === true) return true
    // Where bytes are thrown away, the fastest reader must be able to rely on those that it has not read.
    const ahead = this.isStored ? this.#windowBytes : this.#windowBytes / 2
    return this.aheadBytes > ahead
  }

  /** How far it is ahead of its fastest reader; 0 when nobody reads it. */
  get aheadBytes(): number {
    return this.growth.size === 0 ? 0 : this.entry.body.length - this.growth.front
  }

  /** The bytes that it holds and no store accounts for. */
  get heldBytes(): number {
    const { body } = this.entry
    if (this.#below !== null) return body.heldBytes
    return this.isStored ? 0 : body.length - this.#forgotten
  }

  append(buffer: Buffer, start: number, end: number): void {
    const { body } = this.entry
    const before = body.length
    if (this.isStored && !this.#store.append(this.entry, buffer, start, end))
      this.isStored = this.#below === null && this.#beginBelow()
    if (body.length === before) body.append(buffer, start, end)
    this.#below?.grown()
    this.growth.grown()
    if (this.isStored) return
    this.#forget()
    this.#patience.look(body.length)
  }

  /** False: the store does not keep it after all. */
  complete(): boolean {
    const { entry, growth } = this
    this.#patience.close()
    if (this.isStored) this.isStored = this.#store.complete(entry)
    entry.body.finish()
    if (this.isStored) this.#below?.complete()
    else this.#below?.abandon()
    growth.isWhole = true
    growth.grown()
    return this.isStored
  }

  abandon(fault: Fault): void {
    this.#patience.close()
    if (this.isStored) this.#store.abandon(this.entry)
    this.#below?.abandon()
    this.#below = null
    this.isStored = false
    this.growth.broken(fault)
  }

  #forget(): void {
    const { body } = this.entry
    const offset = body.length - this.#windowBytes
    if (offset < this.#forgotten + blockBytes) return
    this.#forgotten = body.forget(offset)
    this.growth.forgotten(this.#forgotten)
  }
}

/** Only a strong entity-tag tells a part from those of other versions (RFC 9110 §13.1.5). */
function tailsOf(entry: Entry, from: number, windowBytes: number, clock: Clock): Tails | null {
  const { etag, statedLength: length, head } = entry
  const isResumable = head.status === 200 && length > 0 && etag.startsWith('"')
  return isResumable ? new Tails({ from, etag, length, windowBytes, clock }) : null
}
