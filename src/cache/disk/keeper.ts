/**
 * Keeper: the work that the elected worker does for all: it finds out what there is, throws out what there is no room
 * for, and compares every file with the purges, so that they can be forgotten.
 *
 * Promises: it works in the background, one file at a time with rests between; a purge is forgotten only when no file
 * that it concerns can come back, not even by a loss of power.
 */
import type { Clock } from '../../core/clock.ts'
import type { PurgeReport, PurgeRequest } from '../store/purge-request.ts'
import type { Account } from './account.ts'
import { Accounts } from './accounts.ts'
import { codeOf, type Disk } from './disk.ts'
import type { Journal } from './journal.ts'
import { Ledger } from './ledger.ts'
import { ABSENT, BUSY, DAMAGED, loadHead, loadHeadNow, type LoadedHead, type Missing } from './load.ts'
import { Purged, type Marks } from './marks.ts'
import { folderNames, isName, pathOf } from './names.ts'
import type { Pace } from './pace.ts'
import { ANSWER, readFacts, recordBytes, softOffset, type RecordFacts } from './record.ts'

/** How many files are handled between two rests of `pauseMs`: a tenth of a thread at most. */
const stretchFiles = 16
const pauseMs = 5
/**
 * How long purges rest before files are compared with them: by then every worker has carried them out, or was
 * reported missing.
 */
const sweepRestMs = 10_000
/** How often to look whether there is something to do. */
const lookMs = 1000
/** A few marks are not worth a walk over all files. */
const sweepEveryMs = 300_000
const sweepMarks = 1000
/** The journal is written anew when it has grown beyond this, and twice what its marks need. */
const journalBytesMax = 1024 * 1024
/** When to count again what could not be counted. */
const recountMs = 10_000
/** From this age on, a draft was left by a process that died. */
const draftRestMs = 600_000

export interface KeeperOptions {
  readonly disk: Disk
  readonly root: string
  readonly clock: Clock
  readonly marks: Marks
  readonly journal: Journal
  readonly pace: Pace
  readonly bytesMax: number
  /** As in `Accounts`. */
  readonly costOf: (bytes: number) => number
  /** A file is gone. `key` is that of its answer; '' where it had none in force. */
  readonly onGone: (name: string, key: string) => void
}

export class Keeper {
  readonly accounts: Accounts
  readonly #ledger: Ledger
  /**
   * Until the folder has been walked over: the purges that existed when this worker was elected, and up to
   * which position.
   */
  #before: { readonly marks: Marks; readonly position: number } | null
  /** How many files have been looked at. */
  isCounted = false
  sweeps = 0
  readonly #options: KeeperOptions
  #isClosed = false
  #isEvicting = false
  #sweptMs: number
  #journalBytes = 0

  constructor(options: KeeperOptions) {
    this.#options = options
    this.accounts = new Accounts(options.bytesMax, options.costOf)
    this.#ledger = new Ledger(options.clock, this.accounts)
    this.#before = { marks: options.marks.copy(), position: options.journal.known }
    this.#sweptMs = options.clock.nowMs()
    void this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#isClosed && !(await this.#count().then(isDone, isNotDone))) await this.#pause(recountMs)
    let drafts = await this.#drafts()
    let draftsMs = this.#options.clock.nowMs()
    if (this.#isClosed) return
    this.isCounted = true
    this.#before = null
    this.#ledger.complete()
    void this.#evict()
    while (!this.#isClosed) {
      await this.#pause(lookMs)
      await this.#look().catch(() => {})
      if (this.#options.clock.nowMs() - draftsMs < draftRestMs) continue
      draftsMs = this.#options.clock.nowMs()
      drafts = await this.#removeOld(drafts)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve))
  }

  // What there is

  async #count(): Promise<void> {
    for await (const names of this.#walk()) {
      for (const name of names) {
        if (this.accounts.get(name) !== null) continue
        const loaded = await this.#head(pathOf(this.#options.root, name))
        // Another worker has told of it meanwhile.
        if (loaded === ABSENT || this.accounts.get(name) !== null) continue
        await this.#countOne(name, loaded)
      }
    }
  }

  #head(path: string): LoadedHead | Missing | Promise<LoadedHead | Missing> {
    const { disk, pace } = this.#options
    return pace.isQuick ? pace.measure(() => loadHeadNow(disk, path)) : loadHead(disk, path)
  }

  async #countOne(name: string, loaded: LoadedHead | typeof BUSY | typeof DAMAGED): Promise<void> {
    if (loaded === BUSY) throw new Error('a file cannot be looked at just now')
    if (loaded === DAMAGED) {
      const { disk, root } = this.#options
      const bytes = await disk.sizeOf(pathOf(root, name)).catch(noSize)
      if (bytes >= 0 && this.accounts.get(name) === null) this.accounts.add(name, bytes)
      return
    }
    const { header, head } = loaded
    const account = this.accounts.add(name, recordBytes(header))
    if (header.kind !== ANSWER || this.#before === null) return
    const facts = readFacts(head)
    const { marks, position } = this.#before
    account.isDoomed = marks.compare(facts, header.born) === Purged.HARD
    if (account.isDoomed) return
    // A file written since then is older than no purge that the ledger was told of, except those that would
    // have kept it out.
    this.#ledger.enter(account, facts, header.born <= position)
  }

  /**
   * The names of all files, in batches with rests in between: stepping from one to the next by a promise costs
   * more than looking at it.
   */
  async *#walk(): AsyncGenerator<readonly string[]> {
    const { disk, root } = this.#options
    let stretch: string[] = []
    for (const folder of folderNames) {
      const names = await disk.list(root + '/' + folder).catch(noneIfAbsent)
      for (const name of names) {
        if (this.#isClosed) return
        if (isName(name)) stretch.push(name)
        if (stretch.length < stretchFiles) continue
        yield stretch
        stretch = []
        await this.#pause(pauseMs)
      }
    }
    yield stretch
  }

  async #drafts(): Promise<Set<string>> {
    const { disk, root } = this.#options
    return new Set(await disk.list(root + '/drafts').catch(() => []))
  }

  async #removeOld(before: ReadonlySet<string>): Promise<Set<string>> {
    const { disk, root } = this.#options
    const drafts = await this.#drafts()
    for (const name of drafts)
      if (before.has(name)) await disk.remove(root + '/drafts/' + name).catch(() => {})
    return drafts
  }

  // Room

  /** There is a file, which now holds this answer; null: it holds none. */
  added(name: string, bytes: number, facts: RecordFacts | null): void {
    const before = this.accounts.get(name)
    if (before !== null) this.#ledger.leave(before)
    const account = this.accounts.add(name, bytes)
    if (facts !== null) this.#ledger.enter(account, facts)
    if (this.isCounted) void this.#evict()
  }

  removed(name: string): void {
    const account = this.accounts.get(name)
    if (account === null) return
    this.#ledger.leave(account)
    this.accounts.remove(account)
  }

  resize(bytesMax: number): void {
    this.accounts.bytesMax = bytesMax
    if (this.isCounted) void this.#evict()
  }

  async #evict(): Promise<void> {
    if (this.#isEvicting) return
    this.#isEvicting = true
    for (let account = this.accounts.evict(); account !== null && !this.#isClosed;) {
      await this.#remove(account.name, this.#keyOf(account)).catch(() => {})
      account = this.accounts.evict()
    }
    this.#isEvicting = false
  }

  /** The key of a file's answer in force, which is no longer counted from here on; '' for none. */
  #keyOf(account: Account | null): string {
    if (account === null) return ''
    const key = account.isStored ? account.key : ''
    this.#ledger.leave(account)
    return key
  }

  async #remove(name: string, key = this.#keyOf(this.accounts.get(name))): Promise<void> {
    const { disk, root, onGone } = this.#options
    await disk.remove(pathOf(root, name)).catch(noneIfAbsent)
    this.removed(name)
    onGone(name, key)
  }

  // Purges

  /** How many answers on disk a purge concerns that has just been reported. */
  purge(request: PurgeRequest): PurgeReport {
    return this.#ledger.purge(request)
  }

  async #look(): Promise<void> {
    const { clock, marks, journal } = this.#options
    const isDue = clock.nowMs() - this.#sweptMs > sweepEveryMs || marks.size > sweepMarks
    if (marks.size > 0 && isDue) await this.sweep(sweepRestMs)
    if (journal.bytes < journalBytesMax + 2 * this.#journalBytes) return
    await journal.rewrite()
    this.#journalBytes = journal.bytes
  }

  /** Compares all files with the present purges, `restMs` from now. */
  async sweep(restMs: number): Promise<void> {
    const { clock, journal, disk, root } = this.#options
    const target = journal.synced
    this.#sweptMs = clock.nowMs()
    if (restMs > 0) await this.#pause(restMs)
    for await (const names of this.#walk()) {
      for (const name of names) await this.#compare(name)
    }
    // What was removed or replaced must stay so once the marks that would tell are gone.
    for (const folder of folderNames) {
      await disk.syncFolder(root + '/' + folder).catch(noneIfAbsent)
    }
    if (this.#isClosed) return
    await journal.noteSwept(target)
    this.sweeps++
  }

  async #compare(name: string): Promise<void> {
    const { root, marks } = this.#options
    const path = pathOf(root, name)
    const loaded = await this.#head(path)
    if (loaded === ABSENT) return
    if (loaded === BUSY) throw new Error('a file cannot be compared with the purges just now')
    if (loaded === DAMAGED) return this.#remove(name)
    if (loaded.header.kind !== ANSWER) return
    const facts = readFacts(loaded.head)
    const purged = marks.compare(facts, loaded.header.born)
    if (purged === Purged.HARD) return this.#remove(name)
    this.#correct(name, facts)
    if (purged === Purged.SOFTLY && !loaded.header.isSoft) await this.#soften(path)
  }

  /**
   * Counts an answer in force again that was taken for purged, because the news of its file came before that of
   * the purge.
   */
  #correct(name: string, facts: RecordFacts): void {
    const account = this.accounts.get(name)
    if (account?.isDoomed === true) this.#ledger.enter(account, facts)
  }

  /** Makes the file itself say that it is stale. */
  async #soften(path: string): Promise<void> {
    const file = await this.#options.disk.open(path)
    try {
      await file.write(Buffer.of(1), softOffset)
      await file.sync()
    } finally {
      file.close()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#ledger.close()
  }
}

const isDone = (): boolean => true
const isNotDone = (): boolean => false

/** The file is gone, or cannot be looked at: then it is not counted. */
const noSize = (): number => -1

/** Anything else that goes wrong ends the walk: what was not seen or not removed must stay marked. */
function noneIfAbsent(error: unknown): string[] {
  if (codeOf(error) !== 'ENOENT') throw error
  return []
}
