/**
 * BlockFile: a body in a file, whose blocks are brought into memory when somebody reads them.
 *
 * Promises: a block is compared with its checksum before anybody is given a byte of it. Nothing is sent of a block
 * that is damaged or cannot be read: the reader gets the rest from the origin by Range, or is cut visibly. Of the
 * blocks that are on disk at most `heldBlocksMax` are held in memory, or two for each reader if that is more.
 */
import { crc32 } from 'node:zlib'
import type { Growth } from '../store/growth.ts'
import { blockBytes, empty, type BodyBacking, type MemoryBody } from '../store/memory-body.ts'
import type { DiskFile } from './disk.ts'

/** 2 MiB, so that readers of different pace find what others have just read. */
const heldBlocksMax = 32

export abstract class BlockFile implements BodyBacking {
  abstract readonly body: MemoryBody
  abstract readonly growth: Growth
  protected isClosed = false
  protected file: DiskFile | null = null
  readonly #loading = new Map<number, Promise<Buffer | null>>()
  /** Blocks that are both in memory and on disk, in the order in which they became so. */
  #held: number[] = []

  /** Where the body begins in the file. */
  protected abstract readonly bodyStart: number
  /** The checksum of a block. */
  protected abstract checkOf(index: number): number
  /** A block cannot be read. */
  protected abstract onUnreadable(): void

  get isLoading(): boolean {
    return this.#loading.size > 0
  }

  get heldBlocks(): number {
    return this.#held.length
  }

  want(index: number): void {
    if (!this.#loading.has(index)) void this.load(index)
  }

  /** One block, for followers and for whoever asks; null when it cannot be read. */
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
    const start = index * blockBytes
    const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, this.body.length - start))
    try {
      const { file } = this
      if (this.isClosed || file === null) return null
      if ((await file.read(block, this.bodyStart + start)) < block.length) return null
    } catch {
      return null
    }
    return crc32(block) === this.checkOf(index) ? block : null
  }

  #take(index: number, block: Buffer | null): Buffer | null {
    this.#loading.delete(index)
    if (block === null) {
      // Every reader that is before its end needs it.
      this.growth.forgotten((index + 1) * blockBytes)
      this.onUnreadable()
      return null
    }
    this.body.setBlock(index, block)
    this.hold(index)
    this.growth.grown()
    return block
  }

  /** A block that is on disk is in memory. */
  protected hold(index: number): void {
    this.#held.push(index)
    this.letGo()
  }

  protected letGo(): void {
    const max = Math.max(heldBlocksMax, this.growth.size * 2)
    while (this.#held.length > max) this.body.setBlock(this.#held.shift() as number, empty)
  }

  protected closeFile(): void {
    this.isClosed = true
    this.file?.close()
    this.file = null
  }
}
