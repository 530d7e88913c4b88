/**
 * HTTP/3 in memory: a provider of QUIC that is told what its clients do, over the engine and proxy of `ProxyWorld`. It is as
 * harsh as its promises allow: it takes no more than `takesBytes` at a time, and forgets nothing.
 */
import assert from 'node:assert/strict'
import { DateText } from '../../src/core/clock.ts'
import { faultRow } from '../../src/core/faults.ts'
import type { QuicEndpoint, QuicEvents, QuicField, QuicOptions, QuicProvider } from '../../src/h3/provider.ts'
import { H3Server, type H3ServerOptions } from '../../src/h3/server.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import { ProxyWorld, type ProxySetting } from './proxy-world.ts'

/** What a client's stream has heard. */
export interface Heard {
  fields: Record<string, string>
  trailers: Record<string, string>
  body: string
  hasEnded: boolean
  /** The code of a reset; -1: none. */
  reset: number
}

export class FakeQuic implements QuicProvider, QuicEndpoint {
  readonly name = 'fake'
  readonly host = '127.0.0.1'
  readonly port = 443
  events!: QuicEvents
  readonly streams = new Map<string, Heard>()
  /** Sessions closed by the server, with their codes. */
  readonly closed = new Map<number, number>()
  /** How many bytes it takes from now on; a call that finds no room is not taken. */
  takesBytes = Infinity

  open(_options: QuicOptions, events: QuicEvents): QuicEndpoint {
    this.events = events
    return this
  }

  heard(session: number, stream: number): Heard {
    const key = `${session}:${stream}`
    const known = this.streams.get(key)
    if (known !== undefined) return known
    const made: Heard = { fields: {}, trailers: {}, body: '', hasEnded: false, reset: -1 }
    this.streams.set(key, made)
    return made
  }

  #writable(session: number, stream: number): Heard {
    const heard = this.heard(session, stream)
    assert.ok(!heard.hasEnded, 'nothing is sent behind the end')
    return heard
  }

  sendHeaders(session: number, stream: number, fields: readonly QuicField[], ends: boolean): boolean {
    if (this.takesBytes <= 0) return false
    const heard = this.#writable(session, stream)
    assert.deepEqual(heard.fields, {}, 'one head')
    heard.fields = Object.fromEntries(fields.map(({ name, value }) => [name, value]))
    heard.hasEnded = ends
    return true
  }

  send(session: number, stream: number, buffer: Buffer, start: number, end: number, ends: boolean): number {
    const heard = this.#writable(session, stream)
    const taken = Math.min(end - start, this.takesBytes)
    if (start === end && this.takesBytes <= 0) return -1
    this.takesBytes -= taken
    heard.body += buffer.toString('latin1', start, start + taken)
    if (ends && taken === end - start) heard.hasEnded = true
    return taken
  }

  sendTrailers(session: number, stream: number, fields: readonly QuicField[]): boolean {
    const heard = this.#writable(session, stream)
    heard.trailers = Object.fromEntries(fields.map(({ name, value }) => [name, value]))
    heard.hasEnded = true
    return true
  }

  reset(session: number, stream: number, code: number): void {
    this.heard(session, stream).reset = code
  }

  closeSession(session: number, code: number): void {
    this.closed.set(session, code)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export class H3World extends ProxyWorld {
  readonly quic: FakeQuic = new FakeQuic()
  readonly h3: H3Server
  readonly limits: ConnectionLimits
  /** Faults of connections. */
  readonly faults: string[] = []
  isFull = false
  #next = 0

  constructor(setting: ProxySetting = {}, more: Partial<H3ServerOptions> = {}) {
    super(setting)
    this.limits = { ...defaultLimits, ...setting.clientLimits }
    const { connections } = this
    const options = {
      host: '',
      port: 443,
      certificate: '',
      key: '',
      idleMs: 60_000,
      streamsMax: 100,
      sessionsMax: 10,
    }
    this.h3 = new H3Server(
      this.quic,
      { ...options, ...more },
      {
        serve: this.engine,
        timers: this.timers,
        limits: this.limits,
        dateText: new DateText(this.clock),
        onOpened: (session) => void connections.add(session),
        onClosed: (session) => void connections.delete(session),
        onFault: (fault) => void this.faults.push(faultRow(fault).name),
        takes: () => !this.isFull,
        guard: null,
        note() {},
      },
    )
  }

  session(): number {
    const id = this.#next++
    this.quic.events.onSession(id, '192.0.2.9', 5)
    return id
  }

  /** A request: method, path and further fields. */
  ask(session: number, stream: number, list: readonly string[] = [], ends = true): Heard {
    const all = [':method', 'GET', ':scheme', 'https', ':authority', 'www.example.com', ':path', '/', ...list]
    // What is given replaces what is usual.
    const fields: QuicField[] = []
    for (let i = 0; i < all.length; i += 2) {
      const name = all[i] as string
      const usual = name.startsWith(':') ? fields.findIndex((field) => field.name === name) : -1
      const field = { name, value: all[i + 1] as string }
      if (usual >= 0) fields[usual] = field
      else fields.push(field)
    }
    this.raw(session, stream, fields, ends)
    return this.quic.heard(session, stream)
  }

  raw(session: number, stream: number, fields: readonly QuicField[], ends: boolean): void {
    this.quic.events.onHeaders(session, stream, fields, ends)
    this.wire.run()
  }

  say(session: number, stream: number, text: string): void {
    this.quic.events.onData(session, stream, Buffer.from(text, 'latin1'))
    this.wire.run()
  }

  finish(session: number, stream: number): void {
    this.quic.events.onEnd(session, stream)
    this.wire.run()
  }

  leave(session: number): void {
    this.quic.events.onSessionClosed(session)
    this.wire.run()
  }
}
