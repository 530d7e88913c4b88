/**
 * Many simulated worlds: without a cache, with one, of clients and of origins that speak HTTP/2. Every one must hold all
 * invariants; one that does not is named by its seed and fails again by `node test/sim/run.ts --seed N --trace`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amounts } from '../length.ts'
import { simulateCached } from './cached/simulate.ts'
import { simulate, simulateH2, simulateH2Origins } from './simulate.ts'

const { seeds } = amounts
// Without a cache and without HTTP/2 a world costs about half.
const plainSeeds = 2 * seeds

test(`${plainSeeds} seeded worlds of clients, edge and origins hold every invariant`, () => {
  let exchanges = 0
  for (let seed = 1; seed <= plainSeeds; seed++) {
    const result = simulate(seed)
    exchanges += result.exchanges
    assert.deepEqual(result.failures, [], `seed ${seed}: node test/sim/run.ts --seed ${seed} --trace`)
  }
  assert.ok(exchanges > plainSeeds, 'the worlds are not empty')
})

test(`${seeds} seeded worlds of cached zones hold every invariant`, () => {
  let exchanges = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const result = simulateCached(seed)
    exchanges += result.exchanges
    const how = `seed ${seed}: node test/sim/run.ts --only cached --seed ${seed} --trace`
    assert.deepEqual(result.failures, [], how)
  }
  assert.ok(exchanges > seeds, 'the worlds are not empty')
})

test(`${seeds} seeded worlds of clients that speak HTTP/2 hold every invariant`, () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const how = `seed ${seed}: node test/sim/run.ts --only h2 --seed ${seed} --trace`
    assert.deepEqual(simulateH2(seed).failures, [], how)
  }
})

test(`${seeds} seeded worlds of origins that speak HTTP/2 hold every invariant`, () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const how = `seed ${seed}: node test/sim/run.ts --only h2-origins --seed ${seed} --trace`
    assert.deepEqual(simulateH2Origins(seed).failures, [], how)
  }
})

test('a world is the same each time: equal seeds make equal events', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    for (const run of [simulate, simulateCached, simulateH2, simulateH2Origins]) {
      const lines: string[] = []
      const again: string[] = []
      run(seed, (line) => lines.push(line))
      run(seed, (line) => again.push(line))
      assert.deepEqual(again, lines)
      assert.ok(lines.length > 10)
    }
  }
})
