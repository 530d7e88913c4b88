import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateFacts } from '../../../../src/tls/certificate-facts.ts'
import {
  earliestTryMs,
  failuresAnHourMax,
  momentOf,
  renewAtMs,
  renewalInfoAfterMs,
  retryAfter,
  retryAfterMsMax,
} from '../../../../src/tls/acme/schedule.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const facts = (days: number): CertificateFacts => ({
  names: [],
  notBeforeMs: 0,
  notAfterMs: days * dayMs,
  issuer: '',
  serial: '',
  fingerprint: '',
  renewalId: '',
})

test('without a word of the CA a certificate is renewed at two thirds of its life, or a little earlier', () => {
  assert.equal(renewAtMs(facts(90), 0), 60 * dayMs)
  assert.ok(renewAtMs(facts(90), 0.999) > 55 * dayMs)
  assert.equal(renewAtMs(facts(6), 0), 4 * dayMs)
})

test('a moment of the window is as likely as another (RFC 9773 §4.2)', () => {
  assert.equal(momentOf({ startMs: 100, endMs: 200 }, 0), 100)
  assert.equal(momentOf({ startMs: 100, endMs: 200 }, 0.5), 150)
})

test('the CA is asked for its window from once an hour to once a day, as it says', () => {
  assert.equal(renewalInfoAfterMs(0), 6 * hourMs)
  assert.equal(renewalInfoAfterMs(1000), hourMs)
  assert.equal(renewalInfoAfterMs(30 * dayMs), dayMs)
})

test('confirmations that fail stay below the five an hour of public CAs', () => {
  const triedMs: number[] = []
  let failed: number[] = []
  for (let atMs = 0, failures = 0; atMs < dayMs;) {
    triedMs.push(atMs)
    failed = [...failed, atMs].slice(-failuresAnHourMax)
    failures++
    atMs = Math.max(atMs + retryAfter('failed', failures, 0, 0), earliestTryMs(failed, atMs))
  }
  for (const start of triedMs)
    assert.ok(triedMs.filter((atMs) => atMs >= start && atMs < start + hourMs).length <= failuresAnHourMax)
  assert.ok(triedMs.length >= 8, 'and there are enough tries in a day')
})

test('also restarts cannot make more of them', () => {
  assert.equal(earliestTryMs([0, 1, 2], 3), 0)
  assert.equal(earliestTryMs([0, 1, 2, 3], 4), hourMs)
  assert.equal(earliestTryMs([0, 1, 2, 3], hourMs + 1), 0)
})

test('what the CA says of its limits holds, up to a week', () => {
  assert.equal(retryAfter('wait', 1, 100_000, 0), 100_000)
  assert.equal(retryAfter('wait', 1, 0, 0), hourMs)
  assert.equal(retryAfter('wait', 1, 100 * dayMs, 0), retryAfterMsMax)
  assert.equal(retryAfter('unreachable', 1, 0, 0), 5000)
  assert.equal(retryAfter('unreachable', 1, 60_000, 0), 60_000)
  assert.equal(retryAfter('failed', 1, 0, 0.5), 2 * minuteMs * 1.05)
})
