import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasToken, splitTokens, trimSpace } from '../../../src/http/tokens.ts'

const lists: [string, boolean][] = [
  ['close', true],
  ['CLOSE', true],
  ['a,close', true],
  ['a , Close\t, b', true],
  [',,close,', true],
  ['', false],
  ['clos', false],
  ['closed', false],
  ['a close', false],
  ['close;q=1', false],
  ['"close"', false],
  ['close\xa0', false],
]
for (const [list, expected] of lists) {
  test(`${JSON.stringify(list)} ${expected ? 'holds' : 'does not hold'} close`, () => {
    assert.equal(hasToken(list, 'close'), expected)
  })
}

test('a list is split at commas, lower-cased, and empty elements are nothing', () => {
  assert.deepEqual(splitTokens(' A ,,\tb/1 , c d,'), ['a', 'b/1', 'c d'])
  assert.deepEqual(splitTokens(''), [])
})

test('only SP and HTAB are optional space (RFC 9110 §5.6.3)', () => {
  assert.equal(trimSpace('\t a b \t'), 'a b')
  assert.equal(trimSpace('\xa0a\x0b'), '\xa0a\x0b')
  assert.equal(trimSpace(' \t '), '')
  assert.equal(trimSpace('a'), 'a')
})
