/**
 * RequestIntake: passes the body of a stream's request into the exchange's RequestBody for as long as somebody takes
 * it. Beyond that the bytes are kept, which the stream's window bounds.
 *
 * Invariants: nothing is pushed while nobody takes, nor after a push was answered with false until `resume`; never
 * more than Content-Length says (RFC 9113 §8.1.1), nor than `body.bytesMax`; a body is whole only when the stream has
 * ended and everything was taken.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { RequestBody } from './body.ts'
import { Fields } from './fields.ts'
import { BODY_UNKNOWN } from './message.ts'
import { KeptBytes } from '../net/kept-bytes.ts'

export class RequestIntake {
  readonly kept: KeptBytes = new KeptBytes()
  receivedBytes = 0
  /** END_STREAM has come. */
  isEnded = false
  #body: RequestBody | null = null
  #length = 0
  /** The taker is full. */
  #isFull = false
  #wasResumed = false
  #isPushing = false
  #trailers: Fields | null = null
  #hasTrailers = false

  begin(body: RequestBody, length: number): void {
    this.#body = body
    this.#length = length
    this.receivedBytes = 0
    this.isEnded = this.#isFull = this.#hasTrailers = false
  }

  /** Nobody wants what still comes; the exchange may go. */
  drop(): void {
    this.#body = null
    this.kept.clear()
    if (this.#hasTrailers) this.#trailers?.clear()
    this.#hasTrailers = false
  }

  /** Somebody is there to take what comes, or will be. */
  get isWanted(): boolean {
    return this.#body !== null
  }

  /** More than `bytes` are still to come, as far as the length is known. */
  isLongerThan(bytes: number): boolean {
    return this.#length - this.receivedBytes > bytes
  }

  /** For the trailers that are being read. They live as long as the exchange. */
  beginTrailers(): Fields {
    this.#trailers ??= new Fields()
    this.#hasTrailers = true
    return this.#trailers
  }

  /** Takes or keeps bytes. NONE, or what is wrong with them. */
  take(buffer: Buffer, start: number, end: number): Fault {
    this.receivedBytes += end - start
    if (this.#length !== BODY_UNKNOWN && this.receivedBytes > this.#length) return Faults.STREAM_LENGTH_BAD
    const body = this.#body
    if (body === null) return NONE
    if (this.receivedBytes > body.bytesMax) return Faults.BODY_TOO_LARGE
    if (this.#isFull || !this.kept.isEmpty || !body.isTaking) this.kept.append(buffer, start, end)
    else this.#push(body, buffer, start, end)
    return NONE
  }

  #push(body: RequestBody, buffer: Buffer, start: number, end: number): void {
    this.#wasResumed = false
    this.#isFull = !body.push(buffer, start, end) && !this.#wasResumed
  }

  /** Somebody takes again, or for the first time. */
  resume(): void {
    this.#wasResumed = true
    this.#isFull = false
    const { kept } = this
    const body = this.#body
    if (body === null || !body.isTaking) return
    // The taker may call back.
    if (this.#isPushing) return
    if (!kept.isEmpty) {
      const { buffer, start, end } = kept
      this.#isPushing = true
      this.#push(body, buffer, start, end)
      this.#isPushing = false
      kept.consumeTo(end)
    }
    if (this.isEnded) this.#finish()
  }

  /** END_STREAM has come. False: fewer bytes than were announced. */
  end(): boolean {
    if (this.#length !== BODY_UNKNOWN && this.receivedBytes !== this.#length) return false
    this.isEnded = true
    this.#finish()
    return true
  }

  #finish(): void {
    const body = this.#body
    if (body === null || !this.kept.isEmpty || body.isFinished) return
    body.finish(this.#hasTrailers ? this.#trailers : null)
  }
}
