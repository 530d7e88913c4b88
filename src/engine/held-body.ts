/**
 * HeldBody: takes the body of an answer while its head still waits on the way outward (an `onResponse` answered
 * WAIT).
 *
 * It is bounded by refusing: the first write is answered with false, so a source that keeps the rules of the seam
 * adds no more than what it had already read.
 */
import type { Fault } from '../core/faults.ts'
import type { BodySink } from '../http/body.ts'
import { Fields } from '../http/fields.ts'

export class HeldBody implements BodySink {
  /** Where the body will go. */
  readonly next: BodySink
  readonly #pieces: Buffer[] = []
  #trailers: Fields | null = null
  #isEnded = false

  constructor(next: BodySink) {
    this.next = next
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    this.#pieces.push(Buffer.from(buffer.subarray(start, end)))
    return false
  }

  end(trailers: Fields | null): void {
    this.#isEnded = true
    if (trailers === null) return
    this.#trailers = new Fields()
    this.#trailers.copyFrom(trailers)
  }

  /** A fault before the head was sent is for the engine to answer; what was held is then useless. */
  abort(_fault: Fault): void {
    this.#pieces.length = 0
  }

  /** Passes everything on. True: the source, if there still is one, may go on. */
  release(sink: BodySink): boolean {
    let isWelcome = true
    for (const piece of this.#pieces) isWelcome = sink.write(piece, 0, piece.length)
    if (this.#isEnded) sink.end(this.#trailers)
    return isWelcome && !this.#isEnded
  }
}
