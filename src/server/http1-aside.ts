/**
 * Http1Aside: an attempt that goes over a separate HTTP/1.1 connection, because the HTTP/2 session that it was leased
 * from cannot carry it: an upgrade, or a request that the origin wants over HTTP/1.1. It holds the leased stream's
 * place until it ends, so that the pool counts it once.
 *
 * Invariants: those of every Upstream (http/exchange.ts); the receiver knows this object, never the connection behind
 * it.
 */
import { NONE, type Fault } from '../core/faults.ts'
import type { H1ClientConnection, H1Dial } from '../h1/client.ts'
import type { ConnectionOwner, DialTarget } from '../http/dial.ts'
import type { Exchange, Upstream, UpstreamReceiver, UpstreamServer } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import type { ResponseHead } from '../http/message.ts'
import type { Transport } from '../net/transport.ts'

export class Http1Aside implements Upstream, ConnectionOwner, UpstreamReceiver {
  readonly server: UpstreamServer
  readonly address: string
  readonly isReused = false
  connectMs = 0
  readonly #place: Upstream
  readonly #target: DialTarget
  readonly #dial: H1Dial
  #connection: H1ClientConnection | null = null
  #upstream: Upstream | null = null
  #x: Exchange | null = null
  #receiver: UpstreamReceiver | null = null
  #isOver = false

  /** `place` was leased and not used. */
  constructor(place: Upstream, target: DialTarget, dial: H1Dial) {
    this.server = place.server
    this.address = place.address
    this.#place = place
    this.#target = target
    this.#dial = dial
  }

  get hasAnswered(): boolean {
    return this.#upstream?.hasAnswered ?? false
  }

  get heldBytes(): number {
    return this.#upstream?.heldBytes ?? 0
  }

  send(x: Exchange, receiver: UpstreamReceiver): void {
    const { security } = this.#target
    this.#x = x
    this.#receiver = receiver
    x.response.reset()
    const only = security == null ? null : { ...security, protocols: ['http/1.1'] }
    this.#connection = this.#dial.dial({ ...this.#target, protocol: 'http/1.1', security: only }, this)
  }

  onConnected(): void {
    const connection = this.#connection as H1ClientConnection
    if (this.#isOver || this.#x === null) return connection.destroy()
    this.connectMs = this.#x.connectMs = connection.connectMs
    this.#upstream = connection.lease(this.#x)
    this.#upstream.send(this.#x, this)
  }

  onReleased(connection: H1ClientConnection): void {
    if (connection.freeStreams > 0) connection.destroy()
  }

  onFreeStreams(): void {}

  onClosed(_connection: H1ClientConnection, fault: Fault): void {
    // While it is leased its stream tells.
    if (this.#upstream === null && fault !== NONE) this.#fail(fault)
  }

  // What the connection's stream tells goes on in our name.

  onInformational(x: Exchange, _upstream: Upstream, head: ResponseHead): void {
    this.#receiver?.onInformational(x, this, head)
  }

  onHead(x: Exchange): void {
    this.#receiver?.onHead(x, this)
  }

  onBody(x: Exchange, _upstream: Upstream, buffer: Buffer, start: number, end: number): boolean {
    return this.#receiver?.onBody(x, this, buffer, start, end) ?? true
  }

  onEnd(x: Exchange, _upstream: Upstream, trailers: Fields | null): void {
    const receiver = this.#receiver
    this.#finish()
    receiver?.onEnd(x, this, trailers)
    this.#place.cancel(NONE)
  }

  onFault(_x: Exchange, _upstream: Upstream, fault: Fault): void {
    this.#fail(fault)
  }

  #fail(fault: Fault): void {
    const x = this.#x
    const receiver = this.#receiver
    if (this.#isOver) return
    this.#finish()
    if (x !== null) receiver?.onFault(x, this, fault)
    this.#place.cancel(fault)
  }

  #finish(): void {
    this.#isOver = true
    this.#x = null
    this.#receiver = null
  }

  resume(): void {
    this.#upstream?.resume()
  }

  takeTransport(): Transport | null {
    return this.#upstream?.takeTransport() ?? null
  }

  pushKept(): void {
    this.#upstream?.pushKept()
  }

  cancel(fault: Fault): void {
    if (this.#isOver) return
    this.#finish()
    if (this.#upstream === null) this.#connection?.destroy()
    else this.#upstream.cancel(fault)
    this.#place.cancel(fault)
  }
}
