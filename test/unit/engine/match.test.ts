import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMatch, matchSchema } from '../../../src/config/match-schema.ts'
import type { z } from 'zod'
import type { Matcher } from '../../../src/engine/match.ts'
import { ask } from './asked.ts'

function matcher(input: z.input<typeof matchSchema>): Matcher {
  return compileMatch(matchSchema.parse(input))
}

test('all that is written must hold', () => {
  const both = matcher({ path: '/a/*', method: 'POST' })
  assert.equal(both.matches(ask('/a/b', { method: 'POST' }).x), true)
  assert.equal(both.matches(ask('/a/b').x), false)
  assert.equal(both.matches(ask('/b', { method: 'POST' }).x), false)
})

test('of a list of paths the first that takes it gives the captures', () => {
  const several = matcher(['/u/:name', '/f/*'])
  const first = ask('/u/joe').x
  assert.equal(several.matches(first), true)
  assert.deepEqual([first.captures, first.captureNames], [['joe'], ['name']])
  const second = ask('/f/a/b').x
  assert.equal(several.matches(second), true)
  assert.deepEqual([second.captures, second.captureNames], [['a/b'], ['']])
})

test('a route that does not match leaves no captures behind', () => {
  const { x } = ask('/u/joe')
  assert.equal(matcher({ path: '/u/:name', method: 'POST' }).matches(x), false)
  assert.deepEqual(x.captures, [])
  assert.equal(matcher({ path: '/u/*' }).matches(x), true)
  assert.deepEqual([x.captures, x.captureNames], [['joe'], ['']])
})

test('GET takes HEAD too (RFC 9110 §9.3.2), and no other method does', () => {
  assert.equal(matcher({ method: 'GET' }).matches(ask('/', { method: 'HEAD' }).x), true)
  assert.equal(matcher({ method: 'HEAD' }).matches(ask('/').x), false)
  assert.equal(matcher({ method: ['PUT', 'POST'] }).matches(ask('/', { method: 'HEAD' }).x), false)
})

test('a field is there, not there, exactly this, or like that', () => {
  const fields = ['X-A: one', 'X-B: 1', 'X-B: 2']
  const taken = (header: Tests): boolean => matcher({ header }).matches(ask('/', { fields }).x)
  assert.equal(taken({ 'x-a': true }), true)
  assert.equal(taken({ 'X-A': false }), false)
  assert.equal(taken({ 'X-C': false }), true)
  assert.equal(taken({ 'X-A': 'one' }), true)
  assert.equal(taken({ 'X-A': 'On' }), false)
  assert.equal(taken({ 'X-B': '1, 2' }), true)
  assert.equal(taken({ 'X-A': { regex: '^o' } }), true)
  assert.equal(taken({ 'X-C': { regex: '' } }), false)
})

type Tests = Record<string, boolean | string | { regex: string }>

function taken(query: Tests): boolean {
  return matcher({ query }).matches(ask('/?a=1&b=x+y%21&c&a=2&%64=e').x)
}

test('a query parameter is compared decoded', () => {
  assert.equal(taken({ a: '1' }), true)
  assert.equal(taken({ a: '2' }), false)
  assert.equal(taken({ b: 'x y!' }), true)
  assert.equal(taken({ c: true }), true)
  assert.equal(taken({ c: '' }), true)
  assert.equal(taken({ d: 'e' }), true)
  assert.equal(taken({ z: true }), false)
  assert.equal(taken({ z: false }), true)
})

test('a client is in one of the networks', () => {
  const inside = matcher({ client: ['10.0.0.0/8', 'fd00::/8'] })
  assert.equal(inside.matches(ask('/', { client: '10.1.2.3' }).x), true)
  assert.equal(inside.matches(ask('/', { client: 'fd12::1' }).x), true)
  assert.equal(inside.matches(ask('/', { client: '11.1.2.3' }).x), false)
  assert.equal(inside.matches(ask('/', { client: '' }).x), false)
})

test('the scheme is the one that the client came by', () => {
  assert.equal(matcher({ scheme: 'https' }).matches(ask('/', { scheme: 'https' }).x), true)
  assert.equal(matcher({ scheme: 'https' }).matches(ask('/').x), false)
})

test('whyNot says in words what does not match', () => {
  const { x } = ask('/a?q=1', { fields: ['X-A: one'] })
  const why = (input: z.input<typeof matchSchema>): string => matcher(input).whyNot(x)
  assert.equal(why('/a'), '')
  assert.equal(why(['/b', '/c/*']), 'path /a is not /b or /c/*')
  assert.equal(why({ method: ['PUT', 'POST'] }), 'method GET is not PUT or POST')
  assert.equal(why({ scheme: 'https' }), 'scheme http is not https')
  assert.equal(why({ header: { 'X-A': 'two' } }), 'field x-a is "one", not "two"')
  assert.equal(why({ header: { 'X-A': false } }), 'field x-a is there')
  assert.equal(why({ header: { 'X-B': true } }), 'field x-b is missing')
  assert.equal(why({ header: { 'X-A': { regex: 't' } } }), 'field x-a is "one", not /t/')
  assert.equal(why({ query: { q: '2' } }), 'query parameter q is "1", not "2"')
  assert.equal(why({ client: '10.0.0.0/8' }), 'client 192.0.2.1 is in none of the networks')
})

test('only a match without conditions takes every request', () => {
  assert.equal(compileMatch(undefined).isCatchAll, true)
  assert.equal(matcher('/*').isCatchAll, true)
  assert.equal(matcher(['/a', '/*']).isCatchAll, true)
  assert.equal(matcher('/a/*').isCatchAll, false)
  assert.equal(matcher({ path: '/*', scheme: 'http' }).isCatchAll, false)
  assert.equal(matcher({ client: '0.0.0.0/0' }).isCatchAll, false)
})
