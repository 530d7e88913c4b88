import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bypass, type BypassOptions } from '../../../src/handlers/cache/bypass.ts'
import { TtlTable, type TtlOptions } from '../../../src/handlers/cache/ttl.ts'
import { UseCounts } from '../../../src/handlers/cache/use-counts.ts'
import { ask, type AskOptions } from '../engine/asked.ts'

const anyRule = { overrides: false, statuses: [], types: [], paths: [] }

function ttlOf(rules: readonly Partial<TtlOptions>[], status: number, type = '', path = '/'): number | null {
  const table = new TtlTable(rules.map((rule, i) => ({ ttlMs: i + 1, ...anyRule, ...rule })))
  return table.find(status, type, path)?.ttlMs ?? null
}

test('a rule without statuses is for what stays right, not for errors and what is temporary', () => {
  for (const status of [200, 203, 204, 206, 300, 301, 308]) assert.equal(ttlOf([{}], status), 1)
  for (const status of [302, 307, 404, 410, 500, 503]) assert.equal(ttlOf([{}], status), null)
})

test('statuses are numbers or classes, types may be families, paths are as in a match', () => {
  const rules = [
    { statuses: [404, '5xx'] },
    { types: ['image/*', 'text/css'] },
    { paths: ['/img/*', { regex: '\\.js$' }] },
  ]
  assert.equal(ttlOf(rules, 404), 1)
  assert.equal(ttlOf(rules, 503), 1)
  assert.equal(ttlOf(rules, 410), null)
  assert.equal(ttlOf(rules, 200, 'image/png'), 2)
  assert.equal(ttlOf(rules, 200, 'text/css'), 2)
  assert.equal(ttlOf(rules, 200, 'text/csss'), null)
  assert.equal(ttlOf(rules, 200, 'imagery/png'), null)
  assert.equal(ttlOf(rules, 200, '', '/img/a'), 3)
  assert.equal(ttlOf(rules, 200, '', '/a.js'), 3)
  assert.equal(ttlOf(rules, 200, '', '/imgs'), null)
})

test('all that a rule says must hold, and the first that fits decides', () => {
  const rules = [{ types: ['image/png'], paths: ['/a/*'] }, { types: ['image/png'] }, {}]
  assert.equal(ttlOf(rules, 200, 'image/png', '/a/b'), 1)
  assert.equal(ttlOf(rules, 200, 'image/png', '/b'), 2)
  assert.equal(ttlOf(rules, 200, 'text/html', '/a/b'), 3)
})

function why(conditions: Partial<BypassOptions>, target: string, options: AskOptions = {}): string {
  const bypass = new Bypass({ cookies: {}, headers: {}, query: {}, paths: [], ...conditions })
  return bypass.why(ask(target, options).x)
}

const cookie = (value: string): AskOptions => ({ fields: [`Cookie: ${value}`] })

test('cookies are compared by whole names and values, each of several', () => {
  const cookies = { session: true, 'wp_*': true, mode: 'edit', level: /^[5-9]$/ }
  for (const text of [
    'session=',
    'session',
    'a=1;session=2',
    'a=1;  wp_x=1',
    'mode=edit',
    'mode=a; mode=edit',
    'level=7',
  ])
    assert.notEqual(why({ cookies }, '/', cookie(text)), '', text)
  for (const text of ['sessions=1', 'a=session', 'Session=1', 'xwp_=1', 'mode=edits', 'level=17', ''])
    assert.equal(why({ cookies }, '/', cookie(text)), '', text)
  assert.equal(why({ cookies }, '/'), '')
})

test('a condition may be that a cookie, field or parameter is not there', () => {
  assert.equal(why({ cookies: { consent: false } }, '/'), 'cookie consent')
  assert.equal(why({ cookies: { consent: false } }, '/', cookie('consent=1')), '')
  assert.equal(why({ headers: { accept: false } }, '/'), 'field accept')
  assert.equal(why({ query: { v: false } }, '/?w=1'), 'query parameter v')
})

test('fields, parameters and paths: any that holds is enough', () => {
  const conditions = { headers: { 'x-a': 'on' }, query: { no: true, q: 'a b' }, paths: ['/admin/*'] }
  assert.equal(why(conditions, '/', { fields: ['X-A: on'] }), 'field x-a')
  assert.equal(why(conditions, '/', { fields: ['X-A: onn'] }), '')
  assert.equal(why(conditions, '/?no'), 'query parameter no')
  assert.equal(why(conditions, '/?%6eo=1'), 'query parameter no')
  assert.equal(why(conditions, '/?q=a+b'), 'query parameter q')
  assert.equal(why(conditions, '/?q=a'), '')
  assert.equal(why(conditions, '/x/../%61dmin'), 'path /admin/*')
})

test('a path is also asked about as an origin sees it that decodes first, or cuts parameters off', () => {
  const conditions = { paths: ['/account/*', '/exact'] }
  for (const target of [
    '/account%2Fa',
    '/account;a/b',
    '/account;a',
    '/a;/../account%2f',
    '/account%5ca',
    '/exact;a.css',
  ])
    assert.notEqual(why(conditions, target), '', target)
  for (const target of ['/accounts%2Fa', '/a%2Faccount', '/b;account', '/exactly;a'])
    assert.equal(why(conditions, target), '', target)
})

test('uses are counted by key, and what was asked for long ago is forgotten', () => {
  const uses = new UseCounts(10)
  assert.equal(uses.add('a'), 1)
  assert.equal(uses.add('a'), 2)
  for (let i = 0; i < 9; i++) uses.add(`b${i}`)
  assert.equal(uses.add('c'), 1)
  assert.equal(uses.add('a'), 3)
  for (let i = 0; i < 1000; i++) uses.add(`d${i}`)
  assert.ok(uses.size <= 20)
  assert.equal(uses.add('a'), 1)
})
