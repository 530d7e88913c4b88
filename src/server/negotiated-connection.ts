/**
 * NegotiatedConnection: a connection over TLS whose protocol ALPN decides (RFC 7301): HTTP/2 where the server has it,
 * else HTTP/1.1.
 *
 * Many HTTP/2 servers take no WebSocket over it (RFC 8441), while all take one over HTTP/1.1. So an upgrade that the
 * session cannot carry gets a connection of its own (http1-aside.ts), in the place of the stream that was leased for
 * it. So does a request that the origin wants over HTTP/1.1 (HTTP_1_1_REQUIRED, RFC 9113 §7).
 */
import { Faults, NONE } from '../core/faults.ts'
import { Deadline, type DeadlineOwner } from '../core/timers.ts'
import type { H1ClientContext, H1Dial } from '../h1/client.ts'
import { H2ClientSession, type H2Dial } from '../h2/client.ts'
import { connectFault } from '../http/connect-faults.ts'
import type { ConnectionOwner, DialTarget, OriginConnection } from '../http/dial.ts'
import type { Exchange, Upstream } from '../http/exchange.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import { Http1Aside } from './http1-aside.ts'

export class NegotiatedConnection implements OriginConnection, TransportEvents, DeadlineOwner {
  readonly target: DialTarget
  readonly #owner: ConnectionOwner
  readonly #context: H1ClientContext
  readonly #h1: H1Dial
  readonly #h2: H2Dial
  readonly #transport: Transport
  readonly #dialedAtMs: number
  readonly #deadline: Deadline = new Deadline(this)
  #inner: OriginConnection | null = null
  #fault = NONE

  constructor(target: DialTarget, owner: ConnectionOwner, context: H1ClientContext, h1: H1Dial, h2: H2Dial) {
    const { connector, timers } = context
    this.target = target
    this.#owner = owner
    this.#context = context
    this.#h1 = h1
    this.#h2 = h2
    this.#dialedAtMs = timers.clock.nowMs()
    timers.set(this.#deadline, target.connectMs)
    const connected = (): void => this.#onConnected()
    const { address, security, opening } = target
    this.#transport = connector.connect(address, this, connected, security, opening)
  }

  get freeStreams(): number {
    return this.#inner?.freeStreams ?? 0
  }

  get servedCount(): number {
    return this.#inner?.servedCount ?? 0
  }

  get keepAliveMs(): number {
    return this.#inner?.keepAliveMs ?? -1
  }

  get connectMs(): number {
    return this.#inner?.connectMs ?? 0
  }

  #onConnected(): void {
    if (this.#fault !== NONE) return
    const { target } = this
    this.#context.timers.remove(this.#deadline)
    if (this.#transport.protocol === 'h2') {
      const session = this.#h2.adopt(this.#transport, target, this.#owner, this.#dialedAtMs)
      this.#inner = session
      session.start()
    } else {
      const connection = this.#h1.adopt(this.#transport, target, this.#owner, this.#dialedAtMs)
      this.#inner = connection
      connection.begin()
    }
  }

  lease(x: Exchange): Upstream {
    const inner = this.#inner as OriginConnection
    const upstream = inner.lease(x)
    if (!(inner instanceof H2ClientSession)) return upstream
    const { upgrade, isHttp1Only } = x.outgoing
    const isCarried = !isHttp1Only && (upgrade === '' || inner.carriesUpgrade(upgrade))
    return isCarried ? upstream : new Http1Aside(upstream, this.target, this.#h1)
  }

  destroy(): void {
    if (this.#inner === null) this.#transport.destroy()
    else this.#inner.destroy()
  }

  onDeadline(): void {
    this.#fault = Faults.ORIGIN_CONNECT_TIMEOUT
    this.#transport.destroy()
  }

  // Before the handshake is done nothing else can come.
  onBytes(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#transport.destroy()
  }

  onClose(error: string): void {
    this.#context.timers.remove(this.#deadline)
    this.#owner.onClosed(this, this.#fault === NONE ? connectFault(error) : this.#fault)
  }
}
