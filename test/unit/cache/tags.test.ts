import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheKey } from '../../../src/cache/keys/key.ts'
import {
  readSearchRule,
  ruleOfKey,
  searchPathOf,
  SearchRules,
  withRules,
  type SearchRule,
} from '../../../src/cache/keys/no-vary-search.ts'
import { foldTag, groupTag, readTags, tagsMax } from '../../../src/cache/rules/tags.ts'
import { fieldsOf, plainKeys, requestFor } from './store-world.ts'

const origin = 'https://a.example'

test('tags come from Surrogate-Key and xkey by space, from Cache-Tag by commas, each once, in lower case', () => {
  const fields = fieldsOf({ 'surrogate-key': 'One two  three', 'cache-tag': 'a b, ONE ,', xkey: 'x y' })
  fields.add('Cache-Tag', 'last')
  assert.deepEqual(readTags(fields, origin), ['one', 'two', 'three', 'x', 'y', 'a b', 'last'])
  assert.deepEqual(readTags(fieldsOf({}), origin), [])
})

test('groups belong to their origin and keep their case (RFC 9875 §2)', () => {
  const tags = readTags(fieldsOf({ 'cache-groups': '"Scripts", "a, b"' }), origin)
  assert.deepEqual(tags, [groupTag(origin, 'Scripts'), groupTag(origin, 'a, b')])
  assert.notEqual(groupTag(origin, 'x'), groupTag('https://b.example', 'x'))
  assert.equal(foldTag(groupTag(origin, 'Scripts')), groupTag(origin, 'Scripts'))
  assert.deepEqual(readTags(fieldsOf({ 'cache-groups': 'scripts' }), origin), [], 'a token is no string')
})

function tagList(count: number): string {
  return Array.from({ length: count }, (_, i) => `t${i}`).join(' ')
}

test(`an answer with more than ${tagsMax} tags, or one that is too long, is not to be stored`, () => {
  assert.equal(readTags(fieldsOf({ xkey: tagList(tagsMax) }), origin)?.length, tagsMax)
  assert.equal(readTags(fieldsOf({ xkey: tagList(tagsMax + 1) }), origin), null)
  assert.equal(readTags(fieldsOf({ xkey: 'x'.repeat(1024) }), origin)?.length, 1)
  assert.equal(readTags(fieldsOf({ xkey: 'x'.repeat(1025) }), origin), null)
})

function rule(value: string): SearchRule | null {
  return readSearchRule(fieldsOf({ 'no-vary-search': value }))
}

function agree(value: string, a: string, b: string): boolean {
  const each = rule(value) as SearchRule
  const keyOf = (query: string) => each.keyOf(plainKeys.of(requestFor('https://a.example/p' + query)))
  return keyOf(a) === keyOf(b)
}

test('No-Vary-Search names the parameters that do not matter, or those that do', () => {
  assert.ok(agree('params', '?a=1', ''))
  assert.ok(agree('params=("a")', '?a=1&b=2', '?b=2&a=3'))
  assert.ok(!agree('params=("a")', '?a=1&b=2', '?a=1&b=3'))
  assert.ok(agree('params, except=("a")', '?a=1&b=2', '?c&a=1'))
  assert.ok(!agree('params, except=("a")', '?a=1', '?a=2'))
  assert.ok(agree('key-order', '?b=1&a=2', '?a=2&b=1'))
  assert.ok(!agree('key-order', '?a=1&a=2', '?a=2&a=1'))
  assert.ok(!agree('params=("x")', '?b=1&a=2', '?a=2&b=1'))
})

test('parameters are compared decoded, and no value looks like another parameter', () => {
  assert.ok(agree('params=("x")', '?a=%41+b', '?a=A%20b'))
  assert.ok(agree('params=("x y")', '?x+y=1', ''))
  assert.ok(!agree('params=("x")', '?a=1%26b=2', '?a=1&b=2'))
  assert.ok(!agree('params=("x")', '?a=%C3%A4', '?a=a'))
  assert.match(
    (rule('params=("x")') as SearchRule).keyOf(plainKeys.of(requestFor('https://a.example/p?a=%C3%A4'))),
    /^[\n -~]*$/,
  )
})

test('a rule that cannot be read, or says nothing, is none', () => {
  for (const value of [
    '',
    'params=?0',
    'key-order=1',
    'params=(a)',
    'except=("a")',
    'params=?0, except=("a")',
    '???',
  ]) {
    assert.equal(rule(value), null, value)
  }
  assert.equal(readSearchRule(fieldsOf({})), null)
  const many = Array.from({ length: 101 }, (_, i) => `"p${i}"`).join(' ')
  assert.equal(rule(`params=(${many})`), null)
})

test('the key that a rule has made tells the rule, and a rule changes no key that one has made', () => {
  const key = plainKeys.of(requestFor('https://a.example/p?a=1&b=2'))
  for (const text of [
    'params',
    'params=("")',
    'params=("a" "")',
    'key-order',
    'params, except=("a b" "&?=")',
  ]) {
    const each = rule(text) as SearchRule
    const ruled = each.keyOf(key)
    assert.equal(ruleOfKey(ruled)?.text, each.text, text)
    assert.equal(ruleOfKey(ruled)?.keyOf(key), ruled)
    assert.equal(each.keyOf(ruled), ruled)
    assert.equal(searchPathOf(ruled), searchPathOf(key))
  }
  assert.notEqual(rule('params=("")')?.text, rule('params=()')?.text, 'an empty name is a name')
  const zone = new CacheKey('search site', 'search -w?x=1')
  assert.equal(ruleOfKey(zone.of(requestFor('https://a.example/p'))), null)
  assert.equal(ruleOfKey(key), null)
})

function names(rules: readonly SearchRule[]): string {
  return rules.map(({ text }) => text.slice(2, 3)).join('')
}

test('of the rules that two know of a path there are four, those of the first before the others', () => {
  const rules = ['a', 'b', 'c', 'd', 'e'].map((name) => rule(`params=("${name}")`) as SearchRule)
  assert.equal(names(withRules(rules.slice(1, 3), rules)), 'bcad')
  const known = new SearchRules()
  const path = searchPathOf(plainKeys.of(requestFor('https://a.example/p?x')))
  known.learn(path, rules.slice(0, 1))
  known.learn(path, rules.slice(1, 2))
  assert.equal(names(known.of(path)), 'ab')
  known.note((rules[1] as SearchRule).keyOf(path))
  assert.equal(names(known.of(path)), 'ba')
  assert.equal(known.keysOf(path).length, 3)
  assert.equal(known.keysOf(path, path).length, 2)
})

test('a path has at most four rules, the last ones, and 10,000 paths are remembered', () => {
  const rules = new SearchRules()
  const add = (path: string, each: SearchRule) =>
    rules.add(each.keyOf(plainKeys.of(requestFor('https://a.example' + path))), each)
  const of = (path: string) => rules.of(plainKeys.of(requestFor('https://a.example' + path)))
  assert.equal(rules.isEmpty, true)
  for (let i = 0; i < 6; i++) add('/p?a', rule(`params=("p${i}")`) as SearchRule)
  assert.equal(of('/p?b=1').length, 4)
  assert.equal(of('/p')[0]?.text, rule('params=("p5")')?.text)
  assert.equal(of('/q').length, 0)
  for (let i = 0; i < 10_000; i++) add('/many/' + i, rule('params') as SearchRule)
  assert.equal(of('/p').length, 0)
  assert.equal(of('/many/9999').length, 1)
})
