/**
 * MemoryStore: the cache in memory. See store.ts for what it promises, admission.ts for what goes when there is no
 * room, purge.ts for purges.
 *
 * Invariants: `bytes` is the sum over stored and growing entries, and is at most `bytesMax` after every call; an
 * entry is in the index and in a queue exactly while `isStored`, and in the set of growing ones exactly while
 * `isGrowing`; each is evicted once.
 */
import type { RequestHead } from '../../http/message.ts'
import { Admission, usesMax } from './admission.ts'
import type { DerivedForm, Entry } from '../store/entry.ts'
import { derivedBytes, fixedBytes, formBytes } from '../store/entry-bytes.ts'
import { EntryIndex } from './entry-index.ts'
import { GrowingEntries } from './growing-entries.ts'
import type { Growth } from '../store/growth.ts'
import { SearchRules } from '../keys/no-vary-search.ts'
import { add, addAll } from '../purge/purge-places.ts'
import { PurgeReports } from '../purge/purge-reports.ts'
import { Purges } from '../purge/purge.ts'
import type {
  CacheStore,
  GrowingBelow,
  GrowingBelowOwner,
  PurgeReport,
  PurgeRequest,
  PurgeTarget,
  StoreBelow,
  StoreSnapshot,
} from '../store/store.ts'
import { StoreCounts } from '../store/store-counts.ts'
import { entryShare, growingShare, type MemoryStoreOptions } from './options.ts'
import { Sweep } from './sweep.ts'
import { UrlKeys } from '../purge/url-keys.ts'
import type { Vary } from '../keys/vary.ts'

/** Keys of one URL that a purge takes out at once; more, as by a cookie, are swept as those of a tag are. */
export const urlKeysMax = 500

export class MemoryStore implements CacheStore {
  bytesMax: number
  entryBytesMax: number
  readonly counts = new StoreCounts()
  readonly searchRules = new SearchRules()
  #fixedEntryBytesMax: number | undefined
  readonly #index = new EntryIndex()
  readonly #queues = new Admission<Entry>()
  readonly #growing = new GrowingEntries()
  readonly #purges: Purges
  readonly #sweep: Sweep<Entry>
  readonly #reports = new PurgeReports()
  readonly #urlKeys = new UrlKeys()
  readonly #onEvict: ((entry: Entry) => void) | undefined
  readonly #below: StoreBelow | undefined

  constructor(options: MemoryStoreOptions) {
    this.bytesMax = options.bytesMax
    this.#fixedEntryBytesMax = options.entryBytesMax
    this.entryBytesMax = options.entryBytesMax ?? Math.floor(options.bytesMax * entryShare)
    this.#onEvict = options.onEvict
    this.#below = options.below
    this.#purges = new Purges(options.clock)
    const settle = (entry: Entry): void => void this.#settle(entry)
    this.#sweep = new Sweep(options.clock, this.#purges, this.#index, this.#growing, settle)
  }

  get generation(): number {
    return this.#purges.generation
  }

  /** Bytes of all entries, growing ones included. */
  get bytes(): number {
    return this.#queues.smallBytes + this.#queues.mainBytes + this.#growing.bytes
  }

  // Finding

  find(key: string, request: RequestHead): Entry | null {
    const entry = this.peek(key, request)
    if (entry === null) {
      this.counts.misses++
      return null
    }
    this.counts.hits++
    entry.hits++
    if (entry.uses < usesMax) entry.uses++
    return entry
  }

  has(key: string): boolean {
    for (const entry of this.#index.variants(key)) if (this.#settle(entry)) return true
    return false
  }

  peek(key: string, request: RequestHead): Entry | null {
    const entry = this.#fitting(this.#index.get(key), request)
    if (entry !== null || this.searchRules.isEmpty) return entry
    for (const rule of this.searchRules.of(key)) {
      const other = this.#fitting(this.#index.get(rule.keyOf(key)), request)
      if (other !== null) return other
    }
    return null
  }

  /** The first of the variants that fits `request`: the most recent one. */
  #fitting(first: Entry | null, request: RequestHead): Entry | null {
    let vary: Vary | null = null
    let variant = ''
    for (let entry = first; entry !== null;) {
      const next: Entry | null = entry.nextVariant
      if (entry.vary !== null && entry.vary !== vary) {
        vary = entry.vary
        variant = vary.variantOf(request)
      }
      if ((entry.vary === null || entry.variant === variant) && this.#settle(entry)) return entry
      entry = next
    }
    return null
  }

  /** Compares with the purges since the entry was last looked at. False: it was purged, and is gone. */
  #settle(entry: Entry): boolean {
    const isChecked = entry.checkedAt === this.#purges.generation && !entry.isDoomed
    if (isChecked || this.#purges.settle(entry)) return true
    if (!entry.isStored) return false
    this.#takeOut(entry)
    this.counts.purged++
    return false
  }

  // Growing

  begin(entry: Entry): boolean {
    const bytes = fixedBytes(entry) + entry.body.heldBytes
    const statedBytes = fixedBytes(entry) + Math.max(entry.statedLength, entry.body.heldBytes)
    if (this.#hasRoom(statedBytes, bytes) && this.#grow(entry, bytes)) return true
    this.counts.refused++
    return false
  }

  /** False: it was purged. */
  #grow(entry: Entry, bytes: number): boolean {
    if (!this.#purges.admit(entry)) return false
    this.#growing.begin(entry, bytes)
    return true
  }

  beginBelow(entry: Entry, growth: Growth, owner: GrowingBelowOwner): GrowingBelow | null {
    if (!this.#grow(entry, 0)) return null
    const growing = this.#below?.begin(entry, growth, owner) ?? null
    if (growing === null) this.abandon(entry)
    else entry.isBelow = true
    return growing
  }

  /** Makes room for `bytes` now, and says whether an entry of `wholeBytes` may be held at all. */
  #hasRoom(wholeBytes: number, bytes: number): boolean {
    if (wholeBytes > this.entryBytesMax || this.#growing.bytes + bytes > this.bytesMax * growingShare)
      return false
    return this.#makeRoom(bytes)
  }

  #makeRoom(bytes: number): boolean {
    while (this.bytes + bytes > this.bytesMax) {
      const entry = this.#queues.evict(this.bytesMax)
      if (entry === null) return false
      // Purged ones are counted as such, not as evicted.
      const wasPurged = !this.#purges.settle(entry)
      this.#forget(entry)
      if (wasPurged) this.counts.purged++
      else {
        this.counts.noteEvicted(entry.bytes)
        this.#onEvict?.(entry)
      }
    }
    return true
  }

  append(entry: Entry, buffer: Buffer, start: number, end: number): boolean {
    if (!entry.isGrowing) return false
    const cost = entry.isBelow ? 0 : entry.body.costOf(end - start)
    if (cost > 0 && !this.#hasRoom(entry.bytes + cost, cost)) {
      this.abandon(entry)
      this.counts.refused++
      return false
    }
    entry.body.append(buffer, start, end)
    this.#growing.grow(entry, cost)
    return true
  }

  complete(entry: Entry): boolean {
    if (!entry.isGrowing) return false
    if (!this.#purges.settle(entry)) {
      this.abandon(entry)
      return false
    }
    if (entry.isBelow) {
      this.abandon(entry)
      entry.body.finish()
      return true
    }
    this.#growing.end(entry)
    entry.body.finish()
    entry.bytes = fixedBytes(entry) + entry.body.heldBytes
    this.#purges.places.enter(entry)
    this.#store(entry)
    this.#queues.add(entry)
    this.#below?.onStored(entry)
    return true
  }

  /** Enters a whole entry in the index, in place of those that it replaces. Queues and accounts are the caller's. */
  #store(entry: Entry): void {
    for (const old of this.#index.replacedBy(entry)) this.#drop(old)
    entry.isStored = true
    this.#index.add(entry)
    this.#urlKeys.add(entry)
    if (entry.searchRule !== null) this.searchRules.add(entry.key, entry.searchRule)
    if (!entry.isFromBelow && !this.searchRules.isEmpty) this.replaceOthers(entry)
    this.counts.entries++
  }

  /** Takes out, here and below, what answered the same request without a rule for its parameters, or by another. */
  replaceOthers({ requestKey, key }: Entry): void {
    for (const other of this.searchRules.keysOf(requestKey, key)) {
      for (const old of this.#index.variants(other)) this.remove(old)
      this.#below?.onReplaced(other)
    }
  }

  isPurged(entry: Entry): boolean {
    return (!entry.isStored && !entry.isGrowing) || !this.#settle(entry)
  }

  /** Does a purge since `bornAt` concern it? Also of one that is not stored here, or no more. */
  wasPurged(entry: Entry): boolean {
    return entry.isStored || entry.isGrowing ? !this.#settle(entry) : this.#purges.hasPurged(entry)
  }

  abandon(entry: Entry): void {
    if (!entry.isGrowing) return
    this.#growing.end(entry)
    this.#purges.places.quit(entry)
  }

  replaceHead(old: Entry, fresh: Entry): boolean {
    if (!old.isStored) return old.isFromBelow && this.#below?.replaceHead(old, fresh) === true
    if (!this.#settle(old)) return false
    if (!this.#purges.admit(fresh)) return false
    fresh.isBeneath = old.isBeneath
    fresh.derived = old.derived
    fresh.hits = old.hits
    fresh.bytes = fixedBytes(fresh) + fresh.body.heldBytes + derivedBytes(fresh)
    this.#purges.places.enter(fresh)
    this.#queues.replace(old, fresh)
    this.#forget(old)
    if (fresh.key !== old.key) this.#below?.onRemoved(old)
    this.#store(fresh)
    this.#makeRoom(0)
    this.#below?.onStored(fresh)
    return fresh.isStored
  }

  addDerived(entry: Entry, form: DerivedForm): boolean {
    const bytes = formBytes(form)
    if (!entry.isStored || entry.bytes + bytes > this.entryBytesMax) return false
    if (!this.#makeRoom(bytes) || !entry.isStored) return false
    entry.derived = [...(entry.derived ?? []), form]
    this.#purges.places.resize(entry, bytes)
    this.#queues.resize(entry, entry.bytes + bytes)
    return true
  }

  // Going

  remove(entry: Entry): void {
    if (entry.isGrowing) return this.abandon(entry)
    this.#drop(entry)
    this.#below?.onRemoved(entry)
  }

  #drop(entry: Entry): void {
    if (!entry.isStored) return
    // Counted for a purge that may concern it.
    if (this.#settle(entry)) this.#takeOut(entry)
  }

  #takeOut(entry: Entry): void {
    this.#queues.remove(entry)
    this.#forget(entry)
  }

  /** After it has left its queue. */
  #forget(entry: Entry): void {
    this.#index.delete(entry)
    this.#urlKeys.delete(entry, this.#index.get(entry.key) === null)
    this.#purges.places.leave(entry)
    entry.isStored = false
    this.counts.entries--
  }

  /** What is meant of a key is in the store beneath from now on, or no more. */
  setBeneath(key: string, isBeneath: boolean, isMeant: (entry: Entry) => boolean): void {
    for (const entry of this.#index.variants(key))
      if (isMeant(entry)) this.#purges.places.setBeneath(entry, isBeneath)
  }

  /** There is no store beneath any more. */
  forgetBeneath(): void {
    const walk = this.#index.walk()
    for (let entry = walk.next(); entry !== null; entry = walk.next())
      this.#purges.places.setBeneath(entry, false)
  }

  // Purging

  purge(request: PurgeRequest): PurgeReport {
    const { target, isSoft = false, isDry = false } = request
    if (target.kind === 'url' || target.kind === 'key') return this.#purgeUrl(target, isSoft, isDry)
    const mark = this.#purges.purge(target, isSoft, isDry)
    if (mark.generation > 0) this.#sweep.wake()
    return this.#reports.keep(mark)
  }

  #purgeUrl(target: PurgeTarget & { kind: 'url' | 'key' }, isSoft: boolean, isDry: boolean): PurgeReport {
    const keys = this.#urlKeys.concerned(target, this.#purges.places, this.searchRules)
    const isMarked = target.kind === 'url' && !isDry && keys.size > urlKeysMax
    const entries: Entry[] = []
    if (!isMarked) for (const key of keys) this.#gather(key, entries)
    const tally = { count: 0, bytes: 0, ownCount: 0, ownBytes: 0 }
    for (const entry of entries) add(tally, 1, entry.bytes, entry.isBeneath)
    if (isDry) return { ...tally, generation: 0, isCounted: true }
    // The mark comes after those who are found have been compared with all earlier ones.
    const mark = this.#purges.noteUrl(target, isSoft, isMarked)
    addAll(mark, tally)
    if (!isSoft) this.counts.purged += entries.length
    for (const entry of entries) {
      if (isSoft) entry.isSoftPurged = true
      else {
        entry.isDoomed = true
        this.#takeOut(entry)
      }
    }
    this.#sweep.wake()
    return this.#reports.keep(mark)
  }

  #gather(key: string, entries: Entry[]): void {
    for (const entry of this.#index.variants(key)) if (this.#settle(entry)) entries.push(entry)
  }

  // Looking

  purgeReport(generation: number): PurgeReport | null {
    return this.#reports.find(generation)
  }

  snapshot(): StoreSnapshot {
    return {
      ...this.counts.copy(),
      bytes: this.bytes,
      bytesMax: this.bytesMax,
      growing: this.#growing.size,
      growingBytes: this.#growing.bytes,
      ...this.#purges.snapshot(),
    }
  }

  resize(bytesMax: number, entryBytesMax = this.#fixedEntryBytesMax): void {
    this.bytesMax = bytesMax
    this.#fixedEntryBytesMax = entryBytesMax
    this.entryBytesMax = entryBytesMax || Math.floor(bytesMax * entryShare)
    this.#makeRoom(0)
  }

  topEntries(countMax: number): Entry[] {
    const young = this.#queues.youngest()
    return young.sort((a, b) => b.hits - a.hits).slice(0, countMax)
  }

  /** Takes out what is stored under a key, as another worker has a newer answer. */
  forgetKey(key: string): void {
    for (const each of this.searchRules.keysOf(key))
      for (const entry of this.#index.variants(each)) this.#drop(entry)
  }

  /** The same, and what grows under it will not be stored; that is given. */
  outdateKey(key: string): Entry[] {
    this.forgetKey(key)
    return this.searchRules.keysOf(key).flatMap((each) => this.#growing.doom(each))
  }

  close(): void {
    this.#sweep.close()
  }
}
