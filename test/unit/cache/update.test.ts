import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { rfcPolicy, smartPolicy, type CachePolicy } from '../../../src/cache/rules/policy.ts'
import { newRule, type StoredRule } from '../../../src/cache/rules/rule.ts'
import { storeReasonName } from '../../../src/cache/rules/storing-reasons.ts'
import { addValidators, freshen, isUpdatedBy } from '../../../src/cache/rules/update.ts'
import { currentAgeMs } from '../../../src/cache/rules/verdict.ts'
import {
  answerOf,
  arrivedMs,
  at,
  received,
  requestOf,
  store,
  wallMs,
  type Asked,
  type Lines,
} from './policy-world.ts'

const conditions = (lines: Lines): string[] => {
  const request = requestOf()
  const answer = answerOf([['Cache-Control', 'max-age=1'], ...lines])
  addValidators(request, store(answer).rule, answer.fields)
  return request.fields.toArray()
}

const speaks = (stored: Lines, notModified: Lines): boolean =>
  isUpdatedBy(
    store(answerOf([['Cache-Control', 'max-age=1'], ...stored])).rule,
    answerOf(notModified, 304),
    wallMs,
  )
const etag = (value: string): Lines => [['ETag', value]]

suite('asking whether it is still right (RFC 9111 §4.3.1)', () => {
  test('ETag and Last-Modified as they were received', () => {
    assert.deepEqual(
      conditions([
        ['ETag', 'W/"a"'],
        ['Last-Modified', 'Wednesday, 01-Jan-20 00:00:00 GMT'],
      ]),
      ['if-none-match', 'W/"a"', 'if-modified-since', 'Wednesday, 01-Jan-20 00:00:00 GMT'],
    )
  })

  test('nothing that is no validator: an ETag of * would match anything', () => {
    assert.deepEqual(
      conditions([
        ['ETag', '*'],
        ['Last-Modified', 'yesterday'],
      ]),
      [],
    )
  })
})

suite('which 304 speaks of what is stored (RFC 9111 §4.3.4)', () => {
  const pairs: [stored: Lines, notModified: Lines, expected: boolean][] = [
    [etag('"a"'), etag('"a"'), true],
    [etag('"a"'), etag('"b"'), false],
    [etag('W/"a"'), etag('W/"a"'), true],
    [etag('"a"'), etag('W/"a"'), true],
    [etag('W/"a"'), etag('"a"'), false],
    [etag('W/"a"'), etag('W/"b"'), false],
    [[], etag('"a"'), false],
    [etag('"a"'), [], true],
    [etag('"a"'), [['Last-Modified', -9]], true],
    [[['Last-Modified', -9]], [], true],
    [[['Last-Modified', -9]], [['Last-Modified', -9]], true],
    [[['Last-Modified', -9]], [['Last-Modified', -8]], false],
    [[['Last-Modified', -9], ...etag('"a"')], [['Last-Modified', -8], ...etag('"a"')], true],
  ]
  for (const [stored, notModified, expected] of pairs) {
    test(`${JSON.stringify(stored)} and ${JSON.stringify(notModified)}: ${expected}`, () => {
      assert.equal(speaks(stored, notModified), expected)
    })
  }
})

interface Freshened {
  readonly reason: string
  readonly fields: string[]
  readonly rule: StoredRule
}

function freshened(
  stored: Lines,
  update: Lines,
  policy: CachePolicy = rfcPolicy,
  asked: Asked = {},
  status = 200,
): Freshened {
  const head = answerOf(stored, status)
  const rule = newRule()
  const code = freshen(requestOf(asked), head, answerOf(update, 304), policy, received(), rule)
  return { reason: storeReasonName(code), fields: head.fields.toArray(), rule }
}

suite('what a 304 changes (RFC 9111 §3.2)', () => {
  const date: readonly [string, number] = ['Date', 0]

  test('fields that it has take the place of those stored, all others stay', () => {
    const { fields, reason } = freshened(
      [
        ['A', '1'],
        ['B', '1'],
        ['b', '2'],
        ['Cache-Control', 'max-age=1'],
        ['Date', -60],
      ],
      [['b', '3'], ['B', '4'], ['C', '5'], ['Cache-Control', 'max-age=3600'], date],
    )
    assert.equal(reason, 'max-age')
    assert.deepEqual(fields, [
      'A',
      '1',
      'b',
      '3',
      'B',
      '4',
      'C',
      '5',
      'Cache-Control',
      'max-age=3600',
      'Date',
      at(0),
    ])
  })

  test('not those of the connection, of the stored body, nor Content-Length', () => {
    const { fields } = freshened(
      [['Cache-Control', 'max-age=9'], date, ['Content-Encoding', 'gzip'], ['Content-Type', 'text/plain']],
      [
        date,
        ['Content-Encoding', 'br'],
        ['Content-Range', 'bytes 0-1/2'],
        ['Content-Length', '0'],
        ['Keep-Alive', 'x'],
        ['Proxy-Authentication-Info', 'x'],
        ['Content-Type', 'text/html'],
      ],
    )
    assert.deepEqual(fields, [
      'Cache-Control',
      'max-age=9',
      'Content-Encoding',
      'gzip',
      'Date',
      at(0),
      'Content-Type',
      'text/html',
    ])
  })

  test('it is fresh anew from now, by what is stored where the 304 says nothing', () => {
    const { rule } = freshened(
      [
        ['Cache-Control', 'max-age=60'],
        ['Date', -500],
        ['Age', '400'],
      ],
      [],
    )
    assert.equal(currentAgeMs(rule, arrivedMs), 0)
    assert.equal(rule.freshUntilMs, arrivedMs + 60_000)
  })

  test('a Date that is missing or unreadable is that of its arrival', () => {
    assert.deepEqual(
      freshened(
        [
          ['Date', -500],
          ['ETag', '"a"'],
        ],
        [],
      ).fields,
      ['date', at(0), 'ETag', '"a"'],
    )
    const { fields } = freshened(
      [
        ['Date', -500],
        ['ETag', '"a"'],
      ],
      [['Date', 'foo']],
    )
    assert.ok(fields.includes(at(0)) && !fields.includes('foo'))
  })

  test('Age counts as the 304 says, and is not stored', () => {
    const { rule, fields } = freshened([['Cache-Control', 'max-age=60']], [date, ['Age', '20']])
    assert.equal(rule.initialAgeMs, 20_000)
    assert.ok(!fields.some((text) => text.toLowerCase() === 'age'))
  })

  test('what it forbids is heard', () => {
    assert.equal(
      freshened([['Cache-Control', 'max-age=60']], [['Cache-Control', 'no-store']]).reason,
      'no-store',
    )
    assert.equal(freshened([['Cache-Control', 'max-age=60']], [['Vary', '*']]).reason, 'vary-any')
  })

  test('the method of the request that caused it does not count', () => {
    assert.equal(
      freshened([['Cache-Control', 'max-age=60']], [], rfcPolicy, { method: 'HEAD' }).reason,
      'max-age',
    )
  })

  test('smart: its cookie is not taken in, and does not cost the entry', () => {
    const stored: Lines = [['Cache-Control', 'max-age=60'], date]
    const { reason, fields } = freshened(stored, [date, ['Set-Cookie', 'a=b']], smartPolicy)
    assert.equal(reason, 'max-age')
    assert.ok(!fields.includes('a=b'))
    assert.ok(freshened(stored, [date, ['Set-Cookie', 'a=b']]).fields.includes('a=b'))
  })

  test('the status that is stored decides what may be kept', () => {
    assert.equal(freshened([['Last-Modified', -100], date], [date], rfcPolicy, {}, 404).reason, 'heuristic')
    assert.equal(
      freshened([['Last-Modified', -100], date], [date], rfcPolicy, {}, 403).reason,
      'no-freshness',
    )
  })
})
