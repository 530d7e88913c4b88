/**
 * H2ServerSession: one client's HTTP/2 connection (RFC 9113), each of whose streams is a request.
 *
 * Invariants:
 * - At most `limits.h2StreamsMax` streams are open, including those whose answer is still being sent. A further one
 *   is refused unprocessed (REFUSED_STREAM), so that its client may safely send it again anywhere.
 * - It ends with GOAWAY: gracefully in two steps (RFC 9113 §6.8), so that no request on its way is lost; after a
 *   fault at once, and what was under way is abandoned.
 * - `context.onClosed` comes once, last, when none of its exchanges is open any more.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Deadline } from '../core/timers.ts'
import { WAITS_FOR_CLOSE, WAITS_FOR_NOTHING, type PatientOwner } from '../http/client-patience.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import type { Transport } from '../net/transport.ts'
import { Flood } from './flood-guard.ts'
import { clientPreface, ErrorCode, uint31Max } from './frames.ts'
import { faultByRate } from './server-rates.ts'
import { ServerRequests, settingsOf } from './server-requests.ts'
import type { ServerStream } from './server-stream.ts'

/** Requests of one connection served in one go before others have their turn: about a millisecond. */
export const requestsPerTurnMax = 128

/** The PING whose answer says that all that was sent before our first GOAWAY has come. */
const drainPing = Buffer.from('draining', 'latin1')
/** The PING that asks a silent client whether it is still there. */
const alivePing = Buffer.from('alive?  ', 'latin1')

/** Serves HTTP/2 on a transport that was accepted with it (ALPN), or whose first bytes began it. */
export function serveH2(transport: Transport, context: ServingContext): H2ServerSession {
  return new H2ServerSession(transport, context)
}

export class H2ServerSession extends ServerRequests implements ServerConnection, PatientOwner {
  /** When streams are judged, lingering ones ended, and a silent client asked. */
  readonly #pulse: Deadline = new Deadline(this)
  /** Read, and to be looked at when others had their turn. */
  readonly #rest: KeptBytes = new KeptBytes()
  #prefaceBytes = 0
  #isDraining = false
  #hasPeerEnded = false
  #readOverBytes = 0
  /** The header block whose rest is waited for. */
  #awaitedBlockId = 0
  #bytesAtPulse = 0
  #silentSinceMs = -1
  #isGone = false

  constructor(transport: Transport, context: ServingContext) {
    super(transport, context)
    transport.events = this
    this.patience.waitForHead()
    this.begin(settingsOf(context.limits))
  }

  protected patient(): PatientOwner {
    return this
  }

  get isIdle(): boolean {
    return this.streams.size === 0 && !this.isWithinFrame && this.#rest.isEmpty
  }

  // Reading

  override onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.isOver) return this.#readOver(end - start)
    let at = start
    if (this.#prefaceBytes < clientPreface.length) {
      at = this.#readPreface(buffer, start, end)
      if (this.isOver) return
    }
    // It was read before we asked to pause.
    if (this.#rest.isEmpty) this.#readTurn(buffer, at, end)
    else this.#rest.append(buffer, at, end)
  }

  /** Serves what came, but not more than its share of the turn. */
  #readTurn(buffer: Buffer, start: number, end: number): void {
    const { reader } = this
    const framesBefore = reader.frameCount
    this.turnsLeft = requestsPerTurnMax
    reader.isYielding = false
    const at = reader.read(buffer, start, end)
    if (this.isOver) return
    if (at < end) return this.#giveWay(buffer, at, end)
    if (this.isWithinFrame) this.#waitForRest(reader.frameCount > framesBefore)
    else this.#waitForMore()
    // A client that reads nothing and asks on is read no further.
    if (this.#isUnread) this.transport.pause()
  }

  #giveWay(buffer: Buffer, start: number, end: number): void {
    this.#rest.append(buffer, start, end)
    this.transport.pause()
    this.later(() => {
      if (this.isOver) return
      const rest = this.#rest
      const { buffer: kept, start: from, end: to } = rest
      rest.clear()
      this.#readTurn(kept, from, to)
      if (!this.isOver && rest.isEmpty && !this.#isUnread) this.transport.resume()
    })
  }

  /** More waits to be taken by the client than may. */
  get #isUnread(): boolean {
    return this.out.isHeld && this.transport.unsentBytes > this.limits.unsentBytesMax
  }

  #readPreface(buffer: Buffer, start: number, end: number): number {
    let at = start
    while (at < end && this.#prefaceBytes < clientPreface.length) {
      if (buffer[at++] !== clientPreface[this.#prefaceBytes++]) {
        this.fail(ErrorCode.PROTOCOL_ERROR)
        return end
      }
    }
    return at
  }

  /** `hasMoved`: what is missing is of another frame than before. All of one header block have the time of one. */
  #waitForRest(hasMoved: boolean): void {
    const isSameBlock = this.blockId !== 0 && this.blockId === this.#awaitedBlockId
    if (hasMoved && !isSameBlock) this.patience.waitForNothing()
    this.#awaitedBlockId = this.blockId
    this.patience.waitForHead()
  }

  #waitForMore(): void {
    if (!this.hasSettings || !this.#rest.isEmpty) return
    if (this.streams.size > 0) {
      this.patience.waitForNothing()
      if (!this.#pulse.isSet()) this.#setPulse()
    } else if (this.#isDraining) this.#closeIfIdle()
    else this.patience.waitForRequest()
  }

  #readOver(bytes: number): void {
    this.#readOverBytes += bytes
    // To close with bytes unread could reset our GOAWAY away: the deadline closes.
    if (this.#readOverBytes > this.limits.drainBytesMax) this.transport.pause()
  }

  /** The client opens no more streams that we could answer to: nothing changes for those that are open. */
  protected onGoaway(): void {
    this.#isDraining = true
  }

  protected onPingAck(buffer: Buffer, at: number): void {
    if (drainPing.compare(buffer, at, at + 8) === 0 && this.#isDraining) this.#endDrain()
  }

  protected onNoStreams(): void {
    this.#waitForMore()
  }

  protected onLingering(): void {
    this.#setPulse()
  }

  // Ends

  protected override over(): void {
    super.over()
    this.#rest.clear()
  }

  drain(): void {
    if (this.#isDraining || this.isOver) return
    this.#isDraining = true
    if (this.streams.size === 0 && this.servedCount > 0) return this.#closeIfIdle()
    this.out.goaway(uint31Max, ErrorCode.NO_ERROR)
    this.out.ping(false, drainPing, 0)
    this.patience.waitForClose()
  }

  /** What was on its way when we said so has come. */
  #endDrain(): void {
    this.lastServedId = this.lastPeerId
    this.out.goaway(this.lastPeerId, ErrorCode.NO_ERROR)
    this.#waitForMore()
  }

  #closeIfIdle(): void {
    if (this.streams.size > 0) return
    if (this.lastServedId === uint31Max) this.out.goaway(this.lastPeerId, ErrorCode.NO_ERROR)
    this.over()
    this.#close()
  }

  destroy(): void {
    if (!this.isOver) {
      this.out.goaway(this.lastPeerId, ErrorCode.NO_ERROR)
      this.transport.flush()
      this.over()
    }
    const isBusy = this.streams.size > 0
    this.#abandonAll(Faults.DRAINING)
    if (isBusy) this.transport.reset()
    else this.transport.destroy()
  }

  protected onFailed(fault: Fault): void {
    this.#tell(fault)
    this.#abandonAll(fault)
    this.#close()
  }

  #tell(fault: Fault): void {
    if (fault !== NONE) this.context.onFault?.(fault, this.remoteAddress)
  }

  #abandonAll(fault: Fault): void {
    for (const stream of this.streams.values()) {
      this.forget(stream)
      if (stream.isLingering) this.lingeringCount--
      stream.abandon(fault)
    }
  }

  /** We have said our last. What comes is read over until the client closes, for a while. */
  #close(): void {
    this.timers.remove(this.#pulse)
    if (this.#hasPeerEnded && this.transport.unsentBytes === 0) return this.transport.destroy()
    this.transport.end()
    if (this.transport.isPaused) this.transport.resume()
    this.patience.waitForClose()
  }

  onEnd(): void {
    this.#hasPeerEnded = true
    if (this.isOver) {
      if (this.transport.unsentBytes === 0) this.transport.destroy()
      return
    }
    // What is open may still be answered, but nobody could say any more that he has room for it.
    this.over()
    this.#abandonAll(Faults.CLIENT_GONE)
    this.#close()
  }

  onDrain(): void {
    if (this.isOver) {
      if (this.#hasPeerEnded) this.transport.destroy()
      return this.patience.stopWatching()
    }
    if (this.transport.isPaused && this.#rest.isEmpty) this.transport.resume()
    this.out.drained()
  }

  onClose(_error: string): void {
    if (!this.isOver) this.over()
    this.#isGone = true
    this.timers.remove(this.#pulse)
    this.patience.stop()
    this.#abandonAll(Faults.CLIENT_GONE)
    this.onTunnelsEnded()
  }

  /** Tunnels hear of the end in turns of their own: their exchanges are open until then. */
  protected onTunnelsEnded(): void {
    if (this.#isGone && this.tunnelCount === 0) this.context.onClosed(this)
  }

  // Memory

  get heldBytes(): number {
    let bytes = this.#rest.memoryBytes
    for (const stream of this.streams.values()) bytes += stream.heldBytes
    return bytes
  }

  giveUpHeld(): void {
    for (const stream of this.streams.values()) {
      if (stream.heldBytes === 0) continue
      // Where nothing waits for the client it is the origin that does not take.
      const isUpload = stream.outgoing.isEmpty && !stream.intake.kept.isEmpty
      if (isUpload) stream.breakBody(Faults.UPLOAD_HELD)
      else this.#giveUp(stream, ErrorCode.ENHANCE_YOUR_CALM, Faults.ANSWER_HELD)
      if (this.isOver) return
    }
  }

  /** The client does not take an answer: too many such are a flood. */
  #giveUp(stream: ServerStream, code: ErrorCode, fault: Fault): void {
    this.cut(stream, code)
    stream.abandon(fault)
    this.allows(Flood.SLOW, Faults.H2_SLOW_FLOOD)
  }

  // Time

  override onDeadline(deadline: Deadline): void {
    if (deadline !== this.#pulse) return super.onDeadline(deadline)
    const nowMs = this.timers.clock.nowMs()
    for (const stream of this.streams.values()) {
      this.#judge(stream, nowMs)
      if (this.isOver) return
    }
    this.#askIfSilent(nowMs)
    if (this.streams.size > 0 && !this.isOver) this.#setPulse()
  }

  #setPulse(): void {
    const { drainMs, rateWindowMs } = this.limits
    this.timers.set(this.#pulse, this.lingeringCount > 0 ? Math.min(drainMs, rateWindowMs) : rateWindowMs)
  }

  #judge(stream: ServerStream, nowMs: number): void {
    if (stream.isLingering) {
      if (nowMs - stream.lingersSinceMs >= this.limits.drainMs) this.endLingering(stream)
      return
    }
    if (stream.tunnel !== null) return
    const fault = faultByRate(stream, this.limits, nowMs)
    if (fault === Faults.BODY_TIMEOUT) stream.breakBody(fault)
    else if (fault !== NONE) this.#giveUp(stream, ErrorCode.CANCEL, fault)
  }

  /** Streams are open and nothing comes: is anybody there (RFC 9113 §6.7)? */
  #askIfSilent(nowMs: number): void {
    const { bytesRead } = this.transport
    if (bytesRead !== this.#bytesAtPulse || this.transport.isPaused) {
      this.#bytesAtPulse = bytesRead
      this.#silentSinceMs = -1
    } else if (this.#silentSinceMs < 0) {
      this.#silentSinceMs = nowMs
      this.out.ping(false, alivePing, 0)
    } else if (nowMs - this.#silentSinceMs >= this.limits.idleMs) {
      this.#tell(Faults.H2_SILENT)
      this.over()
      this.#abandonAll(Faults.CLIENT_GONE)
      this.transport.reset()
    }
  }

  onPatienceEnd(waitedFor: number): void {
    if (this.isOver) return this.transport.destroy()
    if (waitedFor === WAITS_FOR_CLOSE && this.#isDraining && this.lastServedId === uint31Max)
      return this.#endDrain()
    if (waitedFor === WAITS_FOR_NOTHING || (this.streams.size > 0 && !this.isWithinFrame)) return
    if (this.hasSettings && !this.isWithinFrame) return this.#closeIfIdle()
    this.fail(ErrorCode.PROTOCOL_ERROR, Faults.HEAD_TIMEOUT)
  }

  onReaderTooSlow(): void {
    const isTold = this.isOver
    if (!this.isOver) this.over()
    if (!isTold && this.streams.size === 0) this.#tell(Faults.READ_TIMEOUT)
    this.#abandonAll(Faults.READ_TIMEOUT)
    this.transport.reset()
  }
}
