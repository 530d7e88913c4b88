/**
 * Writer: what is to be written to or removed from the disk in the background.
 *
 * Promises: nobody waits for it; of several tasks for one name the last is carried out; what waits is bounded in
 * bytes and count, and what exceeds that is not written, and counted; what has not been written yet can be read from
 * here.
 */
import type { Clock } from '../../core/clock.ts'
import { noTags, type Entry } from '../store/entry.ts'
import { codeOf } from './disk.ts'
import { nameOf, nameOfEntry, pathOf } from './names.ts'
import { rewriteHead, writeEntry, writePointers, type WritePlace } from './write.ts'

/** Bodies that wait, which may have left memory's own limit. */
export const waitingBytesMax: number = 64 * 1024 * 1024
export const waitingMax = 10_000
/** So many are written in less time than an origin is waited for. */
const soonMax = 100
/** At the same time: Node has four threads for files, and lookups need some. */
const activeMax = 2
/** After the disk was full, or refused: it is not tried for each answer. */
const restMs = 1000

/** null: it is removed. */
interface Job {
  readonly name: string
  readonly key: string
  readonly entry: Entry | null
  /** Its head only. */
  readonly isHead?: boolean
}

/** Of the body that is in memory for it. */
function bytesOf({ entry, isHead = false }: Job): number {
  return entry === null || isHead ? 0 : entry.body.length
}

export interface WriterOwner extends WritePlace {
  readonly clock: Clock
  /** Behind which purges in the journal an answer stands; -1: it was purged, or nobody knows any more. */
  bornPosition(entry: Entry): number
  /** Resolves when no purge is on its way into the journal. */
  current(): Promise<void>
  /** `tags`: of the answer; `key` is '' where the file has none. */
  onWritten(name: string, key: string, bytes: number, tags: readonly string[]): void
  onRemovedFile(name: string, key: string): void
  /** Nothing came of it. */
  onUnwritten(key: string): void
}

export class Writer {
  writes = 0
  writtenBytes = 0
  failures = 0
  /** Not written for want of room in the queue, or while the disk rests. */
  dropped = 0
  readonly #owner: WriterOwner
  readonly #waiting = new Map<string, Job>()
  /** How many jobs there are for a key. */
  readonly #keys = new Map<string, number>()
  readonly #active = new Map<string, Job>()
  #waitingBytes = 0
  #restUntilMs = -Infinity
  /** Until the folder can be used. */
  #isHeld = true
  #isClosed = false
  #onIdle: (() => void)[] = []
  readonly #onDone = new Map<string, (() => void)[]>()

  constructor(owner: WriterOwner) {
    this.#owner = owner
  }

  /** The folder can be used. */
  begin(): void {
    this.#isHeld = false
    this.#next()
  }

  /**
   * It cannot, nobody knows for how long; or another worker has a newer answer for `only` this key. What is in the folder is
   * older than what waits, and goes when it can be used.
   */
  giveUp(only: string | null = null): void {
    if (!this.#isHeld) return
    for (const { entry, key, name } of this.#waiting.values())
      if (entry !== null && (only === null || only === key)) this.#add({ name, key, entry: null })
  }

  /** The disk was full, or refused, a moment ago. */
  get isResting(): boolean {
    return this.#owner.clock.nowMs() < this.#restUntilMs
  }

  /** It did so just now. */
  rest(): void {
    this.failures++
    this.#restUntilMs = this.#owner.clock.nowMs() + restMs
  }

  put(entry: Entry): void {
    const { isResting } = this
    const isFull =
      this.#waiting.size >= waitingMax || this.#waitingBytes + entry.body.length > waitingBytesMax
    if (this.#isClosed || isResting || isFull) {
      this.dropped++
      // What is there is an older answer.
      if (!this.#isClosed) this.remove(entry)
      return
    }
    this.#add({ name: nameOfEntry(entry), key: entry.key, entry })
  }

  /** The file of a large answer is to have another head; its body is on disk already. */
  putHead(entry: Entry): void {
    if (!this.#isClosed) this.#add({ name: nameOfEntry(entry), key: entry.key, entry, isHead: true })
  }

  /** A newer one is there, of another worker or of one that grows. */
  cancel(name: string): void {
    const job = this.#waiting.get(name)
    if (job === undefined || job.entry === null) return
    this.#owner.onUnwritten(job.key)
    this.#forget(name)
  }

  remove(entry: Entry): void {
    if (!this.#isClosed) this.#add({ name: nameOfEntry(entry), key: entry.key, entry: null })
  }

  /** What a key's own file has. */
  removeKey(key: string): void {
    if (!this.#isClosed) this.#add({ name: nameOf(key), key, entry: null })
  }

  #add(job: Job): void {
    this.#forget(job.name)
    // Removals are small, but not for nothing.
    if (this.#waiting.size >= 2 * waitingMax) return
    this.#waiting.set(job.name, job)
    this.#count(job.key, 1)
    this.#waitingBytes += bytesOf(job)
    this.#next()
  }

  #forget(name: string): void {
    const job = this.#waiting.get(name)
    if (job === undefined) return
    this.#waiting.delete(name)
    this.#count(job.key, -1)
    this.#waitingBytes -= bytesOf(job)
  }

  /** What is about to be there: an entry, null for nothing; undefined when the disk itself knows. */
  pending(name: string): Entry | null | undefined {
    // Of a string that was just made even an empty Map finds out the hash: as much as a system call.
    if (this.#waiting.size + this.#active.size === 0) return undefined
    return (this.#waiting.get(name) ?? this.#active.get(name))?.entry
  }

  /** Things to do for this key, the one that is being done included. */
  jobs(key: string): number {
    return this.#keys.get(key) ?? 0
  }

  /** Is what is to be done done at once? */
  get isQuick(): boolean {
    return this.#waiting.size <= soonMax
  }

  /** Resolves when nothing is to be done for this key any more; null: nothing is, or nobody knows when. */
  done(key: string): Promise<void> | null {
    if (this.#isHeld || this.jobs(key) === 0) return null
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#onDone.get(key)
    if (waiting === undefined) this.#onDone.set(key, [resolve])
    else waiting.push(resolve)
    return promise
  }

  #count(key: string, by: number): void {
    const count = (this.#keys.get(key) ?? 0) + by
    if (count > 0) return void this.#keys.set(key, count)
    this.#keys.delete(key)
    // One job may give way to another in this turn.
    if (this.#onDone.has(key)) queueMicrotask(() => this.#tellDone(key))
  }

  #tellDone(key: string): void {
    const waiting = this.#onDone.get(key)
    if (waiting === undefined || this.jobs(key) > 0) return
    this.#onDone.delete(key)
    for (const tell of waiting) tell()
  }

  get queued(): number {
    return this.#waiting.size + this.#active.size
  }

  #next(): void {
    if (this.#isHeld || this.#active.size >= activeMax) return
    for (const job of this.#waiting.values()) {
      // One after another for one name.
      if (this.#active.has(job.name)) continue
      this.#forget(job.name)
      this.#active.set(job.name, job)
      this.#count(job.key, 1)
      void this.#run(job)
      if (this.#active.size >= activeMax) return
    }
    if (this.queued === 0) for (const tell of this.#onIdle.splice(0)) tell()
  }

  async #run(job: Job): Promise<void> {
    try {
      if (job.entry === null) await this.#remove(job)
      else if (job.isHead === true) await this.#writeHead(job, job.entry)
      else await this.#write(job, job.entry)
    } catch (error) {
      if (codeOf(error) === '') this.failures++
      else this.rest()
      // The older answer that is there was replaced, and must not come back.
      const isThere = job.entry === null || (await this.#remove(job).then(isGone, isNotGone))
      if (isThere) this.#owner.onUnwritten(job.key)
    }
    this.#active.delete(job.name)
    this.#count(job.key, -1)
    this.#next()
  }

  async #remove({ name, key }: Job): Promise<void> {
    const { disk, root } = this.#owner
    try {
      await disk.remove(pathOf(root, name))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      return this.#owner.onUnwritten(key)
    }
    this.#owner.onRemovedFile(name, key)
  }

  async #write(job: Job, entry: Entry): Promise<void> {
    const owner = this.#owner
    const { name, key } = job
    await owner.current()
    const born = owner.bornPosition(entry)
    const moment = { nowMs: owner.clock.nowMs(), wallMs: owner.clock.wallMs() }
    const bytes = born < 0 ? 0 : await writeEntry(owner, name, entry, born, moment)
    // It was purged, by a tag perhaps that the answer before it does not have: that must not come back.
    if (bytes === 0) return this.#remove(job)
    this.writes++
    this.writtenBytes += bytes
    await writePointers(owner, entry, (pointer, size) => owner.onWritten(pointer, '', size, noTags))
    // Told when it can be found: others wait for it.
    owner.onWritten(name, key, bytes, entry.tagNames)
  }

  async #writeHead({ name, key }: Job, entry: Entry): Promise<void> {
    const owner = this.#owner
    await owner.current()
    const born = owner.bornPosition(entry)
    const moment = { nowMs: owner.clock.nowMs(), wallMs: owner.clock.wallMs() }
    const bytes = born < 0 ? 0 : await rewriteHead(owner, name, entry, born, moment)
    if (bytes === 0) owner.onUnwritten(key)
    else owner.onWritten(name, key, bytes, entry.tagNames)
  }

  /** Resolves when all is written. */
  idle(): Promise<void> {
    if (this.queued === 0) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle.push(resolve)
    return promise
  }

  /** Takes nothing more; what waits is written still. */
  close(): void {
    this.#isClosed = true
  }
}

const isGone = (): boolean => false
const isNotGone = (): boolean => true
