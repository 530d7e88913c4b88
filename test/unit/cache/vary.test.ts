import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bestEncoding,
  bestLanguage,
  bestType,
  deviceOf,
  orderedPreferences,
} from '../../../src/cache/keys/buckets.ts'
import { foldRequest, readVary, Vary, VARY_ANY, varyNamesMax } from '../../../src/cache/keys/vary.ts'
import { fieldsOf, requestFor } from './store-world.ts'

function variant(names: string[], fields: Readonly<Record<string, string>>): string {
  return new Vary(names, null).variantOf(requestFor('https://a.example/', fields))
}

test('Vary is a list of names, in any case and order, each once (RFC 9110 §12.5.5)', () => {
  const vary = readVary(fieldsOf({ vary: 'Foo, ACCEPT ,,foo' }), null) as Vary
  assert.deepEqual(vary.names, ['accept', 'foo'])
  assert.equal(readVary(fieldsOf({ vary: 'accept,foo' }), null), vary, 'the same set is the same object')
  assert.equal(readVary(fieldsOf({}), null), null)
  assert.equal(readVary(fieldsOf({ vary: ' , ' }), null), null)
})

test('an asterisk anywhere in Vary fits no other request', () => {
  for (const value of ['*', '*, *', ', *', 'foo, *'])
    assert.equal(readVary(fieldsOf({ vary: value }), null), VARY_ANY)
  const lines = fieldsOf({ vary: 'foo' })
  lines.add('Vary', '*')
  assert.equal(readVary(lines, null), VARY_ANY)
})

test(`a Vary of more than ${varyNamesMax} names is taken for an asterisk`, () => {
  const names = Array.from({ length: varyNamesMax + 1 }, (_, i) => `x-${i}`)
  assert.equal(readVary(fieldsOf({ vary: names.join() }), null), VARY_ANY)
  assert.notEqual(readVary(fieldsOf({ vary: names.slice(1).join() }), null), VARY_ANY)
})

test('requests differ when a named field does, and when one does not have it', () => {
  const all = [{}, { foo: '' }, { foo: '1' }, { foo: '2' }, { foo: '1', bar: '1' }, { bar: '1' }]
  const variants = all.map((fields) => variant(['bar', 'foo'], fields))
  assert.equal(new Set(variants).size, all.length)
  assert.equal(variant(['foo'], { foo: '1', bar: '1' }), variant(['foo'], { foo: '1' }))
})

test('no value looks like two', () => {
  const odd = [{ a: '1', b: '2' }, { a: '11:2' }, { a: '1-', b: '2' }, { a: '1', b: '-2' }, { a: '11:21' }]
  const variants = odd.map((fields) => variant(['a', 'b'], fields))
  assert.equal(new Set(variants).size, odd.length)
})

test('lines and space around commas are one list (RFC 9110 §5.3, §5.6.1)', () => {
  const request = requestFor('https://a.example/', { foo: '1' })
  request.fields.add('Foo', '2')
  const vary = new Vary(['foo'], null)
  assert.equal(vary.variantOf(request), variant(['foo'], { foo: '1,2' }))
  assert.equal(variant(['foo'], { foo: '1 ,  2' }), variant(['foo'], { foo: '1, 2' }))
  assert.notEqual(variant(['foo'], { foo: '"1 , 2"' }), variant(['foo'], { foo: '"1,2"' }))
  assert.notEqual(variant(['cookie'], { cookie: 'a, b' }), variant(['cookie'], { cookie: 'a,b' }))
})

function language(value: string): string {
  return variant(['accept-language'], { 'accept-language': value })
}

test('preferences that say the same are the same: case, space, order among equals, spelling of weights', () => {
  assert.equal(language('en, de'), language('De ,eN'))
  assert.equal(language('en;q=0.50, de'), language('de;q=1.0, en;q=0.5'))
  assert.notEqual(language('en, de;q=0.5'), language('en;q=0.5, de'))
  assert.equal(orderedPreferences('text/html;level=1;q=0.3, */*'), '*/*,text/html;level=1;q=0.3')
  assert.equal(orderedPreferences('a;b="1,2"'), 'a;b="1,2"')
})

test('the best encoding is the one with the highest weight, then the one that the site prefers', () => {
  const site = ['br', 'gzip']
  const cases: [string | undefined, string][] = [
    ['gzip, deflate, br', 'br'],
    ['gzip, br;q=0.5', 'gzip'],
    ['x-gzip', 'gzip'],
    ['*', 'br'],
    ['*, br;q=0', 'gzip'],
    ['gzip;q=0', ''],
    ['deflate', ''],
    ['', ''],
    [undefined, ''],
    ['identity', ''],
    ['GZIP;Q=1', 'gzip'],
  ]
  for (const [accept, best] of cases) assert.equal(bestEncoding(accept, site), best, String(accept))
  assert.equal(bestEncoding('gzip, deflate, br', site), 'br', 'also when it is remembered')
})

test('the best type and the best language', () => {
  const types = ['image/avif', 'image/webp', 'image/jpeg']
  assert.equal(bestType('image/avif,image/webp,*/*;q=0.8', types), 'image/avif')
  assert.equal(bestType('image/*;q=0.5,image/webp', types), 'image/webp')
  assert.equal(bestType('text/html', types), 'image/jpeg')
  assert.equal(bestType(undefined, types), 'image/jpeg')
  const languages = ['en', 'de', 'fr-CA']
  assert.equal(bestLanguage('de-AT, fr;q=0.5', languages), 'de')
  assert.equal(bestLanguage('fr', languages), 'fr-CA')
  assert.equal(bestLanguage('es', languages), 'en')
  assert.equal(bestLanguage('de;q=0.8, en-GB;q=0.9', languages), 'en')
})

test('more texts than are remembered are read right all the same', () => {
  for (let i = 0; i < 3000; i++)
    assert.equal(bestEncoding(`br;q=0.${i % 9}, gzip;q=0.95, x${i}`, ['br', 'gzip']), 'gzip')
})

test('a user agent is a phone, a tablet or a desktop', () => {
  assert.equal(deviceOf('Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Mobile Safari'), 'phone')
  assert.equal(deviceOf('Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 Safari'), 'tablet')
  assert.equal(deviceOf('Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Mobile/15E148'), 'tablet')
  assert.equal(deviceOf('curl/8.0'), 'desktop')
  assert.equal(deviceOf(''), 'desktop')
})

test('what the origin is asked says what the folded variant says, and no more', () => {
  const folding = { encodings: ['br', 'gzip'], languages: ['en', 'de'] }
  const vary = new Vary(['accept-encoding', 'accept-language'], folding)
  const request = requestFor('https://a.example/', {
    'accept-encoding': 'gzip, deflate',
    'accept-language': 'de-AT, es',
    accept: 'text/html, */*',
  })
  const before = vary.variantOf(request)
  foldRequest(request.fields, folding)
  assert.equal(vary.variantOf(request), before)
  assert.deepEqual(request.fields.toArray(), [
    'accept-encoding',
    'gzip',
    'accept-language',
    'de',
    'accept',
    'text/html, */*',
  ])
  const plain = requestFor('https://a.example/', { 'accept-encoding': 'deflate' })
  foldRequest(plain.fields, folding)
  assert.deepEqual(plain.fields.toArray(), ['accept-language', 'en'])
  assert.equal(vary.variantOf(plain), vary.variantOf(requestFor('https://a.example/')))
})
