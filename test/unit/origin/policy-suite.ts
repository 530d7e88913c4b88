/** What every balancing policy promises (src/origin/policy.ts), held over any implementation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange } from '../../../src/http/exchange.ts'
import type { BalancerPolicy, Member } from '../../../src/origin/policy.ts'
import { Seeded } from './random.ts'

export interface TestMember extends Member {
  isAvailable: boolean
  inFlight: number
}

export function member(name: string, weight = 1): TestMember {
  return { name, weight, inFlight: 0, isAvailable: true }
}

export function runPolicySuite(name: string, make: (random: () => number) => BalancerPolicy): void {
  const x = new Exchange()
  const firstOf = (members: readonly Member[]): BalancerPolicy => {
    const policy = make(() => 0)
    policy.rebuild(members)
    return policy
  }

  test(`${name}: without members nobody is picked`, () => {
    const policy = make(() => 0)
    assert.equal(policy.pick(x, []), null)
    policy.rebuild([])
    assert.equal(policy.pick(x, []), null)
    assert.equal(policy.peek(x, []), null)
  })

  test(`${name}: its name is the one in the config`, () => {
    assert.equal(make(() => 0).name, name)
  })

  test(`${name}: a single member is always picked while it is available and untried`, () => {
    const a = member('a')
    const policy = firstOf([a])
    for (let i = 0; i < 5; i++) assert.equal(policy.pick(x, []), a)
    assert.equal(policy.pick(x, [a]), null)
    a.isAvailable = false
    assert.equal(policy.pick(x, []), null)
  })

  test(`${name}: who is unavailable is not picked, though nobody said rebuild`, () => {
    const [a, b] = [member('a', 100), member('b')]
    const policy = firstOf([a, b])
    a.isAvailable = false
    for (let i = 0; i < 200; i++) assert.equal(policy.pick(x, []), b)
  })

  test(`${name}: all members get their turn`, () => {
    const members = Array.from({ length: 17 }, (_, i) => member(`m${i}`, 1 + (i % 3)))
    const policy = firstOf(members)
    const seen = new Set<Member | null>()
    for (let i = 0; i < 40; i++) seen.add(policy.pick(x, []))
    assert.equal(seen.size, 17)
  })

  test(`${name}: requests one after the other are spread exactly by weight`, () => {
    const members = [member('a', 5), member('b', 1), member('c', 1)]
    const policy = firstOf(members)
    for (let round = 0; round < 3; round++) {
      let text = ''
      for (let i = 0; i < 7; i++) text += policy.pick(x, [])?.name
      assert.deepEqual(text.split('').sort().join(''), 'aaaaabc')
      assert.ok(!text.includes('aaaa'), `${text} has a burst`)
    }
  })

  test(`${name}: peek gives what pick gives, and changes nothing`, () => {
    const random = new Seeded(7)
    const members = [member('a', 3), member('b', 2), member('c', 7)]
    const policy = firstOf(members)
    for (let i = 0; i < 200; i++) {
      const tried = members.filter(() => random.chance(0.3))
      const expected = policy.peek(x, tried)
      assert.equal(policy.peek(x, tried), expected)
      assert.equal(policy.pick(x, tried), expected)
      if (expected !== null && random.chance(0.5)) expected.inFlight++
    }
  })

  test(`${name}: after a rebuild only members of the new list are picked`, () => {
    const [a, b, c] = [member('a', 9), member('b'), member('c')]
    const policy = firstOf([a, b])
    for (let i = 0; i < 5; i++) policy.pick(x, [])
    policy.rebuild([b, c])
    const seen = new Set<Member | null>()
    for (let i = 0; i < 20; i++) seen.add(policy.pick(x, []))
    assert.deepEqual(seen, new Set([b, c]))
  })

  test(`${name}: the list given to rebuild may change afterwards without effect`, () => {
    const [a, b] = [member('a'), member('b')]
    const list = [a]
    const policy = firstOf(list)
    list.push(b)
    for (let i = 0; i < 5; i++) assert.equal(policy.pick(x, []), a)
  })

  test(`${name}: workers do not all begin with the first server`, () => {
    const random = new Seeded(3)
    const members = [member('a'), member('b'), member('c')]
    const first = new Set<string | undefined>()
    for (let i = 0; i < 50; i++) {
      const policy = make(() => random.next())
      policy.rebuild(members)
      first.add(policy.pick(x, [])?.name)
    }
    assert.equal(first.size, 3)
  })

  test(`${name}: a server that comes back gets its share, and no more than a turn beyond it`, () => {
    const members = [member('a'), member('b'), member('c')]
    const [, b] = members as [TestMember, TestMember, TestMember]
    const policy = firstOf(members)
    for (let i = 0; i < 1000; i++) {
      if (i === 300) b.isAvailable = false
      if (i === 300) policy.rebuild(members)
      policy.pick(x, [])
    }
    b.isAvailable = true
    policy.rebuild(members)
    let picks = 0
    for (let i = 0; i < 30; i++) if (policy.pick(x, []) === b) picks++
    assert.ok(picks >= 9 && picks <= 12, `${picks} of 30`)
  })

  for (let seed = 1; seed <= 40; seed++) {
    test(`${name}: every pick keeps the promises (seed ${seed})`, () => {
      runSchedule(make, new Seeded(seed), x)
    })
  }

  test(`${name}: a pick allocates nothing`, () => {
    const members = Array.from({ length: 8 }, (_, i) => member(`m${i}`, i + 1))
    const policy = firstOf(members)
    const tried = [members[3] as Member]
    for (let i = 0; i < 20_000; i++) policy.pick(x, tried)
    const perPick = Array.from({ length: 5 }, () => {
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 20_000; i++) policy.pick(x, tried)
      return (process.memoryUsage().heapUsed - before) / 20_000
    })
    // One object would be 16 bytes at the least, each time; the call of memoryUsage and the engine itself are the noise,
    // and a collection in between takes more away than it leaves.
    const few = perPick.filter((bytes) => Math.abs(bytes) < 12)
    assert.ok(few.length > 0, `${perPick.join(', ')} bytes a pick`)
  })
}

function runSchedule(make: (random: () => number) => BalancerPolicy, random: Seeded, x: Exchange): void {
  let members = Array.from({ length: 1 + random.below(12) }, (_, i) => member(`m${i}`, 1 + random.below(20)))
  const policy = make(() => random.next())
  policy.rebuild(members)
  for (let step = 0; step < 500; step++) {
    if (random.chance(0.05)) {
      members = members.filter(() => random.chance(0.8))
      if (random.chance(0.7)) members.push(member(`s${step}`, 1 + random.below(1000)))
      policy.rebuild(members)
    }
    const changed = random.one(members)
    if (changed !== undefined && random.chance(0.3)) {
      changed.isAvailable = !changed.isAvailable
      if (random.chance(0.5)) policy.rebuild(members)
    }
    if (changed !== undefined && changed.inFlight > 0 && random.chance(0.5)) changed.inFlight--
    const tried = members.filter(() => random.chance(0.2))
    const eligible = members.filter((each) => each.isAvailable && !tried.includes(each))
    const picked = policy.pick(x, tried)
    if (eligible.length === 0) assert.equal(picked, null)
    else assert.ok(picked !== null && eligible.includes(picked), `step ${step}`)
    if (picked !== null) picked.inFlight++
  }
}
