import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig } from '../../../src/config/check.ts'
import { slowPart } from '../../../src/config/slow-regex.ts'

test('a repetition of a repetition is seen', () => {
  const cases: [string, string][] = [
    ['^(a+)+$', '(a+)+'],
    ['(a*)*', '(a*)*'],
    ['^/((?:\\w+\\s?)*)$', '(?:\\w+\\s?)*'],
    ['((a+)b?)+x', '((a+)b?)+'],
    ['([a-z]+){2,}', '([a-z]+){'],
  ]
  for (const [source, part] of cases) assert.equal(slowPart(source), part, source)
})

test('common regexes are not', () => {
  for (const source of [
    '^/a/(.*)$',
    '(\\d+)-(\\d+)',
    '[(+*]+',
    '\\(a+\\)+',
    '(a+)?',
    '(a+){2}',
    '(?:a|b)*',
    '^(?i:/x/.+)$',
    ')',
    '',
  ]) {
    assert.equal(slowPart(source), '', source)
  }
})

test('it is a warning with its place', () => {
  const { document, problems } = checkConfig({
    sites: { '*': [{ match: { path: [{ regex: '^(a+)+$' }] }, respond: 404 }] },
  })
  assert.notEqual(document, null)
  assert.deepEqual(
    problems.map(({ severity, path }) => [severity, path]),
    [['warning', ['sites', '*', 0, 'match', 'path', 0, 'regex']]],
  )
})
