/**
 * H3ServerStream: a client's request on a stream, and its answer: the Downstream of one exchange.
 *
 * Invariants:
 * - `serve.finish` is called once for each `serve.begin`: when the end of the answer has been handed over, or it was
 *   cut. For an answer that ends inside `serve.serve`, after `serve` returned; otherwise perhaps inside the call that
 *   ended it, so whoever makes such a call must not touch x afterwards.
 * - An answer that is cut never looks whole: its stream is reset.
 * - An answer may end before its request did: the rest is discarded for a while, then the stream is closed with
 *   NO_ERROR (RFC 9114 §4.1).
 * - The provider cannot be told to stop reading: what nobody takes is kept up to `heldBytesMax`; beyond that the
 *   upload fails.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { BodyStream } from '../http/body.ts'
import type { Downstream, Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { answerFraming, FRAMED_BY_LENGTH, FRAMED_NONE, type Framed } from '../http/framing.ts'
import { BODY_NONE } from '../http/message.ts'
import { RequestIntake } from '../http/request-intake.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { ServingContext } from '../http/serving.ts'
import { cutCode, H3Code } from './codes.ts'
import { answerFields, trailerFields } from './header-lists.ts'
import { Outbox, type OutboxHome } from './outbox.ts'
import type { QuicEndpoint } from './provider.ts'

/**
 * From the end of an answer to the reset of a request that nobody needs: the provider takes back with it what of the answer has not
 * left, and does not tell when it has. What comes meanwhile is thrown away.
 */
export const answerLeadMs = 200

/** The session of a stream, as the stream sees it. */
export interface StreamHome {
  readonly id: number
  readonly endpoint: QuicEndpoint
  readonly context: ServingContext
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly guard: ConnectionGuard | null
  /** Room for `bytes` more that nobody takes, on this stream that holds `held`? */
  mayHold(held: number, bytes: number): boolean
  released(bytes: number): void
  /** Nothing of the stream is left. */
  forget(stream: H3ServerStream): void
  later(ms: number, callback: () => void): void
}

export class H3ServerStream implements Downstream, BodyStream, OutboxHome {
  readonly stream: number
  readonly encrypted = true
  readonly intake: RequestIntake = new RequestIntake()
  readonly out: Outbox
  x: Exchange | null = null
  isRemoteEnded = false
  /** Its answer has ended, the request has not: so long since. -1: not so. */
  lingersSinceMs = -1
  /** Seen at the last judgement of its rates. */
  receivedBefore = 0
  sentBefore = 0
  readonly #home: StreamHome
  #isHeadSent = false
  #isAnswerEnded = false
  #brokenBy: Fault = NONE
  #isAborted = false
  #isBusy = false
  #isOver = false
  #framing: Framed = FRAMED_NONE
  #remaining = 0
  #heldBytes = 0

  constructor(home: StreamHome, stream: number) {
    this.#home = home
    this.stream = stream
    this.out = new Outbox(this)
  }

  get session(): number {
    return this.#home.id
  }

  get endpoint(): QuicEndpoint {
    return this.#home.endpoint
  }

  get remoteAddress(): string {
    return this.#home.remoteAddress
  }

  get remotePort(): number {
    return this.#home.remotePort
  }

  get localPort(): number {
    return this.#home.localPort
  }

  get guard(): ConnectionGuard | null {
    return this.#home.guard
  }

  later(ms: number): void {
    this.#home.later(ms, () => {
      this.out.onTurn()
      this.#goOn()
    })
  }

  // The request

  serve(x: Exchange): void {
    this.#begin(x)
    this.#isBusy = true
    this.#home.context.serve.serve(x)
    this.#isBusy = false
    this.#settleIfOver()
  }

  /** It could not be read; a fault without a status resets the stream. */
  refuse(x: Exchange, fault: Fault): void {
    x.request.bodyLength = BODY_NONE
    this.#begin(x)
    this.#isBusy = true
    this.#home.context.serve.refuse(x, fault)
    this.#isBusy = false
    this.#settleIfOver()
  }

  #begin(x: Exchange): void {
    const { request } = x
    this.x = x
    x.body.begin(this, request.bodyLength, request.expectsContinue)
    this.intake.begin(x.body, request.bodyLength)
    this.intake.isEnded = this.isRemoteEnded
  }

  onData(bytes: Buffer): void {
    const { intake } = this
    if (this.lingersSinceMs >= 0) {
      intake.receivedBytes += bytes.length
      const { limits, timers } = this.#home.context
      const isTooMuch = intake.receivedBytes - this.receivedBefore > limits.drainBytesMax
      if (isTooMuch && timers.clock.nowMs() - this.lingersSinceMs >= answerLeadMs) this.endLingering()
      return
    }
    if (!intake.isWanted) return
    if (!this.#home.mayHold(this.#heldBytes, bytes.length)) return this.breakBody(Faults.UPLOAD_HELD)
    const fault = intake.take(bytes, 0, bytes.length)
    this.#count()
    if (fault === Faults.STREAM_LENGTH_BAD) this.fail(fault)
    else if (fault !== NONE) this.breakBody(fault)
  }

  /** Keeps the session's sum of what is held. */
  #count(): void {
    const held = this.intake.kept.size
    this.#home.released(this.#heldBytes - held)
    this.#heldBytes = held
  }

  onRemoteEnd(): void {
    if (this.isRemoteEnded) return
    this.isRemoteEnded = true
    if (this.lingersSinceMs >= 0) return this.#leave()
    if (!this.intake.end()) this.fail(Faults.STREAM_LENGTH_BAD)
    else this.#count()
  }

  /** The message is against the protocol (RFC 9114 §4.1.2). */
  fail(fault: Fault): void {
    const { x } = this
    this.endpoint.reset(this.session, this.stream, cutCode(fault))
    if (x !== null) {
      x.fault = fault
      this.abandon(fault)
    } else this.#leave()
  }

  /** What comes now is of no use. The sink is told, and by it whoever answers. */
  breakBody(fault: Fault): void {
    const { x } = this
    this.intake.drop()
    this.#count()
    x?.body.fail(fault)
  }

  resume(): void {
    const { x, intake } = this
    if (x === null || !intake.isWanted) return
    if (x.body.length > x.body.bytesMax) return this.breakBody(Faults.BODY_TOO_LARGE)
    intake.resume()
    this.#count()
  }

  cancel(_fault: Fault): void {
    this.intake.drop()
    this.#count()
  }

  sendContinue(): void {
    const { x } = this
    // 1xx cannot be sent: the client goes on by itself after a while (RFC 9110 §10.1.1).
    if (x !== null && x.body.length > x.body.bytesMax) this.breakBody(Faults.BODY_TOO_LARGE)
  }

  // The answer

  sendInformational(x: Exchange): void {
    // The provider sends one header section only.
    if (x.informational.status === 100) x.body.continue()
  }

  sendHead(x: Exchange): void {
    if (!this.#isCurrent(x) || this.#isHeadSent) return
    this.#beginAnswer(x, this.#framingOf(x) === FRAMED_NONE)
    if (x.response.bodyLength === BODY_NONE) this.#isAnswerEnded = true
    if (this.#isAnswerEnded) this.#settleIfOver()
  }

  sendWhole(x: Exchange, body: Buffer | null): void {
    if (!this.#isCurrent(x) || this.#isHeadSent) return
    const length = body === null ? 0 : body.length
    x.response.bodyLength = length
    const ends = length === 0 || this.#framingOf(x) === FRAMED_NONE
    this.#beginAnswer(x, ends)
    this.#isAnswerEnded = true
    if (body !== null && !ends) {
      x.bytesSent += length
      this.out.whole(body)
    }
    this.#settleIfOver()
  }

  #framingOf(x: Exchange): Framed {
    return (this.#framing = answerFraming(x.response, x.request))
  }

  #beginAnswer(x: Exchange, ends: boolean): void {
    this.#remaining = x.response.bodyLength
    this.#isHeadSent = x.isHeadSent = true
    this.out.head(answerFields(x, this.#home.context.dateText.get()), ends)
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
    return this.out.data(buffer, start, end)
  }

  end(trailers: Fields | null): void {
    if (this.x === null || this.#isAnswerEnded) return
    if (this.#framing === FRAMED_BY_LENGTH && this.#remaining > 0) return this.#break(Faults.INTERNAL)
    this.#isAnswerEnded = true
    if (this.#framing !== FRAMED_NONE) {
      const fields = trailers === null ? [] : trailerFields(trailers)
      this.out.end(fields.length === 0 ? null : fields)
    }
    this.#settleIfOver()
  }

  abort(fault: Fault): void {
    if (this.x === null || this.#isAnswerEnded) return
    this.#isAborted = true
    this.#break(fault)
  }

  upgrade(): null {
    return null
  }

  pushKept(): void {}

  refuseReuse(): void {
    // Streams are told apart by their frames: nothing of this one can be taken for another's.
  }

  #isCurrent(x: Exchange): boolean {
    return x === this.x && !this.#isAnswerEnded
  }

  #break(fault: Fault): void {
    this.#isAnswerEnded = true
    // HEAD, 204 and 304 are whole with their heads.
    if (!this.out.isEnded) this.#brokenBy = fault
    this.#settleIfOver()
  }

  /** The provider may take more. */
  onRoom(): void {
    this.out.room()
    this.#goOn()
  }

  onWritable(): void {
    this.out.flush()
    this.#goOn()
  }

  #goOn(): void {
    if (this.#isOver) return
    if (this.#isAnswerEnded) this.#settleIfOver()
    else if (this.out.hasRoom && this.#isHeadSent) this.x?.source?.resume()
  }

  #settleIfOver(): void {
    if (this.#isBusy || this.x === null || !this.#isAnswerEnded) return
    if (this.#brokenBy !== NONE) this.#settleBroken(this.x)
    else if (this.out.isEnded) this.#settle(this.x)
  }

  #settle(x: Exchange): void {
    const { timers, limits, serve } = this.#home.context
    const isVain = x.body.awaitsContinue || this.intake.isLongerThan(limits.drainBytesMax)
    this.x = null
    if (!this.isRemoteEnded) x.body.cancel(NONE)
    this.intake.drop()
    this.#count()
    serve.finish(x)
    if (this.isRemoteEnded) return this.#leave()
    this.lingersSinceMs = timers.clock.nowMs()
    this.receivedBefore = this.intake.receivedBytes
    if (isVain) this.#home.later(answerLeadMs, () => this.endLingering())
  }

  /** Nobody needs the rest of the request. */
  endLingering(): void {
    if (this.#isOver) return
    this.endpoint.reset(this.session, this.stream, H3Code.NO_ERROR)
    this.#leave()
  }

  #settleBroken(x: Exchange): void {
    const fault = this.#brokenBy
    this.endpoint.reset(this.session, this.stream, cutCode(fault))
    this.x = null
    // Its producer knows when it broke off itself.
    if (!this.#isAborted) this.#home.context.serve.abandon(x, fault)
    this.#finish(x, fault)
  }

  /** The client took it back, or the session is gone. */
  abandon(fault: Fault): void {
    const { x } = this
    if (this.#isOver) return
    this.x = null
    this.#isAnswerEnded = true
    if (x === null) return this.#leave()
    this.#home.context.serve.abandon(x, fault)
    this.#finish(x, fault)
  }

  #finish(x: Exchange, fault: Fault): void {
    x.body.fail(fault)
    x.body.cancel(fault)
    this.#leave()
    this.#home.context.serve.finish(x)
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.out.close()
    this.intake.drop()
    this.#count()
    this.#home.forget(this)
  }
}
