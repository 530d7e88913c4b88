/**
 * Passage: one client's connection, passed on byte by byte to a server of an origin, whatever protocol they speak.
 *
 * Promises:
 * - A server that cannot be connected to is passed over and another is tried, as often as the origin's `retries` say:
 *   until then nothing of the client's was sent to anybody. After the first byte nothing is tried again.
 * - A FIN is passed on as a FIN and the other direction goes on (net/tunnel.ts); a side that dies takes the other
 *   with it.
 * - A connection is not passed on where its own listener is one of the servers: it would come back without end.
 * - It is counted and logged once, when both connections are gone, as an exchange of its route.
 * - A drain leaves it alone: its protocol is unknown, so nobody can be told to finish. What is left at the deadline
 *   is cut.
 */
import { Faults, NONE, faultRow, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { TcpRoute } from '../engine/plan.ts'
import type { Observer } from '../engine/observer.ts'
import { Exchange, nobody, WAIT, type Upstream } from '../http/exchange.ts'
import { VERSION_TCP } from '../http/message.ts'
import { noWalk } from '../http/no-walk.ts'
import type { ServerConnection } from '../http/serving.ts'
import type { ClientHello } from '../net/client-hello.ts'
import { joinTunnel, type Tunnel } from '../net/tunnel.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import { writeProxyHeader } from '../net/write-proxy-header.ts'
import type { Origin } from '../origin/origin.ts'
import { addressText } from '../origin/server-url.ts'

export interface PassageOwner {
  readonly timers: Timers
  readonly observer: Observer
  onClosed(connection: ServerConnection): void
}

export class Passage implements ServerConnection, TransportEvents {
  readonly isIdle = false
  readonly #owner: PassageOwner
  readonly #route: TcpRoute
  readonly #client: Transport
  readonly #hello: ClientHello | null
  readonly #x: Exchange = new Exchange()
  /** What was read from the client before; null: nothing. */
  #first: Buffer | null
  #tunnel: Tunnel | null = null
  #isOver = false

  /** `first` belongs to it from now on. */
  constructor(
    client: Transport,
    route: TcpRoute,
    hello: ClientHello | null,
    first: Buffer | null,
    owner: PassageOwner,
  ) {
    this.#owner = owner
    this.#route = route
    this.#client = client
    this.#hello = hello
    this.#first = first
    client.events = this
    client.pause()
    this.#describe(this.#x)
    if (comesBack(client, route.origin)) this.#fail(Faults.LOOP)
    else this.#open(NONE)
  }

  /** For the log, the counters, and a policy that looks at the client. */
  #describe(x: Exchange): void {
    const { remoteAddress, remotePort, localPort, relayAddress = '' } = this.#client
    x.begin({ ...nobody, remoteAddress, remotePort, localPort, relayAddress }, noWalk, this.#nowMs)
    x.route = this.#route.info
    x.clientAddress = remoteAddress
    x.request.version = VERSION_TCP
    x.request.method = 'CONNECT'
    x.request.authority = x.request.host = this.#hello?.serverName ?? ''
  }

  get #nowMs(): number {
    return this.#owner.timers.clock.nowMs()
  }

  /** Asks for a connection; `before` is the fault of the previous attempt. */
  #open(before: Fault): void {
    const opened = this.#route.origin.open(this.#x, this)
    if (opened === WAIT) return
    if (typeof opened !== 'number') this.#join(opened)
    else this.#fail(before !== NONE && opened === -Faults.ORIGIN_NONE ? before : -opened)
  }

  onOpened(x: Exchange, turn: number, upstream: Upstream): void {
    if (this.#isOver || turn !== x.turn) upstream.cancel(NONE)
    else this.#join(upstream)
  }

  onOpenFailed(x: Exchange, turn: number, fault: Fault): void {
    if (this.#isOver || turn !== x.turn) return
    this.#owner.observer.onFault(x, fault)
    const { retriesMax, origin } = this.#route
    const attemptsMax = 1 + (retriesMax === 0 ? 0 : Math.max(retriesMax, origin.options.servers.length))
    if (x.attempts < attemptsMax && faultRow(fault).retry === 'any') this.#open(fault)
    else this.#fail(fault)
  }

  #join(upstream: Upstream): void {
    const { origin, info, proxyProtocol } = this.#route
    const server = upstream.takeTransport()
    if (server === null) {
      upstream.cancel(NONE)
      return this.#fail(Faults.ORIGIN_CLOSED_EARLY)
    }
    const x = this.#x
    x.upstream = upstream
    x.upstreamAddress = upstream.address
    x.connectMs = upstream.connectMs
    origin.onAttemptSuccess(upstream)
    if (proxyProtocol !== null) this.#announce(server, proxyProtocol)
    const first = this.#first
    this.#first = null
    if (first !== null) server.writeBytes(first, 0, first.length)
    this.#tunnel = joinTunnel(this.#client, server, {
      timers: this.#owner.timers,
      idleMs: info.limits.tunnelIdleMs,
      onClosed: (fault, fromClient, fromServer) => {
        x.body.receivedBytes = fromClient + (first?.length ?? 0)
        x.bytesSent = fromServer
        upstream.cancel(NONE)
        this.#finish(fault, 200)
      },
    })
  }

  /** This comes before all else, so that the server knows who the rest is from. */
  #announce(server: Transport, version: 'v1' | 'v2'): void {
    const { serverName = '', protocols = [] } = this.#hello ?? {}
    const values = { authority: serverName, alpn: protocols[0] ?? '' }
    const header = writeProxyHeader(version, this.#client, values)
    server.writeBytes(header, 0, header.length)
  }

  /** No server takes the client. */
  #fail(fault: Fault): void {
    const { status } = faultRow(fault)
    this.#finish(fault, status)
    this.#client.reset()
  }

  /** It is counted and logged; its owner hears of it when the client's connection is gone. */
  #finish(fault: Fault, status: number): void {
    if (this.#isOver) return
    this.#isOver = true
    const x = this.#x
    x.fault = fault
    x.isHeadSent = true
    x.response.status = status
    const { observer } = this.#owner
    if (fault !== NONE) observer.onFault(x, fault)
    observer.onFinish(x, this.#nowMs)
    x.upstream = null
    if (this.#tunnel !== null) this.#owner.onClosed(this)
  }

  drain(): void {
    // See the promises.
  }

  destroy(): void {
    if (this.#tunnel !== null) return this.#tunnel.destroy(Faults.DRAINING)
    this.#route.origin.cancelWait(this.#x)
    this.#finish(Faults.DRAINING, 0)
    this.#client.destroy()
  }

  // The client's side, until it is joined: its reads are paused, so at most what was read before is heard of
  // it, and its end.

  onBytes(buffer: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(buffer.subarray(start, end))
    this.#first = this.#first === null ? bytes : Buffer.concat([this.#first, bytes])
  }

  onDrain(): void {}

  onEnd(): void {}

  onClose(): void {
    this.#route.origin.cancelWait(this.#x)
    this.#finish(Faults.CLIENT_GONE, 0)
    this.#owner.onClosed(this)
  }
}

/**
 * Is the address at which the connection arrived that of one of its servers? The config was checked for
 * addresses, but names may resolve to us. This is asked before any connection is made: of the two ends of one
 * connection neither knows in time that the other is on this machine.
 */
function comesBack({ arrivedAt }: Transport, origin: Origin): boolean {
  if (arrivedAt === undefined || arrivedAt.port === 0) return false
  const own = addressText(arrivedAt.address, arrivedAt.port, '')
  return origin.snapshot().servers.some(({ addresses }) => addresses.some(({ address }) => address === own))
}
