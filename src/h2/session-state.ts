/**
 * SessionState: what an HTTP/2 connection consists of in both roles, and how it and its streams end. (What it reads:
 * session.ts.)
 *
 * Invariants: a fault of the connection ends it with GOAWAY, once, and nothing that arrives afterwards is looked at.
 * Of streams that are not in the table only the highest number is remembered, and which one we reset last.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { Transport } from '../net/transport.ts'
import { Flood, FloodGuard } from './flood-guard.ts'
import { FrameReader, type FrameReceiver } from './frame-reader.ts'
import { ErrorCode } from './frames.ts'
import { Outbound, type TakingWatch } from './outbound.ts'
import { connectionBytes, ReceiveWindows } from './receive-windows.ts'
import { PeerSettings, windowBytesDefault } from './settings.ts'
import type { SessionStream } from './stream.ts'

/** Streams that we reset: their peer may not know yet, and what it still sends is no fault. */
const resetsRemembered = 128

/** In how long SETTINGS must be acknowledged (RFC 9113 §6.5.3). */
export const settingsAckMs = 10_000

export abstract class SessionState<S extends SessionStream> implements DeadlineOwner {
  readonly transport: Transport
  readonly timers: Timers
  readonly peer: PeerSettings = new PeerSettings()
  readonly guard: FloodGuard
  readonly out: Outbound
  readonly windows: ReceiveWindows = new ReceiveWindows()
  protected readonly streams: Map<number, S> = new Map()
  protected readonly reader: FrameReader
  /** The largest number of a stream that the peer has opened. */
  protected lastPeerId = 0
  /** GOAWAY was sent for a fault, or the transport is closed or being closed. */
  protected isOver = false
  /** SETTINGS of the peer have come. */
  protected hasSettings = false
  protected readonly settingsAck: Deadline = new Deadline(this)
  readonly #resets: Int32Array = new Int32Array(resetsRemembered)
  #resetCount = 0

  constructor(transport: Transport, timers: Timers, watch: (session: SessionState<S>) => TakingWatch) {
    this.transport = transport
    this.timers = timers
    this.guard = new FloodGuard(timers.clock)
    this.reader = new FrameReader(this.receiver())
    this.out = new Outbound(transport, watch(this), this.guard)
  }

  /** This, as the one who reads frames. */
  protected abstract receiver(): FrameReceiver
  /** GOAWAY has been sent for `fault`: streams are to be ended, and the transport closed. */
  protected abstract onFailed(fault: Fault): void
  /** A stream that was forgotten for a mistake of the peer's. */
  protected abstract onStreamBroken(stream: S, fault: Fault): void

  /** Our SETTINGS, and the connection's window (RFC 9113 §3.4). */
  protected begin(settings: Buffer): void {
    this.out.settings(settings)
    this.out.windowUpdate(0, connectionBytes - windowBytesDefault)
    this.windows.connection = connectionBytes
  }

  onDeadline(_deadline: Deadline): void {
    this.fail(ErrorCode.SETTINGS_TIMEOUT)
  }

  // Ends

  /** The peer broke a rule that concerns the connection (RFC 9113 §5.4.1). `fault`: what it is called. */
  fail(code: ErrorCode, fault: Fault = faultOf(code)): void {
    if (this.isOver) return
    this.out.goaway(this.lastPeerId, code)
    this.over()
    this.onFailed(fault)
  }

  /** Nothing is read or told any more. */
  protected over(): void {
    this.isOver = true
    this.reader.stop()
    this.timers.remove(this.settingsAck)
  }

  /** False: the budget is used up, and the session has failed. */
  protected allows(kind: Flood, fault: Fault, amount = 1): boolean {
    if (this.guard.allows(kind, amount)) return true
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, fault)
    return false
  }

  /** Resets a stream, in the table or not. What the peer still sends on it is ignored. */
  resetId(streamId: number, code: ErrorCode): void {
    this.#resets[this.#resetCount++ % resetsRemembered] = streamId
    this.out.rstStream(streamId, code)
  }

  protected wasReset(streamId: number): boolean {
    return this.#resets.includes(streamId)
  }

  /** The peer made a mistake on a stream (RFC 9113 §5.4.2), for which the stream alone pays, until there are too many. */
  streamError(streamId: number, code: ErrorCode, fault: Fault): void {
    const stream = this.streams.get(streamId)
    if (stream !== undefined) this.forget(stream)
    this.resetId(streamId, code)
    if (stream !== undefined) this.onStreamBroken(stream, fault)
    this.allows(Flood.ERROR, Faults.H2_ERROR_FLOOD)
  }

  /** Takes a stream out of the table. */
  protected forget(stream: S): void {
    this.out.forget(stream)
    this.windows.grew(windowBytesDefault - stream.windowBytes)
    this.streams.delete(stream.id)
  }
}

/** What a client is reproached with in the log, by the code it gets. */
function faultOf(code: ErrorCode): Fault {
  switch (code) {
    case ErrorCode.FLOW_CONTROL_ERROR:
      return Faults.H2_FLOW_CONTROL_ERROR
    case ErrorCode.SETTINGS_TIMEOUT:
      return Faults.H2_SETTINGS_TIMEOUT
    case ErrorCode.STREAM_CLOSED:
      return Faults.H2_STREAM_CLOSED
    case ErrorCode.FRAME_SIZE_ERROR:
      return Faults.H2_FRAME_SIZE_ERROR
    case ErrorCode.COMPRESSION_ERROR:
      return Faults.H2_COMPRESSION_ERROR
    case ErrorCode.NO_ERROR:
      return NONE
    default:
      return Faults.H2_PROTOCOL_ERROR
  }
}
