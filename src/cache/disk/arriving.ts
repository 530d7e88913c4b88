/**
 * Arriving: answers for which memory has no room, on their way to the disk: large ones as files that grow
 * (growing-file.ts); small ones, whose bodies are in one piece, are written when they are whole.
 */
import type { Entry } from '../store/entry.ts'
import type { Growth } from '../store/growth.ts'
import { wholeBytesMax } from '../store/memory-body.ts'
import type { GrowingBelow, GrowingBelowOwner } from '../store/store.ts'
import { GrowingFile, type GrowingFilePlace, type GrownEnd } from './growing-file.ts'
import { nameOfEntry } from './names.ts'
import type { Writer } from './writer.ts'

/** The largest answer, and all that arrive together, as a part of what the folder may hold. */
const share = 1 / 2
/** Files that grow, or are still read from. */
const filesMax = 1000

type Own = 'onGrownEnd' | 'onGrownClose' | 'bytesMax' | 'settled'

export interface ArrivingPlace extends Omit<GrowingFilePlace, Own> {
  readonly diskBytesMax: number
  current(): Promise<void>
  /** It is whole: what memory has of the key is older. */
  onWhole(entry: Entry): void
}

export class Arriving {
  readonly #place: GrowingFilePlace
  readonly #writer: Writer
  readonly #bytesMax: () => number
  readonly #onWhole: (entry: Entry) => void
  readonly #files: Set<GrowingFile> = new Set()
  /** Those that are whole and have no name yet. */
  readonly #finishing = new Map<string, Entry>()
  #onFinished: (() => void)[] = []
  /** In whose place there is a newer one. */
  readonly #outdated = new WeakSet<Entry>()

  constructor(place: ArrivingPlace, writer: Writer) {
    this.#writer = writer
    this.#bytesMax = () => place.diskBytesMax * share
    this.#onWhole = (entry) => place.onWhole(entry)
    const bytesMax = this.#bytesMax
    this.#place = {
      disk: place.disk,
      root: place.root,
      searchRules: place.searchRules,
      rules: place.rules,
      clock: place.clock,
      get bytesMax() {
        return bytesMax()
      },
      // One that came meanwhile and was whole at once is newer.
      isPurged: async (entry) =>
        writer.pending(nameOfEntry(entry)) !== undefined || (await place.isPurged(entry)),
      draft: () => place.draft(),
      bornPosition: (entry) => place.bornPosition(entry),
      settled: async (key) => {
        await writer.done(key)
        await place.current()
      },
      onWritten: (name, key, bytes, tags) => {
        writer.writes++
        writer.writtenBytes += bytes
        place.onWritten(name, key, bytes, tags)
      },
      onUnwritten: (key) => place.onUnwritten(key),
      onGrownEnd: (file, end) => this.#onEnd(file, end),
      onGrownClose: (file) => void this.#files.delete(file),
    }
  }

  #onEnd({ name, entry }: GrowingFile, end: GrownEnd): void {
    const wasWhole = this.#finishing.get(name) === entry
    if (wasWhole) this.#finishing.delete(name)
    if (end === 'failed') this.#writer.rest()
    // The answer that it has replaced may be there, and must not come back.
    const isLast = wasWhole && !this.#outdated.has(entry) && this.#writer.pending(name) === undefined
    if (end !== 'written' && isLast) this.#writer.remove(entry)
    for (const tell of this.#onFinished.splice(0)) tell()
  }

  get size(): number {
    return this.#files.size
  }

  #growingBytes(): number {
    let bytes = 0
    for (const { entry } of this.#files)
      bytes += entry.body.isWhole ? 0 : Math.max(entry.statedLength, entry.body.length)
    return bytes
  }

  begin(entry: Entry, growth: Growth, owner: GrowingBelowOwner): GrowingBelow | null {
    if (this.#writer.isResting) return null
    const { statedLength } = entry
    if (statedLength >= 0 && statedLength <= wholeBytesMax)
      return new SmallArrival(entry, (each) => {
        this.#onWhole(each)
        this.#writer.put(each)
      })
    const hasRoom = Math.max(0, statedLength) + this.#growingBytes() <= this.#bytesMax()
    if (!hasRoom || this.#files.size >= filesMax) return null
    const file = new GrowingFile(this.#place, entry, growth, owner)
    this.#files.add(file)
    return {
      get isBehind() {
        return file.isBehind
      },
      grown: () => file.grown(),
      complete: () => {
        if (!file.isOver) {
          this.#finishing.set(file.name, entry)
          this.#writer.cancel(file.name)
          this.#onWhole(entry)
        }
        file.complete()
      },
      abandon: () => file.abandon(),
    }
  }

  /** What is whole, and about to be there. */
  pending(name: string): Entry | undefined {
    return this.#finishing.size === 0 ? undefined : this.#finishing.get(name)
  }

  /** A newer answer is to be written: one that is whole and has no name yet gets none. */
  outdate(fresh: Entry): void {
    if (this.#finishing.size > 0) this.outdateName(nameOfEntry(fresh), fresh)
  }

  /** The same, whatever is to be found instead. */
  outdateName(name: string, fresh: Entry | null = null): void {
    const old = this.#finishing.get(name)
    if (old === undefined || old === fresh) return
    old.isDoomed = true
    this.#outdated.add(old)
  }

  /** Resolves when nothing of this key is on its way to its place; null: nothing is. */
  done(key: string): Promise<void> | null {
    return this.isSoon(key) ? this.#done(key) : this.#writer.done(key)
  }

  async #done(key: string): Promise<void> {
    while (this.isSoon(key)) await new Promise<void>((resolve) => this.#onFinished.push(resolve))
    await this.#writer.done(key)
  }

  isSoon(key: string): boolean {
    return this.finishing(key) > 0
  }

  /** Answers to this key that are whole and have no name yet, one whose end is being told included. */
  finishing(key: string): number {
    let count = 0
    for (const entry of this.#finishing.values()) if (entry.key === key) count++
    return count
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}

/** Its body is in memory until it is written. */
class SmallArrival implements GrowingBelow {
  readonly isBehind = false
  readonly #entry: Entry
  readonly #onWhole: (entry: Entry) => void

  constructor(entry: Entry, onWhole: (entry: Entry) => void) {
    this.#entry = entry
    this.#onWhole = onWhole
  }

  grown(): void {}

  complete(): void {
    this.#onWhole(this.#entry)
  }

  abandon(): void {}
}
