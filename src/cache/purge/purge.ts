/**
 * Purges by generations: a purge is one mark with the next number on its target (everything, a site, a host, a tag, a
 * prefix), however many entries that concerns. An entry that was looked at since the last purge has that number, so a
 * hit normally compares one number; otherwise at most four tell which kinds of purge came since, and only those are
 * looked into.
 *
 * Invariants: an entry is concerned by the marks younger than its `bornAt`, the generation when its request was sent,
 * so an answer that was under way during a purge is not stored as if it were new. Marks are forgotten, oldest first,
 * when every entry has been compared with them (sweep.ts) and `restMs` have passed. What was born before the last one
 * forgotten (`floor`) is no longer admitted, since nothing is left to tell whether it was purged. So the number of
 * marks is bounded by time and by `marksMax`, and no purge is ever lost.
 *
 * Counts: a purge concerns the stored entries that no earlier hard purge concerns. While earlier ones are still being
 * swept the sweep does the counting; otherwise the records' own counts are exact.
 */
import type { Clock } from '../../core/clock.ts'
import { PurgeMark, type PurgeMember, type PurgeRecord } from '../store/purge-records.ts'
import { add, addAll, PurgePlaces } from './purge-places.ts'
import type { PurgeTarget, StoreSnapshot } from '../store/store.ts'

/** How long a mark is kept for answers that were asked for before it: longer than an origin is waited for, mostly. */
export const restMs = 30_000
/** Marks kept: ten thousand purges a minute and their rest need 5,000. */
export const marksMax = 20_000
/** Marks forgotten at once: a request that comes meanwhile waits for it. The next come with the sweep's next look. */
const forgottenMax = 1000

export class Purges {
  generation = 1
  /** What was born before is not taken in. */
  floor = 0
  /** Neither is it stored if it grows already: raised only when there are too many marks. */
  #cutoff = 0
  readonly places = new PurgePlaces()
  readonly #clock: Clock
  #marks: PurgeMark[] = []
  /** Generation of the last mark that all entries have been compared with. */
  #sweptAt = 0
  /** There may be entries that come later and count for purges of now: then none is counted before a sweep. */
  isComplete = true
  /** Hard marks younger than that: while there are any, counts include entries that are gone already. */
  #unsweptHard = 0
  readonly #found: PurgeMark[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Compares an entry with the purges since it was last looked at. False: it was purged, and is so for ever (`isDoomed`); a
   * soft purge is noted on it. Counts it for the purges that concern it if it is stored.
   */
  settle(entry: PurgeMember): boolean {
    if (!entry.isDoomed) entry.isDoomed = !this.#outlives(entry)
    return !entry.isDoomed
  }

  #outlives(entry: PurgeMember): boolean {
    const since = entry.checkedAt
    if (since === this.generation) return true
    if (!entry.isStored && entry.bornAt < this.#cutoff) return false
    const found = this.#found
    found.length = 0
    this.places.collect(entry, since, found)
    entry.checkedAt = this.generation
    return found.length === 0 || apply(entry, found)
  }

  /** Takes part in what is purged from now on. False: it was purged, or nobody knows any more. */
  admit(entry: PurgeMember): boolean {
    if (entry.bornAt < this.floor) return false
    this.places.join(entry)
    const isAdmitted = this.settle(entry)
    if (!isAdmitted) this.places.quit(entry)
    return isAdmitted
  }

  /** Has one since it was last looked at concerned it, or does nobody know any more? It takes no part in those to come. */
  hasPurged(entry: PurgeMember): boolean {
    if (entry.isDoomed || entry.checkedAt < this.floor) return true
    if (entry.checkedAt === this.generation) return false
    this.places.join(entry)
    const isPurged = !this.settle(entry)
    this.places.quit(entry)
    return isPurged
  }

  // Purging

  /** Purges everything, a site, a host, a tag or a prefix. */
  purge(target: PurgeTarget, isSoft: boolean, isDry: boolean): PurgeMark {
    const members = this.places.membersOf(target)
    const isExact = members !== null && this.isComplete && this.#unsweptHard === 0
    const isMark = !isDry || !isExact
    const mark = new PurgeMark(isMark ? ++this.generation : 0, isSoft, isDry, this.#clock.nowMs())
    if (isExact) {
      mark.isExact = mark.isCounted = true
      for (const record of members) addAll(mark, record)
    }
    if (isMark) this.#place(target, mark)
    return mark
  }

  /**
   * Notes that a URL or key was purged, for answers that are under way. What is stored is the caller's concern; or, where
   * `isForStored`, that of the sweep and of whoever finds it, as with a tag.
   */
  noteUrl(
    target: PurgeTarget & { kind: 'url' | 'key' },
    isSoft: boolean,
    isForStored: boolean,
    isDry = false,
  ): PurgeMark {
    const mark = new PurgeMark(++this.generation, isSoft, isDry, this.#clock.nowMs())
    if (isForStored) this.places.storedUrlsAt = mark.generation
    else mark.isExact = mark.isCounted = true
    this.#place(target, mark)
    return mark
  }

  #place(target: PurgeTarget, mark: PurgeMark): void {
    if (this.#marks.length >= marksMax) this.#forget(Infinity, marksMax)
    if (this.#marks.length >= marksMax) return this.#placeFull(target, mark)
    this.#write(this.places.recordsFor(target, mark.generation), mark)
  }

  #write(records: readonly PurgeRecord[], mark: PurgeMark): void {
    for (const record of records) record.mark(mark)
    this.#marks.push(mark)
    if (!mark.isSoft && !mark.isDry) this.#unsweptHard++
  }

  /**
   * With `marksMax` marks that are all younger than the sweep: one by prefix, or of a URL with many keys, becomes one of its host, one takes the
   * place of weaker ones on the same records, and where no entries are concerned only what is under way is kept out.
   * Too much goes, nothing stays that should not.
   */
  #placeFull(target: PurgeTarget, mark: PurgeMark): void {
    if (mark.isDry) {
      mark.isCounted = true
      return
    }
    this.floor = this.#cutoff = this.generation
    const isForStored = target.kind === 'prefix' || (target.kind === 'url' && !mark.isExact)
    const wide = isForStored ? { ...target, kind: 'host' as const } : target
    const members = this.places.membersOf(wide)
    if (members === null || members.length === 0) {
      mark.isCounted = true
      return
    }
    const records = this.places.recordsFor(wide, mark.generation)
    this.#merge(records, mark)
    this.#write(records, mark)
  }

  /** Lets `mark` stand for the earlier ones that are on no other records than its own, and no stronger. */
  #merge(records: readonly PurgeRecord[], mark: PurgeMark): void {
    const merged = new Set<PurgeMark>()
    for (const record of records) {
      for (const each of record.marks) {
        const isWithin = each.records.every((other) => records.includes(other))
        if (isWithin && (each.isSoft || each.isDry || !mark.isSoft)) merged.add(each)
      }
    }
    for (const each of merged) {
      for (const record of each.records) record.unmark(each)
      each.isCounted = true
      if (!each.isSoft && !each.isDry) this.#unsweptHard--
    }
    this.#marks = this.#marks.filter((each) => !merged.has(each))
  }

  // Forgetting

  /** Marks that entries are still to be compared with. */
  get pending(): number {
    let n = 0
    for (let i = this.#marks.length - 1; i >= 0; i--) {
      if ((this.#marks[i] as PurgeMark).generation <= this.#sweptAt) break
      n++
    }
    return n
  }

  /** Marks kept, swept or not. */
  get marks(): number {
    return this.#marks.length
  }

  /** Every entry, growing ones too, has been compared with the marks up to `generation`. */
  sweptTo(generation: number): void {
    this.#sweptAt = generation
    this.#unsweptHard = 0
    for (const mark of this.#marks) {
      if (mark.generation <= generation) mark.isCounted = true
      else if (!mark.isSoft && !mark.isDry) this.#unsweptHard++
    }
    this.#forget(this.#clock.nowMs() - restMs, forgottenMax)
  }

  snapshot(): Pick<StoreSnapshot, 'generation' | 'pendingPurges' | 'purgeMarks' | 'purgeRecords'> {
    const { generation, pending: pendingPurges, marks: purgeMarks, places } = this
    return { generation, pendingPurges, purgeMarks, purgeRecords: places.size }
  }

  /** Milliseconds until the oldest mark may be forgotten; -1 when there is none. */
  get restLeftMs(): number {
    const oldest = this.#marks[0]
    return oldest === undefined ? -1 : Math.max(0, oldest.atMs + restMs - this.#clock.nowMs())
  }

  /** Forgets marks that have been swept and were made before `beforeMs`, at most so many. */
  #forget(beforeMs: number, countMax: number): void {
    let n = 0
    for (; n < Math.min(countMax, this.#marks.length); n++) {
      const mark = this.#marks[n] as PurgeMark
      if (mark.generation > this.#sweptAt || mark.atMs > beforeMs) break
      if (!mark.isDry) this.floor = Math.max(this.floor, mark.generation)
      for (const record of mark.records) {
        record.unmark(mark)
        this.places.release(record)
      }
      // Its report is kept for a while; what it pointed at need not be.
      mark.records.length = 0
    }
    this.#marks.splice(0, n)
  }
}

/** Counts `entry` for the marks that it lived to see, and says whether it outlived them. */
function apply(entry: PurgeMember, found: readonly PurgeMark[]): boolean {
  let diedAt = Infinity
  for (const { generation, isSoft, isDry } of found) {
    if (!isSoft && !isDry && generation < diedAt) diedAt = generation
  }
  for (const mark of found) {
    if (mark.generation > diedAt) continue
    if (mark.isSoft && !mark.isDry) entry.isSoftPurged = true
    if (entry.isStored && !mark.isExact) add(mark, 1, entry.bytes, entry.isBeneath)
  }
  return diedAt === Infinity
}
