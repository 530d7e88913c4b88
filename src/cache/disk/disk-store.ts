/**
 * DiskStore: the cache on disk beneath the one in memory. What is stored in memory is written here in the background;
 * what memory lacks is looked for here and put into it or, where it is too large for memory, read from the file.
 *
 * Promises: nothing that is purged is served once the purge is acknowledged, not even after a restart or a loss of
 * power; what is returned is whole and right; whatever goes wrong with the disk costs hits, never an answer, except
 * that a purge that cannot be kept is not acknowledged. Until the journal of purges is read, nothing is found.
 */
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Entry } from '../store/entry.ts'
import type { Growth } from '../store/growth.ts'
import type { MemoryStore } from '../memory/memory-store.ts'
import type { PurgeCounts, PurgeRequest } from '../store/purge-request.ts'
import type { GrowingBelow, GrowingBelowOwner, StoreBelow } from '../store/store.ts'
import type { SearchRules } from '../keys/no-vary-search.ts'
import type { VaryFolding } from '../keys/vary.ts'
import { appendPurges } from './append-purges.ts'
import { Arriving } from './arriving.ts'
import type { Disk } from './disk.ts'
import { Finder, type Wanted } from './finder.ts'
import { Journal } from './journal.ts'
import { Keeper } from './keeper.ts'
import { KnownRules } from './known-rules.ts'
import type { Lookup } from './lookup.ts'
import { takeFolder } from './lock.ts'
import { Looks, underRulesNow } from './looks.ts'
import { Marks } from './marks.ts'
import { nameOf, nameOfEntry, pathOf } from './names.ts'
import { factsOfKey } from './record.ts'
import { fileCost, type DiskStoreOptions } from './options.ts'
import { Pace } from './pace.ts'
import { Sharing } from './sharing.ts'
import { snapshotOf, type DiskSnapshot } from './snapshot.ts'
import { TakenPurges } from './taken-purges.ts'
import { Telling } from './telling.ts'
import { Writer } from './writer.ts'

/** A folder that cannot be used is tried again. */
const reopenMs = 10_000

export class DiskStore implements StoreBelow {
  readonly clock: Clock
  readonly disk: Disk
  readonly root: string
  readonly marks: Marks = new Marks()
  readonly pace: Pace
  readonly searchRules: SearchRules
  readonly journal: Journal
  keeper: Keeper | null = null
  /** The journal is read. */
  isServing = false
  readonly #options: DiskStoreOptions
  readonly #memory: MemoryStore
  readonly #taken: TakenPurges
  readonly sharing: Sharing
  readonly #finder: Finder
  readonly rules: KnownRules
  readonly #looks: Looks
  readonly #writer: Writer
  readonly #arriving: Arriving
  /** What fills tell the other workers. */
  readonly told: Telling
  #bytesMax: number
  #drafts = 0
  #isClosed = false

  constructor(memory: MemoryStore, options: DiskStoreOptions) {
    const { disk, clock, settings } = options
    this.#options = options
    this.#memory = memory
    this.searchRules = memory.searchRules
    this.disk = disk
    this.pace = new Pace(disk)
    this.clock = clock
    this.root = settings.path
    this.#bytesMax = settings.bytesMax
    this.#taken = new TakenPurges(clock)
    this.journal = new Journal({
      disk,
      root: this.root,
      marks: this.marks,
      writer: options.writer,
      isAlone: (options.peers ?? null) === null,
      onForeign: ({ target, isSoft, id }) =>
        void this.purgeMemory({ target, isSoft, ...(id === '' ? {} : { id }) }),
    })
    this.sharing = new Sharing(options.peers ?? null, {
      clock,
      onElected: () => this.onElected(),
      onAdded: (name, bytes, key, tags) =>
        this.keeper?.added(name, bytes, key === '' ? null : factsOfKey(key, tags)),
      onGone: (name) => this.onGone(name),
      onEvicted: (name, key) => this.#setBeneath(name, key, false),
      onUsed: (name) => this.keeper?.accounts.use(name),
      onForeign: (name, key) => this.#forgetKey(name, key),
      onOutdated: (key) => this.#outdateKey(key),
      written: (key) => this.#arriving.done(key),
      onMissed: () => {
        this.rules.onMissed()
        // No other worker's concern, and what is on disk stays.
        memory.purge({ target: { kind: 'all' } })
      },
    })
    this.#finder = new Finder(this)
    this.rules = new KnownRules(this)
    this.#looks = new Looks({
      clock,
      timers: options.timers,
      finder: this.#finder,
      rules: this.rules,
      claims: this.sharing.claims,
      isInMemory: ({ key, request }) => memory.peek(key, request) !== null,
    })
    this.#writer = new Writer(this)
    this.#arriving = new Arriving(this, this.#writer)
    this.told = new Telling(this.sharing, this.#writer, this.#arriving)
  }

  /** Begins to serve, in the background, when the folder can be used. `after`: who used it before has done with it. */
  async open(after?: Promise<void>): Promise<void> {
    const { disk, clock, warn } = this.#options
    try {
      await after
      await disk.makeFolder(this.root)
      await disk.makeFolder(this.root + '/drafts')
      await this.#takeFolder()
      await this.journal.open()
      this.pace.begin(await disk.kindOf(this.root))
    } catch (error) {
      warn?.(`the cache's folder ${this.root} cannot be used: ${error instanceof Error ? error.message : ''}`)
      this.#writer.giveUp()
      if (!this.#isClosed) clock.after(reopenMs, () => void (this.#isClosed || this.open()))
      return
    }
    if (this.#isClosed) return this.journal.close()
    this.isServing = true
    this.#writer.begin()
    this.sharing.begin()
    void this.rules.begin()
  }

  async #takeFolder(): Promise<void> {
    const { disk, owner, writer } = this.#options
    if (owner === undefined) return
    const other = await takeFolder(disk, this.root, owner, `${this.root}/draft.lock.${writer}`)
    if (other !== '') throw new Error(`another Headgate uses it (process ${other.split(' ', 1)[0] ?? ''})`)
  }

  // What workers tell each other

  onElected(): void {
    const { root, disk, clock, marks, journal, pace } = this
    this.keeper = new Keeper({
      disk,
      root,
      clock,
      marks,
      journal,
      pace,
      bytesMax: this.#bytesMax,
      costOf: (bytes) => fileCost(this.#options.settings, bytes),
      onGone: (name, key) => this.sharing.evicted(name, key),
    })
  }

  onGone(name: string): void {
    this.#finder.forget(name)
    this.keeper?.removed(name)
  }

  /** Another worker has a newer answer for a key, or none any more. */
  #forgetKey(name: string, key: string): void {
    if (name !== '') {
      this.#finder.forget(name)
      // What waits to be written here is older.
      this.#writer.cancel(name)
    }
    if (key === '') return
    this.searchRules.note(key)
    this.#memory.forgetKey(key)
    this.#options.onForeign?.(key)
  }

  /** What is here of a key is not to come over the answer that another worker is about to show. */
  #outdateKey(key: string): void {
    // Who reads what grows has seen something newer than is on disk: should nothing come of the other's, that is too old.
    for (const entry of this.#memory.outdateKey(key)) this.#writer.remove(entry)
    this.#writer.giveUp(key)
  }

  /** Does another worker ask for it, or write it? */
  isClaimed(key: string): boolean {
    return this.sharing.claims.has(key)
  }

  // Finding

  /** As `Looks.look`. */
  look(x: Exchange, keys: readonly string[], folding: VaryFolding | null, stays: boolean): Lookup | null {
    return this.isServing ? this.#looks.look(x, keys, folding, stays) : null
  }

  /** As `SharedCache.findPart`. */
  findPart(wanted: Wanted): Entry | null | Promise<Entry | null> {
    return this.isServing ? this.#looks.findPart(wanted) : null
  }

  /** As `Looks.lookNewer`. */
  lookNewer(x: Exchange, key: string, folding: VaryFolding | null): Lookup | null {
    return this.isServing ? this.#looks.lookNewer(x, key, folding) : null
  }

  /** The same for whoever has no exchange. */
  find(wanted: Wanted): Promise<Entry | null> {
    return this.isServing ? this.#finder.find(wanted) : Promise.resolve(null)
  }

  /** As `Finder.findNow`. */
  findNow(wanted: Wanted): Entry | null | undefined {
    return this.isServing ? this.#finder.findNow(wanted) : undefined
  }

  /** As `Finder.peekNow`, also under rules for parameters. */
  peekNow(wanted: Wanted): Entry | null | undefined {
    if (!this.isServing) return undefined
    const entry = this.#finder.peekNow(wanted)
    if (entry !== null) return entry
    return underRulesNow(wanted, this.rules.peekNow(wanted.key), (each) => this.#finder.peekNow(each))
  }

  get generation(): number {
    return this.#memory.generation
  }

  get entryBytesMax(): number {
    return this.#memory.entryBytesMax
  }

  get isCurrent(): boolean {
    return this.journal.isCurrent
  }

  current(): Promise<void> {
    return this.journal.isCurrent ? Promise.resolve() : this.journal.catchUp()
  }

  pending(name: string): Entry | null | undefined {
    const entry = this.#arriving.pending(name) ?? this.#writer.pending(name)
    // Of one that is in memory that knows what was purged.
    const isPurged = entry !== null && entry?.isStored === false && this.bornPosition(entry) < 0
    return isPurged ? null : entry
  }

  wasPurged(entry: Entry): boolean {
    return this.#memory.wasPurged(entry)
  }

  promote(entry: Entry): void {
    // Another worker has a newer one.
    if (this.sharing.claims.isAnswered(entry.key)) return
    entry.isBeneath = true
    if (this.#memory.begin(entry)) this.#memory.complete(entry)
  }

  onDamaged(name: string): void {
    const { disk, root } = this
    void disk.remove(pathOf(root, name)).catch(() => {})
    this.#finder.forget(name)
    this.sharing.removed(name, '', false)
  }

  // Storing

  begin(entry: Entry, growth: Growth, owner: GrowingBelowOwner): GrowingBelow | null {
    return this.isServing ? this.#arriving.begin(entry, growth, owner) : null
  }

  replaceHead(old: Entry, fresh: Entry): boolean {
    const isInPlace = old.body === fresh.body && old.key === fresh.key
    if (!this.isServing || !isInPlace || this.bornPosition(fresh) < 0) return false
    this.#writer.putHead(fresh)
    return true
  }

  get diskBytesMax(): number {
    return this.#bytesMax
  }

  onWhole(entry: Entry): void {
    this.searchRules.note(entry.key)
    this.#memory.replaceOthers(entry)
    this.#memory.forgetKey(entry.key)
  }

  onStored(entry: Entry): void {
    if (entry.isFromBelow) return
    this.#arriving.outdate(entry)
    this.#writer.put(entry)
  }

  onRemoved(entry: Entry): void {
    this.#writer.remove(entry)
  }

  onReplaced(key: string): void {
    this.#arriving.outdateName(nameOf(key))
    this.#writer.removeKey(key)
  }

  draft(): string {
    return `${this.root}/drafts/${this.#options.writer}-${++this.#drafts}`
  }

  bornPosition(entry: Entry): number {
    // Memory was told of all purges up to there: one that came after the answer was asked for is known by it, wherever it stands.
    const { synced, sweptAt } = this.journal
    return synced < sweptAt || entry.isSoftPurged || this.#memory.wasPurged(entry) ? -1 : synced
  }

  async isPurged(entry: Entry): Promise<boolean> {
    await this.current()
    return this.bornPosition(entry) < 0
  }

  onWritten(name: string, key: string, bytes: number, tags: readonly string[]): void {
    this.#finder.forget(name)
    if (key !== '') this.#setBeneath(name, key, true)
    this.told.written(name, key, bytes, tags)
  }

  /** What memory has of the file with this name is on disk, too, or no more: it is counted there, or in memory. */
  #setBeneath(name: string, key: string, isBeneath: boolean): void {
    this.#memory.setBeneath(key, isBeneath, (entry) => nameOfEntry(entry) === name)
  }

  onRemovedFile(name: string, key: string): void {
    this.#finder.forget(name)
    this.#setBeneath(name, key, false)
    this.told.removed(name, key)
  }

  onUnwritten(key: string): void {
    this.told.unwritten(key)
  }

  onFound(name: string): void {
    this.sharing.used(name)
  }

  // Purging

  /** Purges the store in memory and counts what it concerns on disk, unless it has taken this purge before. */
  purgeMemory(request: PurgeRequest): PurgeCounts {
    return this.#taken.take(request, (each) => ({
      above: this.#memory.purge(each),
      below: this.keeper?.purge(each) ?? null,
    }))
  }

  /** As `appendPurges`. */
  purge(requests: readonly PurgeRequest[], onNoted: (() => void) | null = null): Promise<void> {
    return appendPurges(this, requests, onNoted)
  }

  // Looking

  snapshot(): DiskSnapshot {
    return snapshotOf(this.#finder, this.#writer, this.marks, this.keeper)
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.keeper?.resize(bytesMax)
  }

  /** Resolves when all that was stored until now is written. */
  idle(): Promise<void> {
    return this.#writer.idle()
  }

  /**
   * Takes no more, and gives no more. What waits to be written is written if the process lives. Resolves when no more purges
   * are written.
   */
  close(): Promise<void> {
    this.#isClosed = true
    this.isServing = false
    this.keeper?.close()
    this.sharing.close()
    this.#writer.close()
    this.#arriving.close()
    this.#finder.close()
    return this.journal.close()
  }
}
