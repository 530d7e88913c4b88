/**
 * Where the marks of purges are kept, and which entries belong to each: the records of everything, of sites, hosts
 * and tags, the trees of prefixes, and the URLs with which answers under way are compared.
 *
 * Invariants: `count` and `bytes` of a record are the sums over the stored entries that belong to it, `ownCount` and
 * `ownBytes` those over the ones that are not `isBeneath`; a record is kept while it has entries, growing ones
 * included, or marks.
 */
import { readKey } from '../keys/key.ts'
import { pathIn } from '../keys/no-vary-search.ts'
import { collectMarks, PrefixRecord, PrefixTree } from './prefixes.ts'
import {
  HostRecord,
  MemberRecord,
  PurgeRecord,
  RecordTable,
  TagRecord,
  type MarkTree,
  type PurgeMark,
  type PurgeMember,
  type Tally,
} from '../store/purge-records.ts'
import type { PurgeTarget } from '../store/store.ts'
import { foldTag } from '../rules/tags.ts'

export class PurgePlaces {
  readonly everything = new MemberRecord('', '')
  readonly #siteNames = new Set<string>()
  readonly #sites = new Map<string, MemberRecord>()
  readonly #hosts: RecordTable<HostRecord>
  readonly #tags: RecordTable<TagRecord>
  /** By site, line feed, host; '' for all sites. */
  readonly #prefixes = new Map<string, PrefixTree>()
  /** By URL without scheme, or by key: for answers that are under way; stored ones are purged at once. */
  readonly #urls = new Map<string, PurgeRecord>()
  /** Generations of the last purge of each kind. */
  #allAt = 0
  #tagsAt = 0
  #prefixesAt = 0
  #urlsAt = 0
  /** Of the last one by URL that what is stored must be compared with. */
  storedUrlsAt = 0

  constructor() {
    this.#hosts = new RecordTable(this.#siteNames, (site, name) => new HostRecord(this.#site(site), name))
    this.#tags = new RecordTable(this.#siteNames, (site, name) => new TagRecord(site, name))
  }

  /** Records of hosts and tags, hosts with prefixes, URLs. */
  get size(): number {
    return this.#hosts.size + this.#tags.size + this.#prefixes.size + this.#urls.size
  }

  #site(name: string): MemberRecord {
    let record = this.#sites.get(name)
    if (record === undefined) {
      record = new MemberRecord(name, '')
      this.#sites.set(name, record)
      this.#siteNames.add(name)
    }
    return record
  }

  // Membership

  /** A growing entry takes its places: those that `facts` say. */
  join(entry: PurgeMember, facts: Pick<PurgeMember, 'site' | 'host' | 'tagNames'> = entry): void {
    const { site, tagNames } = facts
    const host = this.#hosts.open(site, facts.host)
    host.zones.add(readKey(entry.key).zone)
    host.growing++
    entry.hostRecord = host
    if (tagNames.length === 0) return
    entry.tagRecords = tagNames.map((tag) => this.#tags.open(site, tag))
    for (const record of entry.tagRecords) record.growing++
  }

  /** A growing entry will not be stored. */
  quit(entry: PurgeMember): void {
    const host = entry.hostRecord as HostRecord
    host.growing--
    this.#hosts.release(host)
    for (const record of entry.tagRecords ?? []) {
      record.growing--
      this.#tags.release(record)
    }
  }

  /** A growing entry is stored from now on. */
  enter(entry: PurgeMember): void {
    ;(entry.hostRecord as HostRecord).growing--
    for (const record of entry.tagRecords ?? []) record.growing--
    this.#count(entry, 1, entry.bytes)
  }

  /** A stored entry is no more. Its records stay on it, as somebody may be comparing it right now. */
  leave(entry: PurgeMember): void {
    this.#count(entry, -1, -entry.bytes)
    this.#hosts.release(entry.hostRecord as HostRecord)
    for (const record of entry.tagRecords ?? []) this.#tags.release(record)
  }

  /** A stored entry grew by `bytes`. */
  resize(entry: PurgeMember, bytes: number): void {
    this.#count(entry, 0, bytes)
  }

  /** A stored entry is in the store beneath from now on, or no more. */
  setBeneath(entry: PurgeMember & { isBeneath: boolean }, isBeneath: boolean): void {
    if (entry.isBeneath === isBeneath) return
    this.#count(entry, -1, -entry.bytes)
    entry.isBeneath = isBeneath
    this.#count(entry, 1, entry.bytes)
  }

  #count(entry: PurgeMember, count: number, bytes: number): void {
    const { isBeneath } = entry
    const host = entry.hostRecord as HostRecord
    add(host, count, bytes, isBeneath)
    add(host.siteRecord, count, bytes, isBeneath)
    add(this.everything, count, bytes, isBeneath)
    const tags = entry.tagRecords
    if (tags !== null)
      for (let i = 0; i < tags.length; i++) add(tags[i] as TagRecord, count, bytes, isBeneath)
  }

  // Comparing

  /** Adds to `found` the marks younger than `since` that concern `entry`. */
  collect(entry: PurgeMember, since: number, found: PurgeMark[]): void {
    const host = entry.hostRecord as HostRecord
    if (this.#allAt > since) {
      collectMarks(this.everything, since, found)
      collectMarks(host.siteRecord, since, found)
    }
    if (host.latestAt > since) collectMarks(host, since, found)
    if (this.#tagsAt > since && entry.tagRecords !== null) {
      for (const record of entry.tagRecords) collectMarks(record, since, found)
    }
    if (this.#prefixesAt > since) this.#collectPrefixes(entry, since, found)
    const isUrlOpen = !entry.isStored || entry.searchRule !== null || this.storedUrlsAt > since
    if (isUrlOpen && this.#urlsAt > since) this.#collectUrls(entry, since, found)
  }

  #collectPrefixes(entry: PurgeMember, since: number, found: PurgeMark[]): void {
    const { key } = entry
    // The walk of a sweep comes here for each entry: not through readKey, which makes six strings.
    const targetStart = key.indexOf('://') + 3 + entry.host.length
    const targetEnd = key.indexOf('\n')
    for (const tree of this.#treesOf(entry.hostRecord as HostRecord))
      tree.collect(key, targetStart, targetEnd, since, found)
  }

  /** Remembered: a tree that is forgotten since has no marks any more, a new one comes with a purge. */
  #treesOf(host: HostRecord): readonly MarkTree[] {
    if (host.treesAt !== this.#prefixesAt) {
      const trees = [this.#prefixes.get('\n' + host.name), this.#prefixes.get(host.site + '\n' + host.name)]
      host.trees = trees.filter((tree) => tree !== undefined)
      host.treesAt = this.#prefixesAt
    }
    return host.trees
  }

  /** What is stored under a rule for parameters answers many URLs: any of its path concerns it. */
  #collectUrls(entry: PurgeMember, since: number, found: PurgeMark[]): void {
    const { targetStart, targetEnd } = readKey(entry.key)
    const target = entry.key.slice(targetStart, targetEnd)
    const url = entry.host + (entry.searchRule === null ? target : searchName(target))
    for (const name of ['\n' + url, entry.site + '\n' + url, entry.key]) {
      const record = this.#urls.get(name)
      if (record !== undefined) collectMarks(record, since, found)
    }
  }

  // Marking

  /** The records whose counts are what a purge concerns; null when nothing counts that. */
  membersOf(target: PurgeTarget): MemberRecord[] | null {
    if (target.kind === 'host') return this.#hosts.matching(target.host, target.site)
    if (target.kind === 'tag') return this.#tags.matching(foldTag(target.tag), target.site)
    if (target.kind !== 'all') return null
    if (target.site === undefined) return [this.everything]
    const site = this.#sites.get(target.site)
    return site === undefined ? [] : [site]
  }

  /** Where the mark of the purge with this number is written. */
  recordsFor(target: PurgeTarget, generation: number): PurgeRecord[] {
    const site = target.kind === 'key' ? '' : (target.site ?? '')
    switch (target.kind) {
      case 'all':
        this.#allAt = generation
        return [site === '' ? this.everything : this.#site(site)]
      case 'host':
        return unique(this.#hosts.open(site, target.host), this.#hosts.matching(target.host, target.site))
      case 'tag': {
        this.#tagsAt = generation
        const tag = foldTag(target.tag)
        return unique(this.#tags.open(site, tag), this.#tags.matching(tag, target.site))
      }
      case 'prefix': {
        this.#prefixesAt = generation
        const record = this.#prefixTree(site + '\n' + target.host).open(target.target)
        if (!target.target.includes('?')) return [record]
        return [record, this.#urlRecord(generation, site + '\n' + target.host + searchName(target.target))]
      }
      case 'url': {
        const url = site + '\n' + target.host
        return [
          this.#urlRecord(generation, url + target.target),
          this.#urlRecord(generation, url + searchName(target.target)),
        ]
      }
      default: {
        const { host, targetStart, targetEnd } = readKey(target.key)
        const name = searchName(target.key.slice(targetStart, targetEnd))
        return [this.#urlRecord(generation, target.key), this.#urlRecord(generation, '\n' + host + name)]
      }
    }
  }

  /** The hosts of this name that have entries, for a purge by URL. */
  hostsOf(host: string, site: string | undefined): HostRecord[] {
    return this.#hosts.matching(host, site)
  }

  #prefixTree(name: string): PrefixTree {
    let tree = this.#prefixes.get(name)
    if (tree === undefined) this.#prefixes.set(name, (tree = new PrefixTree(name)))
    return tree
  }

  #urlRecord(generation: number, name: string): PurgeRecord {
    this.#urlsAt = generation
    let record = this.#urls.get(name)
    if (record === undefined) this.#urls.set(name, (record = new UrlRecord(name)))
    return record
  }

  /** Forgets a record that is not needed any more. */
  release(record: PurgeRecord): void {
    if (record.marks.length > 0) return
    if (record instanceof HostRecord) this.#hosts.release(record)
    else if (record instanceof TagRecord) this.#tags.release(record)
    else if (record instanceof UrlRecord) this.#urls.delete(record.name)
    else if (record instanceof PrefixRecord && record.tree.size === 0) this.#prefixes.delete(record.tree.name)
  }
}

/** What all answers of a path are known by that were stored under a rule for its parameters. */
function searchName(target: string): string {
  return pathIn(target) + '\nsearch'
}

class UrlRecord extends PurgeRecord {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

/** Adds entries and their bytes, which are in the store beneath too, or not. */
export function add(to: Tally, count: number, bytes: number, isBeneath: boolean): void {
  to.count += count
  to.bytes += bytes
  if (isBeneath) return
  to.ownCount += count
  to.ownBytes += bytes
}

export function addAll(to: Tally, { count, bytes, ownCount, ownBytes }: Tally): void {
  to.count += count
  to.bytes += bytes
  to.ownCount += ownCount
  to.ownBytes += ownBytes
}

function unique(first: PurgeRecord, others: readonly PurgeRecord[]): PurgeRecord[] {
  return Array.from(new Set([first, ...others]))
}
