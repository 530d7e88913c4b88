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

test('a further attempt that waits gets a fresh connection, not one that comes back meanwhile', () => {
  const s = stage()
  s.open()
  s.open()
  const [a, b] = s.dial.all
  a?.connect()
  b?.connect()
  a?.release()
  const { x } = s.open()
  a?.close(NONE)
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  const { x: first } = s.open()
  const openedBefore = s.waiters.opened.length
  b?.release()
  assert.deepEqual(
    s.waiters.opened.slice(openedBefore).map((opened) => opened.x),
    [first],
  )
  s.dial.connecting[0]?.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
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
