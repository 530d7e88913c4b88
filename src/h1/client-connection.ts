/**
 * H1ClientConnection: one HTTP/1.1 connection to an origin (RFC 9112) and, while it is leased, the one attempt on it.
 * It sends a request and its body; what comes back is read by client-reading.ts.
 *
 * Invariants:
 * - One stream at a time; nothing is pipelined, no object is made for a request.
 * - It is free again only when request and answer were both whole, and the origin neither asked to close nor sent
 *   anything more; in any other case it is closed. A request that was begun and not ended is never followed by
 *   another.
 * - The receiver hears nothing after `onEnd`, `onFault` or `cancel`; the owner hears of it after the receiver.
 * - `owner.onClosed` comes once, last.
 *
 * Since the owner hears of the end after the receiver, a pipelined request that starts within `onEnd` finds this
 * connection busy: a client that pipelines alternates between two connections. The other order would save the second
 * one at the cost of a promise. This object is the lease, so while its receiver still held it (as the exchange's
 * upstream, or as the source of a sink that is not empty yet) it might serve another exchange, and a late `cancel`
 * would hit that one.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { hasBody, type BodySink } from '../http/body.ts'
import type { ConnectionOwner, DialTarget, OriginConnection } from '../http/dial.ts'
import type { Exchange, Upstream, UpstreamReceiver, UpstreamServer } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { Field } from '../http/known-fields.ts'
import { BODY_UNKNOWN, HTTP_2 } from '../http/message.ts'
import { makeWebSocketKey } from '../http/websocket-key.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import { AWAITS_ANSWER, AWAITS_WRITE } from '../http/origin-patience.ts'
import { connectFault } from '../http/connect-faults.ts'
import {
  AnswerReading,
  CONNECTING,
  ENDING,
  GONE,
  IDLE,
  LEASED,
  READING,
  SWITCHED,
  TUNNEL,
  WAITING,
  type H1ClientContext,
} from './client-reading.ts'
import { chunkStart, lastChunk, requestHead } from './write-head.ts'

export type { H1ClientContext } from './client-reading.ts'

export class H1ClientConnection
  extends AnswerReading
  implements OriginConnection, Upstream, TransportEvents, BodySink
{
  readonly target: DialTarget
  readonly server: UpstreamServer
  readonly address: string
  /** 100 (Continue) is the origin's to say. */
  readonly forwardsExpect = true
  freeStreams = 0
  isReused = false
  /** Time spent on connecting; 0 from the second lease on. */
  connectMs = 0
  protected readonly transport: Transport
  readonly #owner: ConnectionOwner
  readonly #dialedAtMs: number
  #isRequestWhole = true
  #isChunked = false
  /** Bytes of the request's body still to be sent, of a stated length. */
  #remaining = 0
  #closeFault: Fault = NONE
  #isClosedTold = false

  /** Connects; or goes on with `adopted`, which is connected, and tells its owner so when `begin` is called. */
  constructor(
    target: DialTarget,
    owner: ConnectionOwner,
    context: H1ClientContext,
    adopted: Transport | null = null,
    dialedAtMs?: number,
  ) {
    super(context)
    this.target = target
    this.server = target.server
    this.address = target.addressText
    this.#owner = owner
    this.#dialedAtMs = dialedAtMs ?? this.patience.nowMs
    this.patience.awaitConnect(target.connectMs)
    if (adopted === null) this.transport = this.#connect(target, context)
    else {
      this.transport = adopted
      adopted.events = this
    }
  }

  #connect({ address, security, opening }: DialTarget, { connector }: H1ClientContext): Transport {
    return connector.connect(address, this, () => this.begin(), security, opening)
  }

  protected awaitingOwner(): this {
    return this
  }

  protected asUpstream(): this {
    return this
  }

  protected isRequestWhole(): boolean {
    return this.#isRequestWhole
  }

  get heldBytes(): number {
    return this.ahead.memoryBytes
  }

  get unsentBytes(): number {
    return this.transport.unsentBytes
  }

  // Leases

  /** The transport is connected. */
  begin(): void {
    if (this.phase !== CONNECTING) return
    this.connectMs = this.patience.nowMs - this.#dialedAtMs
    this.patience.awaitNothing()
    this.#becomeFree()
    this.#owner.onConnected(this)
  }

  #becomeFree(): void {
    this.phase = IDLE
    this.freeStreams = 1
  }

  lease(_x: Exchange): Upstream {
    this.phase = LEASED
    this.freeStreams = 0
    this.isReused = this.servedCount > 0
    if (this.isReused) this.connectMs = 0
    this.beginAnswer()
    return this
  }

  /** The lease ends, and the connection with it unless it is free again. */
  #release(isFree: boolean): void {
    if (isFree) this.#becomeFree()
    else this.phase = GONE
    this.#owner.onReleased(this)
    if (!isFree) this.transport.destroy()
  }

  #forgetLease(): void {
    this.x?.body.detach(this)
    this.x = null
    this.receiver = null
    this.isHeld = false
    this.patience.awaitNothing()
    this.forgetHead()
  }

  // Sending

  send(x: Exchange, receiver: UpstreamReceiver): void {
    this.x = x
    this.receiver = receiver
    x.response.reset()
    if (this.phase !== LEASED || !this.transport.isOpen) return this.fail(Faults.ORIGIN_CLOSED_EARLY)
    const { length } = x.body
    this.phase = WAITING
    this.patience.useLimits(x.route?.limits)
    // The client's protocol may have no key in its handshake (RFC 8441 §5).
    if (x.outgoing.upgrade === 'websocket' && x.request.version >= HTTP_2) {
      x.request.fields.removeKnown(Field.SEC_WEBSOCKET_KEY)
      x.outgoing.webSocketKey = makeWebSocketKey()
    }
    this.transport.writeText(requestHead(x, true))
    if (hasBody(length)) return this.#sendBody(x, length)
    this.#isRequestWhole = true
    this.patience.awaitAnswer()
  }

  #sendBody(x: Exchange, length: number): void {
    this.#isRequestWhole = false
    this.#isChunked = length === BODY_UNKNOWN
    this.#remaining = length
    // Nothing follows before the origin has said 100 or more, or the client lost its patience.
    if (x.body.awaitsContinue) this.patience.awaitAnswer()
    x.body.attach(this)
  }

  get #takesBody(): boolean {
    return !this.#isRequestWhole && (this.phase === WAITING || this.phase === READING)
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const length = end - start
    if (length === 0 || !this.#takesBody) return true
    const { transport } = this
    let flows: boolean
    if (this.#isChunked) {
      transport.writeText(chunkStart(length))
      transport.writeBytes(buffer, start, end)
      flows = transport.writeText('\r\n')
    } else if (length <= this.#remaining) {
      this.#remaining -= length
      flows = transport.writeBytes(buffer, start, end)
    } else {
      this.fail(Faults.INTERNAL)
      return true
    }
    if (this.phase === WAITING) {
      if (!flows) this.patience.awaitWrite()
      else if (this.patience.awaits === AWAITS_ANSWER) this.patience.awaitNothing()
    }
    return flows
  }

  end(trailers: Fields | null): void {
    if (!this.#takesBody) return
    if (this.#isChunked) this.transport.writeText(lastChunk(trailers))
    else if (this.#remaining > 0) return this.fail(Faults.INTERNAL)
    this.#isRequestWhole = true
    if (this.phase === WAITING) this.patience.awaitAnswer()
  }

  /** The request can never be whole. */
  abort(fault: Fault): void {
    if (this.#takesBody) this.fail(fault)
  }

  onDrain(): void {
    if (this.phase !== WAITING && this.phase !== READING) return
    if (this.patience.awaits === AWAITS_WRITE) this.patience.awaitNothing()
    if (!this.#isRequestWhole) this.x?.body.resume()
    else if (this.phase === WAITING) this.patience.awaitAnswer()
  }

  // The end of an attempt

  protected finish(trailers: Fields | null, isClean: boolean): void {
    const { x, receiver } = this
    const isFree =
      isClean &&
      this.#isRequestWhole &&
      this.isAnswerPersistent &&
      !this.hasPeerEnded &&
      !this.body.isUntilClose &&
      this.transport.isOpen
    this.phase = ENDING
    this.servedCount++
    if (!this.#isRequestWhole) x?.body.detach(this)
    this.x = null
    this.receiver = null
    this.isHeld = false
    this.patience.awaitNothing()
    if (!isClean) this.#closeFault = Faults.ANSWER_UNASKED
    if (receiver !== null && x !== null) receiver.onEnd(x, this, trailers)
    if (isFree && this.transport.isPaused) this.transport.resume()
    this.#release(isFree)
  }

  protected fail(fault: Fault): void {
    const { x, receiver } = this
    this.#forgetLease()
    this.phase = GONE
    this.#closeFault = fault
    this.transport.destroy()
    if (x !== null) receiver?.onFault(x, this, fault)
    if (this.hasPeerEnded) this.#tellClosed(fault)
  }

  cancel(_fault: Fault): void {
    switch (this.phase) {
      case LEASED:
        return this.#release(this.transport.isOpen)
      case READING:
        // What is left may be at hand: then the connection can be kept.
        this.#forgetReceiver()
        if (this.isBusy && this.#isRequestWhole) return
        return this.giveUp()
      case WAITING:
      case SWITCHED:
        return this.giveUp()
      case ENDING:
        this.receiver = null
        return
      case TUNNEL:
        this.phase = GONE
        this.ahead.clear()
        if (this.transport.isOpen) this.transport.destroy()
        this.#tellClosed(NONE)
    }
  }

  #forgetReceiver(): void {
    if (!this.#isRequestWhole) this.x?.body.detach(this)
    this.x = null
    this.receiver = null
    this.isHeld = false
  }

  protected giveUp(): void {
    this.#forgetLease()
    this.#release(false)
    if (this.hasPeerEnded) this.#tellClosed(NONE)
  }

  // Tunnels

  takeTransport(): Transport | null {
    if (this.phase !== SWITCHED || !this.transport.isOpen) return null
    this.phase = TUNNEL
    this.patience.stop()
    this.x = null
    this.receiver = null
    return this.transport
  }

  pushKept(): void {
    if (this.phase === TUNNEL) this.pushAhead()
  }

  // The transport's end

  destroy(): void {
    if (this.phase === WAITING || this.phase === READING || this.phase === SWITCHED)
      return this.fail(Faults.ORIGIN_TRUNCATED)
    this.freeStreams = 0
    this.transport.destroy()
  }

  onEnd(): void {
    if (this.phase === IDLE || this.phase === LEASED) return this.#closeIdle(NONE)
    this.hasPeerEnded = true
    if (this.ahead.isEmpty || !this.isHeld) this.#endReading('')
  }

  onClose(error: string): void {
    this.freeStreams = 0
    switch (this.phase) {
      case CONNECTING:
        if (this.#closeFault === NONE) this.#closeFault = connectFault(error)
        break
      case WAITING:
      case READING:
      case SWITCHED:
        this.hasPeerEnded = true
        // What was kept may be all that is missing.
        if (this.isHeld && !this.ahead.isEmpty) return this.patience.stop()
        this.#endReading(error)
    }
    this.phase = GONE
    this.patience.stop()
    this.#tellClosed(this.#closeFault)
  }

  /** No more bytes will come. */
  #endReading(error: string): void {
    const isEnd = this.body.isUntilClose && error === '' && this.isEndReliable
    if (this.phase === READING && isEnd) return this.finish(null, true)
    if (this.phase === WAITING && !this.hasAnswered) this.fail(Faults.ORIGIN_CLOSED_EARLY)
    else if (this.phase === WAITING || this.phase === READING || this.phase === SWITCHED)
      this.fail(Faults.ORIGIN_TRUNCATED)
  }

  protected onKeptEnd(): void {
    this.#endReading(this.transport.isOpen ? '' : 'ECONNRESET')
    if (!this.transport.isOpen) this.#tellClosed(this.#closeFault)
  }

  /** Closed by the origin, or spoilt, between requests: the owner must not lease it any more. */
  #closeIdle(fault: Fault): void {
    const wasLeased = this.phase === LEASED
    this.#closeFault = fault
    this.freeStreams = 0
    this.transport.destroy()
    // Whoever leased it learns of it when it sends.
    if (!wasLeased) {
      this.phase = GONE
      this.#tellClosed(fault)
    }
  }

  protected onUnasked(): void {
    this.#closeIdle(Faults.ANSWER_UNASKED)
  }

  onOriginTooSlow(fault: Fault): void {
    if (this.phase !== CONNECTING) return this.fail(fault)
    this.#closeFault = fault
    this.transport.destroy()
  }

  #tellClosed(fault: Fault): void {
    if (this.#isClosedTold) return
    this.#isClosedTold = true
    this.phase = GONE
    this.freeStreams = 0
    this.patience.stop()
    this.#owner.onClosed(this, fault)
  }
}
