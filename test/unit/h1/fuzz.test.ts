import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunked } from '../../fuzz/chunked.ts'
import { head } from '../../fuzz/head.ts'
import { inputOf } from '../../fuzz/mutate.ts'
import { target } from '../../fuzz/target.ts'

const seeds = 4000

for (const [name, fuzzTarget] of Object.entries({ head, chunked, target })) {
  test(`the invariants of '${name}' hold for ${seeds} damaged inputs`, () => {
    for (const text of fuzzTarget.corpus) fuzzTarget.run(Buffer.from(text, 'latin1'))
    for (let seed = 1; seed <= seeds; seed++) {
      const input = inputOf(fuzzTarget, seed)
      try {
        fuzzTarget.run(input)
      } catch (error) {
        const text = JSON.stringify(input.toString('latin1'))
        assert.fail(`seed ${seed}: ${text}\n${error instanceof Error ? error.stack : String(error)}`)
      }
    }
  })
}
