/**
 * KeptBytes: bytes that cannot move on yet: part of a head, further requests while an answer is under way, body bytes
 * that nobody takes at the moment or for which a peer's window has no room. They are copied, since incoming bytes are
 * borrowed.
 *
 * Invariants: the bytes are `buffer[start, end)`; when empty it holds no memory. Whoever appends bounds the size.
 * Appending costs amortised constant time per byte, so a peer gains nothing by sending single bytes.
 *
 * Larger memory is a block that is reused: an upload faster than its origin keeps a read ahead thousands of times,
 * and memory outside the heap is collected late. A block goes back to the pool only when its bytes were used up in
 * the ordinary way; after `clear` somebody may still be reading from it.
 *
 * All of this memory is counted (kept-memory.ts), so whoever is done with a KeptBytes must clear it.
 */
import { keptMemory } from './kept-memory.ts'
import { giveBackBlock, remainderBytesLeast, takeBlock } from './remainders.ts'

const nothing = Buffer.alloc(0)

export class KeptBytes {
  buffer: Buffer = nothing
  start = 0
  end = 0
  #isLent = false
  /** In memory for it: its buffer, or what it was lent of another. */
  memoryBytes = 0

  get size(): number {
    return this.end - this.start
  }

  get isEmpty(): boolean {
    return this.end === this.start
  }

  /** Takes `bytes[start, end)`, which will not change any more, as they are. Only while it is empty. */
  lend(bytes: Buffer, start: number, end: number): void {
    this.buffer = bytes
    this.start = start
    this.end = end
    this.#isLent = true
    this.#hold(end - start)
  }

  append(bytes: Buffer, start: number, end: number): void {
    const more = end - start
    if (this.#isLent || this.end + more > this.buffer.length) this.#makeRoom(more)
    bytes.copy(this.buffer, this.end, start, end)
    this.end += more
  }

  #makeRoom(more: number): void {
    const size = this.end - this.start
    const needed = size === 0 ? more : Math.max(size + more, size * 2)
    const buffer = needed < remainderBytesLeast ? Buffer.allocUnsafe(needed) : takeBlock(needed)
    this.buffer.copy(buffer, 0, this.start, this.end)
    this.buffer = buffer
    this.start = 0
    this.end = size
    this.#isLent = false
    this.#hold(buffer.length)
  }

  #hold(bytes: number): void {
    const more = bytes - this.memoryBytes
    this.memoryBytes = bytes
    keptMemory.add(more)
  }

  /** All before `at` has been used. */
  consumeTo(at: number): void {
    if (at < this.end) {
      this.start = at
      return
    }
    const { buffer } = this
    const isOurs = !this.#isLent
    this.clear()
    if (isOurs && buffer.length >= remainderBytesLeast) giveBackBlock(buffer)
  }

  clear(): void {
    this.buffer = nothing
    this.start = this.end = 0
    this.#isLent = false
    if (this.memoryBytes !== 0) this.#hold(0)
  }
}
