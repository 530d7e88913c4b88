/**
 * SlicedBody: the body of one client's answer, put together from slices as the client reads: from memory, from disk,
 * from a fetch that is under way, or from a fetch that has to be started.
 *
 * To BodyReader it is both a body that is not complete yet and the growth of that body. It holds only the slice that
 * is being read. The next slice is asked for when the client has read half of the current one, so that the origin's
 * delay does not show, and for a client that leaves no more than one slice is fetched in vain.
 *
 * Promises: no byte of another version; a slice that breaks off is asked for once more, and then the answer is cut
 * visibly; when the client leaves, nothing more is asked for.
 */
import { Faults, NONE, type Fault } from '../../core/faults.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { RequestHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import type { Followed, Follower, Growth, ReadableBody } from '../store/growth.ts'
import { BodySpan } from '../store/memory-body.ts'
import { Outcome, Reader } from './reader.ts'
import type { Slice, Version } from './slice.ts'
import type { CacheStore } from '../store/store.ts'
import type { VaryFolding } from '../keys/vary.ts'

/** Where slices are stored, and what fetches them. */
export interface SliceSource {
  readonly store: CacheStore
  /** Looks beneath the store; absent: there is nothing beneath. A promise must be waited for. */
  findPart?(
    key: string,
    request: RequestHead,
    folding: VaryFolding | null,
  ): Entry | null | Promise<Entry | null>
  place(reader: Reader): void
  refresh(x: Exchange, ask: Ask): void
}

const lookedAt = new BodySpan()

/** Waits for one slice, for a body that is being read. */
class SliceWaiter extends Reader {
  readonly #onOutcome: (waiter: SliceWaiter) => void

  constructor(x: Exchange, ask: Ask, bornAt: number, onOutcome: (waiter: SliceWaiter) => void) {
    super(x, ask, bornAt)
    this.#onOutcome = onOutcome
  }

  override wake(): void {
    if (this.outcome !== Outcome.WAITING) this.#onOutcome(this)
  }
}

export class SlicedBody implements ReadableBody, Followed, Follower {
  /** As for a body in blocks. */
  readonly single = null
  readonly length: number
  /** Everything was read. */
  isWhole = false
  // As a follower of the slice that grows.
  position = 0
  previous: Follower | null = null
  next: Follower | null = null
  list: object | null = null
  readonly #x: Exchange
  readonly #source: SliceSource
  readonly #ask: Ask
  /** Any ask for a slice of this version. */
  readonly #slice: Slice
  #reader: Follower | null = null
  #number = -1
  #entry: Entry | null = null
  #growth: Growth | null = null
  #waiter: SliceWaiter | null = null
  #isAsking = false
  /** It is waiting for what is on disk. */
  #looking: object | null = null
  /** Why the last requested slice did not come; NONE: it did, or it is not known yet. */
  #fault: Fault = NONE
  #hasRetried = false
  #prefetched = -1

  /** `ask.slice`: of the version. */
  constructor(x: Exchange, source: SliceSource, ask: Ask & { readonly slice: Slice }, { length }: Version) {
    this.#x = x
    this.#source = source
    this.#ask = ask
    this.#slice = ask.slice
    this.length = length
  }

  /** Is the slice with `offset` stored? If so it is read next. A promise must be waited for. */
  open(offset: number): boolean | Promise<boolean> {
    const number = this.#numberOf(offset)
    const entry = this.#find(number) ?? this.#findBelow(number)
    if (!(entry instanceof Promise)) return this.#takeStored(number, entry)
    const looking = (this.#looking = {})
    return entry.then((found) => this.#looking === looking && this.#takeStored(number, found))
  }

  /** The reader with which an exchange that has not begun its answer waits for the slice with `offset`. */
  askFor(offset: number): Ask & { readonly slice: Slice } {
    const slice = this.#slice.at(this.#numberOf(offset))
    return { ...this.#ask, key: slice.key, slice }
  }

  /** The outcome of that wait. */
  seed(number: number, entry: Entry, growth: Growth | null): void {
    this.#take(number, entry, growth)
  }

  #numberOf(offset: number): number {
    return Math.floor(offset / this.#slice.bytes)
  }

  #find(number: number): Entry | null {
    const slice = this.#slice.at(number)
    const entry = this.#source.store.find(slice.key, this.#x.request)
    return this.#fitting(slice, entry)
  }

  #fitting(slice: Slice, entry: Entry | null): Entry | null {
    return entry !== null && entry.body.length === slice.bytesOf(this.length) ? entry : null
  }

  #findBelow(number: number): Entry | null | Promise<Entry | null> {
    const slice = this.#slice.at(number)
    const found = this.#source.findPart?.(slice.key, this.#x.request, this.#ask.folding) ?? null
    return found instanceof Promise
      ? found.then((entry) => this.#fitting(slice, entry))
      : this.#fitting(slice, found)
  }

  /** Returns false when it is not. */
  #takeStored(number: number, entry: Entry | null): boolean {
    if (entry !== null) this.#take(number, entry, entry.body.backing?.growth ?? null)
    return entry !== null
  }

  #take(number: number, entry: Entry, growth: Growth | null): void {
    this.#letGo()
    this.#number = number
    this.#entry = entry
    this.#growth = growth
    growth?.follow(this)
    // Of a slice that is read from its middle, or asked for again, the reader wants the later bytes.
    if (this.position > 0) growth?.advance(this)
  }

  #letGo(): void {
    this.#waiter?.leave()
    this.#growth?.leave(this)
    this.#waiter = this.#growth = this.#entry = this.#looking = null
  }

  // As a body

  readAt(offset: number, span: BodySpan, end: number = this.length): boolean {
    if (offset >= this.length) {
      this.isWhole = true
      return false
    }
    const number = this.#numberOf(offset)
    if (number !== this.#number) this.#turnTo(number, offset)
    const entry = this.#entry
    if (entry === null) return false
    const first = number * this.#slice.bytes
    return entry.body.readAt(offset - first, span, Math.min(this.#slice.bytes, end - first))
  }

  #turnTo(number: number, offset: number): void {
    this.#hasRetried = false
    // The next of several ranges may begin within this slice: whoever fetches it must not wait for the bytes
    // before to be read.
    this.position = offset - number * this.#slice.bytes
    const entry = this.#find(number)
    if (entry !== null) this.#take(number, entry, null)
    else this.#request(number)
  }

  #request(number: number): void {
    this.#letGo()
    this.#number = number
    // A slice that was damaged on disk is not looked for there again.
    const below = this.#hasRetried ? null : this.#findBelow(number)
    if (!(below instanceof Promise)) {
      if (!this.#takeStored(number, below)) this.#fetch(number)
      return
    }
    const looking = (this.#looking = {})
    void below.then((entry) => {
      if (this.#looking !== looking) return
      this.#looking = null
      if (!this.#takeStored(number, entry)) this.#fetch(number)
      if (this.#entry !== null) this.#reader?.onGrown()
    })
  }

  #fetch(number: number): void {
    const slice = this.#slice.at(number)
    const ask = { ...this.#ask, key: slice.key, slice }
    const { generation } = this.#source.store
    const waiter = new SliceWaiter(this.#x, ask, generation, (told) => this.#told(told, number))
    this.#waiter = waiter
    this.#isAsking = true
    this.#source.place(waiter)
    this.#isAsking = false
    if (this.#fault !== NONE) this.#fail(this.#fault)
  }

  #told(waiter: SliceWaiter, number: number): void {
    if (waiter !== this.#waiter) return
    this.#waiter = null
    const { outcome, entry, growth, fault } = waiter
    if (outcome === Outcome.FILLED && entry !== null) this.#take(number, entry, growth)
    else this.#fault = fault === NONE ? Faults.ORIGIN_TRUNCATED : fault
    if (this.#isAsking) return
    if (this.#fault !== NONE) this.#fail(this.#fault)
    else this.#reader?.onGrown()
  }

  #fail(fault: Fault): void {
    this.#fault = NONE
    const number = this.#number
    if (this.#hasRetried || fault === Faults.ANSWER_CHANGED) {
      this.#letGo()
      this.#reader?.onBroken(fault)
      return
    }
    this.#hasRetried = true
    this.#request(number)
    if (this.#entry !== null) this.#reader?.onGrown()
  }

  // As a growth, to the one who reads

  follow(follower: Follower): void {
    this.#reader = follower
  }

  leave(): void {
    this.#reader = null
    this.#letGo()
  }

  advance({ position }: Follower): void {
    const { bytes } = this.#slice
    const inSlice = position - this.#number * bytes
    if (inSlice < 0 || inSlice > bytes) return
    if (this.#hasLost(inSlice)) {
      this.#number = -1
      return
    }
    this.position = inSlice
    this.#growth?.advance(this)
    if (inSlice * 2 >= bytes) this.#prefetch(position)
  }

  /**
   * It goes back, as several ranges may, to bytes that the fill of an unstored slice no longer holds: then it
   * asks for that slice anew.
   */
  #hasLost(inSlice: number): boolean {
    if (this.#growth === null || this.#entry === null || inSlice >= this.position) return false
    return !this.#entry.body.readAt(inSlice, lookedAt, inSlice + 1)
  }

  #prefetch(position: number): void {
    const number = this.#number + 1
    const until = this.#reader?.readsUntil ?? this.length
    if (this.#prefetched === number || number * this.#slice.bytes >= Math.min(until, this.length)) return
    this.#prefetched = number
    if (position >= this.length || this.#find(number) !== null) return
    const below = this.#findBelow(number)
    if (below === null) return this.#refresh(number)
    if (!(below instanceof Promise)) return
    void below.then((entry) => {
      if (entry === null && this.#reader !== null) this.#refresh(number)
    })
  }

  #refresh(number: number): void {
    this.#source.refresh(this.#x, this.askFor(number * this.#slice.bytes))
  }

  // As a follower of the slice

  onGrown(): void {
    this.#reader?.onGrown()
  }

  onBroken(fault: Fault): void {
    this.#growth = null
    this.#entry = null
    this.#fail(fault === NONE ? Faults.ORIGIN_TRUNCATED : fault)
  }

  onLeftBehind(): void {
    this.onBroken(Faults.READ_TIMEOUT)
  }
}
