/**
 * A client's stream, an origin and its streams, made up: they record what they are told, and say what a test has them say.
 */
import { NONE, type Fault } from '../../../src/core/faults.ts'
import type { Engine } from '../../../src/engine/chain.ts'
import type { BodySink } from '../../../src/http/body.ts'
import {
  WAIT,
  type Downstream,
  type Exchange,
  type Upstream,
  type UpstreamReceiver,
  type UpstreamServer,
} from '../../../src/http/exchange.ts'
import type { Fields } from '../../../src/http/fields.ts'
import { BODY_NONE } from '../../../src/http/message.ts'
import type { Transport } from '../../../src/net/transport.ts'
import type { Origin, OriginOptions, OriginSnapshot, OriginWaiter } from '../../../src/origin/origin.ts'

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
  mayRefuseUnseen = false
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
