import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange } from '../../../src/http/exchange.ts'
import { LeastRequests } from '../../../src/origin/least-requests.ts'
import { policies, policyNames } from '../../../src/origin/policies.ts'
import { RoundRobin } from '../../../src/origin/round-robin.ts'
import { SmoothRotation } from '../../../src/origin/smooth-rotation.ts'
import { member, runPolicySuite } from './policy-suite.ts'
import { Seeded } from './random.ts'

for (const name of policyNames) {
  const Policy = policies[name]
  runPolicySuite(name, (random) => new Policy(random))
}

const x = new Exchange()

test('round-robin: weights 5, 1, 1 give a a b a c a a', () => {
  const policy = new RoundRobin(() => 0)
  policy.rebuild([member('a', 5), member('b'), member('c')])
  let text = ''
  for (let i = 0; i < 14; i++) text += policy.pick(x, [])?.name
  assert.equal(text, 'aabacaaaabacaa')
})

test('round-robin: equal weights are taken in the order written', () => {
  const policy = new RoundRobin(() => 0)
  policy.rebuild([member('a'), member('b'), member('c')])
  let text = ''
  for (let i = 0; i < 7; i++) text += policy.pick(x, [])?.name
  assert.equal(text, 'abcabca')
})

test('round-robin: over any period each has exactly its weight, wherever the rotation starts', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Seeded(seed)
    const members = Array.from({ length: 2 + random.below(6) }, (_, i) => member(`${i}`, 1 + random.below(9)))
    const sum = members.reduce((total, { weight }) => total + weight, 0)
    const policy = new RoundRobin(() => random.next())
    policy.rebuild(members)
    const counts = new Map(members.map((each) => [each.name, 0]))
    for (let i = 0; i < sum * 3; i++) {
      const { name } = policy.pick(x, []) ?? { name: '' }
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    for (const { name, weight } of members) assert.equal(counts.get(name), weight * 3, `seed ${seed}`)
  }
})

test('round-robin: it does not look at requests under way', () => {
  const policy = new RoundRobin(() => 0)
  const [a, b] = [member('a'), member('b')]
  a.inFlight = 1000
  policy.rebuild([a, b])
  assert.equal(policy.pick(x, []), a)
})

test('least-requests: the one with the fewest requests under way is picked', () => {
  const policy = new LeastRequests(() => 0)
  const [a, b, c] = [member('a'), member('b'), member('c')]
  a.inFlight = 3
  b.inFlight = 1
  c.inFlight = 2
  policy.rebuild([a, b, c])
  assert.equal(policy.pick(x, []), b)
  assert.equal(policy.pick(x, [b]), c)
  assert.equal(policy.pick(x, [b, c]), a)
})

test('least-requests: requests under way count by weight', () => {
  const policy = new LeastRequests(() => 0)
  const [a, b] = [member('a', 4), member('b', 1)]
  policy.rebuild([a, b])
  for (let i = 0; i < 50; i++) {
    const picked = policy.pick(x, [])
    if (picked !== null) picked.inFlight++
  }
  assert.deepEqual([a.inFlight, b.inFlight], [40, 10])
})

test('least-requests: a slow server gets fewer than the others, and none goes without', () => {
  const policy = new LeastRequests(() => 0)
  const members = [member('slow'), member('b'), member('c')]
  policy.rebuild(members)
  const taken = new Map<string, number>()
  for (let i = 0; i < 600; i++) {
    const picked = policy.pick(x, [])
    if (picked === null) continue
    picked.inFlight++
    taken.set(picked.name, (taken.get(picked.name) ?? 0) + 1)
    for (const each of members) {
      if (each.inFlight > 0 && (each.name !== 'slow' || i % 20 === 0)) each.inFlight--
    }
  }
  const slow = taken.get('slow') ?? 0
  assert.ok(slow > 10 && slow < 100, `${slow}`)
})

test('the credits of a rotation stay bounded while its candidates change from turn to turn', () => {
  const random = new Seeded(11)
  const members = Array.from({ length: 6 }, (_, i) => member(`${i}`, 1 + i * 30))
  const rotation = new SmoothRotation(() => 0)
  rotation.rebuild(members)
  const gaps = members.map(() => 0)
  for (let i = 0; i < 20_000; i++) {
    const candidates = Uint8Array.from(members, () => (random.chance(0.7) ? 1 : 0))
    const chosen = rotation.choose(candidates)
    if (chosen < 0) continue
    rotation.advance(candidates, chosen)
    for (let k = 0; k < members.length; k++) gaps[k] = k === chosen ? 0 : (gaps[k] as number) + 1
    assert.ok(Math.max(...gaps) < 3000, `member waited ${Math.max(...gaps)} turns`)
  }
})

test('the start of a rotation with the greatest weights is quick', () => {
  const members = Array.from({ length: 100 }, (_, i) => member(`${i}`, 1000 - i))
  const begin = performance.now()
  new RoundRobin(() => 0.999).rebuild(members)
  assert.ok(performance.now() - begin < 200)
})
