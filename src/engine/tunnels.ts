/**
 * Tunnels: the upgraded exchanges, from their 101 until both ends are gone. They are counted, told to close when the
 * server drains, and finished here, since the protocol server has given its stream away.
 *
 * How a tunnel is closed: a WebSocket gets a Close frame 1001 both ways, each between two frames of its direction,
 * then FIN. With it browsers tell the page 1001, without it 1006 (failure); that is worth following the frames, which
 * costs a few operations each. Nothing is known of other protocols: they get FIN both ways.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Exchange, Serve, Upstream } from '../http/exchange.ts'
import type { Transport } from '../net/transport.ts'
import { joinTunnel, type Tunnel } from '../net/tunnel.ts'
import { closeFrameToClient, closeFrameToOrigin } from '../http/websocket-close.ts'
import { ClosingDirection } from './closing-direction.ts'

/** For a tunnel without a route's limits: there cannot be one, so any bound will do. */
const idleMsDefault = 3_600_000

export class Tunnels {
  readonly #timers: Timers
  readonly #serve: Serve
  readonly #open = new Set<OpenTunnel>()
  #isDraining = false

  constructor(timers: Timers, serve: Serve) {
    this.#timers = timers
    this.#serve = serve
  }

  /** How many tunnels are open. */
  get size(): number {
    return this.#open.size
  }

  /**
   * `x.response` is a 101 and `x.upstream` has switched: sends the answer and joins both streams. A fault when one of
   * them is gone; nothing was sent then.
   */
  open(x: Exchange): Fault {
    const upstream = x.upstream as Upstream
    const b = upstream.takeTransport()
    if (b === null) return Faults.ORIGIN_CLOSED_EARLY
    const a = x.down.upgrade(x)
    if (a === null) {
      b.destroy()
      return Faults.CLIENT_GONE
    }
    const tunnel = new OpenTunnel(x, upstream, this.#timers, (closed) => this.#onClosed(closed))
    this.#open.add(tunnel)
    tunnel.join(a, b)
    x.down.pushKept()
    upstream.pushKept()
    if (this.#isDraining) tunnel.close()
    return NONE
  }

  #onClosed(tunnel: OpenTunnel): void {
    if (!this.#open.delete(tunnel)) return
    const { x, upstream } = tunnel
    const { down } = x
    x.upstream = null
    upstream.cancel(NONE)
    // What is told of the exchange is asked of its stream, which knows nothing of its client once it was given back.
    this.#serve.finish(x)
    down.end(null)
  }

  /** Closes each tunnel in its protocol's way, also those that are still to come. */
  drain(): void {
    this.#isDraining = true
    for (const tunnel of this.#open) tunnel.close()
  }

  /** Closes the tunnel of `x`, if it has one, in its protocol's way. */
  close(x: Exchange): void {
    for (const tunnel of this.#open) if (tunnel.x === x) tunnel.close()
  }

  /** Cuts the tunnels that are left; returns how many there were. */
  cutAll(fault: Fault): number {
    const count = this.#open.size
    for (const tunnel of this.#open) tunnel.cut(fault)
    return count
  }
}

class OpenTunnel {
  readonly x: Exchange
  readonly upstream: Upstream
  readonly #timers: Timers
  readonly #onClosed: (tunnel: OpenTunnel) => void
  readonly #toOrigin: ClosingDirection | null
  readonly #toClient: ClosingDirection | null
  #tunnel: Tunnel | null = null
  #isClosing = false

  constructor(x: Exchange, upstream: Upstream, timers: Timers, onClosed: (tunnel: OpenTunnel) => void) {
    this.x = x
    this.upstream = upstream
    this.#timers = timers
    this.#onClosed = onClosed
    const isWebSocket = x.response.upgrade.toLowerCase() === 'websocket'
    this.#toOrigin = isWebSocket ? new ClosingDirection(closeFrameToOrigin()) : null
    this.#toClient = isWebSocket ? new ClosingDirection(closeFrameToClient()) : null
  }

  join(a: Transport, b: Transport): void {
    this.#tunnel = joinTunnel(a, b, {
      timers: this.#timers,
      idleMs: this.x.route?.limits.tunnelIdleMs ?? idleMsDefault,
      onClosed: (fault, bytesFromA, bytesFromB) => this.#ended(fault, bytesFromA, bytesFromB),
    })
    this.#toOrigin?.follow(a, b)
    this.#toClient?.follow(b, a)
  }

  #ended(fault: Fault, bytesFromA: number, bytesFromB: number): void {
    const { x } = this
    x.body.receivedBytes += bytesFromA
    x.bytesSent += bytesFromB
    if (x.fault === NONE) x.fault = fault
    this.#onClosed(this)
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#toOrigin === null || this.#toClient === null) {
      this.#tunnel?.closeGracefully()
      return
    }
    let waiting = 2
    const onSent = (): void => {
      if (--waiting === 0) this.#tunnel?.closeGracefully()
    }
    this.#toOrigin.close(onSent)
    this.#toClient.close(onSent)
  }

  cut(fault: Fault): void {
    this.#tunnel?.destroy(fault)
  }
}
