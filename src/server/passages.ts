/**
 * Passages: the connections of listeners that pass bytes on rather than serve HTTP. A listener may pass on some
 * server names and serve the others itself: then the ClientHello decides, before anybody answers it.
 */
import { Faults, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Observer } from '../engine/observer.ts'
import type { TcpRoute, TcpRoutes } from '../engine/plan.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { ServerConnection } from '../http/serving.ts'
import type { ClientHello } from '../net/client-hello.ts'
import { HelloStage, type HelloStageOwner } from '../net/hello-stage.ts'
import type { Transport } from '../net/transport.ts'
import { Passage, type PassageOwner } from '../tcp/passage.ts'

/** Whoever keeps the list of connections, as seen from here. */
export interface PassagesHome {
  readonly timers: Timers
  readonly limits: ConnectionLimits
  /** `after` takes the place of `before`; null: `before` has ended. */
  onReplaced(before: ServerConnection, after: ServerConnection | null): void
  /** No route of the listener takes it: serves it as HTTP. Sets `transport.events`. */
  serveHttp(listener: string, transport: Transport): ServerConnection
  onFault(fault: Fault, peer: string): void
}

export class Passages implements PassageOwner {
  readonly timers: Timers
  readonly observer: Observer
  /** How many are open, including those that are still looking for a server. */
  count = 0
  readonly #home: PassagesHome
  #routes: ReadonlyMap<string, TcpRoutes> = new Map()

  constructor(home: PassagesHome, observer: Observer) {
    this.#home = home
    this.timers = home.timers
    this.observer = observer
  }

  /** Applies routes, by the listener's name, to connections to come. */
  configure(routes: ReadonlyMap<string, TcpRoutes>): void {
    this.#routes = routes
  }

  /** Takes a connection over; null: this listener serves HTTP to everybody. */
  take(listener: string, transport: Transport): ServerConnection | null {
    const routes = this.#routes.get(listener)
    if (routes === undefined) return null
    const route = routes.names.hasNames ? null : routes.names.find('')
    if (route !== null) {
      this.count++
      return new Passage(transport, route, null, null, this)
    }
    const { headMs: helloMs, drainMs } = this.#home.limits
    const owner = new HelloReading(listener, routes, this, this.#home)
    return new HelloStage(transport, { timers: this.timers, helloMs, drainMs, owner })
  }

  /** Passes the connection on by the route that its ClientHello chose. */
  pass(stage: HelloStage, route: TcpRoute, hello: ClientHello, first: Buffer): void {
    this.count++
    this.#home.onReplaced(stage, new Passage(stage.transport, route, hello, first, this))
  }

  onClosed(connection: ServerConnection): void {
    this.count--
    this.#home.onReplaced(connection, null)
  }
}

/** Decides by the ClientHello what a listener does with a connection. */
class HelloReading implements HelloStageOwner {
  readonly #listener: string
  readonly #routes: TcpRoutes
  readonly #passages: Passages
  readonly #home: PassagesHome

  constructor(listener: string, routes: TcpRoutes, passages: Passages, home: PassagesHome) {
    this.#listener = listener
    this.#routes = routes
    this.#passages = passages
    this.#home = home
  }

  onHello(stage: HelloStage, hello: ClientHello, bytes: Buffer, start: number, end: number): void {
    const { transport } = stage
    const route = this.#routes.names.find(hello.serverName)
    if (route !== null)
      return this.#passages.pass(stage, route, hello, Buffer.from(bytes.subarray(start, end)))
    this.#home.onReplaced(stage, this.#home.serveHttp(this.#listener, transport))
    if (transport.isOpen) transport.events.onBytes(bytes, start, end)
  }

  onTimeout({ transport }: HelloStage): void {
    this.#home.onFault(Faults.HELLO_TIMEOUT, transport.remoteAddress)
  }

  onClosed(stage: HelloStage): void {
    this.#home.onReplaced(stage, null)
  }
}
