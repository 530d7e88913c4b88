import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  contentRangeText,
  multipartFrame,
  rangesMax,
  readContentRange,
  readOpenRange,
  selectRanges,
  UNSATISFIABLE,
  unsatisfiedRangeText,
} from '../../../src/http/ranges.ts'

function select(value: string, length = 10_000): string {
  const ranges = selectRanges(value, length)
  if (ranges === null) return 'whole'
  if (ranges === UNSATISFIABLE) return 'unsatisfiable'
  return ranges.map(({ first, last }) => `${first}-${last}`).join(' ')
}

const spread = (count: number) =>
  'bytes=' + Array.from({ length: count }, (_, i) => `${i * 200}-${i * 200}`).join(',')

describe('Range', () => {
  test('asks from, to, or from the end (RFC 9110 §14.1.2)', () => {
    assert.equal(select('bytes=0-499'), '0-499')
    assert.equal(select('bytes=500-999'), '500-999')
    assert.equal(select('bytes=-500'), '9500-9999')
    assert.equal(select('bytes=9500-'), '9500-9999')
    assert.equal(select('bytes=0-0,-1'), '0-0 9999-9999')
  })

  test('ends where the representation ends', () => {
    assert.equal(select('bytes=9990-20000'), '9990-9999')
    assert.equal(select('bytes=-20000'), '0-9999')
    assert.equal(select('bytes=0-99999999999999999999'), '0-9999')
  })

  test('is unsatisfiable when all of it lies behind the end', () => {
    assert.equal(select('bytes=10000-'), 'unsatisfiable')
    assert.equal(select('bytes=10000-10001, 20000-'), 'unsatisfiable')
    assert.equal(select('bytes=99999999999999999999-'), 'unsatisfiable')
    assert.equal(select('bytes=-0'), 'unsatisfiable')
    assert.equal(select('bytes=10000-,5-6'), '5-6')
  })

  test('is as if it were not there when it cannot be read', () => {
    const bad = [
      '',
      'bytes',
      'bytes=',
      'bytes=,',
      'bytes=-',
      'bytes=a-b',
      'bytes=1',
      'bytes=5-4',
      'bytes=1-2-3',
      'bytes=--5',
      'bytes=+1-2',
      'bytes=1 -2',
      'bytes=0x1-2',
      'bytes=1-2,x',
      'bytes:0-1',
      'lines=0-1',
      'bytes=0-1, bytes=2-3',
    ]
    for (const value of bad) assert.equal(select(value), 'whole', value)
  })

  test('may have space and empty elements between ranges, and its unit in any case', () => {
    assert.equal(select('Bytes= 0-1 ,\t, 500-501 '), '0-1 500-501')
  })

  test('of an empty representation is nothing to complain about', () => {
    assert.equal(select('bytes=0-', 0), 'whole')
    assert.equal(select('bytes=-5', 0), 'whole')
  })

  test('ranges that overlap or nearly touch become one (RFC 9110 §15.3.7.2)', () => {
    assert.equal(select('bytes=0-99,50-149'), '0-149')
    assert.equal(select('bytes=0-99,100-199'), '0-199')
    assert.equal(select('bytes=0-99,150-199'), '0-199')
    assert.equal(select('bytes=0-99,190-199'), '0-99 190-199')
    assert.equal(select('bytes=0-,0-,0-,0-'), '0-9999')
  })

  test('the order of the request is kept', () => {
    assert.equal(select('bytes=9000-9001,0-1,5000-5001'), '9000-9001 0-1 5000-5001')
    assert.equal(select('bytes=9000-9001,0-1,9001-9009'), '9000-9009 0-1')
  })

  test(`more than ${rangesMax} ranges get the whole, and no more bytes than it has ever`, () => {
    assert.equal(select(spread(rangesMax)).split(' ').length, rangesMax)
    assert.equal(select(spread(rangesMax + 1)), 'whole')
    assert.equal(select('bytes=' + '0-,'.repeat(100_000)), 'whole')
  })

  test('bytes sent are never more than the representation has', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed % below
    }
    for (let round = 0; round < 2000; round++) {
      const length = 1 + random(3000)
      const specs = Array.from({ length: 1 + random(8) }, () => {
        const first = random(3500)
        return [`${first}-${first + random(500)}`, `${first}-`, `-${first}`][random(3)]
      })
      const ranges = selectRanges('bytes=' + specs.join(','), length) ?? []
      const seen = new Uint8Array(length)
      for (const { first, last } of ranges) {
        assert.ok(first >= 0 && first <= last && last < length)
        for (let i = first; i <= last; i++) {
          assert.equal(seen[i], 0, 'sent twice')
          seen[i] = 1
        }
      }
    }
  })

  test('one range from a position can be judged without the length', () => {
    assert.deepEqual(readOpenRange('bytes=5-'), { first: 5, last: Infinity })
    assert.deepEqual(readOpenRange('bytes=5-9'), { first: 5, last: 9 })
    assert.equal(readOpenRange('bytes=-5'), null)
    assert.equal(readOpenRange('bytes=0-1,5-9'), null)
  })
})

describe('Content-Range', () => {
  test('says what is sent of how much', () => {
    assert.equal(contentRangeText({ first: 4, last: 9 }, 10), 'bytes 4-9/10')
    assert.equal(unsatisfiedRangeText(10), 'bytes */10')
    assert.deepEqual(readContentRange('bytes 4-9/10'), { first: 4, last: 9, length: 10 })
    assert.deepEqual(readContentRange('bytes 4-9/*'), { first: 4, last: 9, length: -1 })
  })

  test('is invalid when it ends before it begins or behind the end (RFC 9110 §14.4)', () => {
    for (const value of [
      'bytes 4-3/10',
      'bytes 4-10/10',
      'bytes */10',
      'bytes 4-9',
      'bytes=4-9/10',
      'lines 4-9/10',
    ])
      assert.equal(readContentRange(value), null, value)
  })
})

describe('multipart/byteranges', () => {
  test('has a head before each part, and counts all bytes (RFC 9110 §14.6)', () => {
    const bytes = Buffer.from('0123456789')
    const ranges = [
      { first: 0, last: 1 },
      { first: 8, last: 9 },
    ]
    const frame = multipartFrame(ranges, 10, 'text/plain')
    const boundary = /^multipart\/byteranges; boundary=([\w-]{24})$/.exec(frame.contentType)?.[1] as string
    let body = ''
    for (const [i, { first, last }] of ranges.entries())
      body += (frame.heads[i] as Buffer).toString() + bytes.subarray(first, last + 1).toString()
    body += frame.tail.toString()
    assert.equal(body.length, frame.bodyLength)
    const part = (range: string) =>
      `--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/10\r\n\r\n`
    assert.equal(body, `${part('0-1')}01\r\n${part('8-9')}89\r\n--${boundary}--\r\n`)
  })

  test('boundaries are not to be guessed', () => {
    const seen = new Set(Array.from({ length: 100 }, () => multipartFrame([], 10, '').contentType))
    assert.equal(seen.size, 100)
  })
})
