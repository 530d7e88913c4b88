/**
 * The simulation sees: each bug of mutants.ts, planted alone, is found within a thousand seeds.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mutants, seedsMax, tryMutant } from './run.ts'

describe(`planted bugs are found by the simulation within ${seedsMax} seeds`, () => {
  for (const mutant of mutants) {
    it(mutant.name, async () => {
      assert.ok((mutant.seed ?? 1) <= seedsMax)
      const verdict = await tryMutant(mutant)
      assert.notEqual(verdict.found, '', 'no seed found it')
      // It was found by a world, and not by a program that did not start.
      assert.match(verdict.found, /^seed \d+ failed/)
    })
  }
})
