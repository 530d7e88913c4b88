import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WAIT } from '../../../src/http/exchange.ts'
import { stage } from './fakes.ts'

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

test('a connection older than connectionAgeMaxMs is closed when it comes back', () => {
  const s = stage(undefined, { connectionAgeMaxMs: 10_000, idleMs: 60_000 })
  s.open()
  const first = s.dial.last
  first.connect()
  first.release()
  s.clock.advance(9000)
  assert.equal(s.open().result, first)
  s.clock.advance(1000)
  assert.equal(first.isDestroyed, false)
  first.release()
  assert.equal(first.isDestroyed, true)
  assert.equal(s.server().connections, 0)
})

test('connectionAgeMaxMs 0 sets no bound', () => {
  const s = stage(undefined, { connectionAgeMaxMs: 0 })
  s.open()
  s.dial.last.connect()
  s.clock.advance(100_000_000)
  s.dial.last.release()
  assert.equal(s.server().idle, 1)
})
