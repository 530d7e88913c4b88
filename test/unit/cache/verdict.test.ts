import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rfcPolicy, smartPolicy, type CachePolicy } from '../../../src/cache/rules/policy.ts'
import { reasonCount, reasonRow, Reasons, Verdict, verdictOf } from '../../../src/cache/rules/reasons.ts'
import type { StoredRule } from '../../../src/cache/rules/rule.ts'
import { judgeMiss, keptUntilMs, mayServeOnError } from '../../../src/cache/rules/verdict.ts'
import { answerOf, arrivedMs, judgeAfter, modes, requestOf, store, type Lines } from './policy-world.ts'

const ruleOf = (control: string, policy: CachePolicy = rfcPolicy, more: Lines = []): StoredRule =>
  store(answerOf([['Cache-Control', control], ['ETag', '"a"'], ...more]), policy).rule

const tagged = (control: string, policy: CachePolicy): StoredRule =>
  ruleOf(control, policy, [['ETag', '"a"']])

const asks = (value: string): Lines => [['Cache-Control', value]]

for (const policy of modes) {
  suite(`in ${policy.mode} mode`, () => {
    test('fresh until its lifetime is over, then validated', () => {
      const rule = ruleOf('max-age=60', policy)
      assert.equal(judgeAfter(0, rule, policy), 'fresh')
      assert.equal(judgeAfter(59.999, rule, policy), 'fresh')
      assert.equal(judgeAfter(60, rule, policy), 'stale')
    })

    test('no-cache is validated every time', () => {
      assert.equal(judgeAfter(0, ruleOf('max-age=60, no-cache', policy), policy), 'no-cache')
      assert.equal(judgeAfter(0, ruleOf('no-cache', policy), policy, asks('max-stale')), 'no-cache')
    })

    test('no-cache with field names is not', () => {
      assert.equal(judgeAfter(0, ruleOf('max-age=60, no-cache="a"', policy), policy), 'fresh')
    })

    test('served while it is validated, as long as stale-while-revalidate allows (RFC 5861 §3)', () => {
      const rule = ruleOf('max-age=1, stale-while-revalidate=4', policy)
      assert.equal(judgeAfter(0.9, rule, policy), 'fresh')
      assert.equal(judgeAfter(1, rule, policy), 'stale-while-revalidate')
      assert.equal(judgeAfter(4.999, rule, policy), 'stale-while-revalidate')
      assert.equal(judgeAfter(5, rule, policy), 'stale')
    })

    for (const forbidding of ['must-revalidate', 'proxy-revalidate']) {
      test(`${forbidding} forbids it, and max-stale (RFC 9111 §4.2.4)`, () => {
        const rule = ruleOf(`max-age=1, stale-while-revalidate=60, ${forbidding}`, policy)
        assert.equal(judgeAfter(0, rule, policy), 'fresh')
        assert.equal(judgeAfter(2, rule, policy), 'stale')
        assert.equal(judgeAfter(2, rule, policy, asks('max-stale')), 'stale')
      })
    }

    test('max-stale takes what is as stale as it says, or of any age', () => {
      const rule = ruleOf('max-age=10', policy)
      assert.equal(judgeAfter(15, rule, policy, asks('max-stale=5')), 'max-stale')
      assert.equal(judgeAfter(15.001, rule, policy, asks('max-stale=5')), 'stale')
      assert.equal(judgeAfter(9999, rule, policy, asks('max-stale')), 'max-stale')
      assert.equal(judgeAfter(15, ruleOf('s-maxage=10', policy), policy, asks('max-stale')), 'stale')
    })

    test('only-if-cached gets what may be used, else 504 (RFC 9111 §5.2.1.7)', () => {
      const rule = ruleOf('max-age=10, stale-while-revalidate=10', policy)
      assert.equal(judgeAfter(5, rule, policy, asks('only-if-cached')), 'fresh')
      assert.equal(judgeAfter(15, rule, policy, asks('only-if-cached')), 'stale-while-revalidate')
      assert.equal(judgeAfter(25, rule, policy, asks('only-if-cached')), 'only-if-cached')
      assert.equal(judgeAfter(25, rule, policy, asks('only-if-cached, max-stale')), 'max-stale')
      assert.equal(judgeMiss(requestOf({ fields: asks('only-if-cached') })), Reasons.ONLY_IF_CACHED)
      assert.equal(judgeMiss(requestOf({ fields: asks('no-cache') })), Reasons.MISS)
      assert.equal(judgeMiss(requestOf(), Reasons.VARY_MISS), Reasons.VARY_MISS)
      assert.equal(verdictOf(Reasons.ONLY_IF_CACHED), Verdict.UNAVAILABLE)
    })

    test('a soft purge makes it stale, with its grace still standing', () => {
      const graceless = ruleOf('max-age=60', policy)
      graceless.isSoftPurged = true
      assert.equal(judgeAfter(0, graceless, policy), 'stale')
      const rule = ruleOf('max-age=60, stale-while-revalidate=60', policy)
      rule.isSoftPurged = true
      assert.equal(judgeAfter(0, rule, policy), 'stale-while-revalidate')
      const strict = ruleOf('max-age=60, must-revalidate', policy)
      strict.isSoftPurged = true
      assert.equal(mayServeOnError(strict, requestOf(), policy, 0, arrivedMs), false)
    })

    test('a cookie or an extension changes nothing', () => {
      const fields: Lines = [
        ['Cookie', 'a=b'],
        ['Cache-Control', 'foo=bar'],
        ['Pragma', 'foo'],
      ]
      assert.equal(judgeAfter(0, ruleOf('max-age=60', policy), policy, fields), 'fresh')
    })
  })
}

const stands = (
  control: string,
  seconds: number,
  status = 0,
  policy: CachePolicy = rfcPolicy,
  fields: Lines = [],
): boolean =>
  mayServeOnError(ruleOf(control, policy), requestOf({ fields }), policy, status, arrivedMs + seconds * 1000)

const until = (control: string, more: Lines = []): number =>
  (keptUntilMs(store(answerOf([['Cache-Control', control], ...more])).rule) - arrivedMs) / 1000

suite('what a client asks (RFC 9111 §5.2.1)', () => {
  const asked: [fields: Lines, seconds: number, rfc: string][] = [
    [asks('no-cache'), 0, 'client-no-cache'],
    [asks('no-cache, max-stale'), 0, 'client-no-cache'],
    [[['Pragma', 'no-cache']], 0, 'client-no-cache'],
    [
      [
        ['Pragma', 'no-cache'],
        ['Cache-Control', 'foo'],
      ],
      0,
      'fresh',
    ],
    [asks('max-age=0'), 0, 'client-max-age'],
    [asks('max-age=5'), 4.9, 'fresh'],
    [asks('max-age=5'), 5, 'client-max-age'],
    [asks('max-age=x'), 0, 'client-max-age'],
    [asks('min-fresh=60'), 0, 'fresh'],
    [asks('min-fresh=60'), 0.1, 'client-min-fresh'],
    [asks('min-fresh=61'), 0, 'client-min-fresh'],
    [asks('no-store'), 0, 'fresh'],
    [asks('no-transform'), 0, 'fresh'],
  ]
  for (const [fields, seconds, expected] of asked) {
    const text = fields.map(([name, value]) => `${name}: ${value}`).join(' · ')
    test(`rfc: ${text} after ${seconds} s: ${expected}`, () => {
      assert.equal(judgeAfter(seconds, ruleOf('max-age=60'), rfcPolicy, fields), expected)
    })
    test(`smart: ${text} after ${seconds} s makes the origin no work`, () => {
      assert.equal(judgeAfter(seconds, ruleOf('max-age=60', smartPolicy), smartPolicy, fields), 'fresh')
    })
  }

  test('the age that the answer arrived with counts', () => {
    const rule = ruleOf('max-age=1500', rfcPolicy, [['Age', '1000']])
    assert.equal(judgeAfter(0, rule, rfcPolicy, asks('max-age=600')), 'client-max-age')
    assert.equal(judgeAfter(0, rule, rfcPolicy, asks('min-fresh=1000')), 'client-min-fresh')
    assert.equal(judgeAfter(0, rule, rfcPolicy, asks('min-fresh=500')), 'fresh')
  })

  test('who says max-age wants nothing stale, unless max-stale says how stale (§5.2.1.1)', () => {
    const rule = ruleOf('max-age=10, stale-while-revalidate=60')
    assert.equal(judgeAfter(15, rule, rfcPolicy, asks('max-age=20')), 'stale')
    assert.equal(judgeAfter(15, rule, rfcPolicy, asks('max-age=20, max-stale=60')), 'max-stale')
    assert.equal(judgeAfter(15, rule, smartPolicy, asks('max-age=20')), 'stale-while-revalidate')
  })

  test('a reload does not ask for what is immutable and fresh (RFC 8246), a forced one does', () => {
    const rule = ruleOf('max-age=10, immutable')
    assert.equal(judgeAfter(5, rule, rfcPolicy, asks('max-age=0')), 'fresh')
    assert.equal(judgeAfter(5, rule, rfcPolicy, asks('no-cache')), 'client-no-cache')
    assert.equal(judgeAfter(15, rule, rfcPolicy, asks('max-age=0')), 'client-max-age')
  })
})

suite('authorized requests (RFC 9111 §3.5)', () => {
  const authorized: Lines = [['Authorization', 'Basic x']]

  test('smart: get only what is said to be for everybody', () => {
    for (const [control, expected] of [
      ['max-age=60', 'authorization'],
      ['max-age=60, must-revalidate', 'authorization'],
      ['max-age=60, public', 'fresh'],
      ['s-maxage=60', 'fresh'],
    ] as const) {
      assert.equal(judgeAfter(0, ruleOf(control, smartPolicy), smartPolicy, authorized), expected, control)
    }
    assert.equal(verdictOf(Reasons.AUTHORIZED), Verdict.FORWARD)
    const rule = ruleOf('max-age=60', smartPolicy)
    const failing = arrivedMs + 61_000
    assert.equal(mayServeOnError(rule, requestOf({ fields: authorized }), smartPolicy, 0, failing), false)
    assert.equal(mayServeOnError(rule, requestOf(), smartPolicy, 0, failing), true)
  })

  test('rfc: get whatever is stored', () => {
    assert.equal(judgeAfter(0, ruleOf('max-age=60'), rfcPolicy, authorized), 'fresh')
  })
})

suite('when the origin fails (RFC 9111 §4.2.4, RFC 5861 §4)', () => {
  test('no answer and 500, 502, 503, 504 are failures, no other status is', () => {
    for (const status of [0, 500, 502, 503, 504])
      assert.equal(stands('max-age=2', 10, status), true, `${status}`)
    for (const status of [200, 304, 404, 410, 429, 499, 501, 505, 599]) {
      assert.equal(stands('max-age=2', 10, status), false, `${status}`)
    }
  })

  for (const control of [
    'max-age=2, must-revalidate',
    'max-age=2, proxy-revalidate',
    'max-age=2, no-cache',
    'max-age=2, s-maxage=2',
    'max-age=2, must-revalidate, stale-if-error=60',
  ]) {
    test(`never where ${control} forbids it`, () => {
      for (const policy of modes) {
        assert.equal(stands(control, 10, 0, policy), false)
        assert.equal(stands(control, 10, 503, policy, asks('stale-if-error=60')), false)
      }
    })
  }

  test('as long as stale-if-error allows, and without one as long as the operator does', () => {
    assert.equal(stands('max-age=2, stale-if-error=60', 61.9), true)
    assert.equal(stands('max-age=2, stale-if-error=60', 62), false)
    assert.equal(stands('max-age=2, stale-if-error=0', 3), false)
    assert.equal(stands('max-age=2', 86_000), true)
    assert.equal(stands('max-age=2', 87_000), false)
  })

  test('or as the client allows', () => {
    assert.equal(stands('max-age=2, stale-if-error=0', 3, 503, rfcPolicy, asks('stale-if-error=60')), true)
    assert.equal(
      stands('max-age=2, stale-if-error=0', 3, 503, rfcPolicy, asks('no-cache, stale-if-error=60')),
      false,
    )
  })

  test('not for one who insists on validation and is obeyed', () => {
    assert.equal(stands('max-age=60', 5, 503, rfcPolicy, asks('no-cache')), false)
    assert.equal(stands('max-age=2', 5, 503, smartPolicy, asks('no-cache')), true)
  })

  test('what is still fresh stands in at any rate', () => {
    assert.equal(stands('max-age=60, must-revalidate', 5, 503, rfcPolicy, asks('min-fresh=60')), true)
  })
})

suite('how long it is kept', () => {
  test('for the longest of grace, failures and validation', () => {
    assert.equal(until('max-age=60, stale-if-error=5, stale-while-revalidate=9'), 69)
    assert.equal(until('max-age=60, must-revalidate'), 60)
    assert.equal(until('max-age=60', [['ETag', '"a"']]), 60 + rfcPolicy.keepMs / 1000)
    assert.equal(until('no-cache', [['ETag', '"a"']]), rfcPolicy.keepMs / 1000)
    assert.equal(
      until('max-age=60', [
        ['Age', '100'],
        ['ETag', '"a"'],
      ]),
      rfcPolicy.keepMs / 1000,
    )
  })
})

suite('behind that', () => {
  test('it is validated no more, but asked for anew', () => {
    const policy = { ...rfcPolicy, errorGraceMs: 0, keepMs: 30_000 }
    for (const [seconds, reason] of [
      [60, 'stale'],
      [89, 'stale'],
      [90, 'not-kept'],
    ] as const)
      assert.equal(judgeAfter(seconds, tagged('max-age=60', policy), policy), reason, `${seconds} s`)
    assert.equal(judgeAfter(29, tagged('no-cache', policy), policy), 'no-cache')
    assert.equal(judgeAfter(30, tagged('no-cache', policy), policy), 'not-kept')
    assert.equal(judgeAfter(3600, tagged('max-age=60', policy), policy, asks('max-stale')), 'not-kept')
  })

  test('unless it may still be served', () => {
    const policy = { ...rfcPolicy, errorGraceMs: 0, keepMs: 0 }
    const rule = tagged('max-age=60, stale-while-revalidate=30', policy)
    assert.equal(judgeAfter(89, rule, policy), 'stale-while-revalidate')
    assert.equal(judgeAfter(90, rule, policy), 'not-kept')
  })

  test('what is purged softly is kept as long as if it were fresh', () => {
    const policy = { ...rfcPolicy, errorGraceMs: 0, keepMs: 0 }
    const rule = tagged('max-age=60', policy)
    rule.isSoftPurged = true
    assert.equal(judgeAfter(30, rule, policy), 'stale')
    assert.equal(judgeAfter(60, rule, policy), 'not-kept')
  })
})

test('every reason has a verdict, a name of its own and a sentence', () => {
  const names = new Set<string>()
  for (let reason = 0; reason < reasonCount; reason++) {
    const row = reasonRow(reason)
    names.add(row.name)
    assert.match(row.name, /^[a-z-]+$/)
    assert.match(row.sentence, /^[A-Z].*\.$/)
    assert.equal(verdictOf(reason), row.verdict)
  }
  assert.equal(names.size, reasonCount)
})
