/**
 * ServerStream: a client's request on a stream, and its answer: the Downstream of one exchange.
 *
 * Invariants:
 * - `serve.finish` is called once for each `serve.begin`: when END_STREAM has left or the answer was cut. For an
 *   answer that ends inside `serve.serve`, after `serve` returned; otherwise perhaps inside the `end`, `abort` or
 *   `sendWhole` that ended it, so whoever calls those must not touch x afterwards.
 * - An answer that is cut never looks whole: its stream is reset. One that ended before its request did is whole: the
 *   rest of the request is discarded for a while, then refused with NO_ERROR (RFC 9113 §8.1).
 * - Of a body with a stated length never more than that is sent, and END_STREAM only after exactly as many bytes.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { BodyStream } from '../http/body.ts'
import type { Downstream, Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { answerFraming, FRAMED_BY_LENGTH, FRAMED_NONE, type Framed } from '../http/framing.ts'
import { BODY_NONE, BODY_UNKNOWN } from '../http/message.ts'
import type { ServingContext } from '../http/serving.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { Transport } from '../net/transport.ts'
import { writeAnswerHead, writeInformational, writeSwitch } from './answer-head.ts'
import { cutCode } from './cut-codes.ts'
import { ErrorCode } from './frames.ts'
import { RequestIntake } from '../http/request-intake.ts'
import type { PeerSettings } from './settings.ts'
import { SessionStream } from './stream.ts'
import { StreamTransport, type StreamHome } from './stream-transport.ts'

/** The session of a stream, as the stream sees it. */
export interface ServerHome extends StreamHome {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly encrypted: boolean
  readonly context: ServingContext
  readonly peer: PeerSettings
  streamError(streamId: number, code: ErrorCode, fault: Fault): void
  consumed(stream: ServerStream): void
  /** Both halves have ended. */
  closed(stream: ServerStream): void
  /** Its answer has ended, and its request may soon. */
  linger(stream: ServerStream): void
  endLingering(stream: ServerStream): void
  tunnelBegan(): void
  tunnelEnded(stream: ServerStream): void
}

/** Streams kept for further use. */
const pooledMax = 256
const pool: ServerStream[] = []

export function takeStream(session: ServerHome, id: number): ServerStream {
  const stream = pool.pop() ?? new ServerStream()
  stream.open(session, id)
  return stream
}

export class ServerStream extends SessionStream implements Downstream, BodyStream {
  x: Exchange | null = null
  /** Its answer has ended, the request has not: so long since. */
  lingersSinceMs = -1
  readonly intake: RequestIntake = new RequestIntake()
  tunnel: StreamTransport | null = null
  // How it fares, see server-rates.ts.
  owesSinceMs = -1
  owesBytes = 0
  heldSinceMs = -1
  stillSinceMs = -1
  stillBytes = 0
  #session: ServerHome | null = null
  #isHeadSent = false
  #isAnswerEnded = false
  #brokenBy: Fault = NONE
  #isAborted = false
  #isBusy = false
  #framing: Framed = FRAMED_NONE
  #remaining = 0

  open(session: ServerHome, id: number): void {
    this.begin(id, session.peer.windowBytes)
    this.#session = session
    this.lingersSinceMs = this.owesSinceMs = this.heldSinceMs = -1
    this.#isHeadSent = this.#isAnswerEnded = this.#isAborted = this.#isBusy = false
    this.#brokenBy = NONE
    this.#framing = FRAMED_NONE
    this.#remaining = 0
  }

  /** It is out of the table and nobody holds it any more. */
  giveBack(): void {
    this.#session = null
    this.tunnel = null
    this.intake.drop()
    if (pool.length < pooledMax) pool.push(this)
  }

  get #of(): ServerHome {
    return this.#session as ServerHome
  }

  get remoteAddress(): string {
    return this.#of.remoteAddress
  }

  get relayAddress(): string {
    return this.#of.transport.relayAddress ?? ''
  }

  get remotePort(): number {
    return this.#of.remotePort
  }

  get localAddress(): string {
    return this.#of.transport.localAddress
  }

  get localPort(): number {
    return this.#of.localPort
  }

  get guard(): ConnectionGuard | null {
    return this.#of.transport.guard ?? null
  }

  get encrypted(): boolean {
    return this.#of.encrypted
  }

  get keptBytes(): number {
    return this.tunnel === null ? this.intake.kept.size : this.tunnel.keptBytes
  }

  /** In memory for it, the attempt at an origin included. */
  get heldBytes(): number {
    const upload = this.tunnel === null ? this.intake.kept.memoryBytes : this.tunnel.heldBytes
    return upload + this.outgoing.memoryBytes + (this.x?.upstream?.heldBytes ?? 0)
  }

  /** Nothing is under way on it but the rest of a request whose answer has ended. */
  get isLingering(): boolean {
    return this.lingersSinceMs >= 0
  }

  // The request

  /** `x.request` is read. */
  serve(x: Exchange): void {
    this.#begin(x)
    this.#isBusy = true
    this.#of.context.serve.serve(x)
    this.#isBusy = false
    this.#settleIfOver()
  }

  /** It could not be read, and is answered from the table of faults; one without a status resets the stream. */
  refuse(x: Exchange, fault: Fault): void {
    x.request.bodyLength = this.isRemoteEnded ? BODY_NONE : BODY_UNKNOWN
    this.#begin(x)
    this.#isBusy = true
    this.#of.context.serve.refuse(x, fault)
    this.#isBusy = false
    this.#settleIfOver()
  }

  #begin(x: Exchange): void {
    const { request } = x
    this.x = x
    const length = request.upgrade === '' ? request.bodyLength : BODY_UNKNOWN
    x.body.begin(this, request.upgrade === '' ? length : BODY_NONE, request.expectsContinue)
    this.intake.begin(x.body, length)
    this.intake.isEnded = this.isRemoteEnded
  }

  onData(buffer: Buffer, start: number, end: number): void {
    const session = this.#of
    if (this.tunnel !== null) return this.tunnel.onData(buffer, start, end)
    const fault = this.intake.take(buffer, start, end)
    if (fault === Faults.BODY_TOO_LARGE) this.breakBody(fault)
    else if (fault !== NONE) session.streamError(this.id, ErrorCode.PROTOCOL_ERROR, fault)
    else if (this.intake.isWanted) session.consumed(this)
    else if (this.receiveWindow === 0 && this.isLingering) session.endLingering(this)
  }

  onRemoteEnd(): void {
    if (this.tunnel !== null) this.tunnel.onRemoteEnd()
    else if (!this.intake.end())
      this.#of.streamError(this.id, ErrorCode.PROTOCOL_ERROR, Faults.STREAM_LENGTH_BAD)
    else if (this.isLingering) this.#of.closed(this)
  }

  /** What comes now is of no use. The sink is told, and by it whoever answers. */
  breakBody(fault: Fault): void {
    const { x } = this
    this.intake.drop()
    x?.body.fail(fault)
  }

  resume(): void {
    const { x, intake } = this
    if (x === null || !intake.isWanted) return
    if (x.body.length > x.body.bytesMax) return this.breakBody(Faults.BODY_TOO_LARGE)
    intake.resume()
    if (this.x === x) this.#of.consumed(this)
  }

  cancel(_fault: Fault): void {
    this.intake.drop()
  }

  sendContinue(): void {
    const { x } = this
    if (x === null || this.#isHeadSent || this.isRemoteEnded) return
    if (x.body.length > x.body.bytesMax) return this.breakBody(Faults.BODY_TOO_LARGE)
    x.informational.reset()
    x.informational.status = 100
    this.#inform(x)
  }

  // The answer

  sendInformational(x: Exchange): void {
    if (!this.#isCurrent(x) || this.#isHeadSent) return
    if (x.informational.status === 100) return x.body.continue()
    this.#inform(x)
  }

  #inform(x: Exchange): void {
    const { out } = this.#of
    out.beginBlock()
    writeInformational(out.encoder, x.informational)
    out.headers(this, false)
  }

  sendHead(x: Exchange): void {
    if (!this.#isCurrent(x) || this.#isHeadSent) return
    this.#beginAnswer(x)
    if (x.response.bodyLength === BODY_NONE) this.#isAnswerEnded = true
    this.#of.out.headers(this, this.#framing === FRAMED_NONE)
    if (this.#isAnswerEnded) this.#settleIfOver()
  }

  sendWhole(x: Exchange, body: Buffer | null): void {
    if (!this.#isCurrent(x) || this.#isHeadSent) return
    const length = body === null ? 0 : body.length
    x.response.bodyLength = length
    this.#beginAnswer(x)
    this.#isAnswerEnded = true
    const { out } = this.#of
    if (body === null || length === 0 || this.#framing === FRAMED_NONE) out.headers(this, true)
    else {
      x.bytesSent += length
      out.whole(this, body)
    }
    this.#settleIfOver()
  }

  #beginAnswer(x: Exchange): void {
    const { out, context } = this.#of
    this.#framing = answerFraming(x.response, x.request)
    this.#remaining = x.response.bodyLength
    this.#isHeadSent = x.isHeadSent = true
    out.beginBlock()
    writeAnswerHead(out.encoder, x, context.dateText.get())
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const { x } = this
    const length = end - start
    if (x === null || this.#isAnswerEnded || !this.#isHeadSent) return true
    if (length === 0 || this.#framing === FRAMED_NONE) return true
    if (this.#framing === FRAMED_BY_LENGTH) {
      if (length > this.#remaining) {
        this.#break(Faults.INTERNAL)
        return true
      }
      this.#remaining -= length
    }
    x.bytesSent += length
    return this.#of.out.data(this, buffer, start, end)
  }

  end(trailers: Fields | null): void {
    if (this.tunnel !== null) return this.#endTunnel()
    if (this.x === null || this.#isAnswerEnded) return
    if (this.#framing === FRAMED_BY_LENGTH && this.#remaining > 0) return this.#break(Faults.INTERNAL)
    this.#isAnswerEnded = true
    if (this.#framing !== FRAMED_NONE) this.#of.out.end(this, trailers)
    this.#settleIfOver()
  }

  abort(fault: Fault): void {
    if (this.tunnel !== null) return this.#endTunnel()
    if (this.x === null || this.#isAnswerEnded) return
    this.#isAborted = true
    this.#break(fault)
  }

  refuseReuse(): void {
    // Streams are told apart by their frames: nothing of this one can be taken for another's.
  }

  #isCurrent(x: Exchange): boolean {
    return x === this.x && !this.#isAnswerEnded
  }

  /** Cuts it, so that the client can see. HEAD, 204 and 304 are whole with their heads. */
  #break(fault: Fault): void {
    this.#isAnswerEnded = true
    if (!this.isLocalEnded) this.#brokenBy = fault
    this.#settleIfOver()
  }

  onSendRoom(): void {
    if (this.tunnel !== null) this.tunnel.onSendRoom()
    else if (!this.#isAnswerEnded) this.x?.source?.resume()
  }

  onLocalEnd(): void {
    if (this.tunnel !== null) this.tunnel.onLocalEnd()
    else if (this.#isAnswerEnded) this.#settleIfOver()
  }

  /** Its producer has ended, and all has left or will never. */
  #settleIfOver(): void {
    if (this.#isBusy || this.x === null || !this.#isAnswerEnded) return
    if (this.#brokenBy !== NONE) this.#settleBroken(this.x)
    else if (this.isLocalEnded) this.#settle(this.x)
  }

  #settle(x: Exchange): void {
    const session = this.#of
    const mayLinger = !x.body.awaitsContinue && !this.intake.isLongerThan(this.receiveWindow)
    this.x = null
    if (!this.isRemoteEnded) x.body.cancel(NONE)
    this.intake.drop()
    session.context.serve.finish(x)
    if (this.isRemoteEnded) session.closed(this)
    else if (mayLinger) session.linger(this)
    else session.endLingering(this)
  }

  #settleBroken(x: Exchange): void {
    const session = this.#of
    const fault = this.#brokenBy
    session.cut(this, cutCode(fault))
    this.x = null
    // Its producer knows when it broke off itself.
    if (!this.#isAborted) session.context.serve.abandon(x, fault)
    this.#over(x, fault)
  }

  #over(x: Exchange, fault: Fault): void {
    x.body.fail(fault)
    x.body.cancel(fault)
    this.#of.context.serve.finish(x)
    this.giveBack()
  }

  /** The client took it back, the session is gone, or it is to end now; it is out of the table. */
  abandon(fault: Fault): void {
    const { x, tunnel } = this
    if (tunnel !== null) return tunnel.onReset('ECONNRESET')
    this.x = null
    if (x === null) return this.giveBack()
    this.#isAnswerEnded = true
    this.#of.context.serve.abandon(x, fault)
    this.#over(x, fault)
  }

  onReset(_code: number): void {
    this.abandon(Faults.CLIENT_GONE)
  }

  // Tunnels

  upgrade(x: Exchange): Transport | null {
    if (!this.#isCurrent(x) || this.#isHeadSent) return null
    const session = this.#of
    x.isHeadSent = this.#isHeadSent = true
    session.out.beginBlock()
    writeSwitch(session.out.encoder, x.response, session.context.dateText.get())
    session.out.headers(this, false)
    this.x = null
    this.#isBusy = false
    this.tunnel = new StreamTransport(this, session)
    session.tunnelBegan()
    return this.tunnel
  }

  pushKept(): void {
    this.tunnel?.open(this.intake.kept)
  }

  #endTunnel(): void {
    const tunnel = this.tunnel as StreamTransport
    tunnel.destroy()
    this.#of.tunnelEnded(this)
  }
}
