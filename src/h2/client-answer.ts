/**
 * AnswerStream: the reading half of an attempt's stream: heads, the body, trailers.
 *
 * Invariants: an answer is whole only with END_STREAM and as many bytes as it announced. Bytes that the receiver has
 * no room for stay here, and the origin gets no window for them, so they are at most one window.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Exchange, Upstream, UpstreamReceiver } from '../http/exchange.ts'
import { Fields } from '../http/fields.ts'
import { Field } from '../http/known-fields.ts'
import { BODY_NONE, BODY_UNKNOWN } from '../http/message.ts'
import { OriginPatience, type AwaitingOwner } from '../http/origin-patience.ts'
import { webSocketAccept } from '../http/websocket-key.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import { AnswerFields, AnswerTrailers } from './client-head.ts'
import type { ClientSession } from './client-session.ts'
import { dataBytesFair, Flood } from './flood-guard.ts'
import { ErrorCode } from './frames.ts'
import { discard } from '../http/request-fields.ts'
import { SessionStream } from './stream.ts'
import type { StreamTransport } from './stream-transport.ts'

/** Leased, and nothing was sent yet. */
export const LEASED = 0
/** A request is being sent or was; the final head has not come. */
export const WAITING = 1
/** The body of the answer comes. */
export const READING = 2
/** The answer is whole; the receiver is being told. */
export const ENDING = 3
/** The answer to an extended CONNECT came; nobody has taken the transport yet. */
export const SWITCHED = 4
export const TUNNEL = 5
/** Nobody's. */
export const GONE = 6

const answerFields = new AnswerFields()
const answerTrailers = new AnswerTrailers()

export abstract class AnswerStream extends SessionStream implements AwaitingOwner {
  hasAnswered = false
  protected readonly session: ClientSession
  protected readonly patience: OriginPatience
  protected readonly kept: KeptBytes = new KeptBytes()
  protected phase = GONE
  protected x: Exchange | null = null
  protected receiver: UpstreamReceiver | null = null
  protected tunnel: StreamTransport | null = null
  protected isRequestWhole = true
  protected isConnect = false
  /** A stream of gRPC may be silent for as long as its session is alive. */
  mayBeQuiet = false
  protected isHeld = false
  protected trailers: Fields | null = null
  protected hasTrailers = false
  protected informationalCount = 0
  /** Of a body of a stated length: bytes to come, else -1. */
  #toReceive = -1
  #wasResumed = false
  #isPushing = false

  constructor(session: ClientSession) {
    super()
    this.session = session
    this.patience = new OriginPatience(this, session.timers)
  }

  abstract readonly unsentBytes: number
  abstract onOriginTooSlow(fault: Fault): void
  /** This, as the attempt that the receiver knows. */
  protected abstract asUpstream(): Upstream
  /** The answer is whole. */
  protected abstract finish(): void

  get keptBytes(): number {
    return this.tunnel === null ? this.kept.size : this.tunnel.keptBytes
  }

  /** The origin made a mistake on this stream. */
  protected breakOff(fault: Fault): void {
    this.session.streamError(this.id, ErrorCode.PROTOCOL_ERROR, fault)
  }

  // Heads

  /** A header block of this stream: a head, or the trailers. It is decoded whatever it says. */
  onBlock(buffer: Buffer, start: number, end: number, ends: boolean): void {
    if (this.phase === WAITING) this.#onHead(this.x as Exchange, buffer, start, end, ends)
    else if (this.phase === READING) this.#onTrailers(buffer, start, end, ends)
    else if (this.session.decode(discard, buffer, start, end)) this.breakOff(Faults.ANSWER_MALFORMED)
  }

  #onHead(x: Exchange, buffer: Buffer, start: number, end: number, ends: boolean): void {
    const { response } = x
    this.hasAnswered = true
    answerFields.begin(response, this.session.limits)
    if (!this.session.decode(answerFields, buffer, start, end)) return
    const fault = answerFields.finish(x.outgoing.method, ends)
    if (fault !== NONE) return this.breakOff(fault)
    this.isRemoteEnded = ends
    if (response.status < 200) this.#inform(x)
    else if (this.isConnect && response.status < 300) this.#switch(x, ends)
    else this.#beginBody(x, ends)
  }

  #inform(x: Exchange): void {
    const { response } = x
    if (++this.informationalCount > this.session.limits.informationalMax)
      return this.breakOff(Faults.ANSWER_INFORMATIONAL_TOO_MANY)
    if (this.isRequestWhole) this.patience.awaitAnswer()
    this.receiver?.onInformational(x, this.asUpstream(), response)
    if (this.phase !== WAITING || this.x !== x) return
    if (response.status === 100) x.body.continue()
    response.reset()
  }

  /** To everybody above, a tunnel begins with 101 (RFC 8441 §5). */
  #switch(x: Exchange, ends: boolean): void {
    const { response, request, outgoing } = x
    if (ends) return this.breakOff(Faults.ANSWER_UPGRADE_BAD)
    response.status = 101
    response.upgrade = outgoing.upgrade
    response.bodyLength = BODY_NONE
    response.fields.removeKnown(Field.CONTENT_LENGTH)
    const key = request.fields.get(Field.SEC_WEBSOCKET_KEY)
    if (key !== undefined) response.fields.setKnown(Field.SEC_WEBSOCKET_ACCEPT, webSocketAccept(key))
    this.phase = SWITCHED
    this.patience.awaitNothing()
    this.receiver?.onHead(x, this.asUpstream())
  }

  #beginBody(x: Exchange, ends: boolean): void {
    const { response } = x
    this.phase = READING
    this.#toReceive = response.bodyLength === BODY_UNKNOWN ? -1 : response.bodyLength
    this.#awaitMore()
    this.receiver?.onHead(x, this.asUpstream())
    if (ends && this.phase === READING) this.finish()
  }

  #onTrailers(buffer: Buffer, start: number, end: number, ends: boolean): void {
    const trailers = (this.trailers ??= new Fields())
    trailers.clear()
    answerTrailers.begin(trailers, this.session.limits)
    if (!this.session.decode(answerTrailers, buffer, start, end)) return
    const fault = ends ? answerTrailers.finish() : Faults.ANSWER_MALFORMED
    if (fault !== NONE) return this.breakOff(fault)
    this.hasTrailers = trailers.size > 0
    this.isRemoteEnded = true
    this.onRemoteEnd()
  }

  // Bodies

  onData(buffer: Buffer, start: number, end: number): void {
    // Small messages are what streams are for; only frames with nothing in them are a flood.
    this.session.guard.credit(Flood.EMPTY_DATA, dataBytesFair)
    if (this.tunnel !== null) return this.tunnel.onData(buffer, start, end)
    if (this.phase === SWITCHED) return this.kept.append(buffer, start, end)
    if (this.phase !== READING) return this.breakOff(Faults.ANSWER_MALFORMED)
    if (this.#toReceive >= 0) {
      if (end - start > this.#toReceive) return this.breakOff(Faults.ANSWER_LENGTH_BAD)
      this.#toReceive -= end - start
    }
    if (this.isHeld || !this.kept.isEmpty) return this.kept.append(buffer, start, end)
    this.#give(buffer, start, end)
    if (this.phase !== READING) return
    if (this.isHeld) this.patience.awaitNothing()
    else this.#awaitMore()
    this.session.consumedBy(this)
  }

  #give(buffer: Buffer, start: number, end: number): void {
    this.#wasResumed = false
    const flows = this.receiver?.onBody(this.x as Exchange, this.asUpstream(), buffer, start, end) ?? true
    if (!flows && !this.#wasResumed && this.phase === READING) this.isHeld = true
  }

  #awaitMore(): void {
    if (this.mayBeQuiet) this.patience.awaitNothing()
    else this.patience.awaitMore()
  }

  onRemoteEnd(): void {
    if (this.tunnel !== null) return this.tunnel.onRemoteEnd()
    if (this.phase === SWITCHED) return
    if (this.phase !== READING) return this.breakOff(Faults.ANSWER_MALFORMED)
    if (this.#toReceive > 0) return this.breakOff(Faults.ANSWER_LENGTH_BAD)
    if (this.kept.isEmpty) this.finish()
  }

  /** The receiver can take more. */
  resume(): void {
    this.#wasResumed = true
    if (!this.isHeld || this.#isPushing || this.phase !== READING) return
    this.isHeld = false
    if (!this.kept.isEmpty) {
      const { buffer, start, end } = this.kept
      this.#isPushing = true
      this.#give(buffer, start, end)
      this.#isPushing = false
      if (this.phase !== READING) return
      this.kept.consumeTo(end)
      this.session.consumedBy(this)
    }
    if (this.isRemoteEnded) this.finish()
    else if (!this.isHeld) this.#awaitMore()
  }
}
