/**
 * AnswerReading: the reading half of an HTTP/1.1 connection to an origin. Heads are read into the exchange, bodies go
 * to the receiver piece by piece.
 *
 * Invariants:
 * - Nothing is kept but part of a head, and what had already been read when the receiver asked us to stop; reading
 *   pauses then, so that is at most one read.
 * - After `x` and `receiver` are released, nothing of this answer reaches them.
 * - A byte that no request asked for ends the connection: it could be taken for the next answer (RFC 9112 §9.2).
 */
import { Faults, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Exchange, Upstream, UpstreamReceiver } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { Field } from '../http/known-fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { BODY_NONE } from '../http/message.ts'
import { webSocketAccept } from '../http/websocket-key.ts'
import type { Connector, Transport } from '../net/transport.ts'
import { AnswerBody, MORE, PIECE, WHOLE } from './client-body.ts'
import { AWAITS_ANSWER, OriginPatience, type AwaitingOwner } from '../http/origin-patience.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import { HeadProgress, readResponseHead } from './read-head.ts'

export interface H1ClientContext {
  readonly connector: Connector
  readonly timers: Timers
  /** Read anew for each answer: a reload may replace it. */
  readonly limits: ConnectionLimits
}

// What the connection is about.
export const CONNECTING = 0
/** Free to be leased. */
export const IDLE = 1
/** Leased, and nothing was sent yet. */
export const LEASED = 2
/** A request is being sent or was; the final head has not come. */
export const WAITING = 3
/** The body of the answer comes. */
export const READING = 4
/** The answer is whole; the receiver is being told. */
export const ENDING = 5
/** 101 came; nobody has taken the transport yet. */
export const SWITCHED = 6
/** A tunnel has the transport. */
export const TUNNEL = 7
/** Destroyed; `onClose` may still come. */
export const GONE = 8

/** Taken off what an origin promises in `Keep-Alive: timeout=`: our request needs time to get there. */
const keepAliveMarginMs = 1000

let sharedProgress = new HeadProgress()

export abstract class AnswerReading {
  servedCount = 0
  keepAliveMs = -1
  hasAnswered = false
  protected readonly context: H1ClientContext
  protected readonly patience: OriginPatience
  protected readonly ahead: KeptBytes = new KeptBytes()
  protected phase = CONNECTING
  protected x: Exchange | null = null
  protected receiver: UpstreamReceiver | null = null
  /** The receiver asked us to stop. */
  protected isHeld = false
  /** The origin has sent FIN, or the transport has closed: what was kept is all there will be. */
  protected hasPeerEnded = false
  protected readonly body: AnswerBody = new AnswerBody()
  /** By version and Connection of the answer. */
  protected isAnswerPersistent = false
  /** Of a body that ends with the connection: whether its end is the origin's word (RFC 9112 §9.8). */
  protected isEndReliable = true
  protected isKeptPushed = false
  #progress: HeadProgress | null = null
  #informationalCount = 0
  #wasResumed = false
  #isBusy = false

  constructor(context: H1ClientContext) {
    this.context = context
    this.patience = new OriginPatience(this.awaitingOwner(), context.timers)
  }

  protected abstract readonly transport: Transport
  protected abstract awaitingOwner(): AwaitingOwner
  /** This, as the attempt that the receiver knows. */
  protected abstract asUpstream(): Upstream
  protected abstract isRequestWhole(): boolean
  /** The answer is whole. `isClean`: nothing stands behind it. */
  protected abstract finish(trailers: Fields | null, isClean: boolean): void
  protected abstract fail(fault: Fault): void
  /** Nobody wants the rest of the answer, and it is not at hand. */
  protected abstract giveUp(): void
  /** Bytes that no request asked for. */
  protected abstract onUnasked(): void
  /** What was kept is used up and FIN, or the end of the transport, had come before. */
  protected abstract onKeptEnd(): void

  protected beginAnswer(): void {
    this.#informationalCount = 0
    this.hasAnswered = false
    this.isHeld = false
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.ahead.isEmpty) {
      const at = this.#use(buffer, start, end)
      if (at < end) this.#keep(buffer, at, end)
    } else {
      this.ahead.append(buffer, start, end)
      if (!this.isHeld) this.#useKept()
    }
  }

  #use(buffer: Buffer, start: number, end: number): number {
    let at = start
    this.#isBusy = true
    if (this.phase === WAITING) at = this.#readHead(buffer, at, end)
    if (this.phase === READING) at = this.#takeBody(buffer, at, end)
    this.#isBusy = false
    return at
  }

  #useKept(): void {
    const { ahead } = this
    const { buffer, start, end } = ahead
    const at = this.#use(buffer, start, end)
    switch (this.phase) {
      case WAITING:
      case READING:
      case SWITCHED:
        return ahead.consumeTo(at)
      case TUNNEL:
        // The tunnel was opened from within, when the head was not yet taken out of what is kept.
        ahead.consumeTo(at)
        if (this.isKeptPushed) this.#pushAhead()
        return
      default:
        ahead.clear()
    }
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    switch (this.phase) {
      case WAITING:
      case READING:
      case SWITCHED:
        return this.ahead.append(buffer, start, end)
      case TUNNEL:
        if (this.isKeptPushed) this.transport.events.onBytes(buffer, start, end)
        else this.ahead.append(buffer, start, end)
        return
      case IDLE:
      case LEASED:
        this.onUnasked()
    }
  }

  /** Hands what is kept to the tunnel; from within `#use`, that is done when it returns. */
  protected pushAhead(): void {
    this.isKeptPushed = true
    if (!this.#isBusy) this.#pushAhead()
  }

  #pushAhead(): void {
    const { buffer, start, end } = this.ahead
    this.ahead.clear()
    if (start < end) this.transport.events.onBytes(buffer, start, end)
  }

  // Heads

  #readHead(buffer: Buffer, start: number, end: number): number {
    let at = start
    this.hasAnswered = true
    while (at < end && this.phase === WAITING) {
      const x = this.x as Exchange
      const { response } = x
      const progress = this.#progress ?? sharedProgress
      if (this.#progress === null) progress.reset()
      const { limits } = this.context
      const length = readResponseHead(buffer, at, end, response, x.outgoing.method, progress, limits)
      if (length === 0) {
        if (this.#progress === null) this.#waitForRest(progress)
        return at
      }
      this.#progress = null
      if (length < 0) {
        this.fail(-length)
        return end
      }
      at += length
      if (response.status >= 200) this.#beginBody(x)
      else if (response.status === 101) this.#switch(x)
      else this.#inform(x)
    }
    return at
  }

  #waitForRest(progress: HeadProgress): void {
    this.#progress = progress
    sharedProgress = new HeadProgress()
    // A head may not come in drops for ever: it has the time of a first byte, or between bytes if it had begun.
    if (this.patience.awaits !== AWAITS_ANSWER) this.patience.awaitMore()
  }

  #inform(x: Exchange): void {
    const { response } = x
    if (++this.#informationalCount > this.context.limits.informationalMax)
      return this.fail(Faults.ANSWER_INFORMATIONAL_TOO_MANY)
    if (this.isRequestWhole()) this.patience.awaitAnswer()
    this.receiver?.onInformational(x, this.asUpstream(), response)
    if (this.phase !== WAITING || this.x !== x) return
    if (response.status === 100) x.body.continue()
    response.reset()
  }

  #switch(x: Exchange): void {
    const { upgrade, webSocketKey } = x.outgoing
    if (upgrade === '') return this.fail(Faults.ANSWER_UPGRADE_BAD)
    // Of a key that is ours, we are the ones to check the proof (RFC 6455 §4.1).
    if (
      webSocketKey !== '' &&
      x.response.fields.get(Field.SEC_WEBSOCKET_ACCEPT) !== webSocketAccept(webSocketKey)
    )
      return this.fail(Faults.ANSWER_UPGRADE_BAD)
    this.phase = SWITCHED
    this.patience.awaitNothing()
    this.receiver?.onHead(x, this.asUpstream())
  }

  #beginBody(x: Exchange): void {
    const { response } = x
    this.isAnswerPersistent = response.persistent
    this.body.begin(response.bodyLength, this.context.limits)
    if (this.body.isUntilClose) this.isEndReliable = this.transport.relyOnEnd?.() ?? true
    if (response.fields.has(Field.KEEP_ALIVE))
      this.#learnKeepAlive(response.fields.get(Field.KEEP_ALIVE) ?? '')
    this.phase = READING
    if (response.bodyLength === BODY_NONE) this.patience.awaitNothing()
    this.receiver?.onHead(x, this.asUpstream())
  }

  #learnKeepAlive(value: string): void {
    const match = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})(?!\d)/i.exec(value)
    this.keepAliveMs = match === null ? -1 : Math.max(0, Number(match[1]) * 1000 - keepAliveMarginMs)
  }

  // Bodies

  #takeBody(buffer: Buffer, start: number, end: number): number {
    const { body } = this
    let at = start
    while (this.phase === READING && (!this.isHeld || body.isExhausted)) {
      const result = body.next(buffer, at, end)
      at = body.position
      if (result === PIECE) this.#give(buffer, body.dataStart, body.dataEnd)
      else if (result === WHOLE) {
        this.finish(body.trailers, at === end)
        return at
      } else if (result === MORE) break
      else {
        this.fail(-result)
        return end
      }
    }
    if (this.phase !== READING) return at
    if (this.receiver === null) this.giveUp()
    else if (this.isHeld) this.patience.awaitNothing()
    else this.patience.awaitMore()
    return at
  }

  #give(buffer: Buffer, start: number, end: number): void {
    if (this.receiver === null) return
    this.#wasResumed = false
    const flows = this.receiver.onBody(this.x as Exchange, this.asUpstream(), buffer, start, end)
    if (flows || this.#wasResumed || this.phase !== READING) return
    this.isHeld = true
    this.transport.pause()
  }

  /** The receiver can take more. */
  resume(): void {
    this.#wasResumed = true
    if (!this.isHeld) return
    this.isHeld = false
    if (this.#isBusy) return
    if (!this.ahead.isEmpty) this.#useKept()
    if (this.isHeld) return
    if (this.hasPeerEnded) return this.onKeptEnd()
    if (this.phase !== READING) return
    this.patience.awaitMore()
    this.transport.resume()
  }

  protected get isBusy(): boolean {
    return this.#isBusy
  }

  protected forgetHead(): void {
    this.#progress = null
    this.ahead.clear()
  }
}
