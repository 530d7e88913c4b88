import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { WAIT } from '../../../src/http/exchange.ts'
import { stage } from './fakes.ts'

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
