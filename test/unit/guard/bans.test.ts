import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { joinLocal } from '../../../src/core/local-peers.ts'
import { PeerHub } from '../../../src/core/peer-hub.ts'
import { Bans } from '../../../src/guard/bans.ts'
import { ManualClock } from '../../story/manual-clock.ts'

const rules = { offencesMax: 8, windowMs: 60_000, banMs: 10_000, banMsMax: 60_000 }
const attacker = '192.0.2.1'

test('offences in several workers count together, and who is turned away by one is by all', async () => {
  const hub = new PeerHub()
  const clock = new ManualClock()
  const workers = Array.from({ length: 3 }, () => new Bans(clock, joinLocal(hub), rules))
  for (let i = 0; i < rules.offencesMax; i++) {
    assert.equal(workers[i % 3]?.offend(attacker), 0)
    await turn()
  }
  assert.ok(workers.every((bans) => !bans.has(attacker)))
  assert.equal(workers[0]?.offend(attacker), 10_000)
  await turn()
  assert.ok(workers.every((bans) => bans.has(attacker)))
  assert.deepEqual(
    workers.map((bans) => bans.count),
    [1, 0, 0],
  )
  clock.advance(10_000)
  assert.ok(workers.every((bans) => !bans.has(attacker)))
})

test('each worker knows how long the next ban is', async () => {
  const hub = new PeerHub()
  const clock = new ManualClock()
  const [first, second] = [new Bans(clock, joinLocal(hub), rules), new Bans(clock, joinLocal(hub), rules)]
  for (let i = 0; i <= rules.offencesMax; i++) first.offend(attacker)
  await turn()
  clock.advance(10_000)
  let banMs = 0
  while (banMs === 0) banMs = second.offend(attacker)
  assert.equal(banMs, 20_000)
})

test('a worker that joins later knows who is turned away', async () => {
  const hub = new PeerHub()
  const clock = new ManualClock()
  const first = new Bans(clock, joinLocal(hub), rules)
  for (let i = 0; i <= rules.offencesMax; i++) first.offend('2001:db8::1')
  clock.advance(4000)
  const late = new Bans(clock, joinLocal(hub), rules)
  await turn()
  assert.equal(late.has('2001:db8::2'), true)
  assert.equal(late.has('2001:db8:0:1::2'), false)
  clock.advance(6000)
  assert.equal(late.has('2001:db8::2'), false)
})

test('an address that is none is never turned away', () => {
  const bans = new Bans(new ManualClock(), null, rules)
  for (let i = 0; i < 100; i++) assert.equal(bans.offend(''), 0)
  for (let i = 0; i < 100; i++) bans.offend(attacker)
  assert.equal(bans.has(''), false)
  assert.equal(bans.bannedCount, 1)
})
