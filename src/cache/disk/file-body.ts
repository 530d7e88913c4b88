/**
 * FileBody: the body of a large answer on disk, of which blocks come into memory when somebody reads them.
 *
 * Promises: a block is compared with its checksum before anybody is given a byte of it; of one that is damaged or cannot
 * be read nothing is sent, and who needs it gets the rest from the origin by Range, or is cut visibly; at most
 * `heldBlocksMax` blocks are held, or two for each reader if that is more, unless the whole is to become a body in memory.
 */
import { crc32 } from 'node:zlib'
import type { Clock, ClockTimer } from '../../core/clock.ts'
import { Growth, type GrowthOwner, type Rest } from '../growth.ts'
import { blockBytes, empty, MemoryBody, type BodyBacking } from '../memory-body.ts'
import type { DiskFile } from './disk.ts'

/** 2 MiB: readers of unlike pace find what others have just read. */
const heldBlocksMax = 32
/** A file that nobody reads is kept open so long: the next part of a film is asked for soon. */
const idleMs = 5000

export interface FileBodyOptions {
  readonly file: DiskFile
  /** Where the body begins in it. */
  readonly offset: number
  readonly length: number
  /** Checksums of the blocks. */
  readonly table: Buffer
  readonly clock: Clock
  /** How the rest can be had when a block cannot be read. */
  readonly rest: Rest | null
  /** Blocks that were read stay, and `onLoaded` is called when all are there. */
  readonly isKept: boolean
  readonly onLoaded: () => void
  /** It is closed: nobody reads it, or it cannot be read (`isDamaged`). Once. */
  readonly onClose: (isDamaged: boolean) => void
}

export class FileBody implements BodyBacking, GrowthOwner {
  readonly body: MemoryBody
  readonly growth: Growth
  readonly #options: FileBodyOptions
  readonly #loading = new Map<number, Promise<Buffer | null>>()
  /** In the order in which they came. */
  #held: number[] = []
  #isClosed = false
  #idle: ClockTimer | null = null

  constructor(options: FileBodyOptions) {
    this.#options = options
    this.body = MemoryBody.away(options.length, this)
    this.growth = new Growth(this, options.rest)
    this.#rest()
  }

  want(index: number): void {
    if (!this.#loading.has(index)) void this.load(index)
  }

  /** One block, for those who follow and for whoever asks; null when it cannot be had. */
  load(index: number): Promise<Buffer | null> {
    const there = this.body.blocks[index]
    if (there !== undefined && there.length > 0) return Promise.resolve(there)
    let loading = this.#loading.get(index)
    if (loading === undefined) {
      loading = this.#read(index).then((block) => this.#take(index, block))
      this.#loading.set(index, loading)
    }
    return loading
  }

  async #read(index: number): Promise<Buffer | null> {
    const { file, offset, length, table } = this.#options
    const start = index * blockBytes
    const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, length - start))
    try {
      if (this.#isClosed || (await file.read(block, offset + start)) < block.length) return null
    } catch {
      return null
    }
    return crc32(block) === table.readUInt32LE(index * 4) ? block : null
  }

  #take(index: number, block: Buffer | null): Buffer | null {
    this.#loading.delete(index)
    if (block === null) {
      // Whoever is before its end needs it.
      this.growth.forgotten((index + 1) * blockBytes)
      this.#close(true)
      return null
    }
    this.body.setBlock(index, block)
    this.#held.push(index)
    if (!this.#options.isKept) this.#letGo()
    else if (this.#held.length * 4 === this.#options.table.length) this.#onLoaded()
    this.growth.grown()
    return block
  }

  #letGo(): void {
    const max = Math.max(heldBlocksMax, this.growth.size * 2)
    while (this.#held.length > max) this.body.setBlock(this.#held.shift() as number, empty)
  }

  #onLoaded(): void {
    this.#close(false)
    this.#options.onLoaded()
  }

  #rest(): void {
    this.#idle?.cancel()
    this.#idle = this.#options.clock.after(idleMs, () => {
      if (this.growth.size === 0 && this.#loading.size === 0) this.#close(false)
    })
  }

  onAdvance(): void {}

  onDeserted(): void {
    this.#rest()
  }

  #close(isDamaged: boolean): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idle?.cancel()
    this.#options.file.close()
    this.#options.onClose(isDamaged)
  }

  /** The store closes: who reads it is served what is in memory, and no more. */
  close(): void {
    this.#close(false)
  }
}
