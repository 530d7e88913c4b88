/**
 * Finder: looks for what the disk has for a request. Many that look for the same file read it once; at most
 * `activeMax` files are read at a time, and no more than `waitingMax` lookups wait.
 *
 * Promises: an entry that is returned is whole and undamaged, or, if it is large, damage is noticed before a byte of
 * it is sent; its key and variant are those asked for; no purge in the journal, from any worker, concerns it.
 */
import type { Clock } from '../../core/clock.ts'
import type { RequestHead } from '../../http/message.ts'
import type { Entry } from '../store/entry.ts'
import { MemoryBody } from '../store/memory-body.ts'
import { Tails } from '../fill/tails.ts'
import type { VaryFolding } from '../keys/vary.ts'
import { varyOf } from '../keys/vary.ts'
import type { Disk } from './disk.ts'
import { FileBody } from './file-body.ts'
import { FoundOnce } from './found-once.ts'
import { DAMAGED, load, loadNow, type Loaded, type Missing } from './load.ts'
import { Purged, type Marks } from './marks.ts'
import { nameOf, pathOf, variantNameOf } from './names.ts'
import type { Pace } from './pace.ts'
import { ANSWER, entryOf, headerBytes, readPointer, strongTagOf, type RecordFacts } from './record.ts'

const activeMax = 64
const waitingMax = 10_000
/** Of the rest of a damaged one, as it comes from the origin. */
const windowBytes = 4 * 1024 * 1024
/** Large files that are open. */
const openMax = 1000

/** What is looked for. */
export interface Wanted {
  readonly key: string
  readonly request: RequestHead
  readonly folding: VaryFolding | null
  /** The step by which the rest of a large answer can be asked for; -1: it cannot, as it is a part. */
  readonly from: number
  /** It is to be in memory at once, however seldom it is asked for. */
  readonly stays?: boolean
  readonly look?: { isVaried: boolean }
}

export interface FinderOwner {
  readonly disk: Disk
  readonly root: string
  readonly clock: Clock
  readonly marks: Marks
  readonly pace: Pace
  /** Of the store above. */
  readonly generation: number
  readonly entryBytesMax: number
  /** Everything that any worker has written to the journal is known. */
  readonly isCurrent: boolean
  /** Resolves when that is so. Rejects when it cannot be had. */
  current(): Promise<void>
  pending(name: string): Entry | null | undefined
  /** Has the store above been told of a purge since `bornAt` that concerns it? */
  wasPurged(entry: Entry): boolean
  /** Puts it into the store above, if that has room. */
  promote(entry: Entry): void
  onDamaged(name: string): void
  /** A file was of use. */
  onFound(name: string): void
}

/** A file, and what was made of it. */
interface Found {
  readonly name: string
  readonly born: number
  readonly isSoft: boolean
  readonly facts: RecordFacts
  /** null: a pointer. */
  readonly entry: Entry | null
  readonly varyNames: readonly string[]
}

interface Loading {
  readonly found: Promise<Found | null>
  isOutdated: boolean
}

/** One that goes through the pool, and the names that it has come by. */
interface Search {
  readonly names: Set<string>
  isOutdated: boolean
}

/** How often a file is read that is replaced meanwhile. */
const readsMax = 3

export class Finder {
  hits = 0
  misses = 0
  readBytes = 0
  /** Files that were not what they should be. */
  damaged = 0
  readonly #owner: FinderOwner
  readonly #loading = new Map<string, Loading>()
  readonly #foundOnce = new FoundOnce()
  readonly #searches = new Set<Search>()
  /** Large answers whose files are open, by name and step. */
  readonly #open = new Map<string, { readonly found: Found; readonly file: FileBody }>()
  #active = 0
  #queue: (() => void)[] = []

  constructor(owner: FinderOwner) {
    this.#owner = owner
  }

  get openFiles(): number {
    return this.#open.size
  }

  /**
   * What there is for a request, read while everybody waits, if that is quick: a first hit then costs a twentieth. A small
   * one that is fresh is not in memory by then: it gets there when it is asked for again. null: nothing that may be used;
   * undefined: ask `find`.
   */
  findNow(wanted: Wanted): Entry | null | undefined {
    const { pace, isCurrent, generation } = this.#owner
    const found = pace.isQuick && isCurrent ? this.#searchNow(wanted) : undefined
    if (found === undefined) return undefined
    const entry = this.#usable(found, wanted, generation)
    if (found === null || entry === null) return this.#count(null)
    if (found.name !== '') this.#owner.onFound(found.name)
    return this.#count(this.#kept(found, entry, wanted))
  }

  /** The same for people, without a trace. undefined: nobody can tell at once. */
  peekNow(wanted: Wanted): Entry | null | undefined {
    const { pace, isCurrent, generation } = this.#owner
    const found = pace.isLocal && isCurrent ? this.#searchNow(wanted) : undefined
    return found === undefined ? undefined : this.#usable(found, wanted, generation)
  }

  #searchNow(wanted: Wanted): Found | null | undefined {
    const found = this.#loadNow(nameOf(wanted.key), wanted)
    return isPointer(found) ? this.#loadNow(variantNameIn(found, wanted), wanted) : found
  }

  /** null: nothing that may be used. What is small is in memory by then, if that has room. Never rejects. */
  async find(wanted: Wanted): Promise<Entry | null> {
    if (this.#queue.length >= waitingMax) return null
    await this.#turn()
    try {
      return this.#count(await this.#find(wanted))
    } catch {
      return this.#count(null)
    } finally {
      this.#active--
      this.#queue.shift()?.()
    }
  }

  #count(entry: Entry | null): Entry | null {
    if (entry === null) this.misses++
    else this.hits++
    return entry
  }

  async #turn(): Promise<void> {
    if (this.#active >= activeMax) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#active++
  }

  async #find(wanted: Wanted): Promise<Entry | null> {
    const { generation } = this.#owner
    for (let searches = 0; searches < readsMax; searches++) {
      const search: Search = { names: new Set(), isOutdated: false }
      this.#searches.add(search)
      const found = await this.#search(wanted, search).catch(noFound)
      // Not before: what is told between the end of the search and here counts.
      this.#searches.delete(search)
      if (found === null) return null
      if (this.#isOutdated(search, found)) continue
      const entry = this.#usable(found, wanted, generation)
      if (entry === null) return null
      if (found.name !== '') this.#owner.onFound(found.name)
      return this.#promoted(entry)
    }
    return null
  }

  async #search(wanted: Wanted, { names }: Search): Promise<Found | null> {
    const name = nameOf(wanted.key)
    names.add(name)
    let found = await this.#load(name, wanted)
    if (isPointer(found)) {
      const variantName = variantNameIn(found, wanted)
      names.add(variantName)
      found = await this.#load(variantName, wanted)
    }
    await this.#owner.current()
    return found
  }

  /** Has it been replaced since it was read? The older answer must not get over the newer one in memory. */
  #isOutdated({ names, isOutdated }: Search, found: Found): boolean {
    const waiting = [...names].map((name) => this.#owner.pending(name))
    return isOutdated || waiting.some((entry) => entry !== undefined && entry !== found.entry)
  }

  #usable(found: Found | null, wanted: Wanted, generation: number): Entry | null {
    const entry = found === null ? null : found.entry
    if (found === null || entry === null || entry.key !== wanted.key) return null
    if (entry.vary !== null && entry.vary.variantOf(wanted.request) !== entry.variant) return null
    const owner = this.#owner
    const purged = owner.marks.compare(found.facts, found.born)
    if (purged === Purged.HARD) return null
    // A purge of this moment may concern it, whose line is not in the journal yet.
    if (owner.generation !== generation && owner.wasPurged(entry)) return null
    if (purged === Purged.SOFTLY || found.isSoft) entry.isSoftPurged = true
    return entry
  }

  #promoted(entry: Entry): Entry {
    // Others that waited for the same file may have put it there, and more may have become of it.
    if (entry.isFromBelow && !entry.isStored && entry.body.backing === null) this.#owner.promote(entry)
    return entry
  }

  /** Of an entry that was just made: does it stay? */
  #kept({ name, entry: made }: Found, entry: Entry, { stays = false }: Wanted): Entry {
    const { single } = entry.body
    if (made !== entry || !entry.isFromBelow || entry.isStored || single === null) return entry
    const isFresh = this.#owner.clock.nowMs() < entry.freshUntilMs && !entry.isSoftPurged
    if (!this.#foundOnce.note(name) && isFresh && !stays) return entry
    entry.body.keepOwn()
    return this.#promoted(entry)
  }

  /** What is known of a name without reading its file; undefined: nothing. */
  #known(name: string, wanted: Wanted): Found | null | undefined {
    const pending = this.#owner.pending(name)
    if (pending === null) return null
    if (pending !== undefined) return foundPending(pending)
    return this.#open.size === 0 ? undefined : this.#open.get(sharedOf(name, wanted))?.found
  }

  /** undefined: somebody reads it already. */
  #loadNow(name: string, wanted: Wanted): Found | null | undefined {
    const known = this.#known(name, wanted)
    if (known !== undefined) return known
    if (this.#loading.size > 0 && this.#loading.has(sharedOf(name, wanted))) return undefined
    const { disk, root, generation, pace } = this.#owner
    const startMs = disk.nowMs()
    const loaded = loadNow(disk, pathOf(root, name))
    pace.note(startMs)
    return this.#made(loaded, name, wanted, generation)
  }

  /** What a name stands for; shared by those who ask at the same time. */
  #load(name: string, wanted: Wanted): Promise<Found | null> {
    const known = this.#known(name, wanted)
    if (known !== undefined) return Promise.resolve(known)
    const shared = sharedOf(name, wanted)
    return (this.#loading.get(shared) ?? this.#begin(name, shared, wanted)).found
  }

  #begin(name: string, shared: string, wanted: Wanted): Loading {
    const loading: Loading = { found: this.#readNewest(name, shared, wanted), isOutdated: false }
    this.#loading.set(shared, loading)
    void loading.found.finally(() => this.#loading.delete(shared)).catch(() => {})
    return loading
  }

  /** Of a file that is replaced while it is read the older answer must not get into memory. */
  async #readNewest(name: string, shared: string, wanted: Wanted): Promise<Found | null> {
    for (let reads = 1; ; reads++) {
      const found = await this.#read(name, wanted)
      const loading = this.#loading.get(shared)
      if (found === null || loading === undefined || !loading.isOutdated) return found
      if (reads === readsMax) return null
      loading.isOutdated = false
    }
  }

  async #read(name: string, wanted: Wanted): Promise<Found | null> {
    const owner = this.#owner
    const { generation } = owner
    const loaded = await load(owner.disk, pathOf(owner.root, name))
    return this.#made(loaded, name, wanted, generation)
  }

  #made(loaded: Loaded | Missing, name: string, wanted: Wanted, generation: number): Found | null {
    const owner = this.#owner
    if (typeof loaded === 'string') {
      if (loaded !== DAMAGED) return null
      this.damaged++
      owner.onDamaged(name)
      return null
    }
    const { header, head } = loaded
    if (header.kind !== ANSWER) {
      const varyNames = readPointer(head, wanted.key)
      return varyNames === null
        ? null
        : { name, born: 0, isSoft: false, facts: noFacts, entry: null, varyNames }
    }
    const { born, isSoft } = header
    const large = loaded.body === null ? this.#openLarge(name, loaded, wanted) : null
    const body = large?.body ?? MemoryBody.of(loaded.body as Buffer)
    const moment = { nowMs: owner.clock.nowMs(), wallMs: owner.clock.wallMs() }
    const entry = entryOf(head, body, generation, wanted.folding, moment)
    entry.isFromBelow = true
    this.readBytes += loaded.body?.length ?? 0
    const found = { name, born, isSoft, facts: factsOf(entry), entry, varyNames: noNames }
    if (large !== null) this.#open.set(sharedOf(name, wanted), { found, file: large })
    return found
  }

  #openLarge(name: string, loaded: Loaded, wanted: Wanted): FileBody {
    const owner = this.#owner
    const { header, head, file, table } = loaded
    if (file === null || table === null) throw new Error('a large file is not open')
    if (this.#open.size >= openMax) {
      file.close()
      throw new Error('too many large files are open')
    }
    const { bodyLength: length } = header
    const { clock } = owner
    const { from } = wanted
    const shared = sharedOf(name, wanted)
    const etag = strongTagOf(head)
    return new FileBody({
      file,
      offset: headerBytes + header.headLength,
      length,
      table,
      clock,
      rest: etag === '' || from < 0 ? null : new Tails({ from, etag, length, windowBytes, clock }),
      isKept: length <= owner.entryBytesMax,
      onLoaded: () => this.#onLoaded(shared),
      onClose: (isDamaged) => this.#onClose(name, shared, isDamaged),
    })
  }

  /** All of it is in memory by now: so it may as well be found there. */
  #onLoaded(shared: string): void {
    const entry = this.#open.get(shared)?.found.entry
    if (entry === undefined || entry === null) return
    entry.body.backing = null
    this.#owner.promote(entry)
  }

  #onClose(name: string, shared: string, isDamaged: boolean): void {
    // What is loaded to its end is put into memory after this.
    queueMicrotask(() => this.#open.delete(shared))
    if (!isDamaged) return
    this.damaged++
    this.#owner.onDamaged(name)
  }

  /** The file of a name is another one by now. */
  forget(name: string): void {
    for (const search of this.#searches) if (search.names.has(name)) search.isOutdated = true
    for (const [shared, loading] of this.#loading) if (shared.startsWith(name)) loading.isOutdated = true
    for (const shared of this.#open.keys()) if (shared.startsWith(name)) this.#open.delete(shared)
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close()
    this.#open.clear()
  }
}

const noFound = (): null => null
const noNames: readonly string[] = []
const noFacts: RecordFacts = { key: '', site: '', host: '', tags: noNames }

function factsOf({ key, site, host, tagNames: tags }: Entry): RecordFacts {
  return { key, site, host, tags }
}

/** What is still on its way to the disk. */
function foundPending(entry: Entry): Found {
  const { isSoftPurged: isSoft } = entry
  return { name: '', born: Infinity, isSoft, facts: factsOf(entry), entry, varyNames: noNames }
}

/** Do the answers under its key vary, so that each has a file of its own? */
function isPointer(found: Found | null | undefined): found is Found {
  return found !== null && found !== undefined && found.entry === null
}

/** Which of those may answer a request. */
function variantNameIn({ varyNames }: Found, { key, request, folding, look }: Wanted): string {
  if (look !== undefined) look.isVaried = true
  const vary = varyOf(varyNames, folding)
  return variantNameOf(key, vary.names, vary.variantOf(request))
}

/**
 * Who asks by another step, or folds what clients take, gets an entry of his own. A string that is just made costs a
 * Map as much to look for as a system call: it is made only where something is there to be found.
 */
function sharedOf(name: string, { folding, from }: Wanted): string {
  return name + (folding === null ? '' : ' folded') + ' ' + from
}
