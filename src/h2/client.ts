/**
 * H2ClientSession: one HTTP/2 connection to an origin (RFC 9113), whose streams are attempts.
 *
 * Invariants:
 * - It is ready (`onConnected`) when the origin's SETTINGS have come: so before the first request it is known that
 *   the origin speaks HTTP/2 at all, and what its limits are. While they allow no stream it is still being made, so that
 *   no other is made beside it.
 * - No more streams are open than the origin and `streamsMax` allow, and none begins after GOAWAY. Streams above the
 *   last one that GOAWAY names were not processed, and fail as such; the others go on.
 * - A session that ends tells every lease first, then its owner: `owner.onClosed` comes once, last.
 * - While streams are open and nothing arrives, a PING asks whether anybody is there; a session that does not answer
 *   is over (client-pulse.ts).
 */
import { Faults, NONE, faultRow, type Fault } from '../core/faults.ts'
import type { ClockTimer } from '../core/clock.ts'
import { Deadline, type Timers } from '../core/timers.ts'
import { connectFault } from '../http/connect-faults.ts'
import type { ConnectionOwner, Dial, DialTarget, OriginConnection, Sounding } from '../http/dial.ts'
import type { Exchange, Upstream } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { BareSounding } from '../http/sounding.ts'
import type { Connector, Transport, TransportEvents } from '../net/transport.ts'
import type { ClientSession } from './client-session.ts'
import { Pulse, type PulseOwner } from './client-pulse.ts'
import { ClientStream } from './client-stream.ts'
import { Flood } from './flood-guard.ts'
import { clientPreface, ErrorCode, Flag, uint31Max } from './frames.ts'
import { HpackDecoder, type HeaderSink } from './hpack-decoder.ts'
import type { TakingWatch } from './outbound.ts'
import { discard } from '../http/request-fields.ts'
import { Session } from './session.ts'
import { Setting, settingsPayload } from './settings.ts'
import type { SessionStream } from './stream.ts'

/** Streams of one session, where the origin allows more: one loss on the way holds all of them up (RFC 9113 §9.1). */
export const streamsMax = 128

const alivePing = Buffer.from('alive?  ', 'latin1')

export interface H2ClientContext {
  readonly connector: Connector
  readonly timers: Timers
  /** Read anew for each answer: a reload may replace it. */
  readonly limits: ConnectionLimits
}

const silent: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }
/** What the origin does not take is found out by the deadlines of the streams. */
const noWatch: TakingWatch = { givenBytes: 0, watchTaking() {}, stopWatching() {} }

export class H2ClientSession
  extends Session<ClientStream>
  implements OriginConnection, ClientSession, PulseOwner
{
  readonly target: DialTarget
  readonly context: H2ClientContext
  servedCount = 0
  /** HTTP/2 says when it closes. */
  readonly keepAliveMs = -1
  connectMs = 0
  readonly #owner: ConnectionOwner
  readonly #decoder: HpackDecoder = new HpackDecoder()
  readonly #dialedAtMs: number
  readonly #connectDeadline: Deadline = new Deadline(this)
  readonly #pulse: Pulse = new Pulse(this)
  readonly #spare: ClientStream[] = []
  #nextId = 1
  #leased = 0
  #isReady = false
  #isDraining = false
  #closeFault: Fault = NONE
  #isClosedTold = false

  /** `transport` is being connected, or is; `begin` follows. */
  constructor(
    transport: Transport,
    target: DialTarget,
    owner: ConnectionOwner,
    context: H2ClientContext,
    dialedAtMs: number,
  ) {
    super(transport, context.timers, () => noWatch)
    this.target = target
    this.context = context
    this.#owner = owner
    this.#dialedAtMs = dialedAtMs
    transport.events = this
    this.timers.set(this.#connectDeadline, target.connectMs)
  }

  get limits(): ConnectionLimits {
    return this.context.limits
  }

  /** What the origin is told that it was asked for by. */
  get scheme(): string {
    return this.transport.encrypted ? 'https' : 'http'
  }

  protected get headBytesMax(): number {
    return this.context.limits.headBytesMax
  }

  protected get isPeerServer(): boolean {
    return true
  }

  protected isIdleId(streamId: number): boolean {
    // We allow no pushes: an even number is nobody's.
    return (streamId & 1) === 0 || streamId >= this.#nextId
  }

  /** The transport is connected: preface and SETTINGS go out. */
  start(): void {
    if (this.isOver) return
    this.out.bytes(clientPreface)
    this.begin(
      settingsPayload([
        Setting.ENABLE_PUSH,
        0,
        Setting.MAX_HEADER_LIST_SIZE,
        this.limits.headBytesMax,
        Setting.NO_RFC7540_PRIORITIES,
        1,
      ]),
    )
  }

  // Leases

  get freeStreams(): number {
    if (!this.#isReady || this.faultToOpen !== NONE) return 0
    return Math.max(0, Math.min(this.peer.streamsMax, streamsMax) - this.#leased)
  }

  get faultToOpen(): Fault {
    if (this.#isDraining) return Faults.ORIGIN_STREAM_REFUSED
    if (this.isOver) return Faults.ORIGIN_CLOSED_EARLY
    // The numbers are used up.
    return this.#nextId > uint31Max ? Faults.ORIGIN_STREAM_REFUSED : NONE
  }

  carriesUpgrade(upgrade: string): boolean {
    return upgrade === 'websocket' && this.peer.enablesConnect
  }

  lease(_x: Exchange): Upstream {
    const stream = this.#spare.pop() ?? new ClientStream(this)
    const isReused = this.servedCount > 0 || this.#leased > 0
    this.#leased++
    stream.lease(isReused ? 0 : this.connectMs, this.servedCount > 0)
    return stream
  }

  open(stream: ClientStream): void {
    stream.begin(this.#nextId, this.peer.windowBytes)
    this.#nextId += 2
    this.streams.set(stream.id, stream)
    // The origin may refuse what we ask: no more often, though.
    this.guard.credit(Flood.RESET, 1)
    this.#pulse.begin(stream.mayBeQuiet)
  }

  release(stream: ClientStream, isServed: boolean): void {
    this.#leased--
    if (isServed) this.servedCount++
    if (isServed) this.guard.onWhole()
    if (this.#isClosedTold) return
    if (this.#spare.length < streamsMax) this.#spare.push(stream)
    this.#owner.onReleased(this)
    this.#closeIfDrained()
  }

  // What comes

  override onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.isOver) return
    super.onBytes(buffer, start, end)
    if (this.isOver) return
    // An origin that reads nothing and makes us answer is read no further.
    if (this.out.isHeld && this.transport.unsentBytes > this.limits.unsentBytesMax) this.transport.pause()
  }

  /** False: the session has failed. */
  decode(sink: HeaderSink, buffer: Buffer, start: number, end: number): boolean {
    if (this.#decoder.decode(buffer, start, end, sink) === NONE) return true
    this.fail(ErrorCode.COMPRESSION_ERROR, Faults.ANSWER_COMPRESSION_BAD)
    return false
  }

  protected onHeaderBlock(streamId: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const stream = this.streams.get(streamId)
    if (stream !== undefined && !stream.isRemoteEnded)
      return stream.onBlock(buffer, start, end, flags === Flag.END_STREAM)
    if (this.isIdleId(streamId)) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if (!this.decode(discard, buffer, start, end)) return
    if (!this.wasReset(streamId)) this.streamError(streamId, ErrorCode.STREAM_CLOSED, Faults.ANSWER_FRAME_BAD)
  }

  protected onSettings(): void {
    if (this.#isReady) {
      this.#owner.onFreeStreams(this)
      return
    }
    if (this.peer.streamsMax === 0) return
    this.#isReady = true
    this.timers.remove(this.#connectDeadline)
    this.connectMs = this.timers.clock.nowMs() - this.#dialedAtMs
    this.#owner.onConnected(this)
  }

  protected onGoaway(lastStreamId: number, _code: number): void {
    this.#isDraining = true
    if (!this.#isReady) return this.#close(Faults.ORIGIN_CLOSED_EARLY)
    this.#owner.onFreeStreams(this)
    // Where others were taken, the next session will take some as well.
    const fault = lastStreamId > 0 ? Faults.ORIGIN_GOING_AWAY : Faults.ORIGIN_STREAM_REFUSED
    for (const stream of this.streams.values()) {
      if (stream.id <= lastStreamId) continue
      this.forget(stream)
      stream.fail(fault)
    }
    this.#closeIfDrained()
  }

  protected onPriorityUpdate(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR)
  }

  protected onPingAck(): void {
    // That something came is all that counts.
  }

  // Streams

  protected onStreamBroken(stream: ClientStream, fault: Fault): void {
    stream.fail(faultRow(fault).side === 'client' ? answerFault(fault) : fault)
  }

  cut(stream: SessionStream, code: ErrorCode): void {
    if (this.streams.get(stream.id) !== stream) return
    this.forget(stream as ClientStream)
    if (!this.isOver && !(stream.isLocalEnded && stream.isRemoteEnded)) this.resetId(stream.id, code)
  }

  consumedBy(stream: SessionStream): void {
    if (this.streams.get(stream.id) === stream) this.consumed(stream as ClientStream)
  }

  later(callback: () => void): ClockTimer {
    return this.timers.clock.after(0, callback)
  }

  // Ends

  #closeIfDrained(): void {
    if (this.#isDraining && this.#leased === 0 && !this.isOver) this.#close(NONE)
  }

  /** Without haste: nothing is under way. */
  #close(fault: Fault): void {
    if (this.isOver) return
    this.#closeFault = fault
    this.out.goaway(0, ErrorCode.NO_ERROR)
    this.over()
    this.transport.flush()
    this.transport.destroy()
  }

  destroy(): void {
    if (this.isOver) return
    this.#isDraining = true
    this.out.goaway(0, ErrorCode.NO_ERROR)
    this.transport.flush()
    this.#end(Faults.ORIGIN_TRUNCATED)
  }

  protected onFailed(fault: Fault): void {
    this.transport.flush()
    this.#end(answerFault(fault))
  }

  /** The session is over: leases are told, then the owner. */
  #end(fault: Fault): void {
    if (!this.isOver) this.over()
    this.#closeFault = this.#isReady || isOfConnecting(fault) ? fault : Faults.ORIGIN_NOT_HTTP2
    if (this.#isReady) this.#owner.onFreeStreams(this)
    for (const stream of this.streams.values()) {
      this.forget(stream)
      stream.onSessionOver(fault)
    }
    this.transport.destroy()
  }

  onEnd(): void {
    if (this.isOver) return
    this.#end(this.#isReady ? Faults.ORIGIN_CLOSED_EARLY : Faults.ORIGIN_REFUSED)
  }

  onDrain(): void {
    if (this.isOver) return
    if (this.transport.isPaused) this.transport.resume()
    this.out.drained()
  }

  onClose(error: string): void {
    if (!this.isOver) this.#end(this.#isReady ? Faults.ORIGIN_CLOSED_EARLY : connectFault(error))
    this.timers.remove(this.#connectDeadline)
    this.#pulse.stop()
    if (this.#isClosedTold) return
    this.#isClosedTold = true
    this.#owner.onClosed(this, this.#closeFault)
  }

  // Time

  override onDeadline(deadline: Deadline): void {
    if (deadline === this.#connectDeadline) return this.#end(Faults.ORIGIN_CONNECT_TIMEOUT)
    super.onDeadline(deadline)
  }

  get isBusy(): boolean {
    return !this.isOver && this.streams.size > 0
  }

  askWhetherThere(): void {
    this.out.ping(false, alivePing, 0)
  }

  onSilent(): void {
    this.#end(Faults.ORIGIN_CLOSED_EARLY)
  }

  doubt(): void {
    this.#pulse.doubt()
  }
}

/** Speaks HTTP/2 from the first byte on, without asking (RFC 9113 §3.3). */
export class H2Dial implements Dial {
  readonly #context: H2ClientContext

  constructor(context: H2ClientContext) {
    this.#context = context
  }

  sound(target: DialTarget, onOver: (waitedMs: number) => void): Sounding {
    const { connector, timers } = this.#context
    return new BareSounding(target, connector, timers.clock, onOver)
  }

  /** Goes on with a transport that is connected, or is being; `start` begins. */
  adopt(
    transport: Transport,
    target: DialTarget,
    owner: ConnectionOwner,
    dialedAtMs: number,
  ): H2ClientSession {
    return new H2ClientSession(transport, target, owner, this.#context, dialedAtMs)
  }

  dial(target: DialTarget, owner: ConnectionOwner): H2ClientSession {
    const { connector, timers } = this.#context
    const { address, security, opening } = target
    const transport = connector.connect(address, silent, () => session.start(), security, opening)
    const session: H2ClientSession = this.adopt(transport, target, owner, timers.clock.nowMs())
    return session
  }
}

/** Says of a connection that could not be made more than that it is no HTTP/2. */
function isOfConnecting(fault: Fault): boolean {
  return (
    fault !== Faults.ANSWER_FRAME_BAD && fault !== Faults.ANSWER_FLOOD && fault !== Faults.ORIGIN_CLOSED_EARLY
  )
}

const floods: ReadonlySet<Fault> = new Set([
  Faults.H2_RESET_FLOOD,
  Faults.H2_ERROR_FLOOD,
  Faults.H2_CONTINUATION_FLOOD,
  Faults.H2_SETTINGS_FLOOD,
  Faults.H2_PING_FLOOD,
  Faults.H2_PRIORITY_FLOOD,
  Faults.H2_EMPTY_DATA_FLOOD,
  Faults.H2_WINDOW_FLOOD,
])

/** What a fault is called when an origin commits it: the session speaks of clients. */
function answerFault(fault: Fault): Fault {
  if (fault === Faults.ANSWER_COMPRESSION_BAD) return fault
  return floods.has(fault) ? Faults.ANSWER_FLOOD : Faults.ANSWER_FRAME_BAD
}
