import assert from 'node:assert/strict'
import { test } from 'node:test'
import { empty } from '../../../src/core/empty.ts'

test('nothing is left in a list that was emptied', () => {
  for (const list of [[], [1], ['a', undefined, null, 0]] as unknown[][]) {
    empty(list)
    assert.deepEqual(list, [])
  }
})
