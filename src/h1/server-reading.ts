/**
 * RequestReading: the reading half of a client's HTTP/1 connection. Requests are read one after the other and served;
 * a request's body flows to whoever takes it.
 *
 * Invariants:
 * - One exchange at a time. Bytes behind what is used now are kept, at most `readAheadBytesMax` and one read; then
 *   reading pauses. So a client's departure is noticed while an answer is under way. An idle connection holds
 *   nothing.
 * - Pipelined requests that are answered at once are handled in a loop, not by recursion; after `requestsPerTurnMax`
 *   of them others have their turn. A client that does not take its answers is read no further.
 * - While `isBusy` the loop is on the stack: what ends meanwhile is settled when control comes back to it.
 */
import type { ClockTimer } from '../core/clock.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { BodyStream } from '../http/body.ts'
import type { Downstream, Exchange } from '../http/exchange.ts'
import { BODY_NONE, HTTP_1_1 } from '../http/message.ts'
import type { ServingContext } from '../http/serving.ts'
import type { Transport } from '../net/transport.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import { opensHttp2 } from './preface.ts'
import { HeadProgress, readRequestHead } from './read-head.ts'
import { AnswerWriter } from './server-answer.ts'
import {
  BODY_BROKEN,
  BODY_FLOWS,
  BODY_HELD,
  BODY_WHOLE,
  giveBackBodyReader,
  takeBodyReader,
  type RequestBodyReader,
} from './server-body.ts'
import { ClientPatience, type PatientOwner } from '../http/client-patience.ts'

// What the connection is about.
/** Between requests, or within a head. */
export const READY = 0
/** A request is being served. */
export const SERVING = 1
/** The answer has ended, the rest of the request's body is read over; then READY. */
export const SKIPPING = 2
/** A tunnel has the transport. */
export const TUNNEL = 3
/** We have said our last and sent FIN; what comes is read over until the client closes (RFC 9112 §9.6). */
export const CLOSING = 4
/** Destroyed. */
export const GONE = 5

/** Pipelined requests served in one go before others have their turn: about a millisecond. */
export const requestsPerTurnMax = 128

const carriageReturn = 13
const lineFeed = 10
const continueText = 'HTTP/1.1 100 Continue\r\n\r\n'

/** For heads that come whole, the rule; a connection whose head does not takes it and leaves a new one. */
let sharedProgress = new HeadProgress()

export abstract class RequestReading implements BodyStream {
  protected readonly transport: Transport
  protected readonly context: ServingContext
  protected readonly patience: ClientPatience
  protected readonly answer: AnswerWriter
  protected readonly ahead: KeptBytes = new KeptBytes()
  protected phase = READY
  protected x: Exchange | null = null
  /** The body of the request being served, until the exchange is finished; null when it has none. */
  protected intake: RequestBodyReader | null = null
  /** Of a head that has come in part. */
  protected progress: HeadProgress | null = null
  /** A further request may follow the one being served. */
  protected isPersistent = true
  protected isDraining = false
  /** The client sent FIN and may still read. */
  protected hasPeerEnded = false
  protected isBusy = false
  protected servedCount = 0
  protected readOverBytes = 0
  /** The tunnel has got what was read ahead. */
  protected isKeptPushed = false
  protected nextTurn: ClockTimer | null = null

  constructor(transport: Transport, context: ServingContext) {
    this.transport = transport
    this.context = context
    this.patience = new ClientPatience(this.self(), context.timers, transport)
    this.answer = new AnswerWriter(transport, this.patience)
  }

  /** This, as the whole connection that it is. */
  protected abstract self(): PatientOwner & Downstream
  /** The answer has ended or was broken: the exchange is finished, and the connection goes on or closes. */
  protected abstract settle(): void
  /** The head cannot be read. */
  protected abstract refuse(x: Exchange, fault: Fault): void
  /** The transport is another protocol's from now on; `buffer[start, end)` is what it begins with. */
  protected abstract handOver(buffer: Buffer, start: number, end: number): void
  /** Says FIN and closes once the client has had its chance to read. */
  protected abstract close(): void
  /** The client has sent FIN: what came whole before it is still served, then the connection ends. */
  protected abstract endOnceUsed(): void

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.phase === READY && this.ahead.isEmpty) {
      const at = this.#readRequests(buffer, start, end)
      if (at < end) this.#keep(buffer, at, end)
    } else this.#onBytesBetween(buffer, start, end)
  }

  /** Serves what is there whole, and says up to where it was used. */
  #readRequests(buffer: Buffer, start: number, end: number): number {
    this.isBusy = true
    let at = start
    let count = 0
    while (at < end && this.phase === READY && !this.answer.isHeld) {
      if (count++ === requestsPerTurnMax) {
        this.#giveWay()
        break
      }
      const next = this.#readRequest(buffer, at, end)
      if (next === at) break
      at = next
    }
    this.isBusy = false
    return at
  }

  #readRequest(buffer: Buffer, start: number, end: number): number {
    let x = this.x
    let progress = this.progress
    if (x === null || progress === null) {
      if (buffer[start] === carriageReturn && end - start < 4) return skipBlank(buffer, start, end)
      x = this.x = this.context.serve.begin(this.self())
      progress = sharedProgress
      progress.reset()
    }
    const length = readRequestHead(buffer, start, end, x.request, progress, this.context.limits)
    if (length > 0) return this.#serve(x, buffer, start + length, end)
    if (length < 0) {
      if (this.#handsOver(x, buffer, start, end, -length)) return end
      this.refuse(x, -length)
    } else if (this.progress === null) this.#waitForRest(progress)
    return start
  }

  /** Does the connection open HTTP/2? */
  #handsOver(x: Exchange, buffer: Buffer, start: number, end: number, fault: Fault): boolean {
    const { context } = this
    if (this.servedCount > 0 || context.onHttp2 === undefined) return false
    if (!opensHttp2(buffer, start, end, fault)) return false
    this.phase = GONE
    this.x = this.progress = null
    this.patience.stop()
    context.serve.finish(x)
    this.handOver(buffer, start, end)
    return true
  }

  #waitForRest(progress: HeadProgress): void {
    this.progress = progress
    sharedProgress = new HeadProgress()
    this.patience.waitForHead()
  }

  #serve(x: Exchange, buffer: Buffer, start: number, end: number): number {
    const { request } = x
    const { requestsMax } = this.context.limits
    this.phase = SERVING
    this.progress = null
    this.servedCount++
    this.isPersistent =
      request.persistent && !this.isDraining && (requestsMax === 0 || this.servedCount < requestsMax)
    this.answer.reset()
    this.patience.waitForNothing()
    if (request.bodyLength !== BODY_NONE) return this.#serveWithBody(x, buffer, start, end)
    this.context.serve.serve(x)
    if (this.answer.isEnded) this.settle()
    return start
  }

  #serveWithBody(x: Exchange, buffer: Buffer, start: number, end: number): number {
    const { request } = x
    const intake = takeBodyReader()
    this.intake = intake
    intake.begin(x.body, request.bodyLength, this.context.limits)
    x.body.begin(this, request.bodyLength, request.expectsContinue && request.version >= HTTP_1_1)
    this.context.serve.serve(x)
    let at = start
    if (!this.answer.isEnded) at = this.#takeBody(intake, buffer, start, end)
    if (this.answer.isEnded) {
      this.settle()
      if (this.phase === SKIPPING) at = this.#skipBody(buffer, at, end)
    }
    return at
  }

  /** Feeds the body of the request being served. */
  #takeBody(intake: RequestBodyReader, buffer: Buffer, start: number, end: number): number {
    if (intake.state === BODY_WHOLE || intake.state === BODY_BROKEN) return start
    const at = start < end ? intake.feed(buffer, start, end) : start
    const x = this.x as Exchange
    if (intake.isWhole) {
      this.patience.waitForNothing()
      if (!x.body.isFinished) x.body.finish(intake.trailers)
    } else if (intake.isBroken) this.breakBody(x, intake, intake.fault)
    else if (intake.isUnwanted) this.#boundUnwanted(intake)
    else if (intake.state === BODY_HELD || x.body.awaitsContinue) this.patience.waitForNothing()
    else this.patience.waitForBody()
    return at
  }

  /** Nobody wants the rest while the answer is under way: a little of it is read over. */
  #boundUnwanted(intake: RequestBodyReader): void {
    this.patience.waitForNothing()
    if (intake.skippedBytes <= this.context.limits.drainBytesMax) return
    intake.break(NONE)
    this.isPersistent = false
    this.ahead.clear()
    this.transport.pause()
  }

  /** What comes now cannot be told from a body. The sink is told, and by it whoever answers. */
  protected breakBody(x: Exchange, intake: RequestBodyReader, fault: Fault): void {
    intake.break(fault)
    this.isPersistent = false
    this.patience.waitForNothing()
    this.ahead.clear()
    x.body.fail(fault)
  }

  /** Reads over what is left of an upload whose answer has ended. */
  #skipBody(buffer: Buffer, start: number, end: number): number {
    const intake = this.intake as RequestBodyReader
    const at = start < end ? intake.feed(buffer, start, end) : start
    if (intake.isWhole) {
      this.dropIntake()
      if (this.isDraining) this.close()
      else this.#beReady()
    } else if (intake.isBroken || intake.skippedBytes > this.context.limits.drainBytesMax) this.close()
    return at
  }

  #beReady(): void {
    this.phase = READY
    this.patience.waitForRequest()
  }

  protected dropIntake(): void {
    if (this.intake === null) return
    giveBackBodyReader(this.intake)
    this.intake = null
  }

  #onBytesBetween(buffer: Buffer, start: number, end: number): void {
    switch (this.phase) {
      case READY:
        this.ahead.append(buffer, start, end)
        return this.goOn()
      case SERVING:
        return this.#onBytesServing(buffer, start, end)
      case SKIPPING: {
        const at = this.#skipBody(buffer, start, end)
        if (at < end) this.#keep(buffer, at, end)
        return this.goOn()
      }
      case TUNNEL:
        return this.#keep(buffer, start, end)
      case CLOSING:
        this.readOverBytes += end - start
        // To close with bytes unread could reset our answer away: the deadline closes.
        if (this.readOverBytes > this.context.limits.drainBytesMax) this.transport.pause()
    }
  }

  #onBytesServing(buffer: Buffer, start: number, end: number): void {
    const intake = this.intake
    if (intake === null || !this.ahead.isEmpty) return this.#keep(buffer, start, end)
    this.isBusy = true
    const at = this.#takeBody(intake, buffer, start, end)
    this.isBusy = false
    if (at < end) this.#keep(buffer, at, end)
    this.goOn()
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    if (this.phase === TUNNEL) {
      if (this.isKeptPushed) this.transport.events.onBytes(buffer, start, end)
      else this.ahead.append(buffer, start, end)
      return
    }
    if (this.phase > TUNNEL || this.intake?.isBroken === true) return
    this.ahead.append(buffer, start, end)
    // A head in part is bounded by its reader.
    if (this.progress === null && this.ahead.size >= this.context.limits.readAheadBytesMax)
      this.transport.pause()
  }

  /** Does what has become possible: settles, uses kept bytes, reads on. Never from inside our own loop. */
  protected goOn(): void {
    if (this.phase === SERVING && this.answer.isEnded) this.settle()
    if (!this.ahead.isEmpty) this.#useKept()
    if (this.hasPeerEnded) this.endOnceUsed()
    if (!this.transport.isPaused || this.phase > SKIPPING || this.intake?.isBroken === true) return
    if (this.progress !== null || this.ahead.size < this.context.limits.readAheadBytesMax)
      this.transport.resume()
  }

  #useKept(): void {
    const { ahead } = this
    if (this.phase === SERVING && this.intake !== null) {
      this.isBusy = true
      ahead.consumeTo(this.#takeBody(this.intake, ahead.buffer, ahead.start, ahead.end))
      this.isBusy = false
      if (this.phase === SERVING && this.answer.isEnded) this.settle()
    }
    if (this.phase === SKIPPING) ahead.consumeTo(this.#skipBody(ahead.buffer, ahead.start, ahead.end))
    if (this.phase === READY && !ahead.isEmpty && this.nextTurn === null)
      ahead.consumeTo(this.#readRequests(ahead.buffer, ahead.start, ahead.end))
    // It was upgraded from within, before the head was taken out of what is kept.
    if (this.phase === TUNNEL && this.isKeptPushed) this.pushAhead()
  }

  /** Hands what is kept to the tunnel. */
  protected pushAhead(): void {
    const { buffer, start, end } = this.ahead
    this.ahead.clear()
    if (start < end) this.transport.events.onBytes(buffer, start, end)
  }

  #giveWay(): void {
    this.nextTurn = this.context.timers.clock.after(0, () => {
      this.nextTurn = null
      this.goOn()
    })
  }

  // The body's side

  resume(): void {
    const { intake, x } = this
    if (intake === null || x === null || this.phase !== SERVING || intake.isBroken) return
    if (x.body.length > x.body.bytesMax) return this.breakBody(x, intake, Faults.BODY_TOO_LARGE)
    intake.resume()
    if (this.isBusy || this.answer.isEnded) return
    if (intake.state === BODY_FLOWS && !x.body.awaitsContinue) this.patience.waitForBody()
    this.goOn()
  }

  /** Nobody wants the rest; the answer may still come, or be under way. */
  cancel(_fault: Fault): void {
    const { intake } = this
    if (intake === null || this.phase !== SERVING || intake.isWhole || intake.isBroken) return
    intake.discard()
    this.patience.waitForNothing()
    if (!this.isBusy && !this.answer.isEnded) this.goOn()
  }

  sendContinue(): void {
    const { intake, x } = this
    if (intake === null || x === null || this.phase !== SERVING || this.answer.isHeadSent) return
    if (x.body.length > x.body.bytesMax) return this.breakBody(x, intake, Faults.BODY_TOO_LARGE)
    this.answer.writeText(continueText)
    if (x.body.isTaking) this.patience.waitForBody()
  }
}

/** An empty line behind the last request's body (RFC 9112 §2.2) is no request that has begun. */
function skipBlank(buffer: Buffer, start: number, end: number): number {
  let at = start
  while (at + 1 < end && buffer[at] === carriageReturn && buffer[at + 1] === lineFeed) at += 2
  return at
}
