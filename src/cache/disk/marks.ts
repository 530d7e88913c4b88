/**
 * Marks: what was purged, and at which position in the journal, for the answers on disk. A file is concerned by the
 * marks that are younger than it (`RecordHeader.born`).
 *
 * A record holds at most one hard and one soft mark, since an older one of the same kind adds nothing. So there are
 * at most as many marks as there are different targets. When there are more than `marksMax`, the marks of a host's
 * URLs and prefixes are merged into one of the host, and if that is not enough all become one of everything. Then too
 * much is removed, but nothing stays that should not.
 *
 * A file is compared with a single number, that of the last mark; if it is older, with at most one for each kind of
 * target before any record is looked up.
 */
import { readKey } from '../keys/key.ts'
import { isUnderRule, pathIn } from '../keys/no-vary-search.ts'
import { PrefixTree, type PrefixRecord } from '../purge/prefixes.ts'
import { PurgeMark, PurgeRecord } from '../store/purge-records.ts'
import type { PurgeTarget } from '../store/purge-request.ts'
import { foldTag } from '../rules/tags.ts'
import type { RecordFacts } from './record.ts'

/** 10,000 purges a minute for five minutes, as long as a sweep of the folder may take. About 300 bytes each. */
export const marksMax = 50_000

/** What the marks say about a file. */
export const Purged = { NOT: 0, SOFTLY: 1, HARD: 2 } as const
export type Purged = (typeof Purged)[keyof typeof Purged]

/** One mark, for a journal that is written anew. */
export interface WrittenMark {
  readonly target: PurgeTarget
  readonly isSoft: boolean
  readonly at: number
}

class Marked extends PurgeRecord {
  readonly target: PurgeTarget
  /** For a prefix: where it hangs in the tree of its host. */
  readonly hung: PrefixRecord | null

  constructor(target: PurgeTarget, hung: PrefixRecord | null) {
    super()
    this.target = target
    this.hung = hung
  }
}

type Kind = PurgeTarget['kind']

export class Marks {
  /** The position of the last mark. */
  latestAt = 0
  readonly #max: number
  /** The records by what is purged. */
  readonly #marked = new Map<string, Marked>()
  readonly #trees = new Map<string, PrefixTree>()
  /** What was purged of a path (by URL, by key, or by a prefix with a query), by site, host and path. */
  readonly #searched = new Map<string, PurgeRecord>()
  readonly #latest: Record<Kind, number> = { all: 0, host: 0, tag: 0, prefix: 0, url: 0, key: 0 }
  readonly #found: PurgeMark[] = []

  constructor(max = marksMax) {
    this.#max = max
  }

  get size(): number {
    return this.#marked.size
  }

  apply(target: PurgeTarget, isSoft: boolean, at: number): void {
    this.latestAt = Math.max(this.latestAt, at)
    this.#latest[target.kind] = Math.max(this.#latest[target.kind], at)
    const name = nameOf(target)
    let marked = this.#marked.get(name)
    if (marked === undefined) {
      if (this.#marked.size >= this.#max) return this.#applyFull(target, isSoft, at)
      const { kind } = target
      const hung = kind === 'prefix' ? this.#tree(target.site, target.host).open(target.target) : null
      this.#marked.set(name, (marked = new Marked(target, hung)))
    }
    strengthen(marked, isSoft, at)
    if (marked.hung !== null) strengthen(marked.hung, isSoft, at)
    const searched = searchedOf(target)
    if (searched !== '') strengthen(this.#search(searched), isSoft, at)
  }

  #search(name: string): PurgeRecord {
    let record = this.#searched.get(name)
    if (record === undefined) this.#searched.set(name, (record = new PurgeRecord()))
    return record
  }

  #tree(site = '', host: string): PrefixTree {
    const name = site + '\n' + host
    let tree = this.#trees.get(name)
    if (tree === undefined) this.#trees.set(name, (tree = new PrefixTree(name)))
    return tree
  }

  #applyFull(target: PurgeTarget, isSoft: boolean, at: number): void {
    const all = this.list()
    this.#clear()
    for (const mark of all) {
      const wide = widened(mark.target)
      // All rather than half: tags that each have a host of their own would be no fewer.
      const isMany = this.#marked.size >= this.#max / 2
      this.apply(isMany ? { kind: 'all' } : wide, mark.isSoft, mark.at)
    }
    this.apply(target, isSoft, at)
  }

  #clear(): void {
    this.#marked.clear()
    this.#trees.clear()
    this.#searched.clear()
  }

  /** What the marks younger than `since` say about an answer. */
  compare(facts: RecordFacts, since: number): Purged {
    if (this.latestAt <= since) return Purged.NOT
    const found = this.#found
    found.length = 0
    const latest = this.#latest
    const { site, host } = facts
    if (latest.all > since) this.#collectNamed(since, 'all', '', site)
    if (latest.host > since) this.#collectNamed(since, 'host', host, site)
    if (latest.tag > since) for (const tag of facts.tags) this.#collectNamed(since, 'tag', tag, site)
    if (latest.prefix > since || latest.url > since) this.#collectUrl(facts, since)
    const isOpen = latest.prefix > since || latest.url > since || latest.key > since
    if (isOpen && isUnderRule(facts.key)) this.#collectSearched(facts, since)
    if (latest.key > since) this.#collectNamed(since, 'key', facts.key, '')
    if (found.length === 0) return Purged.NOT
    return found.some(({ isSoft }) => !isSoft) ? Purged.HARD : Purged.SOFTLY
  }

  #collectUrl({ key, site, host }: RecordFacts, since: number): void {
    const { targetStart, targetEnd } = readKey(key)
    this.#collectNamed(since, 'url', host + key.slice(targetStart, targetEnd), site)
    this.#trees.get('\n' + host)?.collect(key, targetStart, targetEnd, since, this.#found)
    if (site !== '')
      this.#trees.get(site + '\n' + host)?.collect(key, targetStart, targetEnd, since, this.#found)
  }

  /** An answer stored under a rule for parameters answers many URLs, so a purge of any of its path concerns it. */
  #collectSearched({ key, site, host }: RecordFacts, since: number): void {
    const { targetStart, targetEnd } = readKey(key)
    const name = host + key.slice(targetStart, targetEnd)
    this.#collect(this.#searched.get('\n' + name), since)
    if (site !== '') this.#collect(this.#searched.get(site + '\n' + name), since)
  }

  #collectNamed(since: number, kind: Kind, name: string, site: string): void {
    this.#collect(this.#marked.get(kind + '\n\n' + name), since)
    if (site !== '') this.#collect(this.#marked.get(kind + '\n' + site + '\n' + name), since)
  }

  #collect(record: PurgeRecord | undefined, since: number): void {
    if (record === undefined || record.latestAt <= since) return
    for (const mark of record.marks) if (mark.generation > since) this.#found.push(mark)
  }

  /** Every file has been compared with the marks up to `at`. */
  forget(at: number): void {
    for (const [name, record] of this.#marked) {
      weaken(record, at)
      const { hung } = record
      if (hung !== null) {
        weaken(hung, at)
        if (hung.tree.size === 0) this.#trees.delete(hung.tree.name)
      }
      if (record.marks.length === 0) this.#marked.delete(name)
    }
    for (const [name, record] of this.#searched) {
      weaken(record, at)
      if (record.marks.length === 0) this.#searched.delete(name)
    }
  }

  /** The present marks, as a copy that later ones do not change. */
  copy(): Marks {
    const copy = new Marks(this.#max)
    for (const { target, isSoft, at } of this.list()) copy.apply(target, isSoft, at)
    return copy
  }

  list(): WrittenMark[] {
    const list: WrittenMark[] = []
    for (const { target, marks } of this.#marked.values())
      for (const { isSoft, generation } of marks) list.push({ target, isSoft, at: generation })
    return list.sort((a, b) => a.at - b.at)
  }
}

function nameOf(target: PurgeTarget): string {
  if (target.kind === 'key') return 'key\n\n' + target.key
  const site = target.site ?? ''
  switch (target.kind) {
    case 'all':
      return 'all\n' + site + '\n'
    case 'host':
      return 'host\n' + site + '\n' + target.host
    case 'tag':
      return 'tag\n' + site + '\n' + foldTag(target.tag)
    default:
      return target.kind + '\n' + site + '\n' + target.host + target.target
  }
}

/**
 * The target by which answers under rules for parameters are concerned: site, host and path; '' where only what
 * they are stored under counts.
 */
function searchedOf(target: PurgeTarget): string {
  if (target.kind === 'key') {
    const { host, targetStart, targetEnd } = readKey(target.key)
    return '\n' + host + pathIn(target.key.slice(targetStart, targetEnd))
  }
  const isOfUrls = target.kind === 'url' || (target.kind === 'prefix' && target.target.includes('?'))
  return isOfUrls ? (target.site ?? '') + '\n' + target.host + pathIn(target.target) : ''
}

function widened(target: PurgeTarget): PurgeTarget {
  if (target.kind === 'key') return { kind: 'host', host: readKey(target.key).host }
  if (target.kind !== 'url' && target.kind !== 'prefix') return target
  const { host, site } = target
  return site === undefined ? { kind: 'host', host } : { kind: 'host', host, site }
}

/** An older mark of the same kind adds nothing; neither does a soft one that is older than a hard one. */
function strengthen(record: PurgeRecord, isSoft: boolean, at: number): void {
  for (const mark of record.marks) {
    if (mark.generation >= at && (isSoft || !mark.isSoft)) return
  }
  const outdone = record.marks.filter((mark) => mark.generation <= at && (mark.isSoft || !isSoft))
  record.mark(new PurgeMark(at, isSoft, false, 0))
  for (const mark of outdone) record.unmark(mark)
  record.latestAt = record.marks.reduce((latest, { generation }) => Math.max(latest, generation), 0)
}

function weaken(record: PurgeRecord, at: number): void {
  for (const mark of record.marks.filter(({ generation }) => generation <= at)) record.unmark(mark)
}
