/**
 * CacheStore: the seam between the cache and the place where it keeps answers. The memory store answers at once; what
 * is on disk is looked for first, and put into memory (disk/disk-store.ts).
 *
 * Promises of every implementation (test/unit/cache/store-suite.ts holds them to it):
 * - `find` returns an entry only if it is whole, its variant fits the request, and no purge since `bornAt` concerns
 *   it;
 * - what was purged is never found again, even if its fill was under way while it was purged;
 * - the bytes accounted are the sum of those of the entries, and stay within the limit;
 * - an entry that is evicted while it is read stays readable for those who hold it.
 */
import type { RequestHead } from '../../http/message.ts'
import type { DerivedForm, Entry } from './entry.ts'
import type { Growth } from './growth.ts'
import type { PurgeReport, PurgeRequest } from './purge-request.ts'
import type { Counted } from './store-counts.ts'

export type { PurgeReport, PurgeRequest, PurgeTarget } from './purge-request.ts'

export interface StoreSnapshot extends Counted {
  readonly bytes: number
  readonly bytesMax: number
  readonly growing: number
  readonly growingBytes: number
  readonly generation: number
  /** Purges whose entries are still being thrown out in the background. */
  readonly pendingPurges: number
  /** Purges remembered for answers that are under way. */
  readonly purgeMarks: number
  /** Hosts and tags that entries have, and what else purges are written to. */
  readonly purgeRecords: number
}

/** An answer that arrives, in the store beneath. */
export interface GrowingBelow {
  /** It cannot follow: the origin should wait. */
  readonly isBehind: boolean
  /** The body is longer. */
  grown(): void
  /** All is there. */
  complete(): void
  /** It will never be whole, or must not be kept. */
  abandon(): void
}

export interface GrowingBelowOwner {
  /** No longer behind. */
  onCaughtUp(): void
  /** It cannot be kept there: what the body has let go of is lost. */
  onLost(): void
}

/** Another store beneath one, which is told what happens in it. */
export interface StoreBelow {
  /** Takes an answer that has no room above, while it arrives; null: no. It is the body's backing from then on. */
  begin(entry: Entry, growth: Growth, owner: GrowingBelowOwner): GrowingBelow | null
  /** `fresh` is the head by now of what is only beneath (`CacheStore.replaceHead`). False: it is not. */
  replaceHead(old: Entry, fresh: Entry): boolean
  /** A whole answer is found from now on, or the same one with another head. */
  onStored(entry: Entry): void
  /** The origin has another answer by now, or none that may be kept. */
  onRemoved(entry: Entry): void
  /** The same of whatever is stored under a key. */
  onReplaced(key: string): void
}

export interface CacheStore {
  /** Rises by one with every purge. A fill reads it before it sends its request: `Entry.bornAt`. */
  readonly generation: number
  /** The largest entry that is taken, in bytes. */
  readonly entryBytesMax: number
  find(key: string, request: RequestHead): Entry | null
  /** Is anything stored under the key, for whatever request? */
  has(key: string): boolean
  /** Like `find`, without counting it as a use: for `explain` and for warming. */
  peek(key: string, request: RequestHead): Entry | null
  /**
   * Takes a growing entry. False: too large, no room, or purged since `bornAt`; the entry is then nobody's, and its
   * answer is passed on without being stored.
   */
  begin(entry: Entry): boolean
  /**
   * Has a growing entry that has no room here arrive in the store beneath; it is then growing here too, without its body.
   * null: there is none, it does not take it, or it was purged.
   */
  beginBelow(entry: Entry, growth: Growth, owner: GrowingBelowOwner): GrowingBelow | null
  /** Adds to a growing entry's body. False: it no longer fits; the entry was abandoned. */
  append(entry: Entry, buffer: Buffer, start: number, end: number): boolean
  /**
   * The body is whole: from now on it is found, and what it replaces is not. False when it was purged meanwhile. Of one that
   * was begun beneath: it is no longer growing, and will be found there.
   */
  complete(entry: Entry): boolean
  /** Does a purge since `bornAt` concern it? For one that was begun and is held by somebody, stored or not. */
  isPurged(entry: Entry): boolean
  /** The body will never be whole. */
  abandon(entry: Entry): void
  /**
   * `fresh` has the body of `old` and another head (RFC 9111 §4.3.4). False when `old` is no longer stored, or a purge
   * since `fresh.bornAt` concerns it.
   */
  replaceHead(old: Entry, fresh: Entry): boolean
  /** Keeps another form of a stored entry's answer with it. False when there is no room or it is not stored. */
  addDerived(entry: Entry, form: DerivedForm): boolean
  remove(entry: Entry): void
  purge(request: PurgeRequest): PurgeReport
  /** The report of one of the last purges, as far as it has been counted; null when it is not remembered. */
  purgeReport(generation: number): PurgeReport | null
  snapshot(): StoreSnapshot
  /** Changes the limits; entries are thrown out at once until the first holds. `entryBytesMax`: 0 = an eighth of it. */
  resize(bytesMax: number, entryBytesMax?: number): void
  /** The keys found most often, for the admin page: at most `countMax`. */
  topEntries(countMax: number): Entry[]
  close(): void
}
