import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeQueryText,
  encodeQueryText,
  findQueryValue,
  removeFromQuery,
  setInQuery,
} from '../../../src/engine/query.ts'

function find(target: string, name: string): string | undefined {
  const mark = target.indexOf('?')
  return findQueryValue(target, mark < 0 ? target.length : mark, name)
}

test('the first parameter of a name is found, raw', () => {
  assert.equal(find('/?a=1&b=2&a=3', 'a'), '1')
  assert.equal(find('/?a=1&b=2&a=3', 'b'), '2')
  assert.equal(find('/?a=x%20y+z', 'a'), 'x%20y+z')
  assert.equal(find('/?a=1=2', 'a'), '1=2')
})

test('a parameter without a value is there, and empty', () => {
  assert.equal(find('/?a', 'a'), '')
  assert.equal(find('/?a&b=1', 'a'), '')
  assert.equal(find('/?a=', 'a'), '')
})

test('what is not there is undefined', () => {
  for (const target of ['/', '/?', '/?&', '/?ab=1', '/?b=a', '/?b=1&&c', '/a=1']) {
    assert.equal(find(target, 'a'), undefined, target)
  }
})

test('a name is compared decoded', () => {
  assert.equal(find('/?%61=1', 'a'), '1')
  assert.equal(find('/?a+b=1', 'a b'), '1')
  assert.equal(find('/?caf%C3%A9=1', 'café'), '1')
})

test('decoding leaves what is no percent-encoding', () => {
  assert.equal(decodeQueryText('a%2'), 'a%2')
  assert.equal(decodeQueryText('%zz+%41'), '%zz A')
  assert.equal(decodeQueryText('%ff'), '\uFFFD')
})

test('what was encoded decodes to itself', () => {
  for (const text of ['a b', '&=+?#%', "it's (ü)", '\u{1F600}', '\r\n']) {
    assert.equal(decodeQueryText(encodeQueryText(text)), text)
  }
})

test('all parameters of a name are taken out, others keep their spelling', () => {
  assert.equal(removeFromQuery('a=1&b=%20&a=2&c', 'a'), 'b=%20&c')
  assert.equal(removeFromQuery('%61=1', 'a'), '')
  assert.equal(removeFromQuery('', 'a'), '')
  assert.equal(removeFromQuery('b&&c', 'a'), 'b&&c')
})

test('a parameter that is set keeps the place of the first of its name', () => {
  assert.equal(setInQuery('a=1&b=2&a=3', 'a', 'x'), 'a=x&b=2')
  assert.equal(setInQuery('b=2', 'a', 'x'), 'b=2&a=x')
  assert.equal(setInQuery('', 'a b', 'x'), 'a%20b=x')
})
