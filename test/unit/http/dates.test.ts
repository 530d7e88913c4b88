import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dateText, readDate } from '../../../src/http/dates.ts'

const now = Date.UTC(2026, 0, 2)
const expected = Date.UTC(1994, 10, 6, 8, 49, 37)

test('the three forms of RFC 9110 §5.6.7 are one date', () => {
  assert.equal(readDate('Sun, 06 Nov 1994 08:49:37 GMT', now), expected)
  assert.equal(readDate('Sunday, 06-Nov-94 08:49:37 GMT', now), expected)
  assert.equal(readDate('Sun Nov  6 08:49:37 1994', now), expected)
  assert.equal(readDate('Sun Nov 16 08:49:37 1994', now), expected + 10 * 86_400_000)
})

test('the case of letters does not matter', () => {
  assert.equal(readDate('SUN, 06 nOV 1994 08:49:37 gmt', now), expected)
})

test('a two-digit year more than 50 years ahead is in the past (RFC 9110 §5.6.7)', () => {
  assert.equal(new Date(readDate('Thursday, 18-Aug-76 02:01:18 GMT', now)).getUTCFullYear(), 2076)
  assert.equal(new Date(readDate('Thursday, 18-Aug-77 02:01:18 GMT', now)).getUTCFullYear(), 1977)
  const endOfCentury = Date.UTC(2095, 0, 1)
  assert.equal(new Date(readDate('Thursday, 18-Aug-10 02:01:18 GMT', endOfCentury)).getUTCFullYear(), 2110)
})

test('a date that is nearly one is none', () => {
  const bad = [
    '',
    '0',
    '-1',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 AEST',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06  Nov  1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Xun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Xov 1994 08:49:37 GMT',
    'unm, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 ovd 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Tue, 29 Feb 2023 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 Nov 1994 08:49:3x GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-1994 08:49:37 GMT',
    'Sonntag, 06-Nov-94 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov  6 08:49:37 94  ',
    '1994-11-06T08:49:37Z',
  ]
  for (const text of bad) assert.ok(Number.isNaN(readDate(text, now)), text)
})

test('a leap day, a leap second and the ends of the calendar are read', () => {
  assert.equal(readDate('Thu, 29 Feb 2024 00:00:00 GMT', now), Date.UTC(2024, 1, 29))
  assert.equal(readDate('Sat, 31 Dec 2016 23:59:60 GMT', now), Date.UTC(2017, 0, 1))
  assert.equal(readDate('Sun, 21 Nov 2286 04:46:39 GMT', now), Date.UTC(2286, 10, 21, 4, 46, 39))
  assert.equal(readDate('Fri, 31 Dec 9999 23:59:59 GMT', now), Date.UTC(9999, 11, 31, 23, 59, 59))
  assert.equal(new Date(readDate('Sat, 01 Jan 0050 00:00:00 GMT', now)).getUTCFullYear(), 50)
})

test('what is written is read', () => {
  assert.equal(dateText(expected), 'Sun, 06 Nov 1994 08:49:37 GMT')
  for (let i = 0; i < 2000; i++) {
    const ms = Math.floor(i * 7_919_777.7) * 1000
    assert.equal(readDate(dateText(ms), now), ms)
  }
})
