/** Servers that accept connections and do not answer, and knocking on those that accept none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { WAIT, type Exchange } from '../../../src/http/exchange.ts'
import { stage, type FakeConnection, type Stage } from './fakes.ts'

const two = ['http://10.0.0.1', 'http://10.0.0.2']

/** A request that is sent to server 1. */
function sendToFirst(s: Stage): { x: Exchange; connection: FakeConnection } {
  for (let i = 0; i < 10; i++) {
    const { x, result } = s.open()
    if (result === WAIT && s.dial.last.state === 'connecting') s.dial.last.connect()
    const connection = result === WAIT ? s.dial.last : (result as FakeConnection)
    if (connection.target.server.name === two[0]) return { x, connection }
    connection.release()
  }
  throw new Error('no request went to server 1')
}

/** Server 1 has fallen silent: x was sent, and no answer came in time. */
function fallSilent(s: Stage): void {
  const { x, connection } = sendToFirst(s)
  s.clock.advance(1000)
  s.origin.onAttemptFault(x, connection, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  connection.close(Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
}

test('a server that does not answer in time is passed over', () => {
  const s = stage(two)
  fallSilent(s)
  assert.equal(s.server(0).isAvailable, false)
  assert.equal(s.server(0).addresses[0]?.fault, 'http_response_timeout')
})

test('a connection to a silent server ends nothing: the kernel of a stopped process accepts it', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  const { x, connection } = sendToFirst(s)
  assert.equal(s.server(0).isAvailable, false)
  for (let i = 0; i < 5; i++) assert.equal(s.open().x.tried[0]?.name, two[1])
  s.clock.advance(1000)
  s.origin.onAttemptFault(x, connection, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server(0).addresses[0]?.faults, 2)
  assert.equal(s.server(0).addresses[0]?.passedOverMs, 500)
})

test('an answer ends it at once', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  const { connection } = sendToFirst(s)
  s.origin.onAttemptSuccess(connection)
  assert.equal(s.server(0).isAvailable, true)
  assert.equal(s.server(0).addresses[0]?.faults, 0)
})

test('the late answer of a request sent before ends it too', () => {
  const s = stage(two)
  const { connection } = sendToFirst(s)
  fallSilent(s)
  assert.equal(s.server(0).isAvailable, false)
  s.origin.onAttemptSuccess(connection)
  assert.equal(s.server(0).isAvailable, true)
})

test('the late faults of requests sent before do not make the while longer', () => {
  const s = stage(two)
  const earlier = [sendToFirst(s), sendToFirst(s), sendToFirst(s)]
  fallSilent(s)
  s.clock.advance(300)
  for (const { x, connection } of earlier)
    s.origin.onAttemptFault(x, connection, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server(0).addresses[0]?.faults, 1)
  assert.equal(s.server(0).isAvailable, true)
})

test('a trial that ends without a verdict, as its client left, makes the next request the trial', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  const { connection } = sendToFirst(s)
  assert.equal(s.server(0).isAvailable, false)
  connection.cancel()
  assert.equal(s.server(0).isAvailable, true)
  const second = sendToFirst(s)
  assert.equal(s.server(0).isAvailable, false)
  s.origin.onAttemptSuccess(second.connection)
  assert.equal(s.server(0).isAvailable, true)
})

test('a trial whose client leaves while it is being connected makes the next request the trial', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  for (;;) {
    const { x } = s.open()
    if (x.tried[0]?.name === two[0]) {
      s.origin.cancelWait(x)
      break
    }
  }
  s.dial.all.at(-1)?.connect()
  assert.equal(s.server(0).isAvailable, true)
  assert.equal(s.server(0).inFlight, 0)
})

test('a silent server that then refuses is back with a connection: another process listens', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  for (;;) {
    const { x } = s.open()
    if (x.tried[0]?.name === two[0]) break
  }
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  s.clock.advance(600)
  sendToFirst(s)
  assert.equal(s.server(0).isAvailable, true)
})

test('while a server that refused is passed over for long, a connection is tried each second without a request', () => {
  const s = stage(two)
  const refuse = (): void => {
    for (const connection of s.dial.connecting) {
      if (connection.target.server.name === two[0]) connection.close(Faults.ORIGIN_REFUSED)
      else connection.connect()
    }
  }
  // Traffic, and each trial of server 1 is refused, until it is passed over for 8 s.
  while ((s.server(0).addresses[0]?.passedOverMs ?? 0) < 7000) {
    s.open()
    refuse()
    s.clock.advance(50)
  }
  const { faults } = s.server(0).addresses[0] ?? { faults: 0 }
  const before = s.dial.all.length
  for (let i = 0; i < 30; i++) {
    const { result } = s.open()
    if (typeof result !== 'number') (result as FakeConnection).release()
    refuse()
    s.clock.advance(100)
  }
  const knocks = s.dial.all.slice(before).filter(({ target }) => target.server.name === two[0])
  assert.ok(knocks.length >= 2 && knocks.length <= 4, `${knocks.length} knocks in 3 s`)
  assert.equal(s.server(0).addresses[0]?.faults, faults)
  // It listens again: within a second or so it has its share.
  for (let i = 0; i < 12 && !s.server(0).isAvailable; i++) {
    s.clock.advance(100)
    for (const connection of s.dial.connecting) connection.connect()
  }
  assert.equal(s.server(0).isAvailable, true)
  assert.equal(s.server(0).idle, 1)
})

test('nobody knocks on a server that is only silent, nor for an origin without traffic', () => {
  const s = stage(two, { passOverMinMs: 5000 })
  fallSilent(s)
  const before = s.dial.all.length
  s.clock.advance(4000)
  assert.equal(s.dial.all.length, before)

  const quiet = stage(two, { passOverMinMs: 60_000, passOverMaxMs: 60_000 })
  quiet.open()
  quiet.dial.last.close(Faults.ORIGIN_REFUSED)
  let knocks = 0
  for (let ms = 0; ms < 70_000; ms += 100) {
    quiet.clock.advance(100)
    for (const connection of quiet.dial.connecting) {
      knocks++
      connection.close(Faults.ORIGIN_REFUSED)
    }
  }
  assert.ok(knocks >= 9 && knocks <= 11, `${knocks} knocks`)
  assert.equal(quiet.timers.hanging, 0)
})

test('who is acquitted while the while lasts is not knocked at any more', () => {
  const s = stage(two, { passOverMinMs: 8000 })
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  s.clock.advance(1100)
  s.dial.connecting[0]?.connect()
  assert.equal(s.server(0).isAvailable, true)
  const before = s.dial.all.length
  s.clock.advance(8000)
  assert.equal(s.dial.all.length, before)
  assert.equal(s.server(0).isAvailable, true)
})

test('knocking keeps the bounds of connections and of those being made', () => {
  for (const bounds of [{ connectionsMax: 1 }, { connectingMax: 1 }]) {
    const s = stage(['http://10.0.0.1'], { ...bounds, passOverMinMs: 8000, waitMs: 60_000 })
    s.open()
    s.dial.last.close(Faults.ORIGIN_REFUSED)
    s.open()
    for (let i = 0; i < 30; i++) s.clock.advance(100)
    assert.equal(s.dial.open.size, 1)
  }
})

test('the late end of a trial that failed does not end the trial after it', () => {
  const s = stage(two)
  fallSilent(s)
  s.clock.advance(300)
  const first = sendToFirst(s)
  s.origin.onAttemptFault(first.x, first.connection, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  s.clock.advance(600)
  sendToFirst(s)
  assert.equal(s.server(0).isAvailable, false)
  first.connection.close(Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server(0).isAvailable, false)
})

test('a trial that ends without a verdict on a connection that somebody waits for hands the trial on', () => {
  const s = stage(['http://10.0.0.1'], { connectionsMax: 1 })
  s.open()
  s.dial.last.connect()
  const { x } = s.waiters.opened[0] as { x: Exchange }
  s.clock.advance(10)
  s.origin.onAttemptFault(x, s.dial.last, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  s.dial.last.close(Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  s.clock.advance(300)
  s.open()
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  const second = s.waiters.opened.at(-1)
  assert.equal(second?.upstream, s.dial.last)
  s.clock.advance(10)
  s.origin.onAttemptFault(second.x, s.dial.last, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server(0).addresses[0]?.faults, 2)
})

interface SoundingStage extends Stage {
  readonly soundings: { onOver: (waitedMs: number) => void; isStopped: boolean }[]
}

/** As `stage`, with a dial that can sound. */
function soundingStage(): SoundingStage {
  const s = stage(two)
  const soundings: SoundingStage['soundings'] = []
  Object.assign(s.dial, {
    sound: (_target: object, onOver: (waitedMs: number) => void) => {
      const sounding = { onOver, isStopped: false }
      soundings.push(sounding)
      return { stop: () => (sounding.isStopped = true) }
    },
  })
  return Object.assign(s, { soundings })
}

test('a silent server is sounded, and when it moves again it is due at once', () => {
  const s = soundingStage()
  fallSilent(s)
  assert.equal(s.soundings.length, 1)
  s.clock.advance(240)
  assert.equal(s.server(0).isAvailable, false)
  s.soundings[0]?.onOver(240)
  assert.equal(s.server(0).isAvailable, true)
  const { connection } = sendToFirst(s)
  s.origin.onAttemptSuccess(connection)
  assert.equal(s.server(0).addresses[0]?.faults, 0)
})

test('one that answers a sounding promptly lives, and keeps its while', () => {
  const s = soundingStage()
  fallSilent(s)
  s.soundings[0]?.onOver(5)
  assert.equal(s.server(0).isAvailable, false)
  s.clock.advance(251)
  assert.equal(s.server(0).isAvailable, true)
})

test('a sounding that cannot be made says nothing', () => {
  const s = soundingStage()
  fallSilent(s)
  s.soundings[0]?.onOver(-1)
  assert.equal(s.server(0).isAvailable, false)
})

test('one sounding at a time, which ends with the silence or the origin', () => {
  const s = soundingStage()
  fallSilent(s)
  s.clock.advance(300)
  const { x, connection } = sendToFirst(s)
  s.clock.advance(1000)
  s.origin.onAttemptFault(x, connection, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server(0).addresses[0]?.faults, 2)
  assert.equal(s.soundings.length, 1)
  s.origin.onAttemptSuccess(connection)
  assert.equal(s.soundings[0]?.isStopped, true)
  fallSilent(s)
  assert.equal(s.soundings.length, 2)
  s.origin.close()
  assert.equal(s.soundings[1]?.isStopped, true)
})

test('only silence is sounded: what broke off or was refused is not', () => {
  const s = soundingStage()
  const { x, connection } = sendToFirst(s)
  s.origin.onAttemptFault(x, connection, Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(s.server(0).isAvailable, false)
  assert.equal(s.soundings.length, 0)
})
