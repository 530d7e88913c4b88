/**
 * A whole Headgate in memory: clients and origins on a wire, real protocol machines, engine, proxy step and origin
 * between them, and a clock advanced by hand.
 */
import assert from 'node:assert/strict'
import { DateText } from '../../src/core/clock.ts'
import { Timers } from '../../src/core/timers.ts'
import { Engine } from '../../src/engine/chain.ts'
import type { Plan } from '../../src/engine/plan.ts'
import { createProxy, defaultProxyOptions, type ProxyOptions } from '../../src/handlers/proxy.ts'
import { H1Dial } from '../../src/h1/client.ts'
import { serveH1 } from '../../src/h1/server.ts'
import { serveH2 } from '../../src/h2/server.ts'
import type { ServerConnection, ServingContext } from '../../src/http/serving.ts'
import { H2Dial } from '../../src/h2/client.ts'
import { H2Client } from './h2-client.ts'
import { H2Origin } from './h2-origin.ts'
import type { Handler } from '../../src/http/exchange.ts'
import type { ExchangeLimits } from '../../src/http/limits.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import type { Origin, OriginOptions } from '../../src/origin/origin.ts'
import { createOrigin } from '../../src/origin/server-group.ts'
import { RecordingObserver, planOf, routeOf, type FakePlan } from '../unit/engine/fakes.ts'
import { ManualClock } from './manual-clock.ts'
import { Peer, Wire, type WireEnd } from './wire.ts'

export interface ProxySetting {
  readonly servers?: readonly string[]
  readonly origin?: Partial<OriginOptions>
  readonly proxy?: Partial<ProxyOptions>
  readonly limits?: Partial<ExchangeLimits>
  readonly clientLimits?: Partial<ConnectionLimits>
  readonly plan?: Partial<Plan>
  readonly trusted?: readonly string[]
  /** Steps before the proxy. */
  readonly steps?: readonly Handler[] | ((world: ProxyWorld) => readonly Handler[])
}

export class ProxyWorld {
  readonly clock: ManualClock = new ManualClock()
  readonly timers: Timers = new Timers(this.clock)
  readonly wire: Wire = new Wire()
  readonly observer: RecordingObserver = new RecordingObserver()
  readonly origin: Origin
  readonly plan: FakePlan
  readonly engine: Engine
  readonly connections: Set<ServerConnection> = new Set()
  /** Connections that the origin's servers have taken, in order. */
  readonly accepted: Peer[] = []
  /** The same of servers given as h2c. */
  readonly h2Accepted: H2Origin[] = []
  /** 'host:port' of servers that are down. */
  readonly down: Set<string> = new Set()
  readonly #limits: ConnectionLimits

  constructor(setting: ProxySetting = {}) {
    const { clock, timers, wire, observer } = this
    clock.onRan = () => wire.run()
    this.#limits = { ...defaultLimits, ...setting.clientLimits }
    const servers = (setting.servers ?? ['http://10.0.0.11:3000']).map((url) => ({ url }))
    const isH2 = servers.every(({ url }) => url.startsWith('h2c:'))
    const dialContext = { connector: wire, timers, limits: defaultLimits }
    this.origin = createOrigin(
      { name: 'app', servers, ...setting.origin },
      {
        dial: isH2 ? new H2Dial(dialContext) : new H1Dial(dialContext),
        timers,
        clock,
        resolver: { resolve: () => Promise.reject(new Error('no names here')) },
        random: () => 0,
      },
    )
    this.plan = planOf([], setting.plan, setting.trusted)
    const proxy = createProxy(
      { ...defaultProxyOptions, origin: this.origin, ...setting.proxy },
      { clock, observer, forwarding: this.plan.forwarding },
    )
    const steps = typeof setting.steps === 'function' ? setting.steps(this) : (setting.steps ?? [])
    const route = routeOf([...steps, proxy])
    this.plan.route = { ...route, limits: { ...route.limits, ...setting.limits } }
    this.engine = new Engine({ clock, timers, observer, plan: this.plan })
    wire.accept = (far, address) => {
      if (this.down.has(`${address.host}:${address.port}`)) return 'ECONNREFUSED'
      if (isH2) this.#acceptH2(far)
      else this.accepted.push(new Peer(far))
      return undefined
    }
  }

  #acceptH2(far: WireEnd): void {
    const origin = new H2Origin(far)
    origin.begin()
    this.h2Accepted.push(origin)
  }

  client(remoteAddress?: string): Peer {
    const [near, far] = this.wire.pair(remoteAddress)
    this.connections.add(serveH1(near, this.#context()))
    return new Peer(far)
  }

  /** A client of HTTP/2 that has begun. */
  h2Client(settings: readonly number[] = []): H2Client {
    const [near, far] = this.wire.pair()
    this.connections.add(serveH2(near, this.#context()))
    const client = new H2Client(far)
    client.begin(settings)
    this.wire.run()
    return client
  }

  #context(): ServingContext {
    return {
      serve: this.engine,
      timers: this.timers,
      limits: this.#limits,
      dateText: new DateText(this.clock),
      onClosed: (closed) => void this.connections.delete(closed),
    }
  }

  /** The i-th connection that an origin's server took. */
  server(i = 0): Peer {
    const peer = this.accepted[i]
    assert.ok(peer !== undefined, `connection ${i} was not made`)
    return peer
  }

  pass(ms: number): void {
    this.wire.run()
    this.clock.advance(ms)
    this.wire.run()
  }

  /** Every client has left: nothing is under way, waits or hangs, and each exchange was told of once. */
  checkAtRest(served: number): void {
    this.pass(120_000)
    assert.equal(this.connections.size, 0, 'no client’s connection is open')
    assert.equal(this.engine.running, 0, 'no exchange runs')
    assert.equal(this.engine.tunnelCount, 0, 'no tunnel is open')
    assert.equal(this.observer.finished.length, served, 'each exchange was told of once')
    assert.equal(this.observer.stale, 0, 'no callback came late')
    const { servers, waiting } = this.origin.snapshot()
    assert.equal(waiting, 0)
    for (const server of servers) assert.equal(server.inFlight, 0, 'no request is under way')
    assert.deepEqual(
      this.observer.notes.filter(({ level }) => level === 'error'),
      [],
    )
  }
}

export function get(target: string, fields = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: www.example.com\r\n${fields}\r\n`
}

/** A 200 with this body. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
}

/** The body of an answer with Content-Length or none. */
export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4)
}

/** Has the other end closed this connection? */
export function isLeft(peer: Peer): boolean {
  return peer.hasEnded || peer.closed !== null
}
