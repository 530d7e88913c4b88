import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rfcPolicy, smartPolicy } from '../../../src/cache/rules/policy.ts'
import { currentAgeMs } from '../../../src/cache/rules/verdict.ts'
import { answerOf, arrivedMs, modes, second, store, type Lines } from './policy-world.ts'

const date: readonly [string, number] = ['Date', 0]

const smart = (lines: Lines, path = '/a', cookie = false, status = 200): string =>
  store(answerOf(lines, status), smartPolicy, { path, fields: cookie ? [['Cookie', 'a=b']] : [] }).reason

const ageOnArrival = (lines: Lines, delaySeconds = 0, policy = rfcPolicy): number => {
  const cacheable: Lines = [['Cache-Control', 'max-age=9999999999'], ...lines]
  const { rule } = store(answerOf(cacheable), policy, {}, delaySeconds)
  return currentAgeMs(rule, arrivedMs) / 1000
}

suite('who says how long an answer is fresh (RFC 9111 §4.2.1)', () => {
  const answers: [lines: Lines, reason: string, freshSeconds: number][] = [
    [[['Cache-Control', 'max-age=60']], 'max-age', 60],
    [[['Cache-Control', 'max-age=60, s-maxage=5']], 's-maxage', 5],
    [
      [
        ['Cache-Control', 's-maxage=60'],
        ['Cache-Control', 'max-age=1'],
      ],
      's-maxage',
      60,
    ],
    [[['Cache-Control', 'max-age=60'], ['Expires', -7200], date], 'max-age', 60],
    [[['Cache-Control', 'max-age=60'], ['Expires', '0'], date], 'max-age', 60],
    [
      [
        ['Cache-Control', 'max-age=0, s-maxage=60'],
        ['Expires', -10],
      ],
      's-maxage',
      60,
    ],
    [[['Expires', 60], date], 'expires', 60],
    [[['Expires', 60]], 'expires', 60],
    [
      [
        ['Expires', 60],
        ['Date', 'foo'],
      ],
      'expires',
      60,
    ],
    [
      [
        ['Expires', 100],
        ['Date', 40],
      ],
      'expires',
      60,
    ],
    [[['Expires', 60], ['Expires', 60], date], 'expires', 60],
    [[['Cache-Control', 'public'], ['Expires', 60], date], 'expires', 60],
    [
      [
        ['CDN-Cache-Control', 'max-age=60'],
        ['Cache-Control', 'no-store'],
      ],
      'max-age',
      60,
    ],
    [[['CDN-Cache-Control', 'max-age=60'], ['Expires', -60], date], 'max-age', 60],
    [
      [
        ['CDN-Cache-Control', 'max-age=1'],
        ['Cache-Control', 'max-age=60'],
      ],
      'max-age',
      1,
    ],
    [
      [
        ['CDN-Cache-Control', '&'],
        ['Cache-Control', 'max-age=60'],
      ],
      'max-age',
      60,
    ],
  ]
  for (const [lines, reason, freshSeconds] of answers) {
    for (const policy of modes) {
      test(`${policy.mode}: ${show(lines)}: ${reason}, ${freshSeconds} s`, () => {
        const stored = store(answerOf(lines), policy)
        assert.equal(stored.reason, reason)
        assert.equal(stored.rule.freshnessMs, freshSeconds * 1000)
        assert.equal(second(lines, freshSeconds - 0.1, policy), 'fresh')
        assert.notEqual(second(lines, freshSeconds, policy), 'fresh')
      })
    }
  }

  const stale: Lines[] = [
    [['Cache-Control', 'max-age=0']],
    [['Cache-Control', 'max-age=0'], ['Expires', 3600], date],
    [
      ['Cache-Control', 'max-age=60'],
      ['Cache-Control', 'max-age=61'],
    ],
    [['Cache-Control', 's-maxage=0, max-age=60']],
    [['CDN-Cache-Control', 'max-age=0'], ['Expires', 3600], date],
    [
      ['CDN-Cache-Control', 'foo'],
      ['Cache-Control', 'max-age=60'],
      ['Expires', 60],
    ],
    [['Expires', 0], date],
    [['Expires', -3600], date],
    [
      ['Expires', 300],
      ['Date', 400],
    ],
    [['Expires', '0'], date],
    [['Expires', '-1'], date],
    [['Expires', ''], date],
    [['Expires', 60], ['Expires', 61], date],
    [['Expires', 'Thu, 18 Aug 2050 02:01:18 UTC'], date],
    [['Expires', 'Thu, 18 Aug 50 02:01:18 GMT'], date],
    [['Expires', 'Thu 18 Aug 2050 02:01:18 GMT'], date],
    [['Expires', 'Thu, 18 Aug 2050 2:01:18 GMT'], date],
  ]
  for (const lines of stale) {
    for (const policy of modes) {
      test(`${policy.mode}: ${show(lines)}: never fresh`, () => {
        assert.notEqual(second(lines, 0, policy), 'fresh')
        assert.notEqual(second([...lines, ['ETag', '"a"']], 0, policy), 'fresh')
      })
    }
  }

  for (const text of [
    'Tue, 19 Jan 2038 14:14:08 GMT',
    'Sun, 21 Nov 2286 04:46:39 GMT',
    'Thursday, 18-Aug-50 02:01:18 GMT',
    'Thu Aug  8 02:01:18 2050',
    'THU, 18 AUG 2050 02:01:18 gMT',
  ]) {
    test(`Expires: ${text} is in the future`, () =>
      assert.equal(second([['Expires', text], date], 3600), 'fresh'))
  }
})

suite('freshness that nobody states (RFC 9111 §4.2.2)', () => {
  const modified: Lines = [['Last-Modified', -1000], date]

  for (const status of [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]) {
    test(`rfc: ${status} is fresh for a tenth of the time since Last-Modified`, () => {
      const { reason, rule } = store(answerOf(modified, status))
      assert.equal(reason, 'heuristic')
      assert.equal(rule.freshnessMs, 100_000)
    })
  }
  for (const status of [201, 202, 302, 307, 403, 500, 502, 503, 504, 599]) {
    test(`rfc: ${status} is not, unless it is public`, () => {
      assert.equal(store(answerOf(modified, status)).reason, 'no: no-freshness')
      assert.equal(store(answerOf([['Cache-Control', 'public'], ...modified], status)).reason, 'heuristic')
    })
  }

  test('a week is the most, in rfc mode', () => {
    const { rule } = store(answerOf([['Last-Modified', 'Thu, 01 Jan 1970 00:00:00 GMT'], date]))
    assert.equal(rule.freshnessMs, 7 * 86_400_000)
  })

  const not: Lines[] = [
    [],
    [date],
    [date, ['ETag', '"a"']],
    [date, ['Last-Modified', 'yesterday']],
    [date, ['Last-Modified', 3600]],
    [...modified, ['Pragma', 'no-cache']],
    [...modified, ['Cache-Control', 'max-age=0']],
    [...modified, ['Expires', 'never']],
    [...modified, ['Cache-Control', 'no-cache']],
  ]
  for (const lines of not) {
    test(`rfc: ${show(lines)}: not fresh`, () => assert.notEqual(second(lines, 0), 'fresh'))
  }

  test('rfc: without validator it is not even stored', () => {
    assert.equal(store(answerOf([date])).reason, 'no: no-freshness')
  })

  const image: Lines = [['Content-Type', 'image/png'], date]
  test('smart: a static type with Last-Modified is fresh by it', () => {
    assert.equal(smart([...image, ['Last-Modified', -1000]]), 'heuristic')
    assert.equal(
      smart([
        ['Content-Type', 'Text/CSS ; charset=utf-8'],
        ['Last-Modified', -1000],
      ]),
      'heuristic',
    )
  })

  test('smart: one without Last-Modified is fresh for ten minutes if its name is that of a file', () => {
    assert.equal(smart(image, '/a.PNG'), 'static')
    assert.equal(smart(image, '/a.png?v=2'), 'no: no-freshness')
    assert.equal(store(answerOf(image), smartPolicy, { path: '/a.png' }).rule.freshnessMs, 600_000)
    assert.equal(smart(image, '/captcha.php'), 'no: no-freshness')
  })

  test('smart: what was given to one who showed a cookie is not for everybody', () => {
    assert.equal(smart([...image, ['Last-Modified', -1000]], '/a.png', true), 'no: no-freshness')
  })

  for (const type of ['text/html', 'text/plain', 'application/json', 'application/pdf', 'image', '']) {
    test(`smart: '${type}' is no static type`, () => {
      const lines: Lines = [['Last-Modified', -1000], ['ETag', '"a"'], date]
      const all: Lines = type === '' ? lines : [...lines, ['Content-Type', type]]
      assert.equal(smart(all, '/a.png'), 'no: no-freshness')
    })
  }

  test('smart: an error has no static type', () => {
    assert.equal(smart([...image, ['Last-Modified', -1000]], '/a.png', false, 404), 'no: no-freshness')
  })
})

suite('age (RFC 9111 §4.2.3, §5.1)', () => {
  const values: [string, number][] = [
    ['30', 30],
    ['0', 0],
    ['abc', 0],
    ['-7200', 0],
    ['7200.0', 0],
    ['7200;foo=bar', 0],
    ['', 0],
    ['7200, 0', 7200],
    ['0, 7200', 0],
    ['2147483647', 2_147_483_647],
    ['2147483648', 2_147_483_648],
    ['99999999999', 2_147_483_648],
  ]
  for (const [value, expected] of values) {
    test(`Age: ${value} counts as ${expected}`, () =>
      assert.equal(ageOnArrival([date, ['Age', value]]), expected))
  }

  test('of two lines the first counts', () => {
    assert.equal(
      ageOnArrival([
        ['Age', '7200'],
        ['Age', '0'],
      ]),
      7200,
    )
    assert.equal(
      ageOnArrival([
        ['Age', '0'],
        ['Age', '7200'],
      ]),
      0,
    )
  })

  test('a Date in the past makes it as old, a Date of this second or the future does not', () => {
    assert.equal(ageOnArrival([['Date', -7200]]), 7200)
    assert.equal(ageOnArrival([date]), 0)
    assert.equal(ageOnArrival([['Date', 100]]), 0)
    assert.equal(ageOnArrival([['Date', 'foo']]), 0)
  })

  test('the larger of both counts', () => {
    assert.equal(
      ageOnArrival([
        ['Date', -10],
        ['Age', '25'],
      ]),
      25,
    )
    assert.equal(
      ageOnArrival([
        ['Date', -25],
        ['Age', '10'],
      ]),
      25,
    )
  })

  test('the time that the origin took adds to Age, and in rfc mode always', () => {
    assert.equal(ageOnArrival([date, ['Age', '10']], 5), 15)
    assert.equal(ageOnArrival([date], 5), 5)
    assert.equal(ageOnArrival([date, ['Age', '10']], 5, smartPolicy), 15)
    assert.equal(ageOnArrival([date], 5, smartPolicy), 0)
  })

  const old: Lines[] = [
    [date, ['Cache-Control', 'max-age=3600'], ['Age', '7200']],
    [
      ['Date', -7200],
      ['Cache-Control', 'max-age=3600'],
    ],
    [date, ['CDN-Cache-Control', 'max-age=3600'], ['Age', '7200']],
    [
      ['Date', -10],
      ['Expires', 10],
      ['Age', '25'],
    ],
    [
      ['Date', 10],
      ['Expires', 20],
      ['Age', '15'],
    ],
    [date, ['Cache-Control', 'max-age=3600'], ['Age', '2147483648']],
  ]
  for (const lines of old) {
    test(`${show(lines)}: arrives stale`, () => {
      for (const policy of modes) assert.notEqual(second(lines, 0, policy), 'fresh')
    })
  }

  test('it grows while it is stored, whatever the wall clock does', () => {
    const { rule } = store(answerOf([date, ['Age', '30'], ['Cache-Control', 'max-age=60']]))
    assert.equal(currentAgeMs(rule, arrivedMs + 12_500), 42_500)
    assert.equal(currentAgeMs(rule, arrivedMs - 1), 30_000)
  })
})

function show(lines: Lines): string {
  return lines.map(([name, value]) => `${name}: ${value}`).join(' · ') || 'nothing'
}
