import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rfcPolicy, smartPolicy, type CachePolicy, type TtlRule } from '../../../src/cache/rules/policy.ts'
import { Rule } from '../../../src/cache/rules/rule.ts'
import { answerOf, arrivedMs, store, wallMs, type Asked, type Lines } from './policy-world.ts'

const fresh: readonly [string, string] = ['Cache-Control', 'max-age=60']
const reason = (lines: Lines, policy: CachePolicy, asked: Asked = {}, status = 200): string =>
  store(answerOf(lines, status), policy, asked).reason

const withRule = (rule: TtlRule | null, more: Partial<CachePolicy> = {}): CachePolicy => ({
  ...smartPolicy,
  ...more,
  ttl: {
    find: (status, type, path) => (status === 404 || type === 'text/html' || path === '/x' ? rule : null),
  },
})
const minute: TtlRule = { ttlMs: 60_000, overrides: false }

test('counts where the origin is silent, by status, type or path', () => {
  assert.equal(reason([], withRule(minute), {}, 404), 'ttl')
  assert.equal(reason([['Content-Type', 'Text/HTML; charset=utf-8']], withRule(minute)), 'ttl')
  assert.equal(reason([], withRule(minute), { path: '/x' }), 'ttl')
  assert.equal(reason([], withRule(minute)), 'no: no-freshness')
  assert.equal(reason([fresh], withRule(minute), {}, 404), 'max-age')
  assert.equal(
    reason(
      [
        ['Expires', '0'],
        ['ETag', '"a"'],
      ],
      withRule(minute),
      {},
      404,
    ),
    'validator',
  )
})

suite("the operator's time to live", () => {
  test('overrides what the origin says of freshness, and not what it forbids', () => {
    const policy = withRule({ ttlMs: 5000, overrides: true })
    const { reason: why, rule } = store(answerOf([['Cache-Control', 'max-age=60']], 404), policy)
    assert.deepEqual([why, rule.freshnessMs], ['ttl', 5000])
    assert.equal(reason([['Cache-Control', 'no-store']], policy, {}, 404), 'no: no-store')
    assert.equal(reason([['Cache-Control', 'private']], policy, {}, 404), 'no: private')
    assert.equal(reason([['Set-Cookie', 'a=b']], policy, {}, 404), 'no: set-cookie')
  })

  test('0 keeps it out', () => {
    assert.equal(reason([fresh], withRule({ ttlMs: 0, overrides: true }), {}, 404), 'no: ttl-zero')
    assert.equal(reason([], withRule({ ttlMs: 0, overrides: false }), {}, 404), 'no: ttl-zero')
  })

  test('ignoring the origin makes its directives nothing, but neither Authorization nor cookies', () => {
    const policy = withRule(minute, { ignoresOrigin: true })
    const no: Lines = [
      ['Cache-Control', 'no-store, private, max-age=0'],
      ['Expires', '0'],
    ]
    assert.equal(reason(no, policy, {}, 404), 'ttl')
    assert.equal(reason(no, policy), 'no: no-freshness')
    // What no rule fits is not estimated either: it may have been forbidden.
    const picture: Lines = [...no, ['Content-Type', 'image/png'], ['Last-Modified', -1000], ['ETag', '"a"']]
    assert.equal(reason(picture, policy), 'no: no-freshness')
    assert.equal(reason([...no, ['Set-Cookie', 'a=b']], policy, {}, 404), 'no: set-cookie')
    const asked: Asked = { fields: [['Authorization', 'x']] }
    assert.equal(reason([['Cache-Control', 'public']], policy, asked, 404), 'no: authorization')
  })
})

suite('what is remembered', () => {
  test('the validators, when the answer was made and when it arrived', () => {
    const { rule } = store(answerOf([fresh, ['ETag', 'W/"a"'], ['Last-Modified', -100], ['Date', -3]]))
    assert.equal(rule.etag, 'W/"a"')
    const second = Math.floor(wallMs / 1000) * 1000
    assert.equal(rule.lastModifiedMs, second - 100_000)
    assert.equal(rule.dateMs, second - 3000)
    assert.equal(rule.responseMs, arrivedMs)
    assert.equal(rule.initialAgeMs, 3000)
    assert.equal(rule.freshUntilMs, arrivedMs + 57_000)
    assert.notEqual(rule.flags & Rule.HAS_VALIDATOR, 0)
    assert.equal(rule.keepMs, rfcPolicy.keepMs)
  })

  for (const tag of ['abc', '*', 'w/"a"', '"a', '"a"b', '"a b"', '']) {
    test(`ETag: ${tag} is no entity-tag and validates nothing`, () => {
      const { rule } = store(answerOf([fresh, ['ETag', tag]]))
      assert.deepEqual([rule.etag, rule.flags & Rule.HAS_VALIDATOR, rule.keepMs], ['', 0, 0])
    })
  }

  const graces: [mode: CachePolicy, control: string, graceSeconds: number, errorSeconds: number][] = [
    [rfcPolicy, 'max-age=60', 0, 86_400],
    [smartPolicy, 'max-age=60', 0, 86_400],
    [rfcPolicy, 'max-age=60, stale-while-revalidate=5, stale-if-error=7', 5, 7],
    [smartPolicy, 'max-age=60, stale-while-revalidate=5, stale-if-error=0', 5, 0],
    [rfcPolicy, 'max-age=60, must-revalidate, stale-while-revalidate=5, stale-if-error=7', 0, 0],
    [smartPolicy, 'max-age=60, proxy-revalidate, stale-while-revalidate=5, stale-if-error=7', 0, 0],
    [smartPolicy, 'no-cache, stale-while-revalidate=5, stale-if-error=7', 0, 0],
    [rfcPolicy, 's-maxage=60, stale-while-revalidate=5, stale-if-error=7', 0, 0],
    [smartPolicy, 's-maxage=60, stale-while-revalidate=5, stale-if-error=7', 5, 7],
    [smartPolicy, 's-maxage=60, stale-while-revalidate=5', 5, 0],
    [smartPolicy, 's-maxage=60', 0, 0],
    [rfcPolicy, 'max-age=0', 0, 86_400],
    [smartPolicy, 'max-age=0', 0, 0],
    [smartPolicy, 'max-age=0, stale-if-error=7', 0, 7],
  ]
  for (const [policy, control, graceSeconds, errorSeconds] of graces) {
    test(`${policy.mode}: ${control}: grace ${graceSeconds} s, ${errorSeconds} s when the origin fails`, () => {
      const { rule } = store(
        answerOf([
          ['Cache-Control', control],
          ['ETag', '"a"'],
        ]),
        policy,
      )
      assert.deepEqual([rule.graceMs, rule.errorGraceMs], [graceSeconds * 1000, errorSeconds * 1000])
    })
  }

  test("the operator's grace counts where the origin is silent", () => {
    const policy: CachePolicy = { ...smartPolicy, graceMs: 9000 }
    const graceMs = (control: string): number =>
      store(answerOf([['Cache-Control', control]]), policy).rule.graceMs
    assert.equal(graceMs('max-age=60'), 9000)
    assert.equal(graceMs('max-age=60, stale-while-revalidate=1'), 1000)
    assert.equal(graceMs('max-age=60, must-revalidate'), 0)
    assert.equal(graceMs('s-maxage=60'), 0)
  })

  test('a stored failure does not stand in for another', () => {
    assert.equal(
      store(answerOf([['Cache-Control', 'max-age=60, stale-if-error=9']], 503)).rule.errorGraceMs,
      0,
    )
  })

  test('a page with a validator and no other word is kept in rfc mode only', () => {
    const lines: Lines = [
      ['ETag', '"a"'],
      ['Content-Type', 'text/html'],
    ]
    assert.equal(reason(lines, rfcPolicy), 'validator')
    assert.equal(reason(lines, smartPolicy), 'no: no-freshness')
    assert.equal(reason(lines, rfcPolicy, {}, 201), 'no: no-freshness')
  })
})
