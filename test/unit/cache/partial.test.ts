import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CacheStatus } from '../../../src/cache/rules/cache-status.ts'
import type { Entry } from '../../../src/cache/store/entry.ts'
import {
  areCombinable,
  combinedBody,
  combinedBytesMax,
  combinedPart,
  partOf,
  rangesWithin,
  type Part,
} from '../../../src/cache/store/partial.ts'
import { BodySpan, type MemoryBody } from '../../../src/cache/store/memory-body.ts'
import { UNSATISFIABLE } from '../../../src/http/ranges.ts'
import { StoredFields } from '../../../src/http/stored-fields.ts'
import { entryWith, patternOf } from '../../story/cache-serve-world.ts'

const whole = patternOf(500_000)

function fieldsWith(contentRange: string): StoredFields {
  return StoredFields.from(['Content-Range', contentRange])
}

function partEntry(first: number, last: number, etag = '"a"', length = whole.length): Entry {
  return entryWith({
    status: 206,
    body: whole.subarray(first, last + 1),
    fields: ['Content-Range', `bytes ${first}-${last}/${length}`],
    etag,
  })
}

function bytesOf(body: MemoryBody): Buffer {
  const span = new BodySpan()
  const pieces: Buffer[] = []
  for (let at = 0; body.readAt(at, span); at += span.end - span.start)
    pieces.push(span.buffer.subarray(span.start, span.end))
  return Buffer.concat(pieces)
}

function combine(old: Entry, fresh: Entry): string {
  const oldPart = partOf(old.head.fields, old.body.length)
  const freshPart = partOf(fresh.head.fields, fresh.body.length)
  assert.ok(oldPart !== null && freshPart !== null)
  if (!areCombinable(old, oldPart, fresh, freshPart)) return 'no'
  const { first, last } = combinedPart(oldPart, freshPart)
  const body = combinedBody(old, oldPart, fresh, freshPart)
  assert.ok(body.isWhole)
  assert.ok(bytesOf(body).equals(whole.subarray(first, last + 1)))
  return `${first}-${last}`
}

function part(first: number, bytes: number): Part {
  return { first, last: first + bytes - 1, length: 1e9, isExact: true }
}

describe('what a 206 holds', () => {
  test('is what Content-Range says, of so many bytes', () => {
    assert.deepEqual(partOf(fieldsWith('bytes 5-9/20'), 5), { first: 5, last: 9, length: 20, isExact: true })
  })

  test('is not known without a valid Content-Range and the length of the whole', () => {
    for (const value of ['bytes 5-9/*', 'bytes 5-4/20', 'bytes 5-20/20', 'bytes */20', 'x'])
      assert.equal(partOf(fieldsWith(value), 5), null, value)
    assert.equal(partOf(StoredFields.from([]), 5), null)
    assert.equal(partOf(fieldsWith('bytes 5-9/20'), 0), null)
    assert.equal(partOf(fieldsWith('bytes 5-9/20'), 6), null, 'more bytes than it says')
    const twice = StoredFields.from(['Content-Range', 'bytes 5-9/20', 'Content-Range', 'bytes 5-9/20'])
    assert.equal(partOf(twice, 5), null)
  })

  test('are the bytes that came when they are fewer, and those are combined with nothing (RFC 9111 §3.3)', () => {
    assert.deepEqual(partOf(fieldsWith('bytes 5-9/20'), 3), { first: 5, last: 7, length: 20, isExact: false })
    assert.deepEqual(partOf(fieldsWith('bytes 4-9/10'), 5), { first: 4, last: 8, length: 9, isExact: false })
  })

  test('answers the ranges that lie within it', () => {
    const held = { first: 100, last: 499, length: 1000, isExact: true }
    assert.deepEqual(rangesWithin('bytes=100-499', held), [{ first: 100, last: 499 }])
    assert.deepEqual(rangesWithin('bytes=200-201,400-401', held), [
      { first: 200, last: 201 },
      { first: 400, last: 401 },
    ])
    assert.equal(rangesWithin('bytes=99-499', held), null)
    assert.equal(rangesWithin('bytes=100-500', held), null)
    assert.equal(rangesWithin('bytes=100-', held), null)
    assert.equal(rangesWithin('bytes=-1', held), null)
    assert.equal(rangesWithin('bytes=1000-', held), UNSATISFIABLE)
  })
})

describe('two parts', () => {
  test('become one when they overlap or touch, in any order and size', () => {
    assert.equal(combine(partEntry(0, 99), partEntry(100, 199)), '0-199')
    assert.equal(combine(partEntry(100, 199), partEntry(0, 99)), '0-199')
    assert.equal(combine(partEntry(0, 150), partEntry(100, 199)), '0-199')
    assert.equal(combine(partEntry(50, 60), partEntry(0, 199)), '0-199')
    assert.equal(combine(partEntry(0, 199), partEntry(50, 60)), '0-199')
    assert.equal(combine(partEntry(0, 299_999), partEntry(200_000, 499_999)), '0-499999')
    assert.equal(combine(partEntry(70_000, 400_000), partEntry(65_536, 131_071)), '65536-400000')
  })

  test('with a gap between them stay apart', () => {
    assert.equal(combine(partEntry(0, 99), partEntry(101, 199)), 'no')
    assert.equal(combine(partEntry(101, 199), partEntry(0, 99)), 'no')
  })

  test('of more bytes together than are copied at a stretch stay apart', () => {
    const half = combinedBytesMax / 2
    const entry = partEntry(0, 9)
    assert.ok(areCombinable(entry, part(0, half), entry, part(half, half)))
    assert.ok(!areCombinable(entry, part(0, half), entry, part(half, half + 1)))
  })

  test('of another version, without a strong tag, or of another length stay apart (RFC 9111 §3.4)', () => {
    assert.equal(combine(partEntry(0, 99, '"a"'), partEntry(100, 199, '"b"')), 'no')
    assert.equal(combine(partEntry(0, 99, 'W/"a"'), partEntry(100, 199, 'W/"a"')), 'no')
    assert.equal(combine(partEntry(0, 99, ''), partEntry(100, 199, '')), 'no')
    assert.equal(combine(partEntry(0, 99), partEntry(100, 199, '"a"', 600_000)), 'no')
  })
})

describe('Cache-Status', () => {
  const status = new CacheStatus()
  const nothing = { status: 0, isStored: false, isCollapsed: false }

  test('tells hits with what is left of their life, the same text for the same second', () => {
    assert.equal(status.hit(60), 'headgate; hit; ttl=60')
    assert.equal(status.hit(60), status.hit(60))
    assert.equal(status.hit(60 + 4096), 'headgate; hit; ttl=4156')
    assert.equal(status.hit(60), 'headgate; hit; ttl=60')
    assert.equal(status.hit(0), 'headgate; hit; ttl=0')
    assert.equal(status.hitBecause(-30, 'max-stale'), 'headgate; hit; ttl=-30; detail=max-stale')
  })

  test('tells why the origin was asked and what came of it (RFC 9211 §2)', () => {
    assert.equal(status.forwarded('uri-miss', nothing), 'headgate; fwd=uri-miss')
    assert.equal(
      status.forwarded('stale', { status: 304, isStored: true, isCollapsed: true }, 'no-cache'),
      'headgate; fwd=stale; fwd-status=304; stored; collapsed; detail=no-cache',
    )
    assert.equal(
      status.standIn('stale', { ...nothing, status: 503 }, -5, 'stale-if-error'),
      'headgate; fwd=stale; fwd-status=503; ttl=-5; detail=stale-if-error',
    )
    assert.equal(status.refused('only-if-cached'), 'headgate; detail=only-if-cached')
  })

  test('names us by a token, or quotes', () => {
    assert.equal(new CacheStatus('edge-1.example').hit(1), 'edge-1.example; hit; ttl=1')
    assert.equal(new CacheStatus('our "edge"').hit(1), '"our \\"edge\\""; hit; ttl=1')
    assert.equal(new CacheStatus('1edge').hit(1), '"1edge"; hit; ttl=1')
  })
})
