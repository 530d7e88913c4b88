/**
 * The parts that stories about a client's HTTP/2 connection begin with.
 */
import assert from 'node:assert/strict'
import { DateText } from '../../src/core/clock.ts'
import type { Fault } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { serveH2, type H2ServerSession } from '../../src/h2/server.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import type { ServingContext } from '../../src/http/serving.ts'
import { H2Client } from './h2-client.ts'
import { keptMemory } from '../../src/net/kept-memory.ts'
import { ManualClock } from './manual-clock.ts'
import { ScriptedServe } from './scripted-serve.ts'
import { Wire, type WireEnd } from './wire.ts'

export interface SessionStory {
  readonly clock: ManualClock
  readonly timers: Timers
  readonly wire: Wire
  readonly serve: ScriptedServe
  readonly client: H2Client
  /** The server's end. */
  readonly near: WireEnd
  readonly session: H2ServerSession
  closedCount: number
  /** Faults of the connection are told here. */
  onFault: (fault: Fault) => void
  /** Lets time pass, and everything be delivered. */
  readonly pass: (ms: number) => void
  /** Everything is over: nothing is left anywhere. */
  readonly checkAtRest: () => void
}

/** A session whose client has begun, with SETTINGS of [id, value, …]. */
export function sessionStory(
  limits: Partial<ConnectionLimits> = {},
  settings: readonly number[] = [],
): SessionStory {
  const story = silentStory(limits)
  story.client.begin(settings)
  story.wire.run()
  story.client.take()
  return story
}

/** A session whose client has said nothing yet. */
export function silentStory(limits: Partial<ConnectionLimits> = {}): SessionStory {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const wire = new Wire()
  clock.onRan = () => wire.run()
  const serve = new ScriptedServe()
  const [near, far] = wire.pair()
  const keptBefore = keptMemory.bytes
  const context: ServingContext = {
    serve,
    timers,
    limits: { ...defaultLimits, ...limits },
    dateText: new DateText(clock),
    onClosed: () => void story.closedCount++,
    onFault: (fault) => story.onFault(fault),
  }
  const story: SessionStory = {
    clock,
    timers,
    wire,
    serve,
    client: new H2Client(far),
    near,
    session: serveH2(near, context),
    closedCount: 0,
    onFault() {},
    pass(ms) {
      wire.run()
      clock.advance(ms)
      wire.run()
    },
    checkAtRest() {
      assert.equal(serve.open.size, 0, 'no exchange is open')
      assert.equal(story.closedCount, 1, 'the connection was closed, once')
      assert.equal(timers.hanging, 0, 'no deadline hangs')
      assert.equal(keptMemory.bytes, keptBefore, 'nothing is kept')
    },
  }
  return story
}

/** The session ended with GOAWAY of this code, everything is gone after a while. */
export function checkEnded(story: SessionStory, code: number): void {
  story.wire.run()
  const last = story.client.take().findLast((line) => line.startsWith('0 GOAWAY'))
  assert.equal(last?.split(' ')[3], String(code), 'GOAWAY tells why')
  story.pass(60_000)
  story.checkAtRest()
}
