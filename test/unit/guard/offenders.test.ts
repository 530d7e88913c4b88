import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientKeyText, readClientKey } from '../../../src/guard/client-key.ts'
import { Offenders, offendersMax } from '../../../src/guard/offenders.ts'
import { ManualClock } from '../../story/manual-clock.ts'

const rules = { offencesMax: 8, windowMs: 60_000, banMs: 10_000, banMsMax: 60_000 }

function world(): { clock: ManualClock; offenders: Offenders; banOf: (low: number) => number } {
  const clock = new ManualClock()
  const offenders = new Offenders(clock, rules)
  /** Offends until it is turned away, and tells for how long. */
  const banOf = (low: number): number => {
    for (let i = 0; i <= rules.offencesMax; i++) {
      const banMs = offenders.offend(1, low)
      if (banMs > 0) return banMs
    }
    return 0
  }
  return { clock, offenders, banOf }
}

test('a client has as many offences as its budget, and is turned away for the next', () => {
  const { clock, offenders } = world()
  for (let i = 0; i < rules.offencesMax; i++) assert.equal(offenders.offend(1, 2), 0)
  assert.equal(offenders.isBanned(1, 2), false)
  assert.equal(offenders.offend(1, 2), 10_000)
  assert.equal(offenders.isBanned(1, 2), true)
  assert.equal(offenders.isBanned(1, 3), false)
  assert.equal(offenders.isBanned(2, 2), false)
  clock.advance(9999)
  assert.equal(offenders.isBanned(1, 2), true)
  clock.advance(1)
  assert.equal(offenders.isBanned(1, 2), false)
  assert.equal(offenders.hasBanned, false)
})

test('a budget comes back with time: one who offends now and then is never turned away', () => {
  const { clock, offenders } = world()
  for (let i = 0; i < 200; i++) {
    assert.equal(offenders.offend(1, 2), 0)
    clock.advance(rules.windowMs / rules.offencesMax)
  }
})

test('each ban is twice as long as the one before, up to the longest', () => {
  const { clock, banOf } = world()
  const lengths: number[] = []
  for (let i = 0; i < 5; i++) {
    lengths.push(banOf(2))
    clock.advance(lengths.at(-1) as number)
  }
  assert.deepEqual(lengths, [10_000, 20_000, 40_000, 60_000, 60_000])
})

test('who keeps quiet for the longest ban begins again with the shortest', () => {
  const { clock, banOf } = world()
  assert.equal(banOf(2), 10_000)
  clock.advance(10_000 + rules.banMsMax)
  assert.equal(banOf(2), 20_000)
  clock.advance(20_000 + rules.banMsMax + 1)
  assert.equal(banOf(2), 10_000)
})

test('what is under way when a ban begins does not make it longer', () => {
  const { offenders, banOf } = world()
  banOf(2)
  for (let i = 0; i < 100; i++) assert.equal(offenders.offend(1, 2), 0)
  assert.equal(offenders.remainingMs(1, 2), 10_000)
  assert.equal(offenders.bansOf(1, 2), 1)
})

test('of two bans the longer holds, and none is longer than the longest', () => {
  const { offenders } = world()
  offenders.ban(1, 2, 30_000, 2)
  offenders.ban(1, 2, 5000, 1)
  assert.equal(offenders.remainingMs(1, 2), 30_000)
  assert.equal(offenders.bansOf(1, 2), 2)
  offenders.ban(1, 2, 4_000_000_000, 1)
  assert.equal(offenders.remainingMs(1, 2), rules.banMsMax)
})

test('with more offenders than places the memory stays as it is, and those who are turned away stay', () => {
  const { offenders, banOf } = world()
  for (let low = 0; low < 500; low++) banOf(low)
  for (let low = 0; low < 4 * offendersMax; low++) offenders.offend(7, low)
  assert.equal(offenders.bannedCount, 500)
  // Only bans, more than there is room for: some of the shortest go.
  for (let low = 0; low < 2 * offendersMax; low++) offenders.ban(8, low, 20_000, 1)
  const { bannedCount } = offenders
  assert.ok(bannedCount > offendersMax * 0.9 && bannedCount <= offendersMax, String(bannedCount))
})

test('those who are turned away the longest are told first', () => {
  const { offenders } = world()
  const key = { high: 0, low: 0 }
  for (const [address, ms] of [
    ['192.0.2.1', 5000],
    ['2001:db8:0:1::7', 7000],
    ['192.0.2.2', 6000],
  ] as const) {
    readClientKey(address, key)
    offenders.ban(key.high, key.low, ms, 1)
  }
  assert.deepEqual(offenders.banned(2), [
    { client: '2001:db8:0:1::/64', remainingMs: 7000 },
    { client: '192.0.2.2', remainingMs: 6000 },
  ])
  offenders.clear()
  assert.deepEqual(offenders.banned(2), [])
})

function textOf(address: string): string {
  const key = { high: 0, low: 0 }
  return readClientKey(address, key) ? clientKeyText(key.high, key.low) : ''
}

test('a client is an IPv4 address, in any spelling, or the first 64 bits of an IPv6 address', () => {
  assert.equal(textOf('192.0.2.255'), '192.0.2.255')
  assert.equal(textOf('::ffff:192.0.2.255'), '192.0.2.255')
  assert.equal(textOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(textOf('2001:db8:1:2:ffff::1'), '2001:db8:1:2::/64')
  assert.notEqual(textOf('2001:db8:1:3::1'), textOf('2001:db8:1:2::1'))
  assert.equal(textOf(''), '')
  assert.equal(textOf('unix'), '')
})
