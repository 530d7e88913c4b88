/**
 * ServerRequests: the reading half of a client's HTTP/2 connection. Header blocks become requests, each on a stream
 * of its own, or trailers. It also keeps the table of open streams.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { ClientPatience, type PatientOwner } from '../http/client-patience.ts'
import type { Exchange } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { HTTP_2 } from '../http/message.ts'
import type { ServingContext } from '../http/serving.ts'
import type { Transport } from '../net/transport.ts'
import { Flood } from './flood-guard.ts'
import { ErrorCode, Flag, uint31Max } from './frames.ts'
import { HpackDecoder, type HeaderSink } from './hpack-decoder.ts'
import { readPriority } from '../http/priority.ts'
import { discard, RequestFields, TrailerFields } from '../http/request-fields.ts'
import { takeStream, type ServerHome, type ServerStream } from './server-stream.ts'
import { Session } from './session.ts'
import { Setting, settingsPayload } from './settings.ts'
import type { SessionStream } from './stream.ts'

const requestFields = new RequestFields()
const trailerFields = new TrailerFields()

export abstract class ServerRequests extends Session<ServerStream> implements ServerHome {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly encrypted: boolean
  readonly context: ServingContext
  protected readonly patience: ClientPatience
  protected servedCount = 0
  /** Requests that may be served before others have their turn. */
  protected turnsLeft = 0
  /** Streams whose answer has ended and whose request has not. */
  protected lingeringCount = 0
  /** Streams that were upgraded, and whose exchange is still open. */
  protected tunnelCount = 0
  /** Streams above it are not served: our last GOAWAY. */
  protected lastServedId = uint31Max
  readonly #decoder: HpackDecoder = new HpackDecoder()

  constructor(transport: Transport, context: ServingContext) {
    let patience: ClientPatience | null = null
    super(transport, context.timers, (session) => {
      const owner = (session as ServerRequests).patient()
      return (patience = new ClientPatience(owner, context.timers, transport))
    })
    this.context = context
    this.patience = patience as unknown as ClientPatience
    this.remoteAddress = transport.remoteAddress
    this.remotePort = transport.remotePort
    this.localPort = transport.localPort
    this.encrypted = transport.encrypted
  }

  /** This, as the one whose client is waited for. */
  protected abstract patient(): PatientOwner
  /** No stream is open any more. */
  protected abstract onNoStreams(): void
  /** A stream lingers from now on. */
  protected abstract onLingering(): void
  /** An exchange that was upgraded is over. */
  protected abstract onTunnelsEnded(): void
  abstract drain(): void

  get limits(): ConnectionLimits {
    return this.context.limits
  }

  protected get headBytesMax(): number {
    return this.context.limits.headBytesMax
  }

  protected get isPeerServer(): boolean {
    return false
  }

  protected isIdleId(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId > this.lastPeerId
  }

  protected onHeaderBlock(streamId: number, flags: number, buffer: Buffer, start: number, end: number): void {
    const ends = flags === Flag.END_STREAM
    const open = this.streams.get(streamId)
    if (open !== undefined) return this.#onTrailers(open, ends, buffer, start, end)
    if ((streamId & 1) === 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if (streamId <= this.lastPeerId) return this.#onLateBlock(streamId, buffer, start, end)
    this.lastPeerId = streamId
    if (streamId > this.lastServedId) {
      this.#decode(discard, buffer, start, end)
    } else if (this.streams.size >= this.limits.h2StreamsMax) {
      if (!this.#decode(discard, buffer, start, end)) return
      this.resetId(streamId, ErrorCode.REFUSED_STREAM)
      this.allows(Flood.RESET, Faults.H2_RESET_FLOOD)
    } else this.#onRequest(streamId, ends, buffer, start, end)
  }

  /** False: the session has failed. */
  #decode(sink: HeaderSink, buffer: Buffer, start: number, end: number): boolean {
    if (this.#decoder.decode(buffer, start, end, sink) === NONE) return true
    this.fail(ErrorCode.COMPRESSION_ERROR)
    return false
  }

  /** On a stream that was closed: one that we reset may still send, any other breaks the order of numbers. */
  #onLateBlock(streamId: number, buffer: Buffer, start: number, end: number): void {
    if (!this.wasReset(streamId)) return this.fail(ErrorCode.STREAM_CLOSED)
    this.#decode(discard, buffer, start, end)
  }

  #onRequest(streamId: number, ends: boolean, buffer: Buffer, start: number, end: number): void {
    const { serve, limits } = this.context
    const stream = takeStream(this, streamId)
    const x = serve.begin(stream)
    requestFields.begin(x.request, limits, HTTP_2)
    if (!this.#decode(requestFields, buffer, start, end)) {
      serve.finish(x)
      return stream.giveBack()
    }
    stream.isRemoteEnded = ends
    this.streams.set(streamId, stream)
    this.servedCount++
    if (--this.turnsLeft === 0) this.reader.isYielding = true
    const fault = requestFields.finish(ends)
    if (fault !== NONE) return this.#refuse(stream, x, fault)
    const { requestsMax } = limits
    if (requestsMax > 0 && this.servedCount >= requestsMax) this.drain()
    stream.priority = requestFields.priority
    stream.serve(x)
  }

  #refuse(stream: ServerStream, x: Exchange, fault: Fault): void {
    stream.refuse(x, fault)
    this.allows(Flood.ERROR, Faults.H2_ERROR_FLOOD)
  }

  #onTrailers(stream: ServerStream, ends: boolean, buffer: Buffer, start: number, end: number): void {
    const { id } = stream
    if (stream.isRemoteEnded) {
      if (this.#decode(discard, buffer, start, end))
        this.streamError(id, ErrorCode.STREAM_CLOSED, Faults.H2_STREAM_CLOSED)
      return
    }
    trailerFields.begin(stream.intake.beginTrailers(), this.limits)
    if (!this.#decode(trailerFields, buffer, start, end)) return
    const fault = ends ? trailerFields.finish() : Faults.MESSAGE_MALFORMED
    if (fault !== NONE) return this.streamError(id, ErrorCode.PROTOCOL_ERROR, fault)
    stream.isRemoteEnded = true
    stream.onRemoteEnd()
  }

  protected onPriorityUpdate(streamId: number, value: string): void {
    const stream = this.streams.get(streamId)
    if (streamId === 0) this.fail(ErrorCode.PROTOCOL_ERROR)
    else if (stream !== undefined) this.out.queue.move(stream, readPriority(value))
  }

  protected onSettings(): void {
    // What it says is kept, and asked when it matters.
  }

  // Streams

  protected onStreamBroken(stream: ServerStream, fault: Fault): void {
    this.leave(stream)
    stream.abandon(fault)
  }

  /** Both halves have ended. */
  closed(stream: ServerStream): void {
    this.guard.onWhole()
    this.forget(stream)
    this.leave(stream)
    stream.giveBack()
  }

  /** Takes it out of the table, and resets it unless both halves have ended. */
  cut(stream: SessionStream, code: ErrorCode): void {
    if (this.streams.get(stream.id) !== stream) return
    this.forget(stream as ServerStream)
    this.leave(stream as ServerStream)
    if (!this.isOver && !(stream.isLocalEnded && stream.isRemoteEnded)) this.resetId(stream.id, code)
  }

  /** Its answer has ended, and its request may soon. */
  linger(stream: ServerStream): void {
    stream.lingersSinceMs = this.timers.clock.nowMs()
    this.lingeringCount++
    this.onLingering()
  }

  /** The client is told that nobody needs the rest of its request (RFC 9113 §8.1). */
  endLingering(stream: ServerStream): void {
    this.cut(stream, ErrorCode.NO_ERROR)
    stream.giveBack()
  }

  tunnelBegan(): void {
    this.tunnelCount++
  }

  tunnelEnded(stream: ServerStream): void {
    this.cut(stream, ErrorCode.CANCEL)
    stream.giveBack()
    this.tunnelCount--
    this.onTunnelsEnded()
  }

  consumedBy(stream: SessionStream): void {
    if (this.streams.get(stream.id) === stream) this.consumed(stream as ServerStream)
  }

  later(callback: () => void): void {
    this.timers.clock.after(0, callback)
  }

  /** A stream has left the table. */
  protected leave(stream: ServerStream): void {
    if (stream.isLingering) this.lingeringCount--
    if (this.streams.size === 0 && !this.isOver && !this.isWithinFrame) this.onNoStreams()
  }
}

/** What we say first. */
export function settingsOf(limits: ConnectionLimits): Buffer {
  return settingsPayload([
    Setting.MAX_CONCURRENT_STREAMS,
    limits.h2StreamsMax,
    Setting.MAX_HEADER_LIST_SIZE,
    limits.headBytesMax,
    Setting.ENABLE_CONNECT_PROTOCOL,
    1,
    Setting.NO_RFC7540_PRIORITIES,
    1,
  ])
}
