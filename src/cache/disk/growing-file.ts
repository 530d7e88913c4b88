/**
 * GrowingFile: an answer that memory does not take, written to disk while it arrives. A reader that is behind what
 * memory holds of it reads the growing file.
 *
 * Promises: a block is in memory until it is on disk; the origin is held back when the disk is `behindBytesMax`
 * behind; a disk that fails, or stays behind for `patienceMs`, costs the file and no answer: its owner is told, and
 * passes the answer on without keeping it; the file gets its name when it is whole, and only if it was not purged
 * meanwhile.
 */
import { crc32 } from 'node:zlib'
import type { Clock, ClockTimer } from '../../core/clock.ts'
import { noTags, type Entry } from '../store/entry.ts'
import type { Growth } from '../store/growth.ts'
import { blockBytes, type MemoryBody } from '../store/memory-body.ts'
import type { GrowingBelow, GrowingBelowOwner } from '../store/store.ts'
import { BlockFile } from './block-file.ts'
import { headerBytes, headOf, paddedHead } from './record.ts'
import { answerHeader, moveTo, writePointers, type WritePlace } from './write.ts'
import { nameOfEntry } from './names.ts'

/** 4 MiB, as for an answer that nobody keeps. */
const behindBytesMax = 4 * 1024 * 1024
const patienceMs = 2000
/** How soon a file that nobody reads any more is closed. */
const idleMs = 5000

/** It is written, or will not be: as it is not wanted any more, or as the disk would not. */
export type GrownEnd = 'written' | 'dropped' | 'failed'

export interface GrowingFilePlace extends WritePlace {
  readonly clock: Clock
  /** The largest answer that it may become. */
  readonly bytesMax: number
  bornPosition(entry: Entry): number
  /** Resolves when no purge is on its way into the journal, and no older answer of this key on its way to the disk. */
  settled(key: string): Promise<void>
  onWritten(name: string, key: string, bytes: number, tags: readonly string[]): void
  onUnwritten(key: string): void
  onGrownEnd(file: GrowingFile, end: GrownEnd): void
  /** Nobody reads the file any more. */
  onGrownClose(file: GrowingFile): void
}

export class GrowingFile extends BlockFile implements GrowingBelow {
  readonly entry: Entry
  readonly name: string
  readonly growth: Growth
  protected readonly bodyStart: number
  readonly #place: GrowingFilePlace
  readonly #owner: GrowingBelowOwner
  readonly #head: Buffer
  readonly #draft: string
  readonly #checks: number[] = []
  #isWriting = false
  /** The whole answer is there. */
  #isWhole = false
  /** It was given up. */
  #isOver = false
  #patience: ClockTimer | null = null

  constructor(place: GrowingFilePlace, entry: Entry, growth: Growth, owner: GrowingBelowOwner) {
    super()
    const { clock } = place
    this.entry = entry
    this.name = nameOfEntry(entry)
    this.growth = growth
    this.#place = place
    this.#owner = owner
    this.#head = paddedHead(headOf(entry, clock.nowMs(), clock.wallMs()))
    this.#draft = place.draft()
    this.bodyStart = headerBytes + this.#head.length
    entry.body.backing = this
    void this.#write()
  }

  get body(): MemoryBody {
    return this.entry.body
  }

  /** It is written, or will not be. */
  get isOver(): boolean {
    return this.#isOver
  }

  protected checkOf(index: number): number {
    return this.#checks[index] ?? -1
  }

  get #behindBytes(): number {
    return this.body.length - this.#checks.length * blockBytes
  }

  get isBehind(): boolean {
    return !this.#isOver && this.#behindBytes > behindBytesMax
  }

  // As the store beneath a fill

  grown(): void {
    if (this.#isOver) return
    if (this.body.length > this.#place.bytesMax) return this.#fail(false)
    if (this.isBehind) this.#patience ??= this.#place.clock.after(patienceMs, () => this.#fail(true))
    if (!this.#isWriting) void this.#write()
  }

  complete(): void {
    this.#isWhole = true
    this.#stopWaiting()
    if (!this.#isWriting && !this.#isOver) void this.#write()
    this.#closeWhenIdle()
  }

  abandon(): void {
    this.#end(false)
    this.#close()
  }

  #stopWaiting(): void {
    this.#patience?.cancel()
    this.#patience = null
  }

  // Writing

  async #write(): Promise<void> {
    const { disk } = this.#place
    this.#isWriting = true
    try {
      this.file ??= await disk.create(this.#draft)
      while (!this.#isOver && this.#hasNext) await this.#writeNext()
      if (this.#isWhole && !this.#isOver) await this.#finish()
    } catch {
      if (!this.#isOver) this.#fail(true)
    }
    this.#isWriting = false
    if (this.#isOver) await disk.remove(this.#draft).catch(() => {})
    if (this.isClosed) this.closeFile()
  }

  /** Is the next block complete? */
  get #hasNext(): boolean {
    const end = (this.#checks.length + 1) * blockBytes
    return end <= this.body.length || (this.#isWhole && end - blockBytes < this.body.length)
  }

  async #writeNext(): Promise<void> {
    const index = this.#checks.length
    const block = this.body.blocks[index] as Buffer
    await this.file?.write(block, this.bodyStart + index * blockBytes)
    const wasBehind = this.isBehind
    this.#checks.push(crc32(block))
    if (this.#isOver) return
    this.hold(index)
    if (!wasBehind || this.isBehind) return
    this.#stopWaiting()
    this.#owner.onCaughtUp()
  }

  async #finish(): Promise<void> {
    const place = this.#place
    const { entry, name, file } = this
    const { length } = entry.body
    await place.settled(entry.key)
    const born = place.bornPosition(entry)
    if (born < 0 || file === null) return this.#end(false)
    const table = Buffer.allocUnsafe(this.#checks.length * 4)
    for (const [i, check] of this.#checks.entries()) table.writeUInt32LE(check, i * 4)
    await file.write(table, this.bodyStart + length)
    await file.write(Buffer.concat([answerHeader(this.#head, length, born, table), this.#head]), 0)
    if (await place.isPurged(entry)) return this.#end(false)
    await moveTo(place, this.#draft, name)
    await writePointers(place, entry, (pointer, bytes) => place.onWritten(pointer, '', bytes, noTags))
    this.#isOver = true
    place.onWritten(name, entry.key, this.bodyStart + length + table.length, entry.tagNames)
    place.onGrownEnd(this, 'written')
  }

  // The end

  /** It will not be kept. Those who are reading it may go on. */
  #end(isFailed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopWaiting()
    const place = this.#place
    if (!this.#isWriting) void place.disk.remove(this.#draft).catch(() => {})
    place.onUnwritten(this.entry.key)
    place.onGrownEnd(this, isFailed ? 'failed' : 'dropped')
  }

  #fail(isFailed: boolean): void {
    this.#end(isFailed)
    if (this.#isWhole) return
    this.#close()
    this.#owner.onLost()
  }

  protected onUnreadable(): void {
    if (!this.#isWhole) this.#fail(true)
  }

  #closeWhenIdle(): void {
    this.#place.clock.after(idleMs, () => {
      if (this.isClosed) return
      if (this.#isOver && this.growth.size === 0 && !this.isLoading) this.#close()
      else this.#closeWhenIdle()
    })
  }

  #close(): void {
    // A file that is being written to is closed after the write.
    if (this.#isWriting) this.isClosed = true
    else this.closeFile()
    this.#place.onGrownClose(this)
  }

  /** The store closes. */
  close(): void {
    this.#end(false)
    this.#close()
  }
}
