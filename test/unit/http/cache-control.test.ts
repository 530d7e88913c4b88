import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  Directive,
  readRequestDirectives,
  readResponseDirectives,
  readSeconds,
  RequestDirectives,
  ResponseDirectives,
  secondsMax,
} from '../../../src/http/cache-control.ts'
import { Fields } from '../../../src/http/fields.ts'

function fieldsOf(...lines: [string, string][]): Fields {
  const fields = new Fields()
  for (const [name, value] of lines) fields.add(name, value)
  return fields
}

function answer(...lines: [string, string][]): ResponseDirectives {
  const into = new ResponseDirectives()
  // What an earlier reading left behind must not be seen.
  readResponseDirectives(fieldsOf(['Cache-Control', 'private, max-age=9, no-cache="x"']), [], into)
  readResponseDirectives(fieldsOf(...lines), ['edge-cache-control', 'cdn-cache-control'], into)
  return into
}

const cc = (value: string): ResponseDirectives => answer(['Cache-Control', value])

function request(...lines: [string, string][]): RequestDirectives {
  const into = new RequestDirectives()
  readRequestDirectives(fieldsOf(['Cache-Control', 'no-store, max-age=9, min-fresh=1']), into)
  readRequestDirectives(fieldsOf(...lines), into)
  return into
}

const cdn = (value: string): ResponseDirectives =>
  answer(['Cache-Control', 'no-store'], ['CDN-Cache-Control', value])

const asks = (value: string): RequestDirectives => request(['Cache-Control', value])

suite('delta-seconds (RFC 9111 §1.2.2)', () => {
  const values: [string, number][] = [
    ['0', 0],
    ['5', 5],
    ['003600', 3600],
    ['2147483647', 2_147_483_647],
    ['2147483648', secondsMax],
    ['99999999999', secondsMax],
    ['9'.repeat(400), secondsMax],
    ['0'.repeat(400) + '7', 7],
    ['0'.repeat(400), 0],
  ]
  for (const [text, expected] of values) {
    test(`${text.slice(0, 20)} is ${expected}`, () => assert.equal(readSeconds(text), expected))
  }
  for (const text of ['', '-1', '+1', '1.0', '1.5', '1a', 'a1', "'5'", ' 5', '5 ', '0x5', '1e3', '٣']) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(readSeconds(text), -1))
  }
})

suite('directives of an answer (RFC 9111 §5.2.2)', () => {
  const bits: [string, number][] = [
    ['no-store', Directive.NO_STORE],
    ['NO-STORE', Directive.NO_STORE],
    ['no-store=1', Directive.NO_STORE],
    ['no-cache', Directive.NO_CACHE],
    ['no-cache=""', Directive.NO_CACHE],
    ['no-cache="a b"', Directive.NO_CACHE],
    ['no-cache=', Directive.NO_CACHE],
    ['private', Directive.PRIVATE],
    ['must-revalidate', Directive.MUST_REVALIDATE],
    ['proxy-revalidate', Directive.PROXY_REVALIDATE],
    ['public', Directive.PUBLIC],
    ['must-understand', Directive.MUST_UNDERSTAND],
    ['immutable', Directive.IMMUTABLE],
    ['public, no-store', Directive.PUBLIC | Directive.NO_STORE],
  ]
  for (const [value, expected] of bits) {
    test(value, () => assert.equal(cc(value).bits, expected))
  }

  for (const value of [
    'foobar',
    'public=yes',
    'must-understand=0',
    'immutable=1',
    'xno-store',
    '"no-store"',
    'a="no-store"',
  ]) {
    test(`${value} says nothing`, () => assert.equal(cc(value).bits, 0))
  }

  test('nothing is said where there is no field', () => {
    assert.deepEqual(answer(), new ResponseDirectives())
  })

  const ages: [string, number][] = [
    ['max-age=60', 60],
    ['MaX-aGe=60', 60],
    ['max-age="60"', 60],
    ['foobar, max-age=60', 60],
    ['max-age=60, max-age=60', 60],
    ['max-age=60, max-age=1', 0],
    ['max-age=1, max-age=60', 0],
    ['max-age=60, max-age=60, max-age=61', 0],
    ['max-age', 0],
    ['max-age=', 0],
    ['max-age=-60', 0],
    ['max-age=60.0', 0],
    ['max-age=6a', 0],
    ["max-age='60'", 0],
    ['max-age =60', 0],
    ['max-age= 60', 0],
    ['max-age 60', 0],
    ['extension="max-age=60", max-age=1', 1],
    ['max-age=1, extension="max-age=60"', 1],
    ['xmax-age=60', -1],
  ]
  for (const [value, expected] of ages) {
    test(`${value}: max-age is ${expected}`, () => assert.equal(cc(value).maxAge, expected))
  }

  test('lines of the field are one list', () => {
    const both = answer(['Cache-Control', 'max-age=60'], ['cache-control', 's-maxage=5, public'])
    assert.deepEqual([both.maxAge, both.sharedMaxAge, both.bits], [60, 5, Directive.PUBLIC])
    assert.equal(answer(['Cache-Control', 'max-age=60'], ['Cache-Control', 'max-age=1']).maxAge, 0)
  })

  test('two values of one freshness are marked as malformed', () => {
    assert.equal(cc('s-maxage=1, s-maxage=2').bits, Directive.MALFORMED)
    assert.equal(cc('s-maxage=1, s-maxage=2').sharedMaxAge, 0)
  })

  test('of two leaves to be stale the shorter counts, and one that is malformed is none', () => {
    assert.equal(cc('stale-while-revalidate=60, stale-while-revalidate=5').whileRevalidate, 5)
    assert.equal(cc('stale-if-error=x').ifError, 0)
    assert.equal(cc('stale-if-error=9').ifError, 9)
    assert.equal(cc('public').ifError, -1)
  })

  test('field names restrict no-cache and private to those fields', () => {
    const named = cc('no-cache="Set-Cookie, X-A", private=b')
    assert.deepEqual(named.fieldNames, ['set-cookie', 'x-a', 'b'])
    assert.equal(named.bits, 0)
    assert.equal(cc('no-cache="a", no-cache').bits, Directive.NO_CACHE)
  })
})

suite('targeted fields (RFC 9213)', () => {
  test('a valid one decides, and Cache-Control counts for nothing', () => {
    const said = cdn('max-age=60;x=1, foobar, no-cache="a"')
    assert.deepEqual([said.target, said.bits, said.maxAge], ['cdn-cache-control', 0, 60])
    assert.deepEqual(said.fieldNames, ['a'])
  })

  test('the first of the target list that is valid decides', () => {
    const said = answer(['CDN-Cache-Control', 'max-age=1'], ['Edge-Cache-Control', 'max-age=2'])
    assert.deepEqual([said.target, said.maxAge], ['edge-cache-control', 2])
    const next = answer(['CDN-Cache-Control', 'max-age=1'], ['Edge-Cache-Control', 'max-age=2,'])
    assert.deepEqual([next.target, next.maxAge], ['cdn-cache-control', 1])
  })

  const ignored = [
    '',
    ' ',
    '&&&&&',
    'max-age=10000, &&&&&',
    'max-age="10000"',
    'max-age=1.0',
    'max-age=a',
    'max-age',
    'MaX-aGe=60',
    'max-age =60',
    'max-age= 60',
    'no-store=1',
    'no-cache=1',
    'private=a',
    'public=?0',
    'immutable="x"',
    's-maxage=(1 2)',
    'max-age=60,',
  ]
  for (const value of ignored) {
    test(`${JSON.stringify(value)} is ignored as a whole`, () => {
      const said = cdn(value)
      assert.deepEqual([said.target, said.bits, said.maxAge], ['', Directive.NO_STORE, -1])
    })
  }

  test('a dictionary without a known directive decides, too', () => {
    const said = cdn('foo')
    assert.deepEqual([said.target, said.bits, said.maxAge], ['cdn-cache-control', 0, -1])
  })

  test('numbers larger than delta-seconds are read as the largest, negative ones as stale', () => {
    assert.equal(cdn('max-age=99999999999').maxAge, secondsMax)
    assert.equal(cdn('max-age=-1').maxAge, 0)
  })

  test('of a key that stands twice the last counts (RFC 9651 §4.2.2)', () => {
    assert.equal(cdn('max-age=1, max-age=60').maxAge, 60)
  })
})

suite('directives of a request (RFC 9111 §5.2.1)', () => {
  test('those without an argument are bits', () => {
    assert.equal(asks('no-cache').bits, Directive.NO_CACHE)
    assert.equal(asks('no-store, only-if-cached').bits, Directive.NO_STORE | Directive.ONLY_IF_CACHED)
    assert.equal(asks('no-transform').bits, 0)
  })

  test('those with an argument are seconds', () => {
    const all = asks('max-age=1, min-fresh=2, max-stale=3, stale-if-error=4')
    assert.deepEqual([all.maxAge, all.minFresh, all.maxStale, all.ifError], [1, 2, 3, 4])
    assert.equal(asks('max-stale').maxStale, Infinity)
    assert.equal(asks('max-stale=x').maxStale, 0)
    assert.equal(asks('max-age=x').maxAge, 0)
    assert.equal(asks('min-fresh=x').minFresh, -1)
  })

  test('Pragma: no-cache counts only where there is no Cache-Control (RFC 9111 §5.4)', () => {
    assert.equal(request(['Pragma', 'no-cache']).bits, Directive.NO_CACHE)
    assert.equal(request(['Pragma', 'x, No-Cache']).bits, Directive.NO_CACHE)
    assert.equal(request(['Pragma', 'x']).bits, 0)
    assert.equal(request(['Pragma', 'no-cache'], ['Cache-Control', 'max-stale']).bits, 0)
    assert.deepEqual(request(), new RequestDirectives())
  })
})
