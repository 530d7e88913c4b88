/**
 * Everything around the engine, made up: a client's stream and an origin's that record what they are told, a clock
 * advanced by hand, a plan with one route.
 */
import type { Clock } from '../../../src/core/clock.ts'
import { NONE, type Fault, type FaultLevel } from '../../../src/core/faults.ts'
import { Timers } from '../../../src/core/timers.ts'
import { Engine } from '../../../src/engine/chain.ts'
import type { Observer } from '../../../src/engine/observer.ts'
import type { Plan } from '../../../src/engine/plan.ts'
import type { BodySink, BodyStream } from '../../../src/http/body.ts'
import {
  WAIT,
  type Downstream,
  type Exchange,
  type Handler,
  type RouteInfo,
  type Upstream,
  type UpstreamReceiver,
  type UpstreamServer,
} from '../../../src/http/exchange.ts'
import type { Fields } from '../../../src/http/fields.ts'
import { defaultLimits } from '../../../src/http/limits.ts'
import { BODY_NONE } from '../../../src/http/message.ts'
import type { Transport } from '../../../src/net/transport.ts'
import type { Origin, OriginOptions, OriginSnapshot, OriginWaiter } from '../../../src/origin/origin.ts'

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
  attempts: number
  upstreamAddress: string
  bytesSent: number
  durationMs: number
}

export class RecordingObserver implements Observer {
  readonly finished: Finished[] = []
  readonly refused: Fault[] = []
  readonly faults: Fault[] = []
  readonly notes: { level: FaultLevel; message: string }[] = []
  stale = 0

  onFinish(x: Exchange, nowMs: number): void {
    this.finished.push({
      status: x.response.status,
      fault: x.fault,
      requestId: x.requestId,
      clientAddress: x.clientAddress,
      attempts: x.attempts,
      upstreamAddress: x.upstreamAddress,
      bytesSent: x.bytesSent,
      durationMs: nowMs - x.startMs,
    })
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

/** A client's stream. It finishes the exchange when the answer has ended, as a protocol server does. */
export class FakeDown implements Downstream {
  remoteAddress = '192.0.2.7'
  remotePort = 40_000
  localPort = 80
  encrypted = false
  readonly engine: Engine
  x: Exchange
  readonly informational: { status: number; fields: string[] }[] = []
  status = 0
  fields: string[] = []
  readonly pieces: Buffer[] = []
  trailers: string[] | null = null
  isWhole = false
  aborted: Fault = NONE
  mayReuse = true
  isFull = false
  finishes = true
  transport: Transport | null = null
  isKeptPushed = false

  constructor(engine: Engine, remoteAddress = '192.0.2.7') {
    this.engine = engine
    this.remoteAddress = remoteAddress
    this.x = engine.begin(this)
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('latin1')
  }

  field(name: string): string | undefined {
    const i = this.fields.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name)
    return i < 0 ? undefined : this.fields[i + 1]
  }

  #record(x: Exchange): void {
    if (this.status !== 0) throw new Error('a second head was sent')
    this.status = x.response.status
    this.fields = x.response.fields.toArray()
  }

  #end(): void {
    this.isWhole = true
    this.finish()
  }

  finish(): void {
    if (this.finishes) this.engine.finish(this.x)
  }

  sendInformational(x: Exchange): void {
    this.informational.push({
      status: x.informational.status,
      fields: x.informational.fields.toArray(),
    })
  }

  sendHead(x: Exchange): void {
    this.#record(x)
    if (x.response.bodyLength === BODY_NONE) this.#end()
  }

  sendWhole(x: Exchange, body: Buffer | null): void {
    this.#record(x)
    if (body !== null && x.request.method !== 'HEAD') this.pieces.push(Buffer.from(body))
    this.#end()
  }

  upgrade(x: Exchange): Transport | null {
    if (this.transport !== null) this.#record(x)
    return this.transport
  }

  pushKept(): void {
    this.isKeptPushed = true
  }

  refuseReuse(): void {
    this.mayReuse = false
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    if (this.status === 0) throw new Error('body before head')
    this.pieces.push(Buffer.from(buffer.subarray(start, end)))
    return !this.isFull
  }

  end(trailers: Fields | null): void {
    if (this.transport !== null) return
    this.trailers = trailers === null ? null : trailers.toArray()
    this.#end()
  }

  abort(fault: Fault): void {
    this.aborted = fault
    this.finish()
  }
}

export class FakeUpstream implements Upstream, BodySink {
  readonly server: UpstreamServer
  address = '10.0.0.1:3000'
  isReused = false
  connectMs = 0
  hasAnswered = false
  receiver: UpstreamReceiver | null = null
  x: Exchange | null = null
  sent: { method: string; target: string; host: string; upgrade: string; fields: string[] } | null = null
  readonly body: Buffer[] = []
  isBodyEnded = false
  cancelled: Fault | null = null
  resumes = 0
  transport: Transport | null = null
  isKeptPushed = false
  readonly forwardsExpect = true

  constructor(server: UpstreamServer) {
    this.server = server
  }

  send(x: Exchange, receiver: UpstreamReceiver): void {
    this.x = x
    this.receiver = receiver
    const { method, target, host, upgrade } = x.outgoing
    this.sent = { method, target, host, upgrade, fields: x.request.fields.toArray() }
    if (x.body.length !== BODY_NONE) x.body.attach(this)
  }

  field(name: string): string | undefined {
    const fields = this.sent?.fields ?? []
    const i = fields.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name)
    return i < 0 ? undefined : fields[i + 1]
  }

  // As a sink of the request's body

  write(buffer: Buffer, start: number, end: number): boolean {
    this.body.push(Buffer.from(buffer.subarray(start, end)))
    return true
  }

  end(): void {
    this.isBodyEnded = true
  }

  abort(fault: Fault): void {
    this.fail(fault)
  }

  // What the origin does

  head(status: number, fields: Record<string, string | string[]>, bodyLength: number): void {
    const x = this.x as Exchange
    this.hasAnswered = true
    x.response.status = status
    x.response.bodyLength = x.response.statedLength = bodyLength
    for (const [name, value] of Object.entries(fields))
      for (const one of [value].flat()) x.response.fields.add(name, one)
    this.receiver?.onHead(x, this)
  }

  piece(text: string): boolean {
    const bytes = Buffer.from(text)
    return this.receiver?.onBody(this.x as Exchange, this, bytes, 0, bytes.length) ?? true
  }

  done(trailers: Fields | null = null): void {
    this.receiver?.onEnd(this.x as Exchange, this, trailers)
  }

  answer(status: number, fields: Record<string, string | string[]>, body: string): void {
    this.head(status, fields, body.length)
    if (body !== '') this.piece(body)
    this.done()
  }

  fail(fault: Fault): void {
    this.x?.body.detach(this)
    this.receiver?.onFault(this.x as Exchange, this, fault)
  }

  resume(): void {
    this.resumes++
  }

  takeTransport(): Transport | null {
    return this.transport
  }

  pushKept(): void {
    this.isKeptPushed = true
  }

  cancel(fault: Fault): void {
    this.cancelled ??= fault
  }
}

/** Hands out what the test puts in `next`: an upstream, WAIT or a negative fault. */
export class FakeOrigin implements Origin {
  readonly name = 'app'
  readonly options: OriginOptions
  readonly next: (FakeUpstream | number)[] = []
  readonly opened: FakeUpstream[] = []
  readonly waits: { x: Exchange; turn: number; waiter: OriginWaiter }[] = []
  successes = 0
  readonly attemptFaults: Fault[] = []
  cancelledWaits = 0

  constructor(...urls: string[]) {
    this.options = { name: 'app', servers: urls.map((url) => ({ url })) }
  }

  upstream(index = 0): FakeUpstream {
    return new FakeUpstream({ name: this.options.servers[index]?.url ?? '' })
  }

  open(x: Exchange, waiter: OriginWaiter): Upstream | number {
    const next = this.next.shift() ?? this.upstream()
    if (next === WAIT) {
      x.attempts++
      this.waits.push({ x, turn: x.beginWait(), waiter })
      return next
    }
    if (typeof next === 'number') return next
    x.attempts++
    x.tried.push(next.server)
    this.opened.push(next)
    return next
  }

  cancelWait(): void {
    this.cancelledWaits++
  }

  onAttemptSuccess(): void {
    this.successes++
  }

  onAttemptFault(_x: Exchange, _upstream: Upstream, fault: Fault): void {
    this.attemptFaults.push(fault)
  }

  peek(): UpstreamServer | null {
    return { name: this.options.servers[0]?.url ?? '' }
  }

  authorityOf(server: UpstreamServer): string {
    return server.name.replace('http://', '')
  }

  snapshot(): OriginSnapshot {
    return { name: this.name, policy: '', waiting: 0, servers: [] }
  }

  close(): void {}
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
    forwarding: {
      isTrusted: (address) => trusted.includes(address),
      sendForwarded: false,
      sendXForwarded: true,
      requestIdField: 'X-Request-Id',
      viaName: 'edge',
      sendVia: true,
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
