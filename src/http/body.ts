/**
 * Bodies in motion. A source pushes bytes into a sink; a sink that is full says so and asks for more later. The body
 * of a request (client → origin) and that of a response (origin → client) both move this way, in every protocol.
 *
 * Rules of the seam:
 * - `sink.write` returns false when the sink is full; it has taken the bytes all the same. The source then stops
 *   until the sink calls `source.resume()`. Before that it must not write again, but it may `end` or `abort`.
 * - `end` or `abort` comes once, as the last call. A sink that wants no more calls `source.cancel()` and hears
 *   nothing further.
 * - Bytes are borrowed: they are valid until `write` returns.
 */
import { NONE, type Fault } from '../core/faults.ts'
import type { Fields } from './fields.ts'
import { BODY_NONE, BODY_UNKNOWN } from './message.ts'

export interface BodySource {
  /**
   * The bytes of the body that are in memory because somebody does not take them; for an attempt, in both
   * directions. Absent: none.
   */
  readonly heldBytes?: number
  /** The sink can take more. Harmless when the source is not stopped. */
  resume(): void
  /** The sink wants no more; `fault` says why. */
  cancel(fault: Fault): void
}

export interface BodySink {
  write(buffer: Buffer, start: number, end: number): boolean
  /** `trailers` are borrowed; null for none. */
  end(trailers: Fields | null): void
  /** The body will never be whole. */
  abort(fault: Fault): void
  /**
   * A sink that passes on `100 (Continue)` from the place it sends to, rather than having it sent at once (RFC
   * 9110 §10.1.1): it calls `RequestBody.continue()` itself.
   */
  readonly forwardsExpect?: boolean
}

/** What a protocol server offers to the body of a request that it reads. */
export interface BodyStream extends BodySource {
  /** Sends 100 (Continue), since somebody wants the body now. */
  sendContinue(): void
}

/**
 * The body of a request, unread until a sink attaches. The protocol server pushes into it; what is pushed before a
 * sink is there is refused, and stays with the server.
 *
 * `gather(bytesMax)` makes it attachable again: what passes is kept up to that limit, and the next sink gets it first.
 */
export class RequestBody {
  /** The exact number of bytes, or BODY_NONE or BODY_UNKNOWN. */
  length: number = BODY_NONE
  receivedBytes = 0
  /** A longer body is refused with 413 by the server that reads it. */
  bytesMax = Infinity
  /** Everything has arrived and was delivered, or there is no body. */
  isComplete = true
  /** Nothing more comes: it is whole, failed or abandoned. */
  isFinished = true
  /** Why it will never be whole; NONE while it may. */
  fault: Fault = NONE
  #stream: BodyStream | null = null
  #sink: BodySink | null = null
  #trailers: Fields | null = null
  #expectsContinue = false
  #gathered: Buffer[] | null = null
  #gatheredBytes = 0
  #gatherMax = 0

  /** Begins a message's body. */
  begin(stream: BodyStream, length: number, expectsContinue: boolean): void {
    this.length = length
    this.receivedBytes = 0
    this.bytesMax = Infinity
    this.isComplete = this.isFinished = length === BODY_NONE
    this.fault = NONE
    this.#stream = stream
    this.#sink = null
    this.#trailers = null
    this.#expectsContinue = expectsContinue && length !== BODY_NONE
    this.#gathered = null
    this.#gatheredBytes = 0
  }

  /** Releases everything, since the exchange goes back to its pool. */
  reset(): void {
    this.begin(nowhere, BODY_NONE, false)
    this.#stream = null
  }

  /** A body that is already in memory, for a request that is made here. */
  give(bytes: Buffer): void {
    this.begin(nowhere, bytes.length, false)
    this.isComplete = this.isFinished = true
    this.receivedBytes = bytes.length
    this.#gathered = [bytes]
    this.#gatherMax = Infinity
  }

  get hasSink(): boolean {
    return this.#sink !== null
  }

  /** Could a second attempt be given the same bytes? */
  get isReplayable(): boolean {
    if (this.length === BODY_NONE || this.receivedBytes === 0) return true
    return this.#gathered !== null && this.fault === NONE
  }

  /**
   * Keeps what passes, up to `bytesMax`, so that another sink can attach later. Call it before the first
   * attach.
   */
  gather(bytesMax: number): void {
    if (this.length === BODY_NONE || this.length > bytesMax || this.receivedBytes > 0) return
    this.#gathered ??= []
    this.#gatherMax = bytesMax
  }

  /**
   * Gives the body to this sink from now on, first what was gathered. The first sink answers Expect, unless it
   * forwards it. Do not call this when the length is BODY_NONE: there is nothing to take.
   */
  attach(sink: BodySink): void {
    this.#sink = sink
    if (this.#expectsContinue && sink.forwardsExpect !== true) this.continue()
    let wantsMore = true
    for (const piece of this.#gathered ?? nothing) {
      wantsMore = sink.write(piece, 0, piece.length)
      // Detached or cancelled meanwhile: it hears nothing further.
      if (this.#sink !== sink) return
    }
    if (this.fault !== NONE) sink.abort(this.fault)
    else if (this.isComplete) sink.end(this.#trailers)
    else if (wantsMore) this.#stream?.resume()
  }

  /** The sink is gone (its attempt failed); another may attach if `isReplayable`. Stops the flow. */
  detach(sink: BodySink): void {
    if (this.#sink === sink) this.#sink = null
  }

  /** Sends 100 (Continue) once, if the client waits for it. */
  continue(): void {
    if (!this.#expectsContinue) return
    this.#expectsContinue = false
    this.#stream?.sendContinue()
  }

  /** The client still waits for 100 (Continue), so no byte of the body is under way. */
  get awaitsContinue(): boolean {
    return this.#expectsContinue
  }

  /** The sink can take more. */
  resume(): void {
    this.#stream?.resume()
  }

  /** Nobody wants the rest. The server drains a little of it, or closes (RFC 9112 §9.3). */
  cancel(fault: Fault): void {
    this.#sink = null
    if (!this.isFinished) {
      this.fault = fault
      this.isFinished = true
      this.#stream?.cancel(fault)
    }
  }

  // The protocol server's side

  /** Is there anybody to take bytes now? If not, the server keeps them and stops reading. */
  get isTaking(): boolean {
    return this.#sink !== null
  }

  /** Returns false: stop until `resume`. Without a sink nothing was taken, and the bytes stay with the server. */
  push(buffer: Buffer, start: number, end: number): boolean {
    const sink = this.#sink
    if (sink === null) return false
    this.receivedBytes += end - start
    // Bytes are on their way: the client did not wait for 100, or was told.
    this.#expectsContinue = false
    if (this.#gathered !== null) this.#keep(buffer, start, end)
    return sink.write(buffer, start, end)
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    this.#gatheredBytes += end - start
    if (this.#gatheredBytes > this.#gatherMax) this.#gathered = null
    else this.#gathered?.push(Buffer.from(buffer.subarray(start, end)))
  }

  /** The whole body has arrived. `trailers` must live as long as the exchange. */
  finish(trailers: Fields | null): void {
    this.isComplete = this.isFinished = true
    this.#trailers = trailers
    const sink = this.#sink
    if (sink !== null) sink.end(trailers)
  }

  /** The client broke off, or sent what cannot be read. */
  fail(fault: Fault): void {
    if (this.isFinished) return
    this.fault = fault
    this.isFinished = true
    const sink = this.#sink
    this.#sink = null
    if (sink !== null) sink.abort(fault)
  }
}

const nothing: readonly Buffer[] = []
const nowhere: BodyStream = { resume() {}, cancel() {}, sendContinue() {} }

/** Is there, or may there be, a body of this length? */
export function hasBody(length: number): boolean {
  return length > 0 || length <= BODY_UNKNOWN
}
