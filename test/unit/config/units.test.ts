import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationText, readDuration, readSize, sizeText } from '../../../src/config/units.ts'

test('durations have units, and a bare number is milliseconds', () => {
  const cases: [string | number, number][] = [
    ['250ms', 250],
    ['5s', 5000],
    ['0.5s', 500],
    ['1.1s', 1100],
    ['1m', 60_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['2w', 1_209_600_000],
    ['1m30s', 90_000],
    ['1h 30m', 5_400_000],
    [' 5 s ', 5000],
    ['0s', 0],
    [1500, 1500],
    [0, 0],
  ]
  for (const [text, ms] of cases) assert.equal(readDuration(text), ms, String(text))
})

test('a duration with two readings, or none, is refused', () => {
  for (const text of ['', '5', '5 parsecs', 's', '-5s', '1s1m', '5s5s', '5s x', '1e3s', '.5s', '5S', '25d']) {
    assert.equal(typeof readDuration(text), 'string', text)
  }
  for (const number of [-1, Number.NaN, Infinity]) assert.equal(typeof readDuration(number), 'string')
  assert.match(String(readDuration('5')), /unit is missing/)
  assert.match(String(readDuration('5 sec')), /"sec" is not a unit \(ms, s, m, h, d, w, y\)/)
  assert.match(String(readDuration('25d')), /at most 24 days/)
  assert.match(String(readDuration('1y')), /at most 24 days/)
})

test('sizes have units of 1000 or of 1024, and a bare number is bytes', () => {
  const cases: [string | number, number][] = [
    ['64KiB', 65_536],
    ['64kB', 64_000],
    ['64KB', 64_000],
    ['10MB', 10_000_000],
    ['1.5MiB', 1_572_864],
    ['2GiB', 2_147_483_648],
    ['0B', 0],
    ['512 B', 512],
    [4096, 4096],
  ]
  for (const [text, size] of cases) assert.equal(readSize(text), size, String(text))
})

test('a size with two readings, or none, is refused', () => {
  for (const text of [
    '',
    '64',
    '64k',
    '64K',
    '10mb',
    '-1B',
    '0.1B',
    '1MiB1GiB',
    '10000000TiB',
    'constructor',
    '1constructor',
  ]) {
    assert.equal(typeof readSize(text), 'string', text)
  }
  for (const number of [-1, 1.5, Infinity]) assert.equal(typeof readSize(number), 'string')
})

test('what is written out reads the same', () => {
  for (const ms of [0, 1, 250, 1000, 90_000, 3_600_000, 86_400_001])
    assert.equal(readDuration(durationText(ms)), ms)
  for (const size of [0, 1, 1000, 1024, 65_536, 10_000_000, 3 * 2 ** 30])
    assert.equal(readSize(sizeText(size)), size)
  assert.equal(durationText(90_000), '1m30s')
  assert.equal(sizeText(65_536), '64KiB')
  assert.equal(sizeText(Infinity), 'unlimited')
})
