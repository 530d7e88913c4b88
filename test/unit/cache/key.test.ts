import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CacheKey,
  keyHost,
  normalTarget,
  plainKey,
  readKey,
  type KeyChoices,
} from '../../../src/cache/keys/key.ts'
import { requestFor } from './store-world.ts'

const page = 'https://www.example.com/page'

function keyOf(url: string, choices: KeyChoices = {}, fields: Readonly<Record<string, string>> = {}): string {
  return new CacheKey('site', 'zone', choices).of(requestFor(url, fields))
}

function same(a: string, b: string, choices: KeyChoices = {}): boolean {
  return keyOf(a, choices) === keyOf(b, choices)
}

test('scheme, host, port, target, site and zone are in every key', () => {
  assert.equal(keyOf(page + '?a'), 'https://www.example.com/page?a\nsite\nzone')
  const others = [
    keyOf('http://www.example.com/page'),
    keyOf('https://www.example.com:8443/page'),
    keyOf('https://example.com/page'),
    keyOf('https://www.example.com/Page'),
    keyOf('https://www.example.com/page?'),
    new CacheKey('site', 'other').of(requestFor(page)),
    new CacheKey('other', 'zone').of(requestFor(page)),
    new CacheKey('site', 'zone').of(requestFor(page), 'digest'),
    keyOf(page),
  ]
  assert.equal(new Set(others).size, others.length)
})

test('the URL is the client’s, whatever it is rewritten to', () => {
  const request = requestFor(page)
  const key = new CacheKey('site', 'zone').of(request)
  request.path = '/elsewhere'
  assert.equal(new CacheKey('site', 'zone').of(request), key)
})

test('spellings that are the same URL to everybody share a key (RFC 3986 §6.2.2)', () => {
  assert.ok(same('https://www.example.com:443/a', 'https://WWW.example.com/a'))
  assert.ok(same('http://www.example.com:80/a', 'http://www.example.com/a'))
  assert.ok(!same('https://www.example.com:80/a', 'https://www.example.com/a'))
  assert.ok(same(page + '/%61%2d?x=%7e', page + '/a-?x=~'))
  assert.ok(same(page + '/%c3%a4', page + '/%C3%A4'))
})

test('spellings that an origin may answer differently do not', () => {
  const paths = [
    '/a',
    '//a',
    '/./a',
    '/b/../a',
    '/a/',
    '/a?',
    '/a%2F',
    '/a%25',
    '/%2541',
    '/A',
    '/a?x=%',
    '/a?x=%2',
  ]
  const keys = paths.map((path) => keyOf('https://www.example.com' + path))
  assert.equal(new Set(keys).size, paths.length)
})

test('percent-encoding that is none stays as it came', () => {
  assert.equal(normalTarget('/%zz%4'), '/%zz%4')
  assert.equal(normalTarget('/%%41%'), '/%A%')
  assert.equal(normalTarget('/%25%34%31'), '/%2541')
})

test('parameters are kept, left out or sorted as the operator chose', () => {
  const query = (url: string, choices: KeyChoices) => keyOf(url, choices).split('\n')[0]?.slice(page.length)
  const url = page + '?b=2&utm_source=x&a=1&b=1&c'
  assert.equal(query(url, { query: 'none' }), '')
  assert.equal(query(url, { query: { only: ['b'] } }), '?b=2&b=1')
  assert.equal(query(url, { query: { only: ['nothing'] } }), '')
  assert.equal(query(url, { query: { without: ['utm_*'] } }), '?b=2&a=1&b=1&c')
  assert.equal(query(url, { query: { without: ['utm_*'] }, sortQuery: true }), '?a=1&b=2&b=1&c')
  assert.equal(query(url, { sortQuery: true }), '?a=1&b=2&b=1&c&utm_source=x')
  assert.equal(query(page + '?utm%5Fsource=1', { query: { without: ['utm_source'] } }), '')
  assert.equal(query(page + '?a%26b=1&x=2', { query: { only: ['a'] } }), '', 'an encoded & separates nothing')
})

/** What the key of the page has of this query. */
function queryOf(text: string, query: KeyChoices['query'] & object): string {
  return (keyOf(page + text, { query }).split('\n')[0] as string).slice(page.length)
}

test('what an origin may take for a parameter that counts is never left out', () => {
  const without = { without: ['utm_*'] }
  assert.equal(queryOf('?utm_x=1;id=2', without), '?utm_x=1;id=2', 'some split at a semicolon as well')
  assert.equal(queryOf('?utm_x=1;utm_y=2&a', without), '?a')
  assert.equal(queryOf('?a=1;utm_x=1', without), '?a=1;utm_x=1')
  const only = { only: ['id', 'a_b', 'f*'] }
  assert.equal(queryOf('?x=1;id=2&y', only), '?x=1;id=2')
  for (const alias of ['id[]=2', 'id%5b0%5D=2', '+id=2', '%20+id=2', 'id%00x=2', 'a.b=2', 'a+b=2', '+foo=2'])
    assert.equal(
      queryOf('?id=1&' + alias, only),
      normalTarget('?id=1&' + alias),
      `${alias} is one name to PHP`,
    )
  for (const other of ['xid=2', 'id2=2', 'x[id]=2', '[id]=2', 'ab=2', ';', 'x=id'])
    assert.equal(queryOf('?id=1&' + other, only), '?id=1', other)
})

test('of several cookies of one name each counts: origins do not agree which one is meant', () => {
  const choices = { cookies: ['group'] }
  const texts = ['group=1', 'group=2', 'group=1; group=2', 'group=2; group=1', 'group=1;  group = 2; group=3']
  const keys = texts.map((cookie) => keyOf(page, choices, { cookie }))
  assert.equal(new Set(keys).size, keys.length)
  // What is no space in a field is a part of the name.
  assert.equal(keyOf(page, choices, { cookie: '\xa0group=1' }), keyOf(page, choices))
})

test('of cookies those count that an origin may take for one, and all that begin as a name with * does', () => {
  const one = { cookies: ['group'] }
  for (const cookie of ['group', 'group[]=1', 'group[x]=1'])
    assert.notEqual(keyOf(page, one, { cookie }), keyOf(page, one), cookie)
  const many = { cookies: ['wp_*'] }
  const texts = ['wp_a=1', 'wp_b=1', 'wp_a=1; wp_b=1', 'wp_a=1; wp_b=2', 'xwp_a=1']
  const keys = texts.map((cookie) => keyOf(page, many, { cookie }))
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(keys[4], keyOf(page, many))
})

test('a field in a spelling that some origins take for one that was chosen parts requests', () => {
  for (const [choices, fields] of [
    [{ headers: ['x-tenant'] }, { x_tenant: 'a' }],
    [{ device: true }, { user_agent: 'iPhone' }],
    [{ languages: ['en', 'de'] }, { Accept_Language: 'de' }],
  ] as const) {
    assert.notEqual(keyOf(page, choices, fields), keyOf(page, choices), JSON.stringify(fields))
    assert.equal(keyOf(page, choices, { x_other: 'a' }), keyOf(page, choices))
  }
})

test('values of one parameter keep their order when parameters are sorted', () => {
  assert.ok(!same(page + '?a=1&a=2', page + '?a=2&a=1', { sortQuery: true }))
  assert.ok(same(page + '?b&a=1', page + '?a=1&b', { sortQuery: true }))
})

test('fields and cookies of the request that were chosen part requests', () => {
  const choices = { headers: ['x-a', 'x-b'], cookies: ['group'] }
  const fields: Readonly<Record<string, string>>[] = [
    {},
    { 'x-a': '' },
    { 'x-a': '1' },
    { 'x-b': '1' },
    { 'x-a': '1', 'x-b': '1' },
    { cookie: 'group=1' },
    { cookie: 'group=' },
    { cookie: 'xgroup=1; group=2' },
  ]
  const keys = fields.map((each) => keyOf(page, choices, each))
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(keyOf(page, choices, { cookie: 'a=b;group=2' }), keys[7])
  assert.equal(keyOf(page, choices, { 'x-c': '1', cookie: 'other=1' }), keys[0])
})

test('no value looks like another field, whatever stands in it', () => {
  const choices = { headers: ['x-a', 'x-b'] }
  const keys = [
    keyOf(page, choices, { 'x-a': '1\nheader x-b 1:1' }),
    keyOf(page, choices, { 'x-a': '1', 'x-b': '1' }),
    keyOf(page, choices, { 'x-a': '1', 'x-b': '1\nheader x-b 1:1' }),
    keyOf(page, choices, { 'x-a': '-' }),
    keyOf(page, choices),
  ]
  assert.equal(new Set(keys).size, keys.length)
})

test('a site or zone with a control character is refused', () => {
  assert.throws(() => new CacheKey('a\nb', 'zone'), RangeError)
  assert.throws(() => new CacheKey('a', 'zone\u0000'), RangeError)
})

test('devices and languages are few', () => {
  const choices = { device: true, languages: ['en', 'de'] }
  const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148'
  const a = keyOf(page, choices, { 'user-agent': phone, 'accept-language': 'de-AT,de;q=0.9' })
  const b = keyOf(page, choices, { 'user-agent': phone + ' x', 'accept-language': 'de' })
  assert.equal(a, b)
  assert.notEqual(a, keyOf(page, choices, { 'user-agent': phone, 'accept-language': 'en' }))
  assert.notEqual(a, keyOf(page, choices, { 'accept-language': 'de' }))
})

test('a key can be taken apart, and made up for a purge by URL', () => {
  const key = keyOf('https://[::1]:8443/a?b')
  const parts = readKey(key)
  assert.equal(parts.host, '[::1]:8443')
  assert.equal(key.slice(parts.targetStart, parts.targetEnd), '/a?b')
  assert.deepEqual([parts.site, parts.zone, parts.hasChoices], ['site', 'zone', false])
  assert.equal(plainKey('https', '[::1]:8443', '/a?b', 'site', 'zone'), key)
  assert.equal(readKey(keyOf(page, { device: true })).hasChoices, true)
  assert.equal(readKey('no key').host, '')
})

test('the host in keys names the port only where it is not the scheme’s own', () => {
  assert.equal(keyHost(requestFor('https://a.example:443/')), 'a.example')
  assert.equal(keyHost(requestFor('http://a.example:443/')), 'a.example:443')
})

test('a key is described in words', () => {
  const said = new CacheKey('site', 'zone', { headers: ['x-a'] }).describe(requestFor(page, { 'x-a': 'v' }))
  assert.deepEqual(said, ['URL https://www.example.com/page', 'site site', 'zone zone', 'header x-a 1:v'])
})

test('a key that was made before is found again for the same URL and for no other', () => {
  const urls = [
    'http://a.example/p',
    'https://a.example/p',
    'http://b.example/p',
    'http://a.example:81/p',
    // The same length and the same end, so the same slot.
    'http://a.example/xx/same',
    'http://a.example/yy/same',
    'http://a.example/%61/same',
    'http://a.example/a/same?q=%7e',
    'http://a.example/' + 'long'.repeat(300),
    'http://a.example/' + 'lung'.repeat(300),
  ]
  for (const choices of [{}, { query: 'none' }, { sortQuery: true }] as const) {
    const keys = new CacheKey('site', 'zone', choices)
    for (let round = 0; round < 3; round++) {
      for (const url of urls)
        assert.equal(keys.of(requestFor(url)), new CacheKey('site', 'zone', choices).of(requestFor(url)))
    }
  }
})

test('two sites that are asked for the same by turns have keys of their own each time', () => {
  const request = requestFor('http://www.example.com/same')
  const [one, other] = [new CacheKey('a', 'zone'), new CacheKey('b', 'zone')]
  for (let i = 0; i < 3; i++) {
    assert.equal(one.of(request), 'http://www.example.com/same\na\nzone')
    assert.equal(other.of(request), 'http://www.example.com/same\nb\nzone')
  }
})

test('thousands of sites that are asked for the same find each its own key', () => {
  const request = requestFor('http://www.example.com/')
  const keys = Array.from({ length: 10_000 }, (_, i) => new CacheKey(`site${i + 10_000}`, 'zone'))
  for (let round = 0; round < 2; round++) {
    for (const key of keys) assert.equal(key.of(request), `http://www.example.com/\n${key.site}\nzone`)
  }
})
