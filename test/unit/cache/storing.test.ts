import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rfcPolicy, smartPolicy, type CachePolicy } from '../../../src/cache/rules/policy.ts'
import { Rule } from '../../../src/cache/rules/rule.ts'
import { keepStoredFields } from '../../../src/cache/rules/storing.ts'
import {
  keepsStored,
  Storing,
  storeReasonName,
  storeReasonSentence,
} from '../../../src/cache/rules/storing-reasons.ts'
import { answerOf, modes, store, type Asked, type Lines } from './policy-world.ts'

const fresh: readonly [string, string] = ['Cache-Control', 'max-age=60']
const reason = (lines: Lines, policy: CachePolicy, asked: Asked = {}, status = 200): string =>
  store(answerOf(lines, status), policy, asked).reason

for (const policy of modes) {
  suite(`in ${policy.mode} mode`, () => {
    for (const status of [
      200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599,
    ]) {
      test(`an answer with ${status} that says how long it is fresh is stored`, () => {
        assert.equal(reason([fresh], policy, {}, status), 'max-age')
      })
    }
    for (const status of [100, 103, 304, 412, 416]) {
      test(`${status} is not stored`, () => assert.equal(reason([fresh], policy, {}, status), 'no: status'))
    }
    for (const method of ['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'M-SEARCH', 'QUERY', 'get']) {
      test(`the answer to ${method} is not stored`, () => {
        assert.equal(reason([fresh], policy, { method }), 'no: method')
      })
    }

    const refusals: [Lines, string][] = [
      [[['Cache-Control', 'no-store']], 'no-store'],
      [[['Cache-Control', 'No-StOrE']], 'no-store'],
      [
        [
          ['Cache-Control', 'max-age=60, no-store'],
          ['Expires', 60],
        ],
        'no-store',
      ],
      [[['Cache-Control', 'public, s-maxage=60, no-store']], 'no-store'],
      [[['Cache-Control', 'private, max-age=60']], 'private'],
      [[['Cache-Control', 'public, private, max-age=60']], 'private'],
      [[['CDN-Cache-Control', 'private'], fresh], 'private'],
      [[['CDN-Cache-Control', 'no-store'], fresh], 'no-store'],
      [
        [
          ['CDN-Cache-Control', 'max-age=60, &'],
          ['Cache-Control', 'no-store'],
        ],
        'no-store',
      ],
      [
        [
          ['CDN-Cache-Control', 'max-age="60"'],
          ['Cache-Control', 'no-store'],
        ],
        'no-store',
      ],
      [[fresh, ['Vary', '*']], 'vary-any'],
      [[fresh, ['Vary', '*, *']], 'vary-any'],
      [[fresh, ['Vary', ''], ['Vary', '*']], 'vary-any'],
      [[fresh, ['Vary', 'Foo, *']], 'vary-any'],
      [[fresh, ['Vary', '*, Foo']], 'vary-any'],
      [[['Cache-Control', 'max-age=0']], 'no-freshness'],
      [[['Cache-Control', 'no-cache']], 'no-freshness'],
      [[['Expires', '0']], 'no-freshness'],
    ]
    for (const [lines, expected] of refusals) {
      // rfc: 'no-freshness' may still be of use when the origin fails.
      const isKept = policy.mode === 'rfc' && expected === 'no-freshness' && !show(lines).includes('no-cache')
      test(`${show(lines)}: ${isKept ? 'grace' : expected}`, () => {
        assert.equal(reason(lines, policy), isKept ? 'grace' : `no: ${expected}`)
      })
    }

    test('what must be validated every time is stored if it can be', () => {
      for (const validator of [
        ['ETag', '"a"'],
        ['Last-Modified', -100],
      ] as const) {
        for (const value of [
          'no-cache',
          'no-cache, max-age=60',
          'max-age=0, must-revalidate',
          'max-age=60, max-age=1',
        ]) {
          assert.equal(reason([['Cache-Control', value], validator], policy), 'validator', value)
        }
      }
    })

    test('no-store beside must-understand forbids only what is not understood (RFC 9111 §5.2.2.3)', () => {
      const lines: Lines = [['Cache-Control', 'max-age=60, no-store, must-understand']]
      assert.equal(reason(lines, policy), 'max-age')
      assert.equal(reason(lines, policy, {}, 404), 'max-age')
      assert.equal(reason(lines, policy, {}, 599), 'no: must-understand')
      assert.equal(
        reason([['Cache-Control', 'max-age=60, must-understand']], policy, {}, 299),
        'no: must-understand',
      )
    })

    test('the client may forbid to store (RFC 9111 §5.2.1.5)', () => {
      assert.equal(
        reason([fresh], policy, { fields: [['Cache-Control', 'no-store']] }),
        'no: client-no-store',
      )
      assert.equal(reason([fresh], policy, { fields: [['Cache-Control', 'no-cache']] }), 'max-age')
    })

    test('the answer to an authorized request is stored only if it is for everybody (RFC 9111 §3.5)', () => {
      const asked: Asked = { fields: [['Authorization', 'Basic x']] }
      assert.equal(reason([fresh], policy, asked), 'no: authorization')
      assert.equal(
        reason([['Cache-Control', 'max-age=60, proxy-revalidate']], policy, asked),
        'no: authorization',
      )
      assert.equal(reason([['Cache-Control', 'max-age=60, public']], policy, asked), 'max-age')
      assert.equal(reason([['Cache-Control', 's-maxage=60']], policy, asked), 's-maxage')
      assert.equal(reason([['CDN-Cache-Control', 'max-age=60, public'], fresh], policy, asked), 'max-age')
      assert.equal(
        reason(
          [
            ['CDN-Cache-Control', 'max-age=60'],
            ['Cache-Control', 'public'],
          ],
          policy,
          asked,
        ),
        'no: authorization',
      )
      const revalidated: Lines = [['Cache-Control', 'max-age=60, must-revalidate']]
      assert.equal(
        reason(revalidated, policy, asked),
        policy.mode === 'rfc' ? 'max-age' : 'no: authorization',
      )
    })

    test('a cookie of the request hinders nothing that is said to be fresh', () => {
      assert.equal(reason([fresh], policy, { fields: [['Cookie', 'a=b']] }), 'max-age')
    })

    test('a part is stored if it is said which (RFC 9111 §3.3)', () => {
      const part = (range: string): string => reason([fresh, ['Content-Range', range]], policy, {}, 206)
      assert.equal(part('bytes 0-4/10'), 'max-age')
      assert.equal(part('Bytes 5-9/10'), 'max-age')
      for (const range of [
        'bytes 0-4/*',
        'bytes */10',
        'bytes 5-4/10',
        'bytes 0-10/10',
        'items 0-4/10',
        'bytes 0-4',
        '',
      ]) {
        assert.equal(part(range), 'no: part', range)
      }
      assert.equal(reason([fresh], policy, {}, 206), 'no: part')
      const twice: Lines = [fresh, ['Content-Range', 'bytes 0-4/10'], ['Content-Range', 'bytes 0-4/10']]
      assert.equal(reason(twice, policy, {}, 206), 'no: part')
      assert.equal(reason([fresh, ['Content-Range', 'x']], policy, {}, 200), 'max-age')
      const { rule } = store(answerOf([fresh, ['Content-Range', 'bytes 0-4/10']], 206), policy)
      assert.notEqual(rule.flags & Rule.PARTIAL, 0)
    })

    test('the answer to a POST that names its own URL answers later GETs (RFC 9110 §9.3.3)', () => {
      const post = (location: string, control = 'max-age=60', status = 200): string =>
        reason(
          [
            ['Cache-Control', control],
            ['Content-Location', location],
            ['Last-Modified', -100],
          ],
          policy,
          { method: 'POST', path: '/a?b=1' },
          status,
        )
      assert.equal(post('/a?b=1'), 'max-age')
      assert.equal(post('a?b=1'), 'max-age')
      assert.equal(post('http://www.example.com/a?b=1'), 'max-age')
      assert.equal(post('http://WWW.example.com:80/a?b=1'), 'max-age')
      assert.equal(post('/a'), 'no: content-location')
      assert.equal(post('https://www.example.com/a?b=1'), 'no: content-location')
      assert.equal(post('http://other.example/a?b=1'), 'no: content-location')
      assert.equal(post('http://['), 'no: content-location')
      assert.equal(post('/a?b=1', 'max-age=0'), 'no: no-freshness')
      assert.equal(post('/a?b=1', 'public'), 'no: no-freshness')
      assert.equal(post('/a?b=1', 'max-age=60', 201), 'no: status')
      assert.equal(reason([fresh], policy, { method: 'POST' }), 'no: content-location')
      assert.equal(reason([fresh], { ...policy, storesPost: false }, { method: 'POST' }), 'no: method')
    })

    test('the answer to QUERY is stored if the operator keys by the body', () => {
      assert.equal(reason([fresh], { ...policy, storesQuery: true }, { method: 'QUERY' }), 'max-age')
    })

    test('an answer that turns the connection into a tunnel is not', () => {
      const answer = answerOf([fresh])
      answer.upgrade = 'websocket'
      assert.equal(store(answer, policy).reason, 'no: upgrade')
    })
  })
}

suite('cookies', () => {
  const cookie: Lines = [fresh, ['Set-Cookie', 'a=b']]

  test('rfc: an answer that sets one is stored with it (RFC 9111 §7.3)', () => {
    assert.equal(reason(cookie, rfcPolicy), 'max-age')
    assert.deepEqual(kept(cookie, rfcPolicy), ['cache-control', 'set-cookie'])
  })

  test('smart: it is not stored', () => assert.equal(reason(cookie, smartPolicy), 'no: set-cookie'))

  test('smart: one that no-cache or private names is taken out', () => {
    for (const name of ['private', 'no-cache']) {
      const lines: Lines = [
        ['Cache-Control', `max-age=60, ${name}="Set-Cookie"`],
        ['Set-Cookie', 'a=b'],
      ]
      assert.equal(reason(lines, smartPolicy), 'max-age')
      assert.deepEqual(kept(lines, smartPolicy), ['cache-control'])
    }
  })

  test('strip: it is stored without', () => {
    const policy: CachePolicy = { ...smartPolicy, cookies: 'strip' }
    const { reason: why, rule } = store(answerOf(cookie), policy)
    assert.equal(why, 'max-age')
    assert.notEqual(rule.flags & Rule.COOKIES_STRIPPED, 0)
    assert.deepEqual(kept(cookie, policy), ['cache-control'])
  })
})

suite('which fields are stored (RFC 9111 §3.1)', () => {
  test('not those of one connection, of a proxy, or counted anew', () => {
    const lines: Lines = [
      fresh,
      ['Keep-Alive', 'a'],
      ['Proxy-Authenticate', 'a'],
      ['Proxy-Authentication-Info', 'a'],
      ['Proxy-Authorization', 'a'],
      ['Proxy-Connection', 'a'],
      ['TE', 'a'],
      ['Upgrade', 'a'],
      ['Trailer', 'a'],
      ['Connection', 'a'],
      ['Transfer-Encoding', 'a'],
      ['Content-Length', '1'],
      ['Age', '1'],
    ]
    for (const policy of modes) assert.deepEqual(kept(lines, policy), ['cache-control'])
  })

  test('all others, also those that no one knows', () => {
    const names = [
      'date',
      'content-md5',
      'content-security-policy',
      'set-cookie2',
      'x-frame-options',
      'content-range',
      'etag',
    ]
    const lines: Lines = names.map((name) => [name, 'a'])
    for (const policy of modes) assert.deepEqual(kept(lines, policy), names)
  })

  test('not those that no-cache and private name', () => {
    const lines: Lines = [
      ['Cache-Control', 'max-age=60, no-cache="A, b", private="c"'],
      ['a', '1'],
      ['B', '2'],
      ['C', '3'],
      ['d', '4'],
    ]
    for (const policy of modes) assert.deepEqual(kept(lines, policy), ['cache-control', 'd'])
  })
})

test('every reason has a name of its own and a sentence', () => {
  const names = new Set<string>()
  for (const code of Object.values(Storing)) {
    names.add((code > 0 ? '+' : '-') + storeReasonName(code))
    assert.match(storeReasonName(code), /^[a-z-]+$/)
    assert.match(storeReasonSentence(code), /^[A-Z].*\.$/)
  }
  assert.equal(names.size, Object.keys(Storing).length)
})

test('what is stored stays when the reason of a refusal lies in the request', () => {
  assert.equal(keepsStored(Storing.AUTHORIZATION), true)
  assert.equal(keepsStored(Storing.NO_STORE), false)
})

function kept(lines: Lines, policy: CachePolicy): string[] {
  const { fields } = answerOf(lines)
  keepStoredFields(fields, policy)
  return fields
    .toArray()
    .filter((_, i) => i % 2 === 0)
    .map((name) => name.toLowerCase())
}

function show(lines: Lines): string {
  return lines.map(([name, value]) => `${name}: ${value}`).join(' · ')
}
