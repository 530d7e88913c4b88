/**
 * H1ServerConnection: one client's HTTP/1 connection (RFC 9112). It has requests served one after the other and sends
 * their answers in that order. (What it reads: server-reading.ts.)
 *
 * Invariants:
 * - `serve.finish` is called exactly once for each `serve.begin`, when the answer has ended or was cut; what is left
 *   of the request's body is then read and discarded, or the connection closed. For an answer that ends inside
 *   `serve.serve`, `finish` is called after `serve` returned; otherwise inside the `end`, `abort` or `sendWhole` that
 *   ended it, so whoever calls those must not touch x afterwards.
 * - An answer that is cut never looks whole. After the last answer the connection is closed in a way that lets the
 *   client read it (RFC 9112 §9.6).
 * - `context.onClosed` comes once, last.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Downstream, Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { Field } from '../http/known-fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { HTTP_1_1 } from '../http/message.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import type { RequestBodyReader } from './server-body.ts'
import {
  WAITS_FOR_BODY,
  WAITS_FOR_CLOSE,
  WAITS_FOR_HEAD,
  type PatientOwner,
} from '../http/client-patience.ts'
import { CLOSING, GONE, READY, RequestReading, SERVING, SKIPPING, TUNNEL } from './server-reading.ts'
import { informationalHead, responseHead } from './write-head.ts'

/** Serves HTTP/1 on a transport that was just accepted. */
export function serveH1(transport: Transport, context: ServingContext): H1ServerConnection {
  return new H1ServerConnection(transport, context)
}

let idCount = 0

export class H1ServerConnection
  extends RequestReading
  implements TransportEvents, Downstream, PatientOwner, ServerConnection
{
  readonly id: number = ++idCount
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly encrypted: boolean
  readonly relayAddress: string
  readonly guard: ConnectionGuard | null

  constructor(transport: Transport, context: ServingContext) {
    super(transport, context)
    this.remoteAddress = transport.remoteAddress
    this.remotePort = transport.remotePort
    this.localPort = transport.localPort
    this.encrypted = transport.encrypted
    this.relayAddress = transport.relayAddress ?? ''
    this.guard = transport.guard ?? null
    transport.events = this
    this.patience.waitForHead()
  }

  protected self(): this {
    return this
  }

  get localAddress(): string {
    return this.transport.localAddress
  }

  get limits(): ConnectionLimits {
    return this.context.limits
  }

  /** No request is under way, not even a part of its head. */
  get isIdle(): boolean {
    return this.phase === READY && this.x === null && this.nextTurn === null && this.ahead.size < 4
  }

  /** It was upgraded, and lives as long as its tunnel. */
  get isTunnel(): boolean {
    return this.phase === TUNNEL
  }

  // Its owner's side

  /**
   * Serves what is under way and nothing more: the answer carries `Connection: close`. A connection at rest is closed
   * now; one that has not asked anything yet has `drainMs` for it. Tunnels stay.
   */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    this.isPersistent = false
    if (!this.isIdle) return
    if (this.servedCount === 0) this.patience.waitForClose()
    else this.close()
  }

  /** Closes now. An answer under way is cut visibly, and its exchange is over when this returns. */
  destroy(): void {
    const { x } = this
    if (x !== null && this.phase !== TUNNEL) this.#abandon(x, Faults.DRAINING)
    else if (this.phase === SERVING || this.phase === CLOSING) this.transport.reset()
    else this.transport.destroy()
  }

  get heldBytes(): number {
    return this.ahead.memoryBytes + (this.x?.upstream?.heldBytes ?? 0)
  }

  giveUpHeld(): void {
    if (this.x !== null) this.#abandon(this.x, Faults.ANSWER_HELD)
    else this.destroy()
  }

  // Answering

  sendInformational(x: Exchange): void {
    if (!this.#isCurrent(x) || this.answer.isHeadSent || x.request.version < HTTP_1_1) return
    if (x.informational.status === 100) return x.body.continue()
    this.answer.writeText(informationalHead(x.informational))
  }

  sendHead(x: Exchange): void {
    if (!this.#isCurrent(x) || this.answer.isHeadSent) return
    this.answer.sendHead(x, this.#mayPersist(x), this.#dateText(x))
    if (this.answer.isEnded) this.#endAnswer()
  }

  sendWhole(x: Exchange, body: Buffer | null): void {
    if (!this.#isCurrent(x) || this.answer.isHeadSent) return
    this.answer.sendWhole(x, body, this.#mayPersist(x), this.#dateText(x))
    this.#endAnswer()
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const { x, answer } = this
    if (x === null || this.phase !== SERVING || answer.isEnded || !answer.isHeadSent) return true
    const flows = answer.write(x, buffer, start, end)
    if (answer.isEnded) this.#endAnswer()
    return flows
  }

  end(trailers: Fields | null): void {
    if (this.phase === TUNNEL) return this.#endTunnel()
    const { x, answer } = this
    if (x === null || this.phase !== SERVING || answer.isEnded) return
    answer.end(x, trailers)
    this.#endAnswer()
  }

  abort(fault: Fault): void {
    if (this.phase === TUNNEL) return this.#endTunnel()
    if (this.x === null || this.phase !== SERVING || this.answer.isEnded) return
    this.isPersistent = false
    this.answer.abort(fault)
    this.#endAnswer()
  }

  refuseReuse(): void {
    this.isPersistent = false
  }

  /** '' when there is one already, as in most answers of origins: the wall clock is a call into C++. */
  #dateText(x: Exchange): string {
    return x.response.fields.has(Field.DATE) ? '' : this.context.dateText.get()
  }

  #isCurrent(x: Exchange): boolean {
    return x === this.x && this.phase === SERVING && !this.answer.isEnded
  }

  /** May the connection serve on after this answer, as far as can be told when its head goes out? */
  #mayPersist(x: Exchange): boolean {
    const { intake } = this
    if (intake !== null && !intake.isWhole) {
      // Never told to go on, the client may or may not send the body (RFC 9110 §10.1.1): nobody could tell it from a
      // further request.
      if (x.body.awaitsContinue || intake.isBroken || this.#isUploadVain(x, intake)) this.isPersistent = false
    }
    return this.isPersistent
  }

  /** Is more of the body to come than is worth reading over? A good answer may stand beside an upload that goes on. */
  #isUploadVain(x: Exchange, intake: RequestBodyReader): boolean {
    if (x.body.isTaking && x.response.status < 400) return false
    if (intake.isChunked) return x.body.isTaking
    return intake.remaining - this.ahead.size > this.limits.drainBytesMax
  }

  #endAnswer(): void {
    if (!this.isBusy) this.goOn()
  }

  protected settle(): void {
    const x = this.x as Exchange
    const { answer, intake } = this
    if (answer.brokenBy !== NONE) return this.#settleBroken(x)
    const goesOn = this.isPersistent && answer.keepsConnection
    const isWhole = intake === null || intake.isWhole
    this.phase = goesOn && isWhole ? READY : SKIPPING
    this.x = null
    if (!isWhole) {
      x.body.cancel(NONE)
      intake.discard()
    }
    this.context.serve.finish(x)
    if (isWhole) this.dropIntake()
    if (!goesOn) this.close()
    else if (isWhole) this.patience.waitForRequest()
    else this.patience.waitForClose()
  }

  #settleBroken(x: Exchange): void {
    const { answer } = this
    this.phase = SKIPPING
    this.x = null
    // Its producer knows when it broke off itself.
    if (!answer.isAborted) this.context.serve.abandon(x, answer.brokenBy)
    x.body.cancel(answer.brokenBy)
    this.context.serve.finish(x)
    if (!answer.needsReset) return this.close()
    this.phase = GONE
    this.patience.stop()
    this.dropIntake()
    this.ahead.clear()
    this.transport.reset()
  }

  protected refuse(x: Exchange, fault: Fault): void {
    this.phase = SERVING
    this.progress = null
    this.isPersistent = false
    this.answer.reset()
    this.patience.waitForNothing()
    this.context.serve.refuse(x, fault)
    if (this.isBusy && this.answer.isEnded) this.settle()
  }

  // Tunnels

  upgrade(x: Exchange): Transport | null {
    if (!this.#isCurrent(x) || this.answer.isHeadSent || !this.transport.isOpen) return null
    x.isHeadSent = true
    this.answer.writeText(responseHead(x.response, x.request, true, this.#dateText(x)))
    this.phase = TUNNEL
    this.x = null
    this.patience.stop()
    return this.transport
  }

  pushKept(): void {
    if (this.phase !== TUNNEL) return
    if (this.transport.isPaused) this.transport.resume()
    this.isKeptPushed = true
    if (!this.isBusy) this.pushAhead()
  }

  #endTunnel(): void {
    this.phase = GONE
    this.ahead.clear()
    if (this.transport.isOpen) this.transport.destroy()
    this.context.onClosed(this)
  }

  protected handOver(buffer: Buffer, start: number, end: number): void {
    if (this.transport.isPaused) this.transport.resume()
    this.context.onHttp2?.(this, this.transport, buffer, start, end)
  }

  // Closing

  protected close(): void {
    this.phase = CLOSING
    this.dropIntake()
    this.ahead.clear()
    this.readOverBytes = 0
    if (this.hasPeerEnded && this.transport.unsentBytes === 0) return this.#vanish()
    this.transport.end()
    if (this.transport.isPaused) this.transport.resume()
    this.patience.waitForClose()
  }

  #vanish(): void {
    this.phase = GONE
    this.patience.stop()
    this.transport.destroy()
  }

  /** The exchange is over without a whole answer, and so is the connection. */
  #abandon(x: Exchange, fault: Fault): void {
    const isBegun = this.phase === SERVING && this.answer.isHeadSent
    this.x = null
    this.phase = GONE
    this.patience.stop()
    this.ahead.clear()
    this.context.serve.abandon(x, fault)
    x.body.fail(fault)
    this.dropIntake()
    this.context.serve.finish(x)
    // A client that sent FIN may still read: an answer that ends with the connection must not look whole to it.
    if (fault === Faults.CLIENT_GONE && !isBegun) this.transport.destroy()
    else this.transport.reset()
  }

  protected endOnceUsed(): void {
    const { ahead, intake, x } = this
    if (this.phase === READY) {
      const isWaiting = this.nextTurn !== null || (this.answer.isHeld && x === null)
      if (!ahead.isEmpty && isWaiting) return
      if (x === null) this.close()
      else this.#abandon(x, Faults.CLIENT_GONE)
    } else if (this.phase === SERVING && x !== null && intake !== null) {
      if (!intake.isWhole && !intake.isBroken && !this.#canBecomeWhole(intake))
        this.#abandon(x, Faults.CLIENT_GONE)
    }
  }

  /** May what was kept be the rest of the body? */
  #canBecomeWhole(intake: RequestBodyReader): boolean {
    return intake.isChunked ? !this.ahead.isEmpty : this.ahead.size >= intake.remaining
  }

  onEnd(): void {
    const { x } = this
    this.hasPeerEnded = true
    if (this.phase === SKIPPING) this.close()
    else if (this.phase === CLOSING) {
      if (this.transport.unsentBytes === 0) this.#vanish()
    } else if (this.limits.halfClose) this.endOnceUsed()
    else if (x !== null) this.#abandon(x, Faults.CLIENT_GONE)
    else if (this.phase === READY) this.close()
  }

  onDrain(): void {
    this.answer.drained()
    if (this.phase === CLOSING) {
      if (this.hasPeerEnded) this.#vanish()
      return
    }
    if (this.phase === SERVING && this.x !== null && this.answer.isHeadSent) this.x.source?.resume()
    if (!this.ahead.isEmpty) this.goOn()
  }

  onClose(_error: string): void {
    const { x } = this
    if (this.phase === TUNNEL) return
    if (x !== null) this.#abandon(x, Faults.CLIENT_GONE)
    this.phase = GONE
    this.patience.stop()
    this.ahead.clear()
    this.dropIntake()
    this.nextTurn?.cancel()
    this.nextTurn = null
    this.context.onClosed(this)
  }

  onPatienceEnd(waitedFor: number): void {
    const { x, intake } = this
    if (waitedFor === WAITS_FOR_BODY && x !== null && intake !== null) {
      this.breakBody(x, intake, Faults.BODY_TIMEOUT)
      this.goOn()
    } else if (waitedFor === WAITS_FOR_HEAD && x !== null) {
      this.ahead.clear()
      this.refuse(x, Faults.HEAD_TIMEOUT)
    } else if (waitedFor === WAITS_FOR_CLOSE && this.phase === SKIPPING) this.close()
    else {
      if (waitedFor === WAITS_FOR_HEAD) this.context.onFault?.(Faults.CLIENT_SILENT, this.remoteAddress)
      this.#vanish()
    }
  }

  onReaderTooSlow(): void {
    if (this.x !== null) this.#abandon(this.x, Faults.READ_TIMEOUT)
    else {
      this.phase = GONE
      this.transport.reset()
    }
  }
}
