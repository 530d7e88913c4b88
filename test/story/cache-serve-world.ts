/**
 * A Headgate whose one step answers from an entry that the test made: clients on a wire, the real HTTP/1 machine and
 * engine, a clock advanced by hand.
 */
import assert from 'node:assert/strict'
import { CacheStatus } from '../../src/cache/rules/cache-status.ts'
import { Entry, noTags } from '../../src/cache/store/entry.ts'
import { Growth, type GrowthOwner } from '../../src/cache/store/growth.ts'
import { MemoryBody } from '../../src/cache/store/memory-body.ts'
import { EntryServer } from '../../src/cache/serve/serve.ts'
import { DateText } from '../../src/core/clock.ts'
import { Timers } from '../../src/core/timers.ts'
import { Engine } from '../../src/engine/chain.ts'
import { serveH1 } from '../../src/h1/server.ts'
import type { ServerConnection } from '../../src/http/serving.ts'
import { DONE, type Exchange, type Flow, type Handler } from '../../src/http/exchange.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { StoredFields } from '../../src/http/stored-fields.ts'
import { planOf, RecordingObserver, routeOf } from '../unit/engine/fakes.ts'
import { ManualClock } from './manual-clock.ts'
import { Peer, Wire, type WireEnd } from './wire.ts'

export interface EntryMake {
  readonly status?: number
  readonly fields?: readonly string[]
  readonly body?: Buffer | string
  /** Nothing of the body is there yet; -1: its length is not known. */
  readonly growingTo?: number
  readonly etag?: string
  readonly lastModifiedMs?: number
}

/** Fresh for an hour, made when the world was. */
export function entryWith(make: EntryMake = {}): Entry {
  const bytes =
    typeof make.body === 'string' ? Buffer.from(make.body, 'latin1') : (make.body ?? Buffer.alloc(0))
  const body = new MemoryBody(make.growingTo ?? bytes.length)
  if (make.growingTo === undefined) {
    body.append(bytes, 0, bytes.length)
    body.finish()
  }
  const head = {
    status: make.status ?? 200,
    reason: '',
    fields: StoredFields.from(['Date', 'Fri, 02 Jan 2026 03:04:05 GMT', ...(make.fields ?? [])]),
  }
  const entry = new Entry({
    key: 'key',
    bornAt: 1,
    site: '*',
    host: 'www.example.com',
    head,
    statedLength: make.growingTo ?? bytes.length,
    vary: null,
    variant: '',
    tags: noTags,
    body,
  })
  entry.freshnessMs = entry.freshUntilMs = 3_600_000
  entry.dateMs = Date.UTC(2026, 0, 2, 3, 4, 5)
  entry.etag = make.etag ?? ''
  entry.lastModifiedMs = make.lastModifiedMs ?? -1
  return entry
}

export class ServeWorld implements GrowthOwner {
  readonly clock: ManualClock = new ManualClock()
  readonly timers: Timers = new Timers(this.clock)
  readonly wire: Wire = new Wire()
  readonly observer: RecordingObserver = new RecordingObserver()
  readonly engine: Engine
  readonly growth: Growth = new Growth(this)
  readonly connections: Set<ServerConnection> = new Set()
  deserted = 0
  entry: Entry
  readonly server: EntryServer
  /** How `entry` answers; the straight path unless a test says otherwise. */
  serve: (x: Exchange) => void = (x) => this.server.hit(x, this.entry, this.clock.nowMs())

  constructor(make: EntryMake = {}, before: readonly Handler[] = []) {
    const { clock, timers, observer, wire } = this
    clock.onRan = () => wire.run()
    this.entry = entryWith(make)
    this.server = new EntryServer(clock, new CacheStatus())
    const step: Handler = {
      name: 'cache',
      onRequest: (x): Flow => {
        this.serve(x)
        return DONE
      },
    }
    const plan = planOf([])
    plan.route = routeOf([...before, step])
    this.engine = new Engine({ clock, timers, observer, plan })
  }

  /** Answers from a growing body. */
  follow(): void {
    this.serve = (x) =>
      this.server.fetched(x, this.entry, this.growth, this.clock.nowMs(), 'headgate; fwd=miss')
  }

  onAdvance(): void {}

  onDeserted(): void {
    this.deserted++
  }

  /** The fill brings more. */
  grow(bytes: Buffer): void {
    this.entry.body.append(bytes, 0, bytes.length)
    this.growth.grown()
    this.wire.run()
  }

  finish(): void {
    this.entry.body.finish()
    this.growth.isWhole = true
    this.growth.grown()
    this.wire.run()
  }

  client(): { peer: Peer; near: WireEnd } {
    const [near, far] = this.wire.pair()
    const connection = serveH1(near, {
      serve: this.engine,
      timers: this.timers,
      limits: defaultLimits,
      dateText: new DateText(this.clock),
      onClosed: (closed) => void this.connections.delete(closed),
    })
    this.connections.add(connection)
    return { peer: new Peer(far), near }
  }

  /** One request on a connection of its own; what came back. */
  ask(fields = '', method = 'GET'): string {
    const { peer } = this.client()
    peer.say(`${method} /a HTTP/1.1\r\nHost: www.example.com\r\n${fields}\r\n`)
    const text = peer.take()
    peer.end.destroy()
    this.wire.run()
    return text
  }

  checkAtRest(): void {
    this.wire.run()
    this.clock.advance(120_000)
    this.wire.run()
    assert.equal(this.connections.size, 0, 'no connection is open')
    assert.equal(this.engine.running, 0, 'no exchange runs')
    assert.equal(this.growth.size, 0, 'nobody follows')
    assert.deepEqual(
      this.observer.notes.filter(({ level }) => level === 'error'),
      [],
    )
  }
}

/** Bytes that tell their own place, so that a mix or a shift is seen. */
export function patternOf(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = 0x21 + ((i * 7 + (i >>> 8) * 13) % 93)
  return bytes
}

export function field(answer: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(answer.slice(0, answer.indexOf('\r\n\r\n') + 2))?.[1]
}

export function statusOf(answer: string): number {
  return Number(answer.slice(9, 12))
}
