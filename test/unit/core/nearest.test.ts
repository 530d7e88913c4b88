import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, editDistance, nearest } from '../../../src/core/nearest.ts'

test('the distance counts letters changed, added, dropped and swapped', () => {
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('redirct', 'redirect'), 1)
  assert.equal(editDistance('orgiin', 'origin'), 1)
  assert.equal(editDistance('match', 'march'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('the nearest word is found whatever its case', () => {
  assert.equal(nearest('Redirct', ['respond', 'redirect']), 'redirect')
  assert.equal(nearest('LISTENERS', ['listeners']), 'listeners')
  assert.equal(nearest('bodyMax', ['bodyBytesMax', 'bodyBytesMin']), null)
  assert.equal(nearest('listen', ['listeners']), 'listeners')
})

test('what is far from everything has no nearest word', () => {
  assert.equal(nearest('xyz', ['redirect', 'respond']), null)
  assert.equal(nearest('', ['a']), null)
  assert.equal(nearest('x'.repeat(100), ['x'.repeat(99)]), null)
  assert.equal(didYouMean('xyz', ['redirect']), '')
  assert.equal(didYouMean('redirct', ['redirect']), '; did you mean "redirect"?')
})
