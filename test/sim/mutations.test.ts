/**
 * Mutated messages from a seeded grammar: each is answered or closed within two seconds, and none is misread.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amounts } from '../length.ts'
import { runMutations } from './mutations.ts'

const total = amounts.mutations
const perSeed = 100

test(`${total} mutated requests and answers are answered or closed in time, with one reading`, () => {
  for (let seed = 1; seed <= total / perSeed; seed++) {
    assert.deepEqual(
      runMutations(seed, perSeed).failures,
      [],
      `seed ${seed} of runMutations(seed, ${perSeed})`,
    )
  }
})
