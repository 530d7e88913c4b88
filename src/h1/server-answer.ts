/**
 * AnswerWriter: writes the answer of one exchange to an HTTP/1 client: framing (RFC 9112 §6, §7), the count of what
 * was promised, and what keeps an incomplete answer from ever looking whole.
 *
 * Invariants: of a body with a stated length never more than that many bytes are written, and `isEnded` without
 * `isBroken` comes only after exactly as many; the last chunk is written by `end` alone; answers that have no body
 * (HEAD, 204, 304) get none, whatever is written.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import {
  FRAMED_BY_CHUNKS,
  FRAMED_BY_CLOSE,
  FRAMED_BY_LENGTH,
  FRAMED_NONE,
  answerFraming,
  type Framed,
} from '../http/framing.ts'
import { BODY_NONE } from '../http/message.ts'
import type { Transport } from '../net/transport.ts'
import type { ClientPatience } from '../http/client-patience.ts'
import { chunkStart, keptHead, lastChunk, responseHead } from './write-head.ts'

export class AnswerWriter {
  isHeadSent = false
  /** Nothing more of it will be written. */
  isEnded = false
  /** It will never be whole: why. NONE while it may. */
  brokenBy: Fault = NONE
  /** It was its producer that broke off. */
  isAborted = false
  /** The client can only see that it is broken by a reset: the end of the connection is the end of the body. */
  needsReset = false
  /** The connection can go on after it. */
  keepsConnection = true
  /** The transport is full: whoever produces waits for `onDrain`. */
  isHeld = false
  readonly #transport: Transport
  readonly #patience: ClientPatience
  #framing: Framed = FRAMED_NONE
  #remaining = 0

  constructor(transport: Transport, patience: ClientPatience) {
    this.#transport = transport
    this.#patience = patience
  }

  /** For the next exchange. Whether the transport is full outlives the answer. */
  reset(): void {
    this.isHeadSent = this.isEnded = this.isAborted = this.needsReset = false
    this.keepsConnection = true
    this.brokenBy = NONE
    this.#framing = FRAMED_NONE
    this.#remaining = 0
  }

  sendHead(x: Exchange, persistent: boolean, dateText: string): void {
    const { response } = x
    this.#begin(x, persistent)
    this.writeText(responseHead(response, x.request, persistent, dateText))
    if (response.bodyLength === BODY_NONE) this.isEnded = true
  }

  /** Head and body: what is staged together leaves in one write. */
  sendWhole(x: Exchange, body: Buffer | null, persistent: boolean, dateText: string): void {
    const length = body === null ? 0 : body.length
    x.response.bodyLength = length
    this.#begin(x, persistent)
    const kept = persistent && dateText === '' ? keptHead(x.response, x.request) : null
    if (kept === null) this.writeText(responseHead(x.response, x.request, persistent, dateText))
    else this.#writeBytes(kept, 0, kept.length)
    if (body !== null && length > 0 && this.#framing !== FRAMED_NONE) {
      x.bytesSent += length
      this.#writeBytes(body, 0, length)
    }
    this.isEnded = true
  }

  #begin(x: Exchange, persistent: boolean): void {
    this.#framing = answerFraming(x.response, x.request)
    this.#remaining = x.response.bodyLength
    this.keepsConnection = persistent && this.#framing !== FRAMED_BY_CLOSE
    this.isHeadSent = true
    x.isHeadSent = true
  }

  write(x: Exchange, buffer: Buffer, start: number, end: number): boolean {
    const length = end - start
    if (length === 0 || this.#framing === FRAMED_NONE) return true
    if (this.#framing === FRAMED_BY_LENGTH) {
      if (length > this.#remaining) {
        this.#break(Faults.INTERNAL)
        return true
      }
      this.#remaining -= length
    }
    x.bytesSent += length
    if (this.#framing !== FRAMED_BY_CHUNKS) return this.#writeBytes(buffer, start, end)
    this.writeText(chunkStart(length))
    this.#writeBytes(buffer, start, end)
    return this.writeText('\r\n')
  }

  end(x: Exchange, trailers: Fields | null): void {
    if (this.#framing === FRAMED_BY_LENGTH && this.#remaining > 0) return this.#break(Faults.INTERNAL)
    if (this.#framing === FRAMED_BY_CHUNKS) {
      this.writeText(lastChunk(x.request.acceptsTrailers ? trailers : null))
    }
    this.isEnded = true
  }

  abort(fault: Fault): void {
    this.isAborted = true
    this.#break(fault)
  }

  /** Cuts it, in a way that the client can see (RFC 9112 §8). */
  #break(fault: Fault): void {
    this.isEnded = true
    this.keepsConnection = false
    // HEAD, 204 and 304 are whole with their heads.
    if (this.isHeadSent && this.#framing === FRAMED_NONE) return
    this.brokenBy = fault
    this.needsReset = !this.isHeadSent || this.#framing === FRAMED_BY_CLOSE
  }

  writeText(text: string): boolean {
    this.#patience.givenBytes += text.length
    if (this.#transport.writeText(text)) return true
    return this.#hold()
  }

  #writeBytes(buffer: Buffer, start: number, end: number): boolean {
    this.#patience.givenBytes += end - start
    if (this.#transport.writeBytes(buffer, start, end)) return true
    return this.#hold()
  }

  #hold(): boolean {
    this.isHeld = true
    this.#patience.watchTaking()
    return false
  }

  /** The transport has taken all. */
  drained(): void {
    this.isHeld = false
    this.#patience.stopWatching()
  }
}
