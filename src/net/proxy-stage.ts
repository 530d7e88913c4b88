/**
 * ProxyStage: the first thing on a connection whose peer announces the client with a PROXY protocol header. It reads
 * the header, tells the transport who is at its other end, and hands over. Bytes that came behind the header go to
 * whoever has taken the transport by then.
 *
 * Promises: nothing is guessed. Such a peer must send a header; one that sends none, a wrong one, or not all of it in
 * time loses its connection. `onHeader` or `onRefused` comes at most once, and neither after `destroy`. `onClosed`
 * comes once, as the last call, unless `onHeader` came.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import { ProxyHeader } from './proxy-header.ts'
import { proxyHeaderBytesMax, readProxyHeader } from './read-proxy-header.ts'
import type { Transport, TransportEvents } from './transport.ts'

export interface ProxyStageOwner {
  /** Whole and right, and the transport was told of it: set its `events` before returning. */
  onHeader(stage: ProxyStage, header: ProxyHeader): void
  /** The connection is about to close: PROXY_HEADER_MISSING, PROXY_HEADER_BAD or PROXY_HEADER_TIMEOUT. */
  onRefused(stage: ProxyStage, fault: Fault): void
  /** The transport is gone. */
  onClosed(stage: ProxyStage): void
}

export interface ProxyStageOptions {
  readonly timers: Timers
  /** From now to the whole header. Senders write it at once: this is for the way, and for a handshake that was lost. */
  readonly headerMs: number
  /** From `drain()` to the whole header. */
  readonly drainMs: number
  readonly owner: ProxyStageOwner
}

export class ProxyStage implements TransportEvents, DeadlineOwner {
  readonly transport: Transport
  readonly #options: ProxyStageOptions
  readonly #deadline: Deadline = new Deadline(this)
  readonly #header: ProxyHeader = new ProxyHeader()
  /** The beginning of a header that came in pieces. */
  #kept: Buffer | null = null
  #keptBytes = 0
  #isDraining = false

  /** Takes the transport's events at once. */
  constructor(transport: Transport, options: ProxyStageOptions) {
    this.transport = transport
    this.#options = options
    transport.events = this
    options.timers.set(this.#deadline, options.headerMs)
  }

  /** Nothing was asked yet, so it may be closed when room is needed. */
  get isIdle(): boolean {
    return true
  }

  /** A peer that has said nothing yet has a little time to do so; whoever takes the transport then drains it. */
  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#options.timers.set(this.#deadline, this.#options.drainMs)
  }

  destroy(): void {
    this.#leave()
    this.transport.destroy()
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#kept !== null) return this.#goOn(this.#kept, buffer, start, end)
    const length = readProxyHeader(buffer, start, end, this.#header)
    if (length > 0) return this.#handOver(buffer, start + length, end)
    if (length < 0) return this.#refuse(-length)
    this.#kept = Buffer.allocUnsafeSlow(proxyHeaderBytesMax)
    this.#keptBytes = buffer.copy(this.#kept, 0, start, end)
  }

  /** More of a header that came in pieces: how long it is shows in its first bytes, and is bounded by `kept`. */
  #goOn(kept: Buffer, buffer: Buffer, start: number, end: number): void {
    const before = this.#keptBytes
    this.#keptBytes += buffer.copy(kept, before, start, end)
    const length = readProxyHeader(kept, 0, this.#keptBytes, this.#header)
    if (length > 0) this.#handOver(buffer, start + length - before, end)
    else if (length < 0) this.#refuse(-length)
  }

  #handOver(buffer: Buffer, start: number, end: number): void {
    const { transport } = this
    this.#leave()
    transport.introduce?.(this.#header)
    this.#options.owner.onHeader(this, this.#header)
    if (start < end && transport.isOpen) transport.events.onBytes(buffer, start, end)
  }

  #refuse(fault: Fault): void {
    this.#leave()
    if (fault !== NONE) this.#options.owner.onRefused(this, fault)
    this.transport.destroy()
  }

  #leave(): void {
    this.#options.timers.remove(this.#deadline)
    this.#kept = null
  }

  onDeadline(): void {
    this.#refuse(this.#isDraining ? NONE : Faults.PROXY_HEADER_TIMEOUT)
  }

  onDrain(): void {}

  /** A peer that only checks whether somebody listens says nothing, and leaves. */
  onEnd(): void {
    this.#refuse(this.#kept === null ? NONE : Faults.PROXY_HEADER_BAD)
  }

  onClose(): void {
    this.#leave()
    this.#options.owner.onClosed(this)
  }
}
