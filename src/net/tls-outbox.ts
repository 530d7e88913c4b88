/**
 * TlsOutbox: what is on its way to OpenSSL: the piece that the kernel has not taken yet, and what waits behind it.
 *
 * OpenSSL writes one piece at a time and makes all its records at once, in memory, so a piece has at most
 * `pieceBytesMax`. What waits is joined to the next piece, since many small records would cost more than the copy.
 */
import { giveBackBlock, remainderBytesLeast, takeBlock } from './remainders.ts'
import type { TlsEngine } from './tls-engine.ts'

/** Of one write to OpenSSL. */
export const pieceBytesMax = 128 * 1024

export class TlsOutbox {
  /** Of the last piece: at most so many are on their way still. */
  writingBytes = 0
  queuedBytes = 0
  #queue: Buffer[] = []

  /** Writes it now, as far as that goes; the rest is copied. `engine` null: not yet. */
  send(engine: TlsEngine | null, buffer: Buffer, start: number, end: number): void {
    let at = start
    if (engine !== null && this.queuedBytes === 0 && engine.mayWrite()) {
      at = Math.min(end, start + pieceBytesMax)
      this.#write(engine, buffer, start, at)
    }
    if (at === end) return
    this.#queue.push(Buffer.from(buffer.subarray(at, end)))
    this.queuedBytes += end - at
    if (engine !== null) this.goOn(engine)
  }

  #write(engine: TlsEngine, buffer: Buffer, start: number, end: number): void {
    this.writingBytes = end - start
    engine.write(buffer, start, end)
  }

  /** Writes of what waits as much as may be now; the owner calls it when more may be. */
  goOn(engine: TlsEngine): void {
    while (this.queuedBytes > 0 && engine.mayWrite()) this.#next(engine)
  }

  #next(engine: TlsEngine): void {
    const first = this.#queue[0] as Buffer
    const bytes = Math.min(this.queuedBytes, pieceBytesMax)
    if (first.length >= bytes) {
      this.#drop(first, bytes)
      this.#write(engine, first, 0, bytes)
      return
    }
    const block = bytes < remainderBytesLeast ? Buffer.allocUnsafe(bytes) : takeBlock(bytes)
    for (let at = 0; at < bytes;) {
      const next = this.#queue[0] as Buffer
      const taken = next.copy(block, at, 0, Math.min(next.length, bytes - at))
      at += taken
      this.#drop(next, taken)
    }
    this.#write(engine, block, 0, bytes)
    // It was taken when `write` returned.
    if (bytes >= remainderBytesLeast) giveBackBlock(block)
  }

  #drop(first: Buffer, bytes: number): void {
    this.queuedBytes -= bytes
    if (bytes === first.length) this.#queue.shift()
    else this.#queue[0] = first.subarray(bytes)
  }

  clear(): void {
    this.#queue = []
    this.queuedBytes = 0
  }
}
