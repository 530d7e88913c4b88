/**
 * RequestBodyReader: decodes the body of a request (RFC 9112 §6, §7) and pushes it into the exchange's RequestBody
 * for as long as somebody takes it. What nobody wants any more is read and discarded.
 *
 * Invariants: it never pushes while nobody takes, nor after a push was answered with false until it is resumed; it
 * never pushes more than `bytesMax`; it stops at the first byte behind the body. Readers are pooled, since an idle
 * connection must hold none.
 */
import { Faults, type Fault } from '../core/faults.ts'
import type { RequestBody } from '../http/body.ts'
import type { Fields } from '../http/fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkedReader } from './read-chunked.ts'

/** It can go on with more input. */
export const BODY_FLOWS = 0
/** Nobody takes it now. */
export const BODY_HELD = 1
export const BODY_WHOLE = 2
/** `fault` says why; input cannot be told from body any more. */
export const BODY_BROKEN = 3

/** Readers kept for further use: more than that many uploads at once make new ones. */
const pooledMax = 64
const pool: RequestBodyReader[] = []

export class RequestBodyReader {
  state = BODY_FLOWS
  fault: Fault = 0
  /** Nobody wants it: it is read over, and counted. */
  isUnwanted = false
  skippedBytes = 0
  /** Bytes to come, for a stated length. */
  remaining = 0
  isChunked = false
  #wasResumed = false
  #body: RequestBody | null = null
  readonly #chunks: ChunkedReader = new ChunkedReader()

  begin(body: RequestBody, length: number, limits: ConnectionLimits): void {
    this.state = BODY_FLOWS
    this.fault = 0
    this.isUnwanted = this.#wasResumed = false
    this.skippedBytes = 0
    this.isChunked = length < 0
    this.remaining = length
    this.#body = body
    if (this.isChunked) this.#chunks.reset(limits)
  }

  /** Trailers that came, null for none. They live until the reader is given back. */
  get trailers(): Fields | null {
    return this.isChunked && this.#chunks.trailers.size > 0 ? this.#chunks.trailers : null
  }

  get isWhole(): boolean {
    return this.state === BODY_WHOLE
  }

  get isBroken(): boolean {
    return this.state === BODY_BROKEN
  }

  /** Somebody takes again. */
  resume(): void {
    this.#wasResumed = true
    if (this.state === BODY_HELD) this.state = BODY_FLOWS
  }

  /** What still comes is read over; the exchange may go. */
  discard(): void {
    this.isUnwanted = true
    this.#body = null
    if (this.state === BODY_HELD) this.state = BODY_FLOWS
  }

  break(fault: Fault): void {
    this.state = BODY_BROKEN
    this.fault = fault
  }

  /** Uses what it can of the input and says up to where; `state` tells how it stands. */
  feed(buffer: Buffer, start: number, end: number): number {
    const at = this.isChunked ? this.#feedChunks(buffer, start, end) : this.#feedLength(buffer, start, end)
    if (this.isUnwanted) this.skippedBytes += at - start
    return at
  }

  #feedLength(buffer: Buffer, start: number, end: number): number {
    if (!this.#isTaken()) return start
    const at = start + Math.min(this.remaining, end - start)
    this.remaining -= at - start
    const flows = this.#push(buffer, start, at)
    if (this.state === BODY_BROKEN) return at
    if (this.remaining === 0) this.state = BODY_WHOLE
    else this.state = flows ? BODY_FLOWS : BODY_HELD
    return at
  }

  #feedChunks(buffer: Buffer, start: number, end: number): number {
    const chunks = this.#chunks
    let at = start
    while (at < end) {
      if (!this.#isTaken()) return at
      const result = chunks.next(buffer, at, end)
      at = chunks.position
      if (result === CHUNK_DATA) {
        if (!this.#push(buffer, chunks.dataStart, chunks.dataEnd)) {
          if (!this.isBroken) this.state = BODY_HELD
          return at
        }
        if (this.isBroken) return at
      } else if (result === CHUNK_END) {
        this.state = BODY_WHOLE
        return at
      } else if (result !== CHUNK_MORE) {
        this.break(-result)
        return at
      }
    }
    return at
  }

  #isTaken(): boolean {
    if (this.isUnwanted) return true
    // A full sink still has the body: nothing may be pushed before it resumes.
    if (this.state === BODY_HELD) return false
    if (this.#body?.isTaking === true) return true
    this.state = BODY_HELD
    return false
  }

  #push(buffer: Buffer, start: number, end: number): boolean {
    const body = this.#body
    if (this.isUnwanted || body === null) return true
    if (body.receivedBytes + (end - start) > body.bytesMax) {
      this.break(Faults.BODY_TOO_LARGE)
      return false
    }
    this.#wasResumed = false
    return body.push(buffer, start, end) || this.#wasResumed
  }
}

export function takeBodyReader(): RequestBodyReader {
  return pool.pop() ?? new RequestBodyReader()
}

export function giveBackBodyReader(reader: RequestBodyReader): void {
  reader.discard()
  if (pool.length < pooledMax) pool.push(reader)
}
