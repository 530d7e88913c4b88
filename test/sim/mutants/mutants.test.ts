/**
 * The simulation sees: each bug of mutants.ts, planted alone, is found within a thousand seeds.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mutants, tryMutant } from './run.ts'

describe('planted bugs are found by the simulation', () => {
  for (const mutant of mutants) {
    it(mutant.name, async () => {
      const verdict = await tryMutant(mutant, 1000)
      assert.notEqual(verdict.found, '', 'no seed found it')
      assert.doesNotMatch(verdict.found, /SyntaxError|ERR_MODULE_NOT_FOUND/)
    })
  }
})
