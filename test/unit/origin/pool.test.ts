import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { WAIT } from '../../../src/http/exchange.ts'
import { stage } from './fakes.ts'

test('the first request dials and waits, and is given the connection when it is made', () => {
  const s = stage()
  const { x, result } = s.open()
  assert.equal(result, WAIT)
  assert.equal(s.dial.all.length, 1)
  assert.equal(x.attempts, 1)
  assert.deepEqual(
    x.tried.map((server) => server.name),
    ['http://10.0.0.1:80'],
  )
  assert.equal(s.server().inFlight, 1)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 1)
  assert.equal(s.waiters.opened[0]?.x, x)
  assert.equal(s.waiters.opened[0]?.turn, x.turn)
  assert.equal(s.waiters.opened[0]?.upstream, s.dial.last)
  assert.equal(s.server().inFlight, 1)
  assert.equal(s.server().waiting, 0)
})

test('an idle connection is leased synchronously', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.server().idle, 1)
  const { result } = s.open()
  assert.equal(result, s.dial.last)
  assert.equal(s.dial.all.length, 1)
  assert.equal(s.server().idle, 0)
  assert.equal(s.server().inFlight, 1)
})

test('of several idle connections the most recently used is taken, so that those in excess age out', () => {
  const s = stage()
  for (let i = 0; i < 3; i++) s.open()
  const [a, b, c] = s.dial.all
  for (const connection of s.dial.all) connection.connect()
  b?.release()
  c?.release()
  a?.release()
  assert.equal(s.open().result, a)
  assert.equal(s.open().result, c)
  assert.equal(s.open().result, b)
})

test('a waiter takes the connection that becomes idle first, and the one dialled for it becomes idle', () => {
  const s = stage()
  s.open()
  const first = s.dial.last
  first.connect()
  const { x } = s.open()
  assert.equal(s.dial.all.length, 2)
  first.release()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
  assert.equal(s.waiters.opened.at(-1)?.upstream, first)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 2)
  assert.equal(s.server().idle, 1)
  assert.equal(s.open().result, s.dial.last)
})

test('the waiting room is served in the order of arrival', () => {
  const s = stage()
  const xs = [s.open().x, s.open().x, s.open().x]
  const [a, b, c] = s.dial.all
  c?.connect()
  a?.connect()
  b?.connect()
  assert.deepEqual(
    s.waiters.opened.map(({ x }) => x),
    xs,
  )
})

test('a client that left is served nothing, and the connection made for it lies idle', () => {
  const s = stage()
  const { x } = s.open()
  s.origin.cancelWait(x)
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.server().waiting, 0)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 0)
  assert.equal(s.server().idle, 1)
  s.origin.cancelWait(x)
  assert.equal(s.server().inFlight, 0)
})

test('an exchange that went on without cancelling its wait is passed over when its turn comes', () => {
  const s = stage()
  const { x } = s.open()
  const { x: second } = s.open()
  x.reset()
  s.dial.all[0]?.connect()
  assert.deepEqual(
    s.waiters.opened.map((opened) => opened.x),
    [second],
  )
  s.dial.all[1]?.connect()
  assert.equal(s.server().idle, 1)
  assert.equal(s.server().inFlight, 1)
})

test('a waiter whose exchange was reset is told nothing when the connection fails', () => {
  const s = stage()
  const { x } = s.open()
  x.reset()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.waiters.failed.length, 0)
  assert.equal(s.server().inFlight, 0)
})

test('an exchange that waits a second time without cancelling stands in the room once', () => {
  const s = stage()
  const { x } = s.open()
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  assert.equal(s.server().inFlight, 1)
  assert.equal(s.origin.snapshot().waiting, 1)
  for (const connection of s.dial.connecting) connection.connect()
  assert.equal(s.waiters.opened.length, 1)
})

test('a connection idle for longer than idleMs is closed', () => {
  const s = stage(undefined, { idleMs: 4000 })
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  s.clock.advance(3900)
  assert.equal(s.dial.last.isDestroyed, false)
  s.clock.advance(200)
  assert.equal(s.dial.last.isDestroyed, true)
  assert.equal(s.server().connections, 0)
  s.dial.turn()
  assert.equal(s.server().connections, 0)
})

test('a connection idle for longer than its origin keeps it is closed, when that is shorter than idleMs', () => {
  const s = stage(undefined, { idleMs: 4000 })
  s.open()
  s.dial.last.connect()
  s.dial.last.keepAliveMs = 1500
  s.dial.last.release()
  s.clock.advance(1600)
  assert.equal(s.dial.last.isDestroyed, true)
})

test('a longer keep-alive of the origin does not lengthen idleMs', () => {
  const s = stage(undefined, { idleMs: 4000 })
  s.open()
  s.dial.last.connect()
  s.dial.last.keepAliveMs = 60_000
  s.dial.last.release()
  s.clock.advance(4100)
  assert.equal(s.dial.last.isDestroyed, true)
})

test('a connection that its origin keeps for no time at all is closed at once', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.keepAliveMs = 0
  s.dial.last.release()
  assert.equal(s.dial.last.isDestroyed, true)
  assert.equal(s.open().result, WAIT)
})

test('idleMs 0 keeps no connection', () => {
  const s = stage(undefined, { idleMs: 0 })
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  assert.equal(s.dial.last.isDestroyed, true)
  assert.equal(s.server().connections, 0)
})

test('after the event loop stood still a connection idle for too long is not used, though no deadline has fired', () => {
  const s = stage(undefined, { idleMs: 4000 })
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  s.clock.freeze(4000)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all[0]?.isDestroyed, true)
  assert.equal(s.dial.all.length, 2)
})

test('behind a connection idle for too long a younger one is still used', () => {
  const s = stage(undefined, { idleMs: 4000 })
  s.open()
  s.open()
  const [a, b] = s.dial.all
  a?.connect()
  b?.connect()
  a?.release()
  s.clock.freeze(3000)
  if (b !== undefined) b.keepAliveMs = 500
  b?.release()
  s.clock.freeze(600)
  assert.equal(s.open().result, a)
  assert.equal(b?.isDestroyed, true)
})

test('each use begins the idle time anew, with one deadline for all connections', () => {
  const s = stage(undefined, { idleMs: 4000 })
  for (let i = 0; i < 20; i++) s.open()
  for (const connection of s.dial.all) connection.connect()
  for (const connection of s.dial.all) connection.release()
  for (let i = 0; i < 5; i++) {
    s.clock.advance(1000)
    const { result } = s.open()
    assert.equal(result, s.dial.last)
    s.dial.last.release()
  }
  assert.ok(s.timers.hanging <= 1, `${s.timers.hanging} deadlines hang`)
  assert.equal(s.server().connections, 1)
  assert.equal(s.dial.last.isDestroyed, false)
})

test('an idle connection that the origin closes goes without a word', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  s.dial.last.close(NONE)
  assert.equal(s.server().connections, 0)
  assert.equal(s.server().isAvailable, true)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.events.length, 0)
})

test('a leased connection that dies gives its request back to nobody, and is counted no more', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.close(Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.server().connections, 0)
})

test('a further attempt gets a fresh connection, not one that lay idle', () => {
  const s = stage()
  s.open()
  s.open()
  const [a, b] = s.dial.all
  a?.connect()
  b?.connect()
  a?.release()
  b?.release()
  const { x, result } = s.open()
  assert.equal(result, b)
  b?.close(NONE)
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  assert.equal(s.dial.all.length, 3)
  assert.equal(x.attempts, 2)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.at(-1)?.upstream, s.dial.last)
})

test('at connectionsMax an idle connection makes room for a further attempt that wants a fresh one', () => {
  const s = stage(undefined, { connectionsMax: 2 })
  s.open()
  s.open()
  const [a, b] = s.dial.all
  a?.connect()
  b?.connect()
  a?.release()
  b?.release()
  const { x } = s.open()
  b?.close(NONE)
  s.open()
  s.dial.all[2]?.connect()
  a?.release()
  s.origin.open(x, s.waiters)
  assert.ok(s.dial.open.size <= 3)
  assert.ok(s.server().connections <= 2)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
})

test('connectionsMax bounds the connections of a server; whoever is beyond waits for one to come back', () => {
  const s = stage(undefined, { connectionsMax: 2 })
  s.open()
  s.open()
  const { x, result } = s.open()
  assert.equal(result, WAIT)
  assert.equal(s.dial.all.length, 2)
  for (const connection of s.dial.all) connection.connect()
  assert.equal(s.waiters.opened.length, 2)
  s.dial.all[1]?.release()
  assert.equal(s.waiters.opened[2]?.x, x)
  assert.equal(s.waiters.opened[2]?.upstream, s.dial.all[1])
})

test('connectionsMax 0 sets no bound', () => {
  const s = stage(undefined, { connectionsMax: 0, connectingMax: 1000 })
  for (let i = 0; i < 500; i++) s.open()
  assert.equal(s.dial.all.length, 500)
})

test('when a connection at the bound dies, one is made for who waits', () => {
  const s = stage(undefined, { connectionsMax: 1 })
  s.open()
  s.dial.last.connect()
  const { x } = s.open()
  assert.equal(s.dial.all.length, 1)
  s.dial.last.close(Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(s.dial.all.length, 2)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
})

test('connectingMax bounds the connections being made at a time, and the room is served all the same', () => {
  const s = stage(undefined, { connectingMax: 3 })
  for (let i = 0; i < 10; i++) s.open()
  assert.equal(s.dial.all.length, 3)
  while (s.dial.connecting.length > 0) s.dial.connecting[0]?.connect()
  assert.equal(s.waiters.opened.length, 10)
  assert.equal(s.dial.all.length, 10)
})

test('waitingMax bounds the waiting room: beyond, the origin is full at once and nothing is counted', () => {
  const s = stage(undefined, { waitingMax: 2 })
  s.open()
  s.open()
  const { x, result } = s.open()
  assert.equal(result, -Faults.ORIGIN_FULL)
  assert.equal(x.attempts, 0)
  assert.equal(x.tried.length, 0)
  assert.equal(s.server().inFlight, 2)
})

test('who waited waitMs for others to end is told that the origin is full', () => {
  const s = stage(undefined, { connectionsMax: 1, waitMs: 2000 })
  s.open()
  s.dial.last.connect()
  const { x } = s.open()
  s.clock.advance(1950)
  assert.equal(s.waiters.failed.length, 0)
  s.clock.advance(150)
  assert.deepEqual(
    s.waiters.failed.map(({ x, fault }) => ({ x, fault })),
    [{ x, fault: Faults.ORIGIN_FULL }],
  )
  assert.equal(s.server().inFlight, 1)
  assert.equal(s.server().waiting, 0)
})

test('who waited waitMs for a connection to be made is told that connecting took too long', () => {
  const s = stage(undefined, { waitMs: 2000 })
  const { x } = s.open()
  s.clock.advance(2100)
  assert.deepEqual(
    s.waiters.failed.map(({ x, fault }) => ({ x, fault })),
    [{ x, fault: Faults.ORIGIN_CONNECT_TIMEOUT }],
  )
  s.dial.last.connect()
  assert.equal(s.server().idle, 1)
})

test('a connection that is about to close after its answer is not offered to anybody', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.state = 'closed'
  s.dial.last.owner.onReleased(s.dial.last)
  assert.equal(s.server().idle, 0)
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.server().connections, 1)
  s.dial.last.owner.onClosed(s.dial.last, NONE)
  assert.equal(s.server().connections, 0)
  assert.equal(s.open().result, WAIT)
})

test('a waiter that gives its connection up at once leaves the pool in order', () => {
  const s = stage()
  const { x } = s.open()
  const { x: second } = s.open()
  s.waiters.onOpened = (x, turn, upstream) => {
    s.waiters.opened.push({ x, turn, upstream: upstream as never })
    if (s.waiters.opened.length === 1) upstream.cancel(Faults.CLIENT_GONE)
  }
  s.dial.all[0]?.connect()
  assert.equal(s.waiters.opened[0]?.x, x)
  assert.equal(s.server().inFlight, 1)
  s.dial.all[1]?.connect()
  assert.equal(s.waiters.opened[1]?.x, second)
  assert.equal(s.server().connections, 1)
})

test('a connection of several streams serves as many that wait, and is not idle while one is leased', () => {
  const s = stage()
  s.dial.streams = 3
  for (let i = 0; i < 4; i++) s.open()
  s.dial.all[0]?.connect()
  assert.equal(s.waiters.opened.length, 3)
  s.dial.all[0]?.release()
  assert.equal(s.waiters.opened.length, 4)
  s.dial.all[0]?.release()
  assert.equal(s.server().idle, 0)
  assert.equal(s.open().result, s.dial.all[0])
  assert.equal(s.server().inFlight, 4 - 1)
  s.clock.advance(60_000)
  assert.equal(s.dial.all[0]?.isDestroyed, false)
})

test('the snapshot tells requests under way, idle, connecting and waiting', () => {
  const s = stage(undefined, { connectionsMax: 3 })
  for (let i = 0; i < 5; i++) s.open()
  s.dial.all[0]?.connect()
  const { inFlight, connecting, connections, waiting, idle } = s.server()
  assert.deepEqual(
    { inFlight, connecting, connections, waiting, idle },
    {
      inFlight: 5,
      connecting: 2,
      connections: 3,
      waiting: 4,
      idle: 0,
    },
  )
})

test('at rest nothing hangs in the wheel', () => {
  const s = stage(undefined, { idleMs: 4000 })
  for (let i = 0; i < 10; i++) s.open()
  for (const connection of s.dial.all) connection.connect()
  for (const connection of s.dial.all) connection.release()
  s.clock.advance(30_000)
  assert.equal(s.timers.hanging, 0)
  assert.equal(s.clock.pending, 0)
  assert.equal(s.server().connections, 0)
})

test('close() closes idle connections at once and busy ones when they come back', () => {
  const s = stage()
  s.open()
  s.open()
  const [a, b] = s.dial.all
  a?.connect()
  b?.connect()
  b?.release()
  s.origin.close()
  assert.equal(b?.isDestroyed, true)
  assert.equal(a?.isDestroyed, false)
  a?.release()
  assert.equal(a?.isDestroyed, true)
  s.dial.turn()
  assert.equal(s.dial.open.size, 0)
  assert.equal(s.server().inFlight, 0)
  s.clock.advance(1000)
  assert.equal(s.timers.hanging, 0)
})

test('after close() who waits is served, and who asks', () => {
  const s = stage()
  const { x } = s.open()
  s.origin.close()
  s.dial.last.connect()
  assert.equal(s.waiters.opened[0]?.x, x)
  s.dial.last.release()
  assert.equal(s.dial.last.isDestroyed, true)
  assert.equal(s.open().result, WAIT)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 2)
})
