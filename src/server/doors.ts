/**
 * Doors: the client connections that came through the listeners of a server (open-listeners.ts): who lets them in, what
 * serves them, and how they end.
 *
 * Promises: a drain closes idle connections at once and lets the others finish what they are doing; what is left at the
 * deadline is destroyed and counted.
 */
import type { DateText } from '../core/clock.ts'
import { Faults, NONE, type Fault, type FaultLevel } from '../core/faults.ts'
import type { Peers } from '../core/peers.ts'
import type { Timers } from '../core/timers.ts'
import type { Observer } from '../engine/observer.ts'
import type { ListenerPlan, Plan, TcpRoutes, TlsPlan } from '../engine/plan.ts'
import { serveH1 } from '../h1/server.ts'
import { serveH2 } from '../h2/server.ts'
import type { H3Context } from '../h3/server.ts'
import type { Serve } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import { Listener } from '../net/listener.ts'
import type { ConnectionGuard } from '../net/security.ts'
import { ProxyStage } from '../net/proxy-stage.ts'
import type { Transport } from '../net/transport.ts'
import { ClientConnections } from '../guard/client-connections.ts'
import { largestClientText } from '../guard/largest-client.ts'
import { AbuseWatch } from './abuse-watch.ts'
import { AnnouncingPeers } from './announcing-peers.ts'
import { Handshakes, type HandshakesHome } from './handshakes.ts'
import { MemoryRelief } from './memory-relief.ts'
import { OpenListeners } from './open-listeners.ts'
import { TurnedAway } from './turned-away.ts'
import { Http3Context, OneVersionContext } from './one-version.ts'
import { Passages, type PassagesHome } from './passages.ts'

/**
 * How many idle connections are closed at a time to make room: enough that the next accepts need not look
 * again.
 */
const crowdedCloseMax = 32

/** How long to wait for destroyed connections to be gone, which takes them a few turns of the event loop. */
const cutMs = 1000

const noRoutes: ReadonlyMap<string, TcpRoutes> = new Map()

export interface DoorsOptions {
  readonly serve: Serve
  readonly timers: Timers
  readonly dateText: DateText
  readonly limits: ConnectionLimits
  /** The most open connections of all listeners together; 0: no limit. */
  readonly connectionsMax: number
  readonly note: (level: FaultLevel, message: string) => void
  /** A connection was given up for a fault that belongs to no request. */
  readonly onFault: (fault: Fault, peer: string) => void
  readonly observer: Observer
  /** The other workers, since a client that one turns away is turned away by all. null: this process is alone. */
  readonly peers: Peers | null
}

export class Doors implements ServingContext, PassagesHome, HandshakesHome {
  readonly serve: Serve
  readonly timers: Timers
  readonly dateText: DateText
  /** Replaced by a reload; connections read them anew for each use. */
  limits: ConnectionLimits
  #connectionsMax: number
  readonly #note: DoorsOptions['note']
  readonly #onFault: DoorsOptions['onFault']
  readonly #announcing = new AnnouncingPeers()
  #forwarding: Plan['forwarding'] | null = null
  readonly abuse: AbuseWatch
  readonly relief: MemoryRelief
  readonly #clients: ClientConnections
  readonly #passages: Passages
  readonly #handshakes: Handshakes = new Handshakes(this)
  readonly listeners: OpenListeners = new OpenListeners((name, backlog) => this.#makeListener(name, backlog))
  readonly #connections: Set<ServerConnection> = new Set()
  /** Idle connections that were destroyed to make room: their sockets close within this turn of the event loop. */
  readonly #leaving: Set<ServerConnection> = new Set()
  /** By the listener's name. */
  #http2: ReadonlyMap<string, boolean | 'only'> = new Map()
  readonly #withoutHttp2: ServingContext
  #isDraining = false
  #onEmpty: (() => void) | null = null

  constructor(options: DoorsOptions) {
    this.serve = options.serve
    this.timers = options.timers
    this.dateText = options.dateText
    this.limits = options.limits
    this.#connectionsMax = options.connectionsMax
    this.#note = options.note
    this.#onFault = options.onFault
    const { clock } = options.timers
    const { note, peers } = options
    const isRelay = (address: string): boolean =>
      this.#announcing.isRelay(address) || this.#forwarding?.isTrusted(address) === true
    this.abuse = new AbuseWatch({ clock, peers, note, isRelay })
    this.relief = new MemoryRelief({ clock, connections: this.#connections, isRelay, note })
    const isExempt = (address: string): boolean => this.abuse.isExempt(address)
    this.#clients = new ClientConnections({ clock, note, isExempt })
    this.#withoutHttp2 = new OneVersionContext(this)
    this.#passages = new Passages(this, options.observer)
  }

  /** Applies `plan` to connections to come, and its limits also to those that are open. */
  configure(plan: Plan): void {
    const { listeners } = plan
    this.#announcing.configure(listeners)
    this.#http2 = new Map(listeners.map(({ name, http2 }) => [name, http2 ?? true]))
    this.#passages.configure(plan.tcp ?? noRoutes)
    this.#handshakes.configure(plan.tls ?? null)
    this.limits = plan.clientLimits
    this.#connectionsMax = plan.connectionsMax
    this.#forwarding = plan.forwarding
    this.abuse.configure(plan.abuse ?? null)
    this.#clients.configure(plan.connectionsPerClientMax, this.#connections)
    this.relief.configure(plan.heldBytesMax)
  }

  http3Context(guard: ConnectionGuard): H3Context {
    return new Http3Context(this, guard)
  }

  onOpened(session: ServerConnection): void {
    this.#add(session)
    this.#clients.hold(session, session.remoteAddress ?? '')
  }

  note(level: FaultLevel, message: string): void {
    this.#note(level, message)
  }

  /** The number of connections that are passed on unread. */
  get passageCount(): number {
    return this.#passages.count
  }

  /** The TLS handshakes of all listeners. */
  get handshakes(): Handshakes {
    return this.#handshakes
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Opens the listeners of `plans` that are not open (see OpenListeners), with the TLS of a plan that is not in force yet. */
  async open(plans: readonly ListenerPlan[], tls: TlsPlan | null): Promise<string[]> {
    this.#handshakes.prepare(tls, this.listeners.missing(plans))
    return this.listeners.open(plans)
  }

  #makeListener(name: string, backlog: number): Listener {
    return new Listener({
      onTransport: (transport) => this.#accept(name, transport),
      isFull: () => this.isFull,
      onCrowded: () => this.#makeRoom(),
      whoHolds: () => largestClientText(this.#connections),
      isTurningAway: () => this.abuse.isTurningAway || this.#clients.isBounded,
      turnsAway: (address) => this.turnsAway(address),
      note: this.#note,
      ...(backlog > 0 ? { backlog } : {}),
    })
  }

  #accept(name: string, transport: Transport): void {
    if (!this.#announcing.has(name, transport)) return this.#add(this.#serveClient(name, transport))
    const { headMs: headerMs, drainMs } = this.limits
    const owner = {
      onHeader: (stage: ProxyStage) => this.onReplaced(stage, this.#serveAnnounced(name, transport)),
      onRefused: (_: ProxyStage, fault: Fault) => this.onFault(fault, transport.remoteAddress),
      onClosed: (stage: ProxyStage) => this.onClosed(stage),
    }
    this.#add(new ProxyStage(transport, { timers: this.timers, headerMs, drainMs, owner }))
  }

  /** Is this client to be turned away? If so it is counted. */
  turnsAway(address: string): boolean {
    const fault = this.abuse.turnsAway(address)
      ? Faults.CLIENT_TURNED_AWAY
      : this.#clients.isFull(address)
        ? Faults.CLIENT_CONNECTIONS
        : NONE
    if (fault !== NONE) this.#onFault(fault, address)
    return fault !== NONE
  }

  /** Serves a connection whose relay has said who the client is. */
  #serveAnnounced(name: string, transport: Transport): ServerConnection {
    if (this.turnsAway(transport.remoteAddress)) return new TurnedAway(transport, this)
    return this.#serveClient(name, transport)
  }

  /** Serves a connection whose client is known. */
  #serveClient(name: string, transport: Transport): ServerConnection {
    const connection = this.#serve(name, transport)
    this.#clients.hold(connection, transport.remoteAddress)
    return connection
  }

  #serve(name: string, transport: Transport): ServerConnection {
    return this.#passages.take(name, transport) ?? this.serveHttp(name, transport)
  }

  serveHttp(name: string, transport: Transport): ServerConnection {
    return this.#handshakes.begin(name, transport) ?? this.serveDecrypted(name, transport)
  }

  /** Serves a connection without TLS, or from which TLS has been removed. */
  serveDecrypted(name: string, transport: Transport): ServerConnection {
    const http2 = this.#http2.get(name)
    if (transport.protocol === 'h2' || http2 === 'only') return serveH2(transport, this)
    return serveH1(transport, http2 === false ? this.#withoutHttp2 : this)
  }

  #add(connection: ServerConnection): void {
    this.#connections.add(connection)
    if (this.#isDraining) connection.drain()
  }

  onReplaced(before: ServerConnection, after: ServerConnection | null): void {
    if (after === null) return this.onClosed(before)
    this.#connections.delete(before)
    this.#leaving.delete(before)
    this.#clients.replace(before, after)
    this.#add(after)
  }

  onHttp2(
    connection: ServerConnection,
    transport: Transport,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const next = serveH2(transport, this)
    this.onReplaced(connection, next)
    next.onBytes(buffer, start, end)
  }

  onClosed(connection: ServerConnection): void {
    this.#clients.release(connection)
    this.#connections.delete(connection)
    this.#leaving.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  onFault(fault: Fault, peer: string): void {
    this.#onFault(fault, peer)
    this.abuse.onFault(fault, peer)
  }

  get isFull(): boolean {
    const count = this.#connections.size - this.#leaving.size
    return this.#connectionsMax > 0 && count >= this.#connectionsMax
  }

  /** Closes the idle connections that have been here longest: they are the likeliest to stay idle. */
  #makeRoom(): boolean {
    let closed = 0
    for (const connection of this.#connections) {
      if (!connection.isIdle || this.#leaving.has(connection)) continue
      this.#leaving.add(connection)
      connection.destroy()
      if (++closed === crowdedCloseMax) break
    }
    return closed > 0
  }

  /** Stops accepting and resolves when the last connection is gone, after `drainMs`, or when `hurry` is called. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
    this.listeners.closeAll()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size > 0 && drainMs > 0) await this.#untilEmpty(drainMs)
  }

  /** Destroys what is left. Resolves, with their number, when the connections are gone and their lines logged. */
  async cut(): Promise<number> {
    const count = this.destroyAll()
    if (this.#connections.size > 0) await this.#untilEmpty(cutMs)
    return count
  }

  /** Ends the wait for the drain. */
  hurry(): void {
    this.#onEmpty?.()
  }

  #untilEmpty(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      // Keeps the process alive: what is under way is the reason for waiting.
      const timer = setTimeout(resolve, drainMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Destroys every connection now; returns how many there were. */
  destroyAll(): number {
    this.listeners.closeAll()
    this.relief.stop()
    const count = this.#connections.size
    for (const connection of this.#connections) connection.destroy()
    return count
  }
}
