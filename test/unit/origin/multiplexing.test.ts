import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { WAIT } from '../../../src/http/exchange.ts'
import { stage, type Stage } from './fakes.ts'

function multiplexed(streams: number, options: Parameters<typeof stage>[1] = {}): Stage {
  const s = stage(['h2c://10.0.0.1:80'], options)
  s.dial.streams = streams
  return s
}

test('while the first connection is being made, however many wait for it', () => {
  const s = multiplexed(100)
  for (let n = 0; n < 80; n++) assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 1)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 80)
  assert.equal(s.dial.all.length, 1)
  assert.equal(s.open().result, s.dial.last)
})

test('where the first turns out to carry one stream, as many more are made as still wait', () => {
  const s = multiplexed(1)
  for (let n = 0; n < 10; n++) s.open()
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 1)
  assert.equal(s.dial.all.length, 10)
})

test('as many are made as it takes to carry those that wait', () => {
  const s = multiplexed(10)
  for (let n = 0; n < 45; n++) s.open()
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 10)
  assert.equal(s.dial.all.length, 1 + 4)
  for (const connection of s.dial.connecting) connection.connect()
  assert.equal(s.waiters.opened.length, 45)
})

test('a second is made when the first is full, within the bound, beyond which requests wait for streams', () => {
  const s = multiplexed(2, { connectionsMax: 2 })
  for (let n = 0; n < 3; n++) s.open()
  s.dial.last.connect()
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 3)
  assert.equal(typeof s.open().result, 'object')
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 2)
  s.dial.all[0]?.release()
  assert.equal(s.waiters.opened.at(-1)?.upstream, s.dial.all[0])
})

test('one at the bound of connections that has streams left is used', () => {
  const s = multiplexed(5, { connectionsMax: 1 })
  s.open()
  s.dial.last.connect()
  assert.equal(s.open().result, s.dial.last)
})

test('one that is about to close gets no further request, and is replaced', () => {
  const s = multiplexed(5)
  s.open()
  const first = s.dial.last
  first.connect()
  first.streams = 0
  first.owner.onFreeStreams(first)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 2)
  s.dial.last.connect()
  first.leases = 0
  first.close(NONE)
  assert.equal(s.server().connections, 1)
  assert.equal(s.server().inFlight, 1)
})

test('one that may carry nothing more is let go of as soon as nothing is under way on it', () => {
  const s = multiplexed(5)
  s.open()
  const busy = s.dial.last
  busy.connect()
  busy.streams = 1
  busy.owner.onFreeStreams(busy)
  s.open()
  const idle = s.dial.last
  idle.connect()
  idle.release()
  idle.streams = 0
  idle.owner.onFreeStreams(idle)
  assert.equal(idle.isDestroyed, true)
  busy.streams = 0
  busy.release()
  assert.equal(busy.isDestroyed, true)
  assert.equal(s.server().connections, 0)
})

test('one that allows more streams all at once serves those that wait', () => {
  const s = multiplexed(1, { connectionsMax: 1 })
  for (let n = 0; n < 4; n++) s.open()
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 1)
  s.dial.last.streams = 3
  s.dial.last.owner.onFreeStreams(s.dial.last)
  assert.equal(s.waiters.opened.length, 3)
})

test('one that is never idle is still let go of when it is old', () => {
  const s = multiplexed(5, { connectionAgeMaxMs: 60_000 })
  s.open()
  s.open()
  const first = s.dial.last
  first.connect()
  s.clock.advance(60_001)
  first.release()
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 2)
  s.dial.last.connect()
  first.release()
  assert.equal(first.isDestroyed, true)
})

test('a server that cannot be connected to fails all that wait for the one connection', () => {
  const s = multiplexed(100)
  for (let n = 0; n < 50; n++) s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.waiters.failed.length, 50)
})

test('a connection that lies idle is closed in its time', () => {
  const s = multiplexed(5, { idleMs: 4000 })
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  s.clock.advance(4500)
  assert.equal(s.dial.last.isDestroyed, true)
})
