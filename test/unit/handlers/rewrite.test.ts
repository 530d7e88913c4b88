import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { systemClock } from '../../../src/core/clock.ts'
import { createRewrite, pathMapOf, rewriteSchema } from '../../../src/handlers/rewrite.ts'
import { NEXT } from '../../../src/http/exchange.ts'
import { ask, type AskOptions } from '../engine/asked.ts'

type Input = z.input<typeof rewriteSchema>

function rewrite(input: Input, target: string, captures: string[] = [], options: AskOptions = {}): string {
  const { x } = ask(target, options)
  x.captures.push(...captures)
  const handler = createRewrite(rewriteSchema.parse(input), systemClock)
  assert.equal(handler.onRequest(x), NEXT)
  assert.equal(x.request.target, target)
  return x.target
}

function problem(input: unknown): string {
  return rewriteSchema.safeParse(input).error?.message ?? ''
}

test('a text is the new path, and the query stays', () => {
  assert.equal(rewrite('/new/$1', '/old/a?b=c', ['a']), '/new/a?b=c')
  assert.equal(rewrite('/new?x=$1', '/old/a?b=c', ['a']), '/new?x=a')
})

test('a prefix is stripped at a segment boundary only', () => {
  const strip = { stripPrefix: '/api' }
  assert.equal(rewrite(strip, '/api/users?a=1'), '/users?a=1')
  assert.equal(rewrite(strip, '/api'), '/')
  assert.equal(rewrite(strip, '/api/'), '/')
  assert.equal(rewrite(strip, '/apis/x'), '/apis/x')
  assert.equal(rewrite(strip, '/x/api'), '/x/api')
  assert.equal(rewrite({ stripPrefix: '/api/' }, '/api/users'), '/users')
})

test('a prefix cannot be kept by spelling it otherwise', () => {
  assert.equal(rewrite({ stripPrefix: '/api' }, '/%61pi/x'), '/x')
  assert.equal(rewrite({ stripPrefix: '/api' }, '/y/../api/x'), '/x')
  assert.equal(rewrite({ stripPrefix: '/api' }, '//api//x'), '/x')
})

test('what is encoded in the path stays encoded', () => {
  assert.equal(rewrite({ stripPrefix: '/api' }, '/api/a%2Fb%20c'), '/a%2Fb%20c')
})

test('prefixes are replaced and added', () => {
  assert.equal(rewrite({ replacePrefix: { from: '/v1', to: '/v2' } }, '/v1/x'), '/v2/x')
  assert.equal(rewrite({ replacePrefix: { from: '/v1', to: '/v2' } }, '/v10/x'), '/v10/x')
  assert.equal(rewrite({ addPrefix: '/app' }, '/x?y'), '/app/x?y')
  assert.equal(rewrite({ addPrefix: '/app' }, '/'), '/app/')
})

test('a regex replaces its first match, with its own captures', () => {
  const regex = { pattern: '^/u/(\\d+)(?:/(.*))?$', replacement: '/user/$2?id=$1' }
  assert.equal(rewrite({ regex }, '/u/12/x?a=b', ['not this']), '/user/x?id=12&a=b')
  assert.equal(rewrite({ regex }, '/u/12'), '/user/?id=12')
  assert.equal(rewrite({ regex }, '/other'), '/other')
  assert.equal(rewrite({ regex: { pattern: 'b', replacement: 'x' } }, '/abb'), '/axb')
  assert.equal(rewrite({ regex: { pattern: '^/a', replacement: 'b' } }, '/a/c'), '/b/c')
})

test('the order is path, strip, replace, regex, add, query', () => {
  const input: Input = {
    query: { set: { q: '1' }, remove: ['a'] },
    addPrefix: '/z',
    regex: { pattern: 'b', replacement: 'c' },
    replacePrefix: { from: '/x', to: '/b' },
    stripPrefix: '/p',
    path: '/p/x/$1',
  }
  assert.equal(rewrite(input, '/old?a=2&k=3', ['y']), '/z/c/y?k=3&q=1')
})

test('parameters are set and removed, and values stay in theirs', () => {
  const query = { set: { client: '{client_ip}', back: '{uri}' }, remove: ['utm'] }
  assert.equal(
    rewrite({ query }, '/a?utm=1&x=%20'),
    '/a?x=%20&client=192.0.2.1&back=/a%3Futm%3D1%26x%3D%2520',
  )
  assert.equal(rewrite({ query: { remove: ['a'] } }, '/p?a=1'), '/p')
})

test('the target begins with one slash and holds no dot segment', () => {
  assert.equal(rewrite('/$1', '/', ['/evil.example/x']), '/evil.example/x')
  assert.equal(rewrite('$1', '/', ['x']), '/x')
  assert.equal(rewrite('/a/$1', '/', ['../../b']), '/')
  const options = { fields: ['X-A: ..'] }
  assert.equal(rewrite('/a/{header.X-A}/b', '/', [], options), '/a//b')
})

test('the asterisk of OPTIONS is left alone', () => {
  assert.equal(rewrite({ addPrefix: '/app' }, '*', [], { method: 'OPTIONS' }), '*')
})

test('what makes no sense is refused', () => {
  assert.match(problem({}), /rewrites nothing/)
  assert.match(problem('new'), /begins with/)
  assert.match(problem({ stripPrefix: 'api' }), /begins with/)
  assert.match(problem({ stripPrefix: '/' }), /more than/)
  assert.match(problem({ addPrefix: '/a?b' }), /no query/)
  assert.match(problem({ regex: { pattern: '(', replacement: '/' } }), /does not compile/)
  assert.match(problem({ path: '/{hots}' }), /did you mean/)
})

function map(input: Input, matched: string[] = []): unknown {
  return pathMapOf(rewriteSchema.parse(input), matched)
}

test('what a rewrite does to the beginning of paths is known where it can be', () => {
  assert.deepEqual(map({ stripPrefix: '/api' }), { publicPrefix: '/api', originPrefix: '' })
  assert.deepEqual(map({ addPrefix: '/app/' }), { publicPrefix: '', originPrefix: '/app' })
  assert.deepEqual(map({ stripPrefix: '/api', addPrefix: '/v2' }), {
    publicPrefix: '/api',
    originPrefix: '/v2',
  })
  assert.deepEqual(map({ replacePrefix: { from: '/a', to: '/b' } }), {
    publicPrefix: '/a',
    originPrefix: '/b',
  })
  assert.deepEqual(map('/new/$1', ['/old/*']), { publicPrefix: '/old', originPrefix: '/new' })
  assert.deepEqual(map('/$1', ['/old/*']), { publicPrefix: '/old', originPrefix: '' })
  assert.equal(map('/new/$1', ['/old/*', '/older/*']), null)
  assert.equal(map('/new', ['/old/*']), null)
  assert.equal(map({ regex: { pattern: 'a', replacement: 'b' } }), null)
  assert.equal(map({ query: { remove: ['a'] } }), null)
  assert.equal(pathMapOf(undefined, []), null)
})
