/**
 * The engine of Headgate, whole, on the simulated wire: what `src/server.ts` puts together, less sockets and files.
 */
import { DateText, type Clock } from '../../src/core/clock.ts'
import { NONE, faultRow, type Fault } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { Engine } from '../../src/engine/chain.ts'
import type { Observer } from '../../src/engine/observer.ts'
import type { ForwardingPlan, Plan, Router } from '../../src/engine/plan.ts'
import { RequestIds } from '../../src/engine/request-id.ts'
import { H1Dial } from '../../src/h1/client.ts'
import { H2Dial } from '../../src/h2/client.ts'
import { serveH1 } from '../../src/h1/server.ts'
import { serveH2 } from '../../src/h2/server.ts'
import type { ServerConnection } from '../../src/http/serving.ts'
import { createProxy, defaultProxyOptions } from '../../src/handlers/proxy.ts'
import type { Exchange, Handler, RouteInfo } from '../../src/http/exchange.ts'
import type { ExchangeLimits } from '../../src/http/limits.ts'
import { Claims } from '../../src/http/claims.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import type { Origin } from '../../src/origin/origin.ts'
import { createOrigin } from '../../src/origin/server-group.ts'
import type { Connector } from '../../src/net/transport.ts'
import { keptMemory } from '../../src/net/kept-memory.ts'
import { Delay } from './delay.ts'
import type { SimTransport, SimWire } from './wire.ts'
import type { World } from './world.ts'

/** Counts what the engine promises to tell exactly once. */
class Ledger implements Observer {
  readonly #world: World
  finished = 0
  fetched = 0
  refused = 0
  stale = 0
  readonly faults = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  onFinish(x: Exchange): void {
    this.finished++
    if (x.route === null && x.fault === NONE)
      this.#world.fail('an exchange finished without route and without fault')
  }

  onFetch(): void {
    this.fetched++
  }

  onRefuse(_x: Exchange, fault: Fault): void {
    this.refused++
    this.onFault(_x, fault)
  }

  onFault(_x: Exchange, fault: Fault): void {
    const { name } = faultRow(fault)
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1)
  }

  onStaleCallback(): void {
    this.stale++
  }

  note(level: string, message: string): void {
    if (level === 'error') this.#world.fail(`noted: ${message}`)
  }
}

/** An engine that counts what is begun and finished. */
class CountingEngine extends Engine {
  begun = 0
  ended = 0

  override begin(down: Parameters<Engine['begin']>[0]): Exchange {
    this.begun++
    return super.begin(down)
  }

  override finish(x: Exchange): void {
    if (x.isFinished) this.ended += 1_000_000
    this.ended++
    super.finish(x)
  }
}

export interface EdgeOptions {
  readonly ports: readonly number[]
  readonly limits?: Partial<ConnectionLimits>
  /** What is spoken with origins. */
  readonly originScheme?: 'http' | 'h2c'
  /** Further routes, taken by requests that name them in X-Zone. */
  readonly zones?: readonly Zone[]
  /** Of a process that may die before its world ends; left out: the world itself, … */
  readonly clock?: Clock
  /** … and its wire. */
  readonly connector?: Connector
}

/** A route with an origin of its own, and what stands before that. */
export interface Zone {
  readonly name: string
  readonly ports: readonly number[]
  steps(timers: Timers): Handler[]
}

export class Edge {
  readonly engine: CountingEngine
  readonly timers: Timers
  readonly ledger: Ledger
  readonly connections: Set<ServerConnection> = new Set()
  readonly #world: World
  readonly #dateText: DateText
  readonly #limits: ConnectionLimits
  readonly #close: () => void
  opened = 0
  /** Its process has died: nothing of it goes on. */
  isDead = false
  /** Exchanges at once. */
  runningPeak = 0
  /** Kept by whatever was before. */
  readonly keptBefore: number = keptMemory.bytes

  constructor(world: World, wire: SimWire, options: EdgeOptions) {
    const { originScheme = 'http', clock = world, connector = wire } = options
    this.#world = world
    this.timers = new Timers(clock)
    this.ledger = new Ledger(world)
    this.#dateText = new DateText(clock)
    this.#limits = { ...defaultLimits, ...options.limits }
    const context = { connector, timers: this.timers, limits: this.#limits }
    const dial = originScheme === 'http' ? new H1Dial(context) : new H2Dial(context)
    const origins: Origin[] = []
    const routeTo = (name: string, ports: readonly number[], steps: Handler[]): RouteInfo => {
      const origin = createOrigin(
        { name, servers: ports.map((port) => ({ url: `${originScheme}://127.0.0.1:${port}` })) },
        {
          dial,
          timers: this.timers,
          clock,
          resolver: { resolve: () => Promise.reject(new Error('no names here')) },
          random: () => world.random.next(),
        },
      )
      origins.push(origin)
      const proxy = createProxy(
        { ...defaultProxyOptions, origin },
        { clock, observer: this.ledger, forwarding },
      )
      return { name, site: 'sim', handlers: [new Delay(world, clock), ...steps, proxy], limits }
    }
    const route = routeTo('sim[0]', options.ports, [])
    const zones = new Map<string, RouteInfo>()
    for (const zone of options.zones ?? [])
      zones.set(zone.name, routeTo(zone.name, zone.ports, zone.steps(this.timers)))
    this.#close = () => {
      for (const origin of origins) origin.close()
    }
    // What is under way at an origin belongs to an exchange that is under way here, but for the moment in which its
    // connection closes.
    let sinceMs = Infinity
    world.afterEvent.push(() => {
      this.runningPeak = Math.max(this.runningPeak, this.engine.running)
      if (world.eventsRun % 8 !== 0 || this.isDead) return
      let busy = 0
      for (const origin of origins) for (const server of origin.snapshot().servers) busy += server.inFlight
      if (busy <= this.engine.running) sinceMs = Infinity
      else if (sinceMs === Infinity) sinceMs = world.nowMs()
      else if (world.nowMs() - sinceMs > 100)
        world.fail(`${busy} requests at origins, ${this.engine.running} under way here`)
    })
    this.engine = new CountingEngine({
      // Equal seeds make equal bytes.
      requestIds: new RequestIds('5eed5eed5eed'),
      clock,
      timers: this.timers,
      observer: this.ledger,
      plan: planOf(route, zones, this.#limits),
    })
  }

  accept(transport: SimTransport, isH2 = false): void {
    this.opened++
    const begin = isH2 ? serveH2 : serveH1
    const connection = begin(transport, {
      serve: this.engine,
      timers: this.timers,
      limits: this.#limits,
      dateText: this.#dateText,
      onFault: (fault) => this.#world.fail(`a connection was given up: ${faultRow(fault).name}`),
      onClosed: (closed) => {
        if (!this.connections.delete(closed)) this.#world.fail('a connection was closed twice')
      },
    })
    this.connections.add(connection)
  }

  close(): void {
    for (const connection of this.connections) connection.drain()
    this.#close()
  }
}

const forwarding: ForwardingPlan = {
  isTrusted: () => false,
  claims: new Claims('x-request-id'),
  sendForwarded: false,
  sendXForwarded: true,
  requestIdField: 'x-request-id',
  viaName: 'headgate',
  sendVia: true,
  sendProxyStatus: false,
}

const limits: ExchangeLimits = {
  connectMs: 1000,
  firstByteMs: 4000,
  betweenBytesMs: 4000,
  originWriteMs: 4000,
  tunnelIdleMs: 8000,
  requestBodyBytesMax: 10 * 1024 * 1024,
}

function planOf(route: RouteInfo, zones: ReadonlyMap<string, RouteInfo>, limits: ConnectionLimits): Plan {
  const router: Router = {
    find: (x) =>
      zones.size === 0 ? route : (zones.get(x.request.fields.getByName('x-zone') ?? '') ?? route),
    explain: () => route,
  }
  return {
    hash: 'sim',
    listeners: [],
    router,
    routes: [route],
    origins: new Map(),
    clientLimits: limits,
    originLimits: limits,
    connectionsMax: 0,
    connectionsPerClientMax: 0,
    heldBytesMax: Infinity,
    forwarding,
    log: {
      access: false,
      level: 'error',
      accessPath: '',
      errorPath: '',
      redactQuery: [],
      redactFields: [],
      queueBytesMax: 0,
    },
    admin: { listen: '' },
    errorPages: { find: () => null },
    maintenance: NONE,
    drainMs: 1000,
    workers: 1,
    close() {},
  }
}
