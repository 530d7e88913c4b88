import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryAfterMs } from '../../../../src/tls/acme/ca-connection.ts'
import { describeProblem, detailMax, errorOf } from '../../../../src/tls/acme/problem.ts'

const prefix = 'urn:ietf:params:acme:error:'

test('a problem becomes a sentence with its remedy, the words of the CA and its type', () => {
  const error = errorOf('an order for a.example', 403, { type: prefix + 'caa', detail: 'CAA forbids it' }, 0)
  assert.equal(
    error.message,
    'the CA refused an order for a.example (403): a CAA record of the domain names other authorities: CAA forbids it [caa]',
  )
  assert.equal(error.kind, 'failed')
})

test('sub-problems name the identifiers that they are about (RFC 8555 §6.7.1)', () => {
  const { sentence } = describeProblem({
    type: prefix + 'compound',
    detail: 'Several',
    subproblems: [
      { type: prefix + 'dns', detail: 'NXDOMAIN', identifier: { type: 'dns', value: 'b.example' } },
    ],
  })
  assert.equal(sentence, 'Several (b.example: NXDOMAIN) [compound]')
})

test('kinds tell what to do: wait, change something, try again', () => {
  assert.equal(errorOf('x', 429, {}, 5000).kind, 'wait')
  assert.equal(errorOf('x', 503, { type: prefix + 'rateLimited' }, 0).kind, 'wait')
  assert.equal(errorOf('x', 503, {}, 0).kind, 'unreachable')
  assert.equal(errorOf('x', 500, { type: prefix + 'serverInternal' }, 0).kind, 'unreachable')
  assert.equal(errorOf('x', 400, { type: prefix + 'rejectedIdentifier' }, 0).kind, 'refused')
  assert.equal(errorOf('x', 400, { type: prefix + 'dns' }, 0).kind, 'failed')
  assert.equal(errorOf('x', 429, {}, 5000).retryAfterMs, 5000)
})

test('what a CA sends cannot break a line of the log, nor fill it', () => {
  const { sentence } = describeProblem({ type: 'x\ny', detail: 'a\r\n\u001b[2Jb' + 'c'.repeat(5000) })
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(sentence, /[\u0000-\u001f]/)
  assert.ok(sentence.length < detailMax + 50)
})

test('anything that is no problem document is survived', () => {
  for (const value of [null, undefined, 5, 'text', [], { type: 5 }, { subproblems: [null, 5] }])
    assert.equal(typeof describeProblem(value).sentence, 'string')
})

test('Retry-After is read in seconds and as a date (RFC 9110 §10.2.3)', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  assert.equal(retryAfterMs('120', nowMs), 120_000)
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', nowMs), 60_000)
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', nowMs), 0)
  assert.equal(retryAfterMs('soon', nowMs), 0)
  assert.equal(retryAfterMs(undefined, nowMs), 0)
})
