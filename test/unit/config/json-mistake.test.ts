import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findJsonMistake } from '../../../src/config/json-mistake.ts'

test('the place of the first mistake, and what is expected there', () => {
  const cases: [string, number, RegExp][] = [
    ['', 0, /ends too early/],
    ['{', 1, /ends too early/],
    ['{"a":1 "b":2}', 7, /"," or "}"/],
    ['[1 2]', 3, /"," or "]"/],
    ['{a:1}', 1, /double quotes/],
    ["{'a':1}", 1, /double quotes/],
    ['{"a" 1}', 5, /":"/],
    ['{"a":}', 5, /a value is expected/],
    ['{"a":yes}', 5, /"yes" is not a value/],
    ['{"a":\'b\'}', 5, /double quotes/],
    ['{"a":"b\\q"}', 5, /wrong escape/],
    ['{"a":"b', 5, /not closed/],
    ['[01]', 1, /"01" is not a value/],
    ['[1,]', 3, /a value is expected/],
    ['{"a":1,}', 7, /double quotes/],
    ['{}x', 2, /nothing may follow/],
    ['[1]]', 3, /nothing may follow/],
  ]
  for (const [text, at, message] of cases) {
    const found = findJsonMistake(text)
    assert.equal(found?.at, at, text)
    assert.match(found.message, message, text)
  }
})

test('what JSON.parse takes has no mistake, and what it refuses has one', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '1',
    '-0.5e+3',
    'true',
    'null',
    ' ',
    '01',
    '"',
    '.',
  ]
  let state = 3
  const next = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below
  let right = 0
  for (let i = 0; i < 30_000; i++) {
    const text = Array.from({ length: 1 + next(7) }, () => pieces[next(pieces.length)] as string).join('')
    const isJson = parses(text)
    if (isJson) right++
    assert.equal(findJsonMistake(text) === null, isJson, text)
  }
  assert.ok(right > 100)
})

test('a hundred thousand open brackets are no danger to the stack', () => {
  assert.equal(findJsonMistake('['.repeat(100_000))?.at, 100_000)
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
