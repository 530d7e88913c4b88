/**
 * An origin of HTTP/2 in a test, and a session with it: says frames, lawful or not, and keeps what it hears.
 */
import { Timers } from '../../src/core/timers.ts'
import { H2Dial, type H2ClientSession } from '../../src/h2/client.ts'
import { clientPreface, FrameType } from '../../src/h2/frames.ts'
import { settingsPayload } from '../../src/h2/settings.ts'
import type { DialTarget } from '../../src/http/dial.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import { exchangeLimits, makeRequest, NotingOwner, NotingReceiver } from './h1-origin-world.ts'
import { H2Client } from './h2-client.ts'
import { ManualClock } from './manual-clock.ts'
import { Wire, type WireEnd } from './wire.ts'

export class H2Origin extends H2Client {
  #prefaceLeft = clientPreface.length
  override isPolite = false
  #hasBegun = false

  override begin(settings: readonly number[] = []): void {
    this.frame(FrameType.SETTINGS, 0, 0, settingsPayload(settings))
    if (!this.#hasBegun) this.frame(FrameType.SETTINGS, 1, 0)
    this.#hasBegun = this.isPolite = true
  }

  override onBytes(buffer: Buffer, start: number, end: number): void {
    const skipped = Math.min(this.#prefaceLeft, end - start)
    this.#prefaceLeft -= skipped
    super.onBytes(buffer, start + skipped, end)
  }

  /** An answer's head; `ends` with it. */
  head(id: number, status: number, fields: readonly string[] = [], ends = false): void {
    this.headers(id, [':status', String(status), ...fields], ends ? 5 : 4)
  }

  trailers(id: number, fields: readonly string[]): void {
    this.headers(id, fields, 5)
  }

  goaway(lastId: number, code = 0): void {
    const payload = Buffer.alloc(8)
    payload.writeUInt32BE(lastId)
    payload.writeUInt32BE(code, 4)
    this.frame(FrameType.GOAWAY, 0, 0, payload)
  }
}

export interface Asked {
  readonly x: Exchange
  readonly receiver: NotingReceiver
}

export class H2OriginStory {
  readonly clock = new ManualClock()
  readonly timers = new Timers(this.clock)
  readonly wire = new Wire()
  readonly owner = new NotingOwner()
  readonly session: H2ClientSession
  readonly near: WireEnd
  origin!: H2Origin

  /** `settings`: what the origin begins with; null: nothing yet. */
  constructor(settings: readonly number[] | null = [], limits: Partial<ConnectionLimits> = {}) {
    const { clock, timers, wire, owner } = this
    clock.onRan = () => wire.run()
    const target: DialTarget = {
      server: { name: 'h2c://192.0.2.1:80' },
      address: { host: '192.0.2.1', port: 80, path: '' },
      protocol: 'h2',
      addressText: '192.0.2.1:80',
      connectMs: exchangeLimits.connectMs,
    }
    wire.accept = (far) => {
      this.origin = new H2Origin(far)
      if (settings !== null) this.origin.begin(settings)
    }
    const dial = new H2Dial({ connector: wire, timers, limits: { ...defaultLimits, ...limits } })
    this.session = dial.dial(target, owner)
    this.near = wire.ends[0] as WireEnd
    wire.run()
    this.origin?.take()
  }

  ask(method = 'GET', prepare: (x: Exchange) => unknown = () => {}): Asked {
    const x = makeRequest(method)
    const receiver = new NotingReceiver()
    prepare(x)
    this.session.lease(x).send(x, receiver)
    this.wire.run()
    return { x, receiver }
  }

  /** Has everything delivered, `ms` later. */
  pass(ms = 0): void {
    this.wire.run()
    this.clock.advance(ms)
    this.wire.run()
  }
}
