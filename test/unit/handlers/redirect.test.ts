import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { systemClock } from '../../../src/core/clock.ts'
import { createRedirect, redirectSchema } from '../../../src/handlers/redirect.ts'
import { DONE } from '../../../src/http/exchange.ts'
import { Field } from '../../../src/http/known-fields.ts'
import { ask, type AskOptions } from '../engine/asked.ts'

type Input = z.input<typeof redirectSchema>

function redirect(input: Input, target: string, captures: string[] = [], options: AskOptions = {}): string {
  const { x, answers } = ask(target, options)
  x.captures.push(...captures)
  const handler = createRedirect(redirectSchema.parse(input), systemClock)
  assert.equal(handler.onRequest(x), DONE)
  assert.deepEqual(answers, [''])
  return `${x.response.status} ${x.response.fields.get(Field.LOCATION) ?? ''}`
}

function problem(input: unknown): string {
  return redirectSchema.safeParse(input).error?.message ?? ''
}

test('a target alone is a 302, which can be taken back', () => {
  assert.equal(redirect('/new/$1', '/old/a', ['a']), '302 /new/a')
})

test('the status may be 301, 302, 303, 307 or 308', () => {
  for (const status of [301, 302, 303, 307, 308] as const) {
    assert.equal(redirect({ to: '/x', status }, '/'), `${status} /x`)
  }
  for (const status of [200, 300, 304, 305, 306, 309, '302'])
    assert.notEqual(problem({ to: '/x', status }), '')
})

test('the query is kept, unless the target has its own or the config says no', () => {
  assert.equal(redirect('/new', '/old?a=1&b'), '302 /new?a=1&b')
  assert.equal(redirect('/new?c=2', '/old?a=1'), '302 /new?c=2')
  assert.equal(redirect({ to: '/new', keepQuery: false }, '/old?a=1'), '302 /new')
  assert.equal(redirect('https://{host}{uri}', '/old?a=1'), '302 https://www.example.com/old?a=1')
})

test('a value cannot make a path of this site the name of another host', () => {
  for (const value of ['/evil.example', '//evil.example', '/\\evil.example', '\\evil.example']) {
    assert.match(redirect('/$1', '/', [value]), /^302 \/(?![/\\])/, value)
    assert.match(redirect('$1', '/', [value]), /^302 \/(?![/\\])/, value)
  }
})

test('a value brings no line break into Location', () => {
  assert.doesNotMatch(redirect('/$1', '/', ['a\r\nSet-Cookie: b']), /[\r\n]/)
  assert.doesNotMatch(redirect('/?{header.X-A}', '/', ['a\r\nSet-Cookie: b']), /[\r\n]/)
})

test('a target of another kind is refused with the reason', () => {
  assert.match(problem('javascript:alert(1)'), /path, or a URL of http or https/)
  assert.match(problem('ftp://x/y'), /path, or a URL of http or https/)
  assert.match(problem('new'), /begins with .*did you mean \\"\/new\\"/)
  assert.match(problem(''), /empty/)
  assert.match(problem('https://example.com$1'), /part of the host name/)
  assert.match(problem('https://{header.X-A}/'), /part of the host name/)
  for (const to of [
    '{scheme}://example.com$1',
    '//example.com$1',
    '//{path.a}/',
    'https://example.com{query}',
  ])
    assert.match(problem(to), /part of the host name/, to)
  assert.equal(problem('{scheme}://example.com{uri}'), '')
  assert.equal(problem('//example.com/$1'), '')
  assert.match(problem('/{status}'), /not known yet/)
  assert.equal(problem('https://example.com/$1'), '')
  assert.equal(problem('{scheme}://{host}/x'), '')
})
