/**
 * H3Session: one client's QUIC connection, and the requests on it.
 *
 * Invariants: `context.onClosed` comes once, when the provider has reported that the session is gone, or at
 * `destroy`; a stream is in the table until nothing of it is left; no request is served after the session was told to
 * go away.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner } from '../core/timers.ts'
import { HTTP_3 } from '../http/message.ts'
import { RequestFields, TrailerFields } from '../http/request-fields.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import { Budget } from './budget.ts'
import { H3Code } from './codes.ts'
import { isMuchTooLarge, readFields } from './header-lists.ts'
import type { QuicEndpoint, QuicField } from './provider.ts'
import { H3ServerStream, type StreamHome } from './server-stream.ts'

/**
 * How much of an upload is kept while nobody takes it, since the provider reads on whatever we do. 16 MiB: a
 * photo or a document passes however slow its origin is; a larger upload passes as long as the origin takes it
 * about as fast as it arrives.
 */
export const heldBytesMax = 16 * 1024 * 1024
/** The same for all uploads of the process together. */
export const allHeldBytesMax = 128 * 1024 * 1024

/**
 * Budgets for cancelled requests, which a browser that leaves a page sends, and for malformed ones, which no
 * honest client sends.
 */
const resetsBurst = 256
const resetsPerSecond = 32
const errorsBurst = 128
const errorsPerSecond = 8

/** Streams that are over of which is remembered that they were: what was read of them before may still be told. */
const leftMax = 512

/** The first request comes with the end of the handshake, or an answer later. */
const silentMs = 1000

const requestFields = new RequestFields()
const trailers = new TrailerFields()
const nothing: readonly QuicField[] = []

/** What all sessions of an endpoint share. */
export interface SessionHome {
  readonly endpoint: QuicEndpoint
  readonly context: ServingContext
  readonly localPort: number
  readonly guard: ConnectionGuard | null
  /** How many bytes of uploads are held because nobody takes them. */
  heldBytes: number
  readonly heldBytesMax: number
  readonly allHeldBytesMax: number
  later(ms: number, callback: () => void): void
}

export class H3Session implements ServerConnection, StreamHome, DeadlineOwner {
  readonly id: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #home: SessionHome
  readonly #streams = new Map<number, H3ServerStream>()
  readonly #left = new Set<number>()
  readonly #deadline: Deadline = new Deadline(this)
  readonly #resets: Budget
  readonly #errors: Budget
  readonly #openedMs: number
  #servedCount = 0
  #isDraining = false
  isGone = false

  constructor(home: SessionHome, id: number, remoteAddress: string, remotePort: number) {
    this.id = id
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.#home = home
    const { clock } = home.context.timers
    this.#openedMs = clock.nowMs()
    this.#resets = new Budget(clock, resetsBurst, resetsPerSecond)
    this.#errors = new Budget(clock, errorsBurst, errorsPerSecond)
    this.#wait(home.context.limits.headMs)
  }

  get endpoint(): QuicEndpoint {
    return this.#home.endpoint
  }

  get context(): ServingContext {
    return this.#home.context
  }

  get localPort(): number {
    return this.#home.localPort
  }

  get guard(): ConnectionGuard | null {
    return this.#home.guard
  }

  /** Under way. */
  get requestCount(): number {
    return this.#streams.size
  }

  get isIdle(): boolean {
    return this.#streams.size === 0
  }

  #wait(ms: number): void {
    this.context.timers.set(this.#deadline, ms)
  }

  // What the provider tells

  onHeaders(streamId: number, fields: readonly QuicField[], ends: boolean): void {
    const open = this.#streams.get(streamId)
    if (open !== undefined) return this.#onTrailers(open, fields)
    // Trailers of one that was cut off, or what its client calls so: no second request.
    if (this.isGone || this.#left.has(streamId)) return
    // Surely not processed: the client may ask elsewhere (RFC 9114 §4.1.1). The provider cannot say so by GOAWAY.
    if (this.#isDraining) {
      this.#remember(streamId)
      return this.endpoint.reset(this.id, streamId, H3Code.REQUEST_REJECTED)
    }
    this.#onRequest(streamId, fields, ends)
  }

  #onRequest(streamId: number, fields: readonly QuicField[], ends: boolean): void {
    const { serve, limits } = this.context
    const stream = new H3ServerStream(this, streamId)
    this.#streams.set(streamId, stream)
    if (this.#streams.size === 1) this.#wait(limits.rateWindowMs)
    this.#servedCount++
    const x = serve.begin(stream)
    requestFields.begin(x.request, limits, HTTP_3)
    readFields(fields, requestFields)
    stream.isRemoteEnded = ends
    let fault = requestFields.finish(ends)
    if (fault === NONE && x.request.upgrade !== '') fault = Faults.METHOD_NOT_SERVED
    if (fault !== NONE) {
      stream.refuse(x, fault)
      return this.#judgeErrors(fields)
    }
    const { requestsMax } = limits
    if (requestsMax > 0 && this.#servedCount >= requestsMax) this.drain()
    stream.serve(x)
  }

  #onTrailers(stream: H3ServerStream, fields: readonly QuicField[]): void {
    if (stream.isRemoteEnded || stream.lingersSinceMs >= 0) return
    trailers.begin(stream.intake.beginTrailers(), this.context.limits)
    readFields(fields, trailers)
    const fault = trailers.finish()
    if (fault === NONE) return
    stream.fail(fault)
    this.#judgeErrors(fields)
  }

  /** Another section was refused: may its client go on? */
  #judgeErrors(fields: readonly QuicField[]): void {
    if (isMuchTooLarge(fields, this.context.limits) || !this.#errors.takes())
      this.#expel(Faults.H3_ERROR_FLOOD)
  }

  onData(streamId: number, bytes: Buffer): void {
    this.#streams.get(streamId)?.onData(bytes)
  }

  onEnd(streamId: number): void {
    const stream = this.#streams.get(streamId)
    if (stream !== undefined) return stream.onRemoteEnd()
    if (this.isGone || this.#left.delete(streamId)) return
    // No header section came, or not the whole of one: the provider keeps the stream for us until it is told (RFC 9114 §4.1).
    this.endpoint.reset(this.id, streamId, H3Code.REQUEST_INCOMPLETE)
    this.#judgeErrors(nothing)
  }

  onReset(streamId: number): void {
    const stream = this.#streams.get(streamId)
    // One that is over may be told of again; one that brought no header section is counted as well.
    if (stream !== undefined) stream.abandon(Faults.CLIENT_GONE)
    else if (this.isGone || this.#left.delete(streamId)) return
    if (!this.#resets.takes()) this.#expel(Faults.H3_RESET_FLOOD)
  }

  onFull(streamId: number): void {
    this.#streams.get(streamId)?.out.full()
  }

  onRoom(streamId: number): void {
    this.#streams.get(streamId)?.onRoom()
  }

  onWritable(): void {
    for (const stream of this.#streams.values()) stream.onWritable()
  }

  onClosed(): void {
    this.#leave(Faults.CLIENT_GONE)
  }

  // What its streams ask

  mayHold(held: number, bytes: number): boolean {
    const home = this.#home
    return held + bytes <= home.heldBytesMax && home.heldBytes + bytes <= home.allHeldBytesMax
  }

  released(bytes: number): void {
    this.#home.heldBytes -= bytes
  }

  forget({ stream }: H3ServerStream): void {
    this.#streams.delete(stream)
    this.#remember(stream)
    if (this.isGone || this.#streams.size > 0) return
    if (this.#isDraining) this.#goSoon()
    else this.#wait(this.context.limits.idleMs)
  }

  /** It is over. */
  #remember(streamId: number): void {
    if (this.#left.size >= leftMax) this.#left.delete(this.#left.values().next().value as number)
    this.#left.add(streamId)
  }

  later(ms: number, callback: () => void): void {
    this.#home.later(ms, callback)
  }

  // Its owner's side

  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    if (this.#streams.size > 0) return
    if (this.#servedCount === 0) this.#wait(this.context.limits.drainMs)
    else this.#goSoon()
  }

  /** What was handed over last has a moment to leave. */
  #goSoon(): void {
    this.#wait(this.context.limits.drainMs)
  }

  destroy(): void {
    this.endpoint.closeSession(this.id, H3Code.NO_ERROR)
    this.#leave(Faults.DRAINING)
  }

  /** It is here for a while and has asked for nothing. */
  get isSilent(): boolean {
    return this.#servedCount === 0 && this.context.timers.clock.nowMs() - this.#openedMs >= silentMs
  }

  /** There is no memory for it. */
  shed(): void {
    this.endpoint.closeSession(this.id, H3Code.EXCESSIVE_LOAD)
    this.#leave(Faults.ANSWER_HELD)
  }

  #expel(fault: Fault): void {
    if (this.isGone) return
    this.context.onFault?.(fault, this.remoteAddress)
    this.endpoint.closeSession(this.id, H3Code.EXCESSIVE_LOAD)
    this.#leave(fault)
  }

  #leave(fault: Fault): void {
    if (this.isGone) return
    this.isGone = true
    this.context.timers.remove(this.#deadline)
    for (const stream of this.#streams.values()) stream.abandon(fault)
    this.context.onClosed(this)
  }

  // Time

  onDeadline(): void {
    if (this.#streams.size === 0) {
      this.endpoint.closeSession(this.id, H3Code.NO_ERROR)
      return this.#leave(Faults.IDLE_TIMEOUT)
    }
    for (const stream of this.#streams.values()) this.#judge(stream)
    if (!this.isGone && this.#streams.size > 0) this.#wait(this.context.limits.rateWindowMs)
  }

  /** Once per window: a client that neither sends nor takes what is due loses the stream. */
  #judge(stream: H3ServerStream): void {
    const { limits, timers } = this.context
    const { x, intake, out } = stream
    const seconds = limits.rateWindowMs / 1000
    if (stream.lingersSinceMs >= 0) {
      if (timers.clock.nowMs() - stream.lingersSinceMs >= limits.drainMs) stream.endLingering()
      return
    }
    const received = intake.receivedBytes - stream.receivedBefore
    const sent = out.sentBytes - stream.sentBefore
    stream.receivedBefore = intake.receivedBytes
    stream.sentBefore = out.sentBytes
    if (x === null) return
    if (!out.hasRoom && sent < limits.readBytesPerSecondMin * seconds) {
      this.endpoint.reset(this.id, stream.stream, H3Code.REQUEST_CANCELLED)
      return stream.abandon(Faults.READ_TIMEOUT)
    }
    const isOwed = !stream.isRemoteEnded && x.body.isTaking && intake.kept.isEmpty && !x.body.awaitsContinue
    if (isOwed && received < limits.bodyBytesPerSecondMin * seconds) stream.breakBody(Faults.BODY_TIMEOUT)
  }
}
