/**
 * What stands around the engine, made up: a clock advanced by hand, an observer that records, a plan with one route.
 * (Streams: fake-streams.ts.)
 */
import type { Clock } from '../../../src/core/clock.ts'
import { NONE, type Fault, type FaultLevel } from '../../../src/core/faults.ts'
import { Timers } from '../../../src/core/timers.ts'
import { Engine } from '../../../src/engine/chain.ts'
import type { Observer } from '../../../src/engine/observer.ts'
import type { Plan } from '../../../src/engine/plan.ts'
import type { BodyStream } from '../../../src/http/body.ts'
import { Claims } from '../../../src/http/claims.ts'
import type { Exchange, Handler, RouteInfo } from '../../../src/http/exchange.ts'
import { defaultLimits } from '../../../src/http/limits.ts'
import { FakeDown } from './fake-streams.ts'

export class HandClock implements Clock {
  now = 1000
  wall = Date.UTC(2026, 0, 1)
  readonly #due: { at: number; callback: () => void }[] = []

  nowMs(): number {
    return this.now
  }

  wallMs(): number {
    return this.wall + this.now
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const entry = { at: this.now + delayMs, callback }
    this.#due.push(entry)
    return {
      cancel: () => {
        const i = this.#due.indexOf(entry)
        if (i >= 0) this.#due.splice(i, 1)
      },
    }
  }

  advance(ms: number): void {
    const target = this.now + ms
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > target) break
      this.#due.splice(this.#due.indexOf(next), 1)
      this.now = Math.max(this.now, next.at)
      next.callback()
    }
    this.now = target
  }
}

export interface Finished {
  status: number
  fault: Fault
  requestId: string
  clientAddress: string
  /** As the access log has it: the client's stream must still know. */
  peerAddress: string
  attempts: number
  upstreamAddress: string
  bytesSent: number
  durationMs: number
  cacheResult: number
}

function recorded(x: Exchange, nowMs: number): Finished {
  return {
    status: x.response.status,
    fault: x.fault,
    requestId: x.requestId,
    clientAddress: x.clientAddress,
    peerAddress: x.down.remoteAddress,
    attempts: x.attempts,
    upstreamAddress: x.upstreamAddress,
    bytesSent: x.bytesSent,
    durationMs: nowMs - x.startMs,
    cacheResult: x.cacheResult,
  }
}

export class RecordingObserver implements Observer {
  readonly finished: Finished[] = []
  readonly refused: Fault[] = []
  readonly faults: Fault[] = []
  readonly notes: { level: FaultLevel; message: string }[] = []
  stale = 0

  onFinish(x: Exchange, nowMs: number): void {
    this.finished.push(recorded(x, nowMs))
  }

  readonly fetched: Finished[] = []

  onFetch(x: Exchange, nowMs: number): void {
    this.fetched.push(recorded(x, nowMs))
  }

  onRefuse(_x: Exchange, fault: Fault): void {
    this.refused.push(fault)
  }

  onFault(_x: Exchange, fault: Fault): void {
    this.faults.push(fault)
  }

  onStaleCallback(): void {
    this.stale++
  }

  note(level: FaultLevel, message: string): void {
    this.notes.push({ level, message })
  }
}

export function routeOf(handlers: readonly Handler[], requestBodyBytesMax = Infinity): RouteInfo {
  return {
    name: 'www.example.com[0]',
    site: 'www.example.com',
    handlers,
    limits: {
      connectMs: 1000,
      firstByteMs: 1000,
      betweenBytesMs: 1000,
      originWriteMs: 1000,
      tunnelIdleMs: 1000,
      requestBodyBytesMax,
    },
  }
}

export interface FakePlan extends Plan {
  route: RouteInfo | null
  isClosed: boolean
}

/** A plan whose one route takes everything; `trusted` are the addresses that are believed. */
export function planOf(
  handlers: readonly Handler[],
  changes: Partial<Plan> = {},
  trusted: readonly string[] = [],
): FakePlan {
  const plan: FakePlan = {
    route: routeOf(handlers),
    isClosed: false,
    hash: '',
    listeners: [],
    router: {
      find: () => plan.route,
      explain: (_x, say) => {
        say('no site has this host')
        return plan.route
      },
    },
    routes: [],
    origins: new Map(),
    clientLimits: defaultLimits,
    originLimits: defaultLimits,
    connectionsMax: 0,
    connectionsPerClientMax: 0,
    heldBytesMax: Infinity,
    forwarding: {
      isTrusted: (address) => trusted.includes(address),
      claims: new Claims('X-Request-Id'),
      sendForwarded: false,
      sendXForwarded: true,
      requestIdField: 'X-Request-Id',
      viaName: 'edge',
      sendVia: true,
      sendProxyStatus: false,
    },
    log: {
      access: false,
      level: 'info',
      accessPath: '',
      errorPath: '',
      redactQuery: [],
      redactFields: [],
      queueBytesMax: 0,
    },
    admin: { listen: '' },
    errorPages: { find: () => null },
    maintenance: NONE,
    drainMs: 0,
    workers: 1,
    close() {
      plan.isClosed = true
    },
    ...changes,
  }
  return plan
}

export class World {
  readonly clock = new HandClock()
  readonly timers = new Timers(this.clock)
  readonly observer = new RecordingObserver()
  readonly plan: FakePlan
  readonly engine: Engine

  constructor(plan: FakePlan) {
    this.plan = plan
    this.engine = new Engine({ clock: this.clock, timers: this.timers, observer: this.observer, plan })
  }

  /** A client that asks; `fields` as [name, value, …]. */
  ask(method: string, target: string, fields: readonly string[] = [], remoteAddress?: string): FakeDown {
    const down = this.client(method, target, fields, remoteAddress)
    this.engine.serve(down.x)
    return down
  }

  /** A client whose request is read and not served yet. */
  client(method: string, target: string, fields: readonly string[] = [], remoteAddress?: string): FakeDown {
    const down = new FakeDown(this.engine, remoteAddress)
    fillRequest(down.x, method, target, fields)
    return down
  }
}

export function fillRequest(x: Exchange, method: string, target: string, fields: readonly string[]): void {
  const { request } = x
  request.method = method
  request.target = target
  request.queryStart = target.includes('?') ? target.indexOf('?') : target.length
  request.path = target.slice(0, request.queryStart)
  request.host = 'www.example.com'
  request.authority = 'www.example.com'
  for (let i = 0; i < fields.length; i += 2) request.fields.add(fields[i] as string, fields[i + 1] as string)
}

/** Gives the request of `x` a body that the test pushes. */
export function beginBody(x: Exchange, length: number, expectsContinue = false): RecordingStream {
  const stream = new RecordingStream()
  x.request.bodyLength = length
  x.request.expectsContinue = expectsContinue
  x.body.begin(stream, length, expectsContinue)
  return stream
}

export class RecordingStream implements BodyStream {
  resumes = 0
  continues = 0
  cancelled: Fault | null = null

  resume(): void {
    this.resumes++
  }

  cancel(fault: Fault): void {
    this.cancelled = fault
  }

  sendContinue(): void {
    this.continues++
  }
}
