/**
 * AnswerBody: decodes the body of an origin's answer (RFC 9112 §6, §7), piece by piece.
 *
 * Invariants: pieces are spans of the input, nothing is copied; it stops at the first byte behind the body; `WHOLE`
 * comes once, and never for a body that only the end of the connection ends.
 */
import type { Fields } from '../http/fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { BODY_UNKNOWN, BODY_UNTIL_CLOSE } from '../http/message.ts'
import { answerFault } from './answer-faults.ts'
import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkedReader } from './read-chunked.ts'

/** It takes more input to go on. */
export const MORE = 0
/** `[dataStart, dataEnd)` is a piece; go on at `position`. */
export const PIECE = 1
/** `position` is behind the body. */
export const WHOLE = 2

export class AnswerBody {
  position = 0
  dataStart = 0
  dataEnd = 0
  isUntilClose = false
  /** Bytes to come, for a stated length; else -1. */
  #remaining = 0
  #isChunked = false
  /** Made for the first chunked answer of a connection. */
  #chunks: ChunkedReader | null = null

  begin(length: number, limits: ConnectionLimits): void {
    this.#isChunked = length === BODY_UNKNOWN
    this.isUntilClose = length === BODY_UNTIL_CLOSE
    this.#remaining = length
    if (this.#isChunked) {
      this.#chunks ??= new ChunkedReader()
      this.#chunks.reset(limits)
    }
  }

  /** All bytes were given, only `WHOLE` is left to be said. */
  get isExhausted(): boolean {
    return this.#remaining === 0
  }

  /** Trailers that came, null for none. Borrowed until the next answer. */
  get trailers(): Fields | null {
    return this.#isChunked && this.#chunks !== null && this.#chunks.trailers.size > 0
      ? this.#chunks.trailers
      : null
  }

  /** MORE, PIECE, WHOLE or -fault. */
  next(buffer: Buffer, start: number, end: number): number {
    if (this.#isChunked) return this.#nextChunk(this.#chunks as ChunkedReader, buffer, start, end)
    this.position = start
    if (this.#remaining === 0) return WHOLE
    if (start === end) return MORE
    const at = this.#remaining < 0 ? end : start + Math.min(this.#remaining, end - start)
    if (this.#remaining > 0) this.#remaining -= at - start
    this.dataStart = start
    this.dataEnd = this.position = at
    return PIECE
  }

  #nextChunk(chunks: ChunkedReader, buffer: Buffer, start: number, end: number): number {
    this.position = start
    if (start === end) return MORE
    const result = chunks.next(buffer, start, end)
    this.position = chunks.position
    if (result === CHUNK_DATA) {
      this.dataStart = chunks.dataStart
      this.dataEnd = chunks.dataEnd
      return PIECE
    }
    if (result === CHUNK_END) return WHOLE
    return result === CHUNK_MORE ? MORE : -answerFault(-result)
  }
}
