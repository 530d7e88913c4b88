import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFields } from '../../../src/h3/header-lists.ts'
import { NAME_BAD, VALUE_BAD } from '../../../src/http/pseudo-fields.ts'

/** The number that a field is told with. */
function numberOf(name: string, value: string): number {
  let number = NaN
  readFields([{ name, value }], {
    onHeader: (_name, _value, known) => {
      number = known
      return true
    },
  })
  return number
}

test('a value has no space around it and no control characters (RFC 9114 §4.2, RFC 9110 §5.5)', () => {
  for (const value of [' a', 'a ', '\ta', 'a\t', 'a\r\nb: c', 'a\0', '\x7f', '\n'])
    assert.equal(numberOf('x-a', value), VALUE_BAD, JSON.stringify(value))
})

test('a value may be empty, and begin and end with any other octet: voilà in UTF-8 ends with one that Unicode calls space', () => {
  for (const value of ['', 'a b', 'voil\xc3\xa0', '\xa0', '\x85a', '\xff'])
    assert.equal(numberOf('x-a', value), 0, JSON.stringify(value))
})

test('a name is a token in lower case', () => {
  for (const name of ['', 'X-A', 'x a', 'x:a', ':unknown', 'x\xe4'])
    assert.equal(numberOf(name, 'a'), NAME_BAD, JSON.stringify(name))
})
