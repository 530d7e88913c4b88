/**
 * The parts that stories about connections to an origin begin with: a dial, an owner as a pool is, a receiver as the
 * proxy step is, and the body of a client's request.
 */
import assert from 'node:assert/strict'
import { faultRow, type Fault } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { H1Dial, type H1ClientConnection } from '../../src/h1/client.ts'
import type { BodyStream } from '../../src/http/body.ts'
import type { ConnectionOwner, DialTarget, OriginConnection } from '../../src/http/dial.ts'
import { Exchange, type Upstream, type UpstreamReceiver } from '../../src/http/exchange.ts'
import type { Fields } from '../../src/http/fields.ts'
import { defaultLimits, type ConnectionLimits, type ExchangeLimits } from '../../src/http/limits.ts'
import { BODY_NONE, type ResponseHead } from '../../src/http/message.ts'
import { ManualClock } from './manual-clock.ts'
import { Peer, Wire, type WireEnd } from './wire.ts'

export const exchangeLimits: ExchangeLimits = {
  connectMs: 3_000,
  firstByteMs: 30_000,
  betweenBytesMs: 20_000,
  originWriteMs: 10_000,
  tunnelIdleMs: 60_000,
  requestBodyBytesMax: Infinity,
}

/** As a pool: notes what it is told. */
export class NotingOwner implements ConnectionOwner {
  readonly log: string[] = []
  onRelease: (connection: OriginConnection) => void = () => {}

  onConnected(): void {
    this.log.push('connected')
  }

  onReleased(connection: OriginConnection): void {
    this.log.push(`released ${connection.freeStreams}`)
    this.onRelease(connection)
  }

  onFreeStreams(connection: OriginConnection): void {
    this.log.push(`free ${connection.freeStreams}`)
  }

  onClosed(_connection: OriginConnection, fault: Fault): void {
    this.log.push(`closed ${faultRow(fault).name}`)
  }
}

/** As the proxy step: notes what comes. */
export class NotingReceiver implements UpstreamReceiver {
  /** '103', 'head 200', 'end', 'end X-Sum: 9', 'fault dns_error'. */
  readonly log: string[] = []
  text = ''
  /** What `onBody` answers. */
  flows = true
  onHeadDo: (x: Exchange, upstream: Upstream) => void = () => {}
  onBodyDo: (x: Exchange, upstream: Upstream) => void = () => {}

  onInformational(_x: Exchange, _upstream: Upstream, head: ResponseHead): void {
    this.log.push([head.status, ...head.fields.toArray()].join(' '))
  }

  onHead(x: Exchange, upstream: Upstream): void {
    this.log.push(`head ${x.response.status}`)
    this.onHeadDo(x, upstream)
  }

  onBody(x: Exchange, upstream: Upstream, buffer: Buffer, start: number, end: number): boolean {
    this.text += buffer.toString('latin1', start, end)
    this.onBodyDo(x, upstream)
    return this.flows
  }

  onEnd(_x: Exchange, _upstream: Upstream, trailers: Fields | null): void {
    this.log.push(trailers === null ? 'end' : `end ${trailers.toArray().join(': ')}`)
  }

  onFault(_x: Exchange, _upstream: Upstream, fault: Fault): void {
    this.log.push(`fault ${faultRow(fault).name}`)
  }
}

/** Where a request's body comes from: notes what its sink wants. */
export class NotingStream implements BodyStream {
  readonly log: string[] = []

  resume(): void {
    this.log.push('resume')
  }

  cancel(): void {
    this.log.push('cancel')
  }

  sendContinue(): void {
    this.log.push('continue')
  }
}

export interface OriginStory {
  readonly clock: ManualClock
  readonly timers: Timers
  readonly wire: Wire
  readonly owner: NotingOwner
  readonly connection: H1ClientConnection
  /** The origin's side; there once it has accepted. */
  origin: Peer
  /** Our end. */
  readonly near: WireEnd
  readonly pass: (ms: number) => void
  /** Leases the connection and sends a request on it. */
  readonly ask: (
    method?: string,
    prepare?: (x: Exchange) => unknown,
  ) => { x: Exchange; receiver: NotingReceiver }
}

export function makeRequest(method = 'GET'): Exchange {
  const x = new Exchange()
  x.request.method = x.outgoing.method = method
  x.outgoing.target = '/'
  x.outgoing.host = 'origin.example'
  x.route = { name: 'test', site: 'test', handlers: [], limits: exchangeLimits }
  return x
}

/** Gives a request a body that comes from `stream`. */
export function giveBody(x: Exchange, length: number, expects = false): NotingStream {
  const stream = new NotingStream()
  x.request.bodyLength = length
  if (length !== BODY_NONE) x.body.begin(stream, length, expects)
  return stream
}

export function push(x: Exchange, text: string): boolean {
  const bytes = Buffer.from(text, 'latin1')
  return x.body.push(bytes, 0, bytes.length)
}

export function originStory(limits: Partial<ConnectionLimits> = {}, isAccepted = true): OriginStory {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const wire = new Wire()
  clock.onRan = () => wire.run()
  const owner = new NotingOwner()
  const target: DialTarget = {
    server: { name: 'http://192.0.2.1:80' },
    address: { host: '192.0.2.1', port: 80, path: '' },
    protocol: 'http/1.1',
    addressText: '192.0.2.1:80',
    connectMs: exchangeLimits.connectMs,
  }
  const dial = new H1Dial({ connector: wire, timers, limits: { ...defaultLimits, ...limits } })
  let origin: Peer | null = null
  wire.accept = (far) => void (origin = new Peer(far))
  const connection = dial.dial(target, owner)
  const near = wire.ends[0] as WireEnd
  if (isAccepted) {
    wire.run()
    assert.ok(origin !== null)
  }
  const story: OriginStory = {
    clock,
    timers,
    wire,
    owner,
    connection,
    origin: origin ?? new Peer(near.peer),
    near,
    pass(ms) {
      wire.run()
      clock.advance(ms)
      wire.run()
    },
    ask(method = 'GET', prepare = () => {}) {
      const x = makeRequest(method)
      const receiver = new NotingReceiver()
      prepare(x)
      connection.lease(x).send(x, receiver)
      wire.run()
      return { x, receiver }
    },
  }
  return story
}
