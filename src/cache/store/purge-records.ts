/**
 * The records on which purges are marked. Entries point at them, so a purge of a million entries is one mark.
 *
 * A mark stays on its record until the walk in the background has looked at every entry (sweep.ts), and answers that
 * were under way when it was made have had time to arrive (purge.ts). A record goes when it has neither entries nor
 * marks.
 */
import type { PurgeReport } from './purge-request.ts'

/** Entries, what they take, and of both the part that is in no store beneath. */
export interface Tally {
  count: number
  bytes: number
  ownCount: number
  ownBytes: number
}

/** What purges concern: entries in memory, and accounts of files. */
export interface PurgeMember {
  /** As `CacheKey.of` makes it. */
  readonly key: string
  readonly site: string
  readonly host: string
  readonly tagNames: readonly string[]
  readonly searchRule: object | string | null
  readonly bornAt: number
  checkedAt: number
  readonly bytes: number
  readonly isStored: boolean
  /** It lies in the store beneath, too. */
  readonly isBeneath: boolean
  isDoomed: boolean
  isSoftPurged: boolean
  hostRecord: HostRecord | null
  tagRecords: readonly TagRecord[] | null
}

/** One purge, and the report of it that grows. */
export class PurgeMark implements PurgeReport {
  readonly generation: number
  readonly isSoft: boolean
  /** Counts only. */
  readonly isDry: boolean
  /** Monotonic time at which it was made. */
  readonly atMs: number
  /** Where it stands. */
  readonly records: PurgeRecord[] = []
  count = 0
  bytes = 0
  ownCount = 0
  ownBytes = 0
  isCounted = false
  /** Its count was known when it was made, and is not added to. */
  isExact = false

  constructor(generation: number, isSoft: boolean, isDry: boolean, atMs: number) {
    this.generation = generation
    this.isSoft = isSoft
    this.isDry = isDry
    this.atMs = atMs
  }
}

export class PurgeRecord {
  /** In the order of their generations. */
  readonly marks: PurgeMark[] = []
  /** Generation of the last mark it was ever given. */
  latestAt = 0

  mark(mark: PurgeMark): void {
    this.marks.push(mark)
    mark.records.push(this)
    this.latestAt = mark.generation
  }

  /** Takes `mark` off; marks go in the order in which they came. */
  unmark(mark: PurgeMark): void {
    const i = this.marks.indexOf(mark)
    if (i >= 0) this.marks.splice(i, 1)
  }
}

/** Marks by what a target begins with: see prefixes.ts. */
export interface MarkTree {
  /** Adds to `found` the marks younger than `since` of all that `text[start, end)` begins with. */
  collect(text: string, start: number, end: number, since: number, found: PurgeMark[]): void
}

/** A record that entries belong to: all, those of a site, those of a host or with a tag within a site. */
export class MemberRecord extends PurgeRecord {
  readonly site: string
  /** The host[:port], or the tag; '' for a whole site. */
  readonly name: string
  /** Entries that are stored, exactly. */
  count = 0
  bytes = 0
  ownCount = 0
  ownBytes = 0
  /** Growing entries that point here too. */
  growing = 0

  constructor(site: string, name: string) {
    super()
    this.site = site
    this.name = name
  }

  isIdle(): boolean {
    return this.count === 0 && this.growing === 0 && this.marks.length === 0
  }
}

export class HostRecord extends MemberRecord {
  readonly siteRecord: MemberRecord
  /** Zones that had entries of it: what a purge by URL looks through. As many as the config has. */
  readonly zones = new Set<string>()
  /** The trees of prefixes that concern it, as they were at `treesAt`: its own, and that of all sites. */
  trees: readonly MarkTree[] = []
  treesAt = 0

  constructor(siteRecord: MemberRecord, name: string) {
    super(siteRecord.site, name)
    this.siteRecord = siteRecord
  }
}

export class TagRecord extends MemberRecord {}

/**
 * The records of one kind by name and site. A purge of a name in all sites is also written to the record of the site
 * '', and a record that is made later begins with the marks that still stand there: an answer under way may be the
 * first of its site that has the name.
 */
export class RecordTable<R extends MemberRecord> {
  readonly #records = new Map<string, R>()
  readonly #sites: Set<string>
  readonly #make: (site: string, name: string) => R

  constructor(sites: Set<string>, make: (site: string, name: string) => R) {
    this.#sites = sites
    this.#make = make
  }

  get size(): number {
    return this.#records.size
  }

  find(site: string, name: string): R | null {
    return this.#records.get(name + '\n' + site) ?? null
  }

  /** The record, made when there is none. */
  open(site: string, name: string): R {
    const key = name + '\n' + site
    let record = this.#records.get(key)
    if (record === undefined) {
      record = this.#make(site, name)
      this.#records.set(key, record)
      const everywhere = site === '' ? null : this.find('', name)
      if (everywhere !== null) for (const mark of everywhere.marks) record.mark(mark)
    }
    return record
  }

  /** The records with entries that a purge of `name` concerns: of one site, or of all when `site` is undefined. */
  matching(name: string, site: string | undefined): R[] {
    if (site !== undefined) return present([this.find(site, name)])
    return present(Array.from(this.#sites, (each) => this.find(each, name)))
  }

  /** Forgets it when it is not needed. */
  release(record: R): void {
    if (record.isIdle()) this.#records.delete(record.name + '\n' + record.site)
  }

  values(): Iterable<R> {
    return this.#records.values()
  }
}

function present<R>(records: (R | null)[]): R[] {
  return records.filter((record) => record !== null)
}
