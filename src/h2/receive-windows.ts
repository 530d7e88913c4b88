/**
 * ReceiveWindows: how much the peer may send before somebody takes it (RFC 9113 §5.2).
 *
 * A stream begins with 64 KiB, and that much is kept of a body that nobody takes. The window is given back only as
 * bytes are taken, so a slow taker holds back its own sender and nobody else. The connection's window is given back
 * as bytes arrive: what is kept is bounded by the windows of the streams, and one stream that stands still must not
 * stop the others.
 *
 * A window grows where it is what limits the sender: if two thirds of it arrived within a round trip (a PING and its
 * answer), it doubles, up to `streamBytesMax`. All streams of a session together may have `grownBytesMax` beyond
 * their first 64 KiB, so a session can make us keep that much, plus 64 KiB per stream.
 */
import { windowBytesDefault } from './settings.ts'

/** 100 Mbit/s over 300 ms, or 1 Gbit/s over 30. */
export const streamBytesMax = 4 * 1024 * 1024

/** Two uploads at their fastest. */
export const grownBytesMax = 8 * 1024 * 1024

/** Of the connection: never what limits, see above. */
export const connectionBytes = 16 * 1024 * 1024

export class ReceiveWindows {
  /** What the peer may send on the connection still. */
  connection = windowBytesDefault
  /** What a stream's window should be. */
  #target = windowBytesDefault
  #grownBytes = 0
  isMeasuring = false
  #sampleBytes = 0

  /** Bytes of a DATA frame, padding included, are coming. False: more than was allowed. */
  take(bytes: number): boolean {
    this.connection -= bytes
    if (this.isMeasuring) this.#sampleBytes += bytes
    return this.connection >= 0
  }

  /** What to give back to the connection now, 0 for nothing yet. */
  connectionGrant(): number {
    if (this.connection > connectionBytes / 2) return 0
    const bytes = connectionBytes - this.connection
    this.connection = connectionBytes
    return bytes
  }

  /**
   * What to give to a stream that may send `receiveWindow` still, of whose bytes `keptBytes` are not taken, and which has
   * had `windowBytes` so far; 0 for nothing yet. Half a window at a time: a frame for each frame would be too many.
   */
  streamGrant(receiveWindow: number, keptBytes: number, windowBytes: number): number {
    const target = Math.max(windowBytes, this.#allowed(windowBytes))
    const free = target - receiveWindow - keptBytes
    return free * 2 >= target ? free : 0
  }

  #allowed(windowBytes: number): number {
    return Math.min(this.#target, windowBytes + grownBytesMax - this.#grownBytes)
  }

  /** A stream's window was made larger, or one of that size has gone (negative). */
  grew(bytes: number): void {
    this.#grownBytes += bytes
  }

  /** Is it worth to measure the way now? */
  get mayGrow(): boolean {
    return !this.isMeasuring && this.#target < streamBytesMax
  }

  beginMeasure(): void {
    this.isMeasuring = true
    this.#sampleBytes = 0
  }

  endMeasure(): void {
    this.isMeasuring = false
    if (this.#sampleBytes * 3 >= this.#target * 2) this.#target = Math.min(streamBytesMax, this.#target * 2)
  }
}
