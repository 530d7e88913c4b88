/**
 * The parts that stories about HTTP/1 connections begin with.
 */
import assert from 'node:assert/strict'
import { DateText } from '../../src/core/clock.ts'
import type { Fault } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { serveH1, type H1ServerConnection } from '../../src/h1/server.ts'
import type { ServingContext } from '../../src/http/serving.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import { ManualClock } from './manual-clock.ts'
import { ScriptedServe } from './scripted-serve.ts'
import { Peer, Wire, type WireEnd } from './wire.ts'

export interface ServerStory {
  readonly clock: ManualClock
  readonly timers: Timers
  readonly wire: Wire
  readonly serve: ScriptedServe
  readonly client: Peer
  /** The server's end. */
  readonly near: WireEnd
  readonly connection: H1ServerConnection
  closedCount: number
  /** Of the connection. */
  readonly faults: Fault[]
  /** Lets time pass, and everything be delivered. */
  readonly pass: (ms: number) => void
  /** Everything is over: nothing is left anywhere. */
  readonly checkAtRest: () => void
}

export function serverStory(
  limits: Partial<ConnectionLimits> = {},
  onHttp2?: ServingContext['onHttp2'],
): ServerStory {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const wire = new Wire()
  clock.onRan = () => wire.run()
  const serve = new ScriptedServe()
  const [near, far] = wire.pair()
  const context: ServingContext = {
    serve,
    timers,
    limits: { ...defaultLimits, ...limits },
    dateText: new DateText(clock),
    onClosed: () => void story.closedCount++,
    onFault: (fault) => void story.faults.push(fault),
    ...(onHttp2 === undefined ? {} : { onHttp2 }),
  }
  const story: ServerStory = {
    clock,
    timers,
    wire,
    serve,
    client: new Peer(far),
    near,
    connection: serveH1(near, context),
    closedCount: 0,
    faults: [],
    pass(ms) {
      wire.run()
      clock.advance(ms)
      wire.run()
    },
    checkAtRest() {
      assert.equal(serve.open.size, 0, 'no exchange is open')
      assert.equal(story.closedCount, 1, 'the connection was closed, once')
      assert.equal(timers.hanging, 0, 'no deadline hangs')
    },
  }
  return story
}

/** 'HTTP/1.1 200 OK …' without Date, which is always the same here. */
export function withoutDate(text: string): string {
  return text.replaceAll(/Date: [^\r]*\r\n/g, '')
}

export function get(target: string, fields = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`
}
