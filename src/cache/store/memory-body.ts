/**
 * MemoryBody: the bytes of one stored answer, whole or still arriving.
 *
 * A body of stated length up to `wholeBytesMax` is one buffer of exactly that size, so that a hit is one write. All
 * others are blocks of 64 KiB; when the last byte is there the last block is cut to size, and a small body becomes
 * one buffer after all. Bytes never move while somebody may read them: blocks are only ever added, and what a reader
 * was given stays right when the body is finished or its entry is evicted.
 *
 * A body with a `backing` may have blocks that are elsewhere: `readAt` asks for them, and finds nothing until they
 * come.
 */
import { BodySpan } from './body-span.ts'
import type { Growth } from './growth.ts'

export { BodySpan }

/** What a body grows by. A block is what one write of a large answer sends, and the most that is wasted meanwhile. */
export const blockBytes: number = 64 * 1024
/** Bodies up to this size lie in one buffer; larger ones are sent block by block with back-pressure in any case. */
export const wholeBytesMax: number = 256 * 1024

/** Kept of blocks that were let go of, for one body. */
const sparesMax = 4
/** Where the blocks of a body are that are not in memory. */
export interface BodyBacking {
  /** Who reads the body follows this: it tells when there is more to read. */
  readonly growth: Growth
  /** Somebody wants to read this block, which is not there. `growth` tells when it is. */
  want(index: number): void
  /** The same, for one who does not follow; null when it cannot be had. */
  load(index: number): Promise<Buffer | null>
}

const noBlocks: readonly Buffer[] = []

export class MemoryBody {
  /** Bytes that are there. */
  length = 0
  /** No more will come. */
  isWhole = false
  /** The one buffer of a small body; null while it is in blocks. */
  #single: Buffer | null = null
  #blocks: Buffer[] | null = null
  #forgottenBlocks = 0
  /** Let go of, and written anew: a window would leave a block of garbage for each that it moves on. null: no window. */
  #spare: Buffer[] | null = null
  /** Bytes held in memory for it: at least `length`, unless there is a backing. */
  heldBytes = 0
  backing: BodyBacking | null = null

  /** A body of `statedLength` bytes; -1 when that is not known. */
  constructor(statedLength: number = -1) {
    if (statedLength >= 0 && statedLength <= wholeBytesMax) {
      this.#single = statedLength === 0 ? empty : Buffer.allocUnsafeSlow(statedLength)
      this.heldBytes = statedLength
    } else {
      this.#blocks = []
    }
  }

  /** A whole body made of bytes that are at hand; they are kept, not copied. */
  static of(bytes: Buffer): MemoryBody {
    const body = new MemoryBody(0)
    body.#single = bytes
    body.length = body.heldBytes = bytes.length
    body.isWhole = true
    return body
  }

  /** A whole body of `length` bytes of which nothing is in memory yet. */
  static away(length: number, backing: BodyBacking): MemoryBody {
    const body = new MemoryBody()
    body.#blocks = Array.from({ length: Math.ceil(length / blockBytes) }, () => empty)
    body.length = length
    body.isWhole = true
    body.backing = backing
    return body
  }

  /** Of a whole one in one buffer: it will stay, so its bytes must hold no more memory than they are. */
  keepOwn(): void {
    if (this.#single !== null) this.#keepSingle(this.#single)
  }

  isAway(offset: number): boolean {
    return this.backing !== null && offset < this.length
  }

  /** A block comes from the backing, or goes back there (`empty`). */
  setBlock(index: number, block: Buffer): void {
    const blocks = this.#blocks as Buffer[]
    this.heldBytes += block.length - (blocks[index] as Buffer).length
    blocks[index] = block
  }

  /** All of it in one buffer, or null when it is in blocks or not whole yet. */
  get single(): Buffer | null {
    return this.isWhole ? this.#single : null
  }

  /** The blocks of a large body, in order. */
  get blocks(): readonly Buffer[] {
    return this.#blocks ?? noBlocks
  }

  /** How much more memory `count` further bytes would take. */
  costOf(count: number): number {
    const needed = this.length + count - this.heldBytes
    return needed <= 0 ? 0 : Math.ceil(needed / blockBytes) * blockBytes
  }

  /** Copies `buffer[start, end)` to its end. More than the length that was stated is our own bug, and throws. */
  append(buffer: Buffer, start: number, end: number): void {
    if (this.isWhole) throw new Error('the body is whole')
    const single = this.#single
    if (single !== null) {
      if (this.length + end - start > single.length) throw new RangeError('more than was stated')
      buffer.copy(single, this.length, start, end)
      this.length += end - start
      return
    }
    const blocks = this.#blocks as Buffer[]
    for (let at = start; at < end;) {
      if (this.length === blocks.length * blockBytes) {
        blocks.push(this.#spare?.pop() ?? Buffer.allocUnsafeSlow(blockBytes))
        this.heldBytes += blockBytes
      }
      const offset = this.length % blockBytes
      const count = Math.min(end - at, blockBytes - offset)
      buffer.copy(blocks[blocks.length - 1] as Buffer, offset, at, at + count)
      this.length += count
      at += count
    }
  }

  /** No more comes: memory that is not needed is given back. */
  finish(): void {
    if (this.isWhole) return
    this.isWhole = true
    const single = this.#single
    if (single !== null) {
      if (this.length < single.length) this.#keepSingle(copyOf(single, this.length))
      return
    }
    const blocks = this.#blocks as Buffer[]
    if (this.length <= wholeBytesMax && this.#forgottenBlocks === 0 && this.backing === null)
      return this.#keepSingle(Buffer.concat(blocks, this.length))
    const tail = this.length % blockBytes
    if (tail !== 0) blocks[blocks.length - 1] = copyOf(blocks[blocks.length - 1] as Buffer, tail)
    this.heldBytes = this.backing === null ? this.length : blocks.reduce((sum, { length }) => sum + length, 0)
  }

  /** From where on all that is there is in memory. */
  get heldFrom(): number {
    const { blocks } = this
    let index = blocks.length
    while (index > 0 && (blocks[index - 1] as Buffer).length > 0) index--
    return index * blockBytes
  }

  /**
   * Lets go of blocks that end at or before `offset`, for an answer that is passed through a window and never kept.
   * Returns how many bytes are gone from the front: nobody may read those.
   */
  forget(offset: number): number {
    const blocks = this.#blocks
    if (blocks === null) return 0
    const count = Math.floor(offset / blockBytes)
    const spare = (this.#spare ??= [])
    for (let i = this.#forgottenBlocks; i < count; i++) {
      // Sinks have borrowed what they were given only until `write` returned.
      if (spare.length < sparesMax) spare.push(blocks[i] as Buffer)
      blocks[i] = empty
    }
    this.#forgottenBlocks = Math.max(this.#forgottenBlocks, count)
    return this.#forgottenBlocks * blockBytes
  }

  #keepSingle(bytes: Buffer): void {
    // Buffer.concat takes small results from a shared pool, which would keep 8 KiB for a few bytes.
    this.#single = bytes.buffer.byteLength === bytes.length ? bytes : copyOf(bytes, bytes.length)
    this.#blocks = null
    this.heldBytes = this.length
  }

  /**
   * Sets `span` to the bytes from `offset` on that lie together, at most to `end`. False when there are none (yet).
   * Allocates nothing.
   */
  readAt(offset: number, span: BodySpan, end: number = this.length): boolean {
    const last = Math.min(end, this.length)
    if (offset >= last) return false
    const single = this.#single
    if (single !== null) {
      span.buffer = single
      span.start = offset
      span.end = last
      return true
    }
    const index = Math.floor(offset / blockBytes)
    const blockStart = index * blockBytes
    span.buffer = (this.#blocks as Buffer[])[index] as Buffer
    if (span.buffer.length === 0) {
      this.backing?.want(index)
      return false
    }
    span.start = offset - blockStart
    span.end = Math.min(blockBytes, last - blockStart)
    return true
  }
}

export const empty: Buffer = Buffer.alloc(0)

function copyOf(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length)
  bytes.copy(copy, 0, 0, length)
  return copy
}
