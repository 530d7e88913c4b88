/** What the origin room's tests stand on: a clock moved by hand, a Dial whose connections do what they are told. */
import type { Clock, ClockTimer } from '../../../src/core/clock.ts'
import { NONE, type Fault, type FaultLevel } from '../../../src/core/faults.ts'
import { Timers } from '../../../src/core/timers.ts'
import type { ConnectionOwner, Dial, DialTarget, OriginConnection } from '../../../src/http/dial.ts'
import { Exchange, nobody, type Upstream } from '../../../src/http/exchange.ts'
import { noWalk } from '../../../src/http/no-walk.ts'
import type { OriginOptions } from '../../../src/origin/options.ts'
import type { Origin, OriginWaiter, ServerSnapshot } from '../../../src/origin/origin.ts'
import type { Resolved, Resolver } from '../../../src/origin/resolver.ts'
import { createOrigin } from '../../../src/origin/server-group.ts'

export class ManualClock implements Clock {
  #nowMs = 1000
  #order = 0
  readonly #pending: { atMs: number; order: number; callback: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, callback: () => void): ClockTimer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.push(entry)
    return {
      cancel: () => {
        const i = this.#pending.indexOf(entry)
        if (i >= 0) this.#pending.splice(i, 1)
      },
    }
  }

  get pending(): number {
    return this.#pending.length
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      this.#pending.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
      const next = this.#pending[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#pending.shift()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = untilMs
  }

  /** The event loop stood still: time passes, and nothing that was due has run yet. */
  freeze(ms: number): void {
    this.#nowMs += ms
  }
}

/** An HTTP/1.1 connection (one stream at a time), or one with `streams` of them. It is its own leases, as H1's is. */
export class FakeConnection implements OriginConnection, Upstream {
  readonly target: DialTarget
  readonly owner: ConnectionOwner
  readonly dial: FakeDial
  streams: number
  servedCount = 0
  keepAliveMs = -1
  connectMs = 0
  hasAnswered = false
  isReused = false
  leases = 0
  exchange: Exchange | null = null
  state: 'connecting' | 'open' | 'closed' = 'connecting'
  isDestroyed = false

  constructor(target: DialTarget, owner: ConnectionOwner, dial: FakeDial) {
    this.target = target
    this.owner = owner
    this.dial = dial
    this.streams = dial.streams
  }

  get freeStreams(): number {
    return this.state === 'open' ? this.streams - this.leases : 0
  }

  get server(): DialTarget['server'] {
    return this.target.server
  }

  get address(): string {
    return this.target.addressText
  }

  lease(x: Exchange): Upstream {
    if (this.freeStreams <= 0) throw new Error('leased without a free stream')
    this.leases++
    this.isReused = this.servedCount > 0
    this.servedCount++
    this.exchange = x
    return this
  }

  /** As a Dial promises: what happens next is told in a later turn. */
  destroy(): void {
    this.isDestroyed = true
    if (this.state !== 'closed') this.dial.later(() => this.close(NONE))
  }

  // What a test does to it

  connect(): void {
    if (this.state !== 'connecting') throw new Error(`connect while ${this.state}`)
    this.state = 'open'
    this.owner.onConnected(this)
  }

  /** The exchange is over and the connection can serve another. */
  release(): void {
    if (this.leases === 0) throw new Error('released without a lease')
    this.leases--
    this.exchange = null
    this.owner.onReleased(this)
  }

  /** It cannot be made (then `fault` says why), or it dies. */
  close(fault: Fault): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.leases = 0
    this.exchange = null
    this.dial.open.delete(this)
    this.owner.onClosed(this, fault)
  }

  send(): void {}
  takeTransport(): null {
    return null
  }
  pushKept(): void {}
  resume(): void {}

  /** As H1's: a lease given up closes its connection, at once. */
  cancel(): void {
    this.close(NONE)
  }
}

export class FakeDial implements Dial {
  /** In the order begun. */
  readonly all: FakeConnection[] = []
  readonly open = new Set<FakeConnection>()
  readonly #later: (() => void)[] = []
  streams = 1

  dial(target: DialTarget, owner: ConnectionOwner): OriginConnection {
    const connection = new FakeConnection(target, owner, this)
    this.all.push(connection)
    this.open.add(connection)
    return connection
  }

  get last(): FakeConnection {
    const connection = this.all.at(-1)
    if (connection === undefined) throw new Error('nothing was dialled')
    return connection
  }

  get connecting(): FakeConnection[] {
    return [...this.open].filter((connection) => connection.state === 'connecting')
  }

  later(callback: () => void): void {
    this.#later.push(callback)
  }

  /** A turn of the event loop. */
  turn(): void {
    for (const callback of this.#later.splice(0)) callback()
  }
}

/** Answers what `answers` says, when the test lets microtasks run. */
export class FakeResolver implements Resolver {
  readonly answers = new Map<string, Resolved | Error>()
  readonly asked: string[] = []

  async resolve(name: string): Promise<Resolved> {
    this.asked.push(name)
    const answer = this.answers.get(name) ?? new Error('not found')
    if (answer instanceof Error) throw answer
    return answer
  }
}

/** Lets promises settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Remembers what the origin said. */
export class Waiters implements OriginWaiter {
  readonly opened: { x: Exchange; turn: number; upstream: FakeConnection }[] = []
  readonly failed: { x: Exchange; turn: number; fault: Fault }[] = []

  onOpened(x: Exchange, turn: number, upstream: Upstream): void {
    this.opened.push({ x, turn, upstream: upstream as FakeConnection })
  }

  onOpenFailed(x: Exchange, turn: number, fault: Fault): void {
    this.failed.push({ x, turn, fault })
  }
}

export interface Stage {
  readonly clock: ManualClock
  readonly timers: Timers
  readonly dial: FakeDial
  readonly resolver: FakeResolver
  readonly waiters: Waiters
  readonly events: { level: FaultLevel; message: string }[]
  readonly origin: Origin
  exchange(): Exchange
  /** Opens for a new exchange. */
  open(): { x: Exchange; result: Upstream | number }
  server(i?: number): ServerSnapshot
}

/** An origin on a stage; `servers` are URLs, or URLs with weights. */
export function stage(
  servers: readonly (string | { url: string; weight: number })[] = ['http://10.0.0.1:80'],
  options: Partial<OriginOptions> = {},
  resolver: FakeResolver = new FakeResolver(),
): Stage {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const dial = new FakeDial()
  const waiters = new Waiters()
  const events: Stage['events'] = []
  const list = servers.map((server) => (typeof server === 'string' ? { url: server } : server))
  const origin = createOrigin(
    { name: 'app', servers: list, ...options },
    {
      dial,
      timers,
      clock,
      resolver,
      random: () => 0,
      onEvent: (level, message) => events.push({ level, message }),
    },
  )
  const exchange = (): Exchange => {
    const x = new Exchange()
    x.begin(nobody, noWalk, clock.nowMs())
    return x
  }
  return {
    clock,
    timers,
    dial,
    resolver,
    waiters,
    events,
    origin,
    exchange,
    open() {
      const x = exchange()
      return { x, result: origin.open(x, waiters) }
    },
    server: (i = 0) => origin.snapshot().servers[i] as ServerSnapshot,
  }
}
