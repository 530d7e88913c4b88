/**
 * ClientStream: one attempt at an origin, as a stream of its session (RFC 9113 §8.1): it sends a request and takes
 * the answer.
 *
 * Invariants:
 * - The receiver hears nothing after `onEnd`, `onFault` or `cancel`; the session hears of the end after the receiver,
 *   and may then use this object for another exchange.
 * - An answer that is whole before the request is ends the request, and is no fault (RFC 9113 §8.1).
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { hasBody, type BodySink } from '../http/body.ts'
import type { Exchange, Upstream, UpstreamReceiver, UpstreamServer } from '../http/exchange.ts'
import { Fields } from '../http/fields.ts'
import { BODY_UNKNOWN } from '../http/message.ts'
import { AWAITS_ANSWER, AWAITS_WRITE } from '../http/origin-patience.ts'
import type { Transport } from '../net/transport.ts'
import { AnswerStream, ENDING, GONE, LEASED, READING, SWITCHED, TUNNEL, WAITING } from './client-answer.ts'
import { headListBytes, writeRequestHead } from './client-head.ts'
import { ErrorCode } from './frames.ts'
import { grpcLimits, isGrpc } from './grpc.ts'
import { StreamTransport } from './stream-transport.ts'

export class ClientStream extends AnswerStream implements Upstream, BodySink {
  /** 100 (Continue) is the origin's to say. */
  readonly forwardsExpect = true
  isReused = false
  connectMs = 0
  /** Of a body of a stated length: bytes to be sent, else -1. */
  #toSend = -1

  protected asUpstream(): this {
    return this
  }

  get server(): UpstreamServer {
    return this.session.target.server
  }

  get address(): string {
    return this.session.target.addressText
  }

  get heldBytes(): number {
    return this.kept.memoryBytes + this.outgoing.memoryBytes
  }

  /** Of the request, and not taken by the connection yet. */
  get unsentBytes(): number {
    const { out, transport } = this.session
    return this.outgoing.size + (out.isHeld ? transport.unsentBytes : 0)
  }

  lease(connectMs: number, isReused: boolean): void {
    this.phase = LEASED
    this.connectMs = connectMs
    this.isReused = isReused
    this.hasAnswered = this.isHeld = this.hasTrailers = this.isConnect = false
    this.informationalCount = 0
    this.isRequestWhole = true
    this.id = 0
  }

  // Sending

  send(x: Exchange, receiver: UpstreamReceiver): void {
    const session = this.session
    this.x = x
    this.receiver = receiver
    x.response.reset()
    const fault = session.faultToOpen
    if (fault !== NONE) return this.fail(fault)
    const { upgrade } = x.outgoing
    this.isConnect = session.carriesUpgrade(upgrade)
    if (upgrade === 'websocket' && !this.isConnect) return this.fail(Faults.ORIGIN_UPGRADE_NOT_SERVED)
    const { headerListBytesMax } = session.peer
    // Nobody's head is much larger than what we take of clients: most bounds need not be compared with.
    if (headerListBytesMax < 2 * session.limits.headBytesMax && headListBytes(x) > headerListBytesMax)
      return this.fail(Faults.ORIGIN_HEAD_LIMIT)
    // Any other upgrade is left out, as everybody on the way may (RFC 9110 §7.8).
    this.mayBeQuiet = isGrpc(x.request.fields)
    session.open(this)
    this.phase = WAITING
    this.patience.useLimits(this.mayBeQuiet ? grpcLimits(x) : x.route?.limits)
    const sends = hasBody(x.body.length)
    this.isRequestWhole = !sends
    session.out.beginBlock()
    writeRequestHead(session.out.encoder, x, session.scheme, this.isConnect)
    session.out.headers(this, !sends && !this.isConnect)
    if (!sends) return this.patience.awaitAnswer()
    this.#toSend = x.body.length === BODY_UNKNOWN ? -1 : x.body.length
    // Nothing follows before the origin has said 100 or more, or the client lost its patience.
    if (x.body.awaitsContinue) this.patience.awaitAnswer()
    x.body.attach(this)
  }

  get #takesBody(): boolean {
    return !this.isRequestWhole && (this.phase === WAITING || this.phase === READING)
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const length = end - start
    if (length === 0 || !this.#takesBody) return true
    if (this.#toSend >= 0) {
      if (length > this.#toSend) {
        this.#giveUp(ErrorCode.INTERNAL_ERROR, Faults.INTERNAL)
        return true
      }
      this.#toSend -= length
    }
    const flows = this.session.out.data(this, buffer, start, end)
    if (this.phase === WAITING) {
      if (!flows) this.patience.awaitWrite()
      else if (this.patience.awaits === AWAITS_ANSWER) this.patience.awaitNothing()
    }
    return flows
  }

  end(trailers: Fields | null): void {
    if (!this.#takesBody) return
    if (this.#toSend > 0) return this.#giveUp(ErrorCode.INTERNAL_ERROR, Faults.INTERNAL)
    this.isRequestWhole = true
    this.session.out.end(this, this.outgoing.isEmpty ? trailers : copyOf(trailers))
    if (this.phase === WAITING) this.patience.awaitAnswer()
  }

  /** The request can never be whole. */
  abort(fault: Fault): void {
    if (this.#takesBody) this.#giveUp(ErrorCode.CANCEL, fault)
  }

  onSendRoom(): void {
    if (this.tunnel !== null) return this.tunnel.onSendRoom()
    if (this.phase !== WAITING && this.phase !== READING) return
    if (this.patience.awaits === AWAITS_WRITE) this.patience.awaitNothing()
    if (!this.isRequestWhole) this.x?.body.resume()
    else if (this.phase === WAITING) this.patience.awaitAnswer()
  }

  onLocalEnd(): void {
    this.tunnel?.onLocalEnd()
  }

  // The end of an attempt

  protected finish(): void {
    const x = this.x
    const receiver = this.receiver
    this.phase = ENDING
    this.#forgetRequest()
    // The rest of the request is of no use to anybody.
    this.session.cut(this, ErrorCode.NO_ERROR)
    if (x !== null) receiver?.onEnd(x, this, this.hasTrailers ? this.trailers : null)
    this.#release(true)
  }

  /** We end it for a fault. */
  #giveUp(code: ErrorCode, fault: Fault): void {
    this.session.cut(this, code)
    this.fail(fault)
  }

  /** It is out of the table; the receiver is told. */
  fail(fault: Fault): void {
    if (this.tunnel !== null) return this.tunnel.onReset('ECONNRESET')
    if (this.phase === GONE || this.phase === ENDING) return
    const x = this.x
    const receiver = this.receiver
    this.phase = ENDING
    this.#forgetRequest()
    if (x !== null) receiver?.onFault(x, this, fault)
    this.#release(false)
  }

  /** As `fail`, when all streams of the session end together. */
  onSessionOver(fault: Fault): void {
    // It had come whole; the receiver is only slow.
    if (this.phase === READING && this.isRemoteEnded) return
    this.fail(this.phase === READING ? Faults.ORIGIN_TRUNCATED : fault)
  }

  #forgetRequest(): void {
    this.x?.body.detach(this)
    this.x = null
    this.receiver = null
    this.patience.stop()
  }

  #release(isServed: boolean): void {
    this.phase = GONE
    this.isHeld = false
    this.tunnel = null
    this.kept.clear()
    this.session.release(this, isServed)
  }

  onReset(code: ErrorCode): void {
    if (this.tunnel !== null) return this.tunnel.onReset('ECONNRESET')
    // The answer came whole, and the origin needs no more of the request (RFC 9113 §8.1).
    if (this.phase === READING && this.isRemoteEnded) {
      this.x?.body.detach(this)
      this.isRequestWhole = true
    } else if (this.hasAnswered) this.fail(Faults.ORIGIN_TRUNCATED)
    else if (code === ErrorCode.REFUSED_STREAM) this.fail(Faults.ORIGIN_STREAM_REFUSED)
    else if (code === ErrorCode.HTTP_1_1_REQUIRED) this.#wantsHttp1()
    else this.fail(Faults.ORIGIN_STREAM_RESET)
  }

  /** It was not looked at: where the protocol was negotiated, the next attempt has the other. */
  #wantsHttp1(): void {
    const { x } = this
    const isNegotiated = this.session.target.protocol === 'negotiated'
    if (x !== null) x.outgoing.isHttp1Only = isNegotiated
    this.fail(isNegotiated ? Faults.ORIGIN_HTTP1_REQUIRED : Faults.ORIGIN_STREAM_RESET)
  }

  onOriginTooSlow(fault: Fault): void {
    this.session.doubt()
    this.#giveUp(ErrorCode.CANCEL, fault)
  }

  cancel(_fault: Fault): void {
    switch (this.phase) {
      case WAITING:
      case READING:
      case SWITCHED:
        this.session.cut(this, ErrorCode.CANCEL)
        this.#forgetRequest()
        return this.#release(false)
      case LEASED:
        this.#forgetRequest()
        return this.#release(false)
      case TUNNEL:
        this.tunnel?.destroy()
        return this.#release(true)
    }
  }

  // Tunnels

  takeTransport(): Transport | null {
    if (this.phase !== SWITCHED) return null
    this.phase = TUNNEL
    this.#forgetRequest()
    this.tunnel = new StreamTransport(this, this.session)
    return this.tunnel
  }

  pushKept(): void {
    this.tunnel?.open(this.kept)
  }
}

/** What is sent later must not be borrowed. */
function copyOf(trailers: Fields | null): Fields | null {
  if (trailers === null) return null
  const copy = new Fields()
  copy.copyFrom(trailers)
  return copy
}
