import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  cachePreconditions,
  hasCachePreconditions,
  hasOriginPreconditions,
  hasTag,
  isSameStrongly,
  isSameWeakly,
  NOT_MODIFIED,
  PRECONDITION_FAILED,
  preconditions,
  PROCEED,
  rangeStands,
  type Validators,
} from '../../../src/http/conditional.ts'
import { dateText } from '../../../src/http/dates.ts'
import { RequestHead } from '../../../src/http/message.ts'

const wallMs = Date.UTC(2026, 0, 2)
const hour = 3_600_000
const modified = wallMs - 24 * hour

function request(fields: Record<string, string>, method = 'GET'): RequestHead {
  const head = new RequestHead()
  head.method = method
  for (const [name, value] of Object.entries(fields)) head.fields.add(name, value)
  return head
}

function of(etag: string, lastModifiedMs = modified, dateMs = wallMs): Validators {
  return { etag, lastModifiedMs, dateMs }
}

const judge = (fields: Record<string, string>, validators: Validators, method?: string) =>
  preconditions(request(fields, method), validators, wallMs)

const cached = (fields: Record<string, string>, validators: Validators) =>
  cachePreconditions(request(fields), validators, wallMs)

const stands = (value: string, validators: Validators) =>
  rangeStands(request({ 'If-Range': value }), validators, wallMs)

describe('whoever owns the representation', () => {
  test('If-None-Match with its tag is 304 for GET and HEAD, 412 for others (RFC 9110 §13.1.2)', () => {
    assert.equal(judge({ 'If-None-Match': '"a"' }, of('"a"')), NOT_MODIFIED)
    assert.equal(judge({ 'If-None-Match': '"a"' }, of('"a"'), 'HEAD'), NOT_MODIFIED)
    assert.equal(judge({ 'If-None-Match': '"a"' }, of('"a"'), 'PUT'), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-None-Match': '"b"' }, of('"a"')), PROCEED)
    assert.equal(judge({ 'If-None-Match': '*' }, of('')), NOT_MODIFIED)
  })

  test('If-None-Match compares weakly, If-Match strongly', () => {
    assert.equal(judge({ 'If-None-Match': 'W/"a"' }, of('"a"')), NOT_MODIFIED)
    assert.equal(judge({ 'If-None-Match': '"a"' }, of('W/"a"')), NOT_MODIFIED)
    assert.equal(judge({ 'If-Match': '"a"' }, of('"a"')), PROCEED)
    assert.equal(judge({ 'If-Match': 'W/"a"' }, of('W/"a"')), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-Match': '"a"' }, of('W/"a"')), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-Match': '"b"' }, of('"a"')), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-Match': '*' }, of('')), PROCEED)
  })

  test('If-None-Match makes If-Modified-Since count for nothing', () => {
    const later = dateText(wallMs)
    const earlier = dateText(modified - hour)
    assert.equal(judge({ 'If-None-Match': '"b"', 'If-Modified-Since': later }, of('"a"')), PROCEED)
    assert.equal(judge({ 'If-None-Match': '"a"', 'If-Modified-Since': earlier }, of('"a"')), NOT_MODIFIED)
  })

  test('If-Match makes If-Unmodified-Since count for nothing', () => {
    const earlier = dateText(modified - hour)
    assert.equal(judge({ 'If-Match': '"a"', 'If-Unmodified-Since': earlier }, of('"a"')), PROCEED)
    assert.equal(judge({ 'If-Unmodified-Since': earlier }, of('"a"')), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-Unmodified-Since': dateText(modified) }, of('"a"')), PROCEED)
  })

  test('what fails first decides: If-Match before If-None-Match (RFC 9110 §13.2.2)', () => {
    assert.equal(judge({ 'If-Match': '"b"', 'If-None-Match': '"a"' }, of('"a"')), PRECONDITION_FAILED)
    assert.equal(judge({ 'If-Match': '"a"', 'If-None-Match': '"a"' }, of('"a"')), NOT_MODIFIED)
  })

  test('If-Modified-Since is 304 when nothing changed since', () => {
    assert.equal(judge({ 'If-Modified-Since': dateText(modified) }, of('')), NOT_MODIFIED)
    assert.equal(judge({ 'If-Modified-Since': dateText(modified + 1000) }, of('')), NOT_MODIFIED)
    assert.equal(judge({ 'If-Modified-Since': dateText(modified - 1000) }, of('')), PROCEED)
    assert.equal(judge({ 'If-Modified-Since': dateText(modified) }, of(''), 'POST'), PROCEED)
  })

  test('dates are ignored that cannot be read, or where there is no Last-Modified (RFC 9110 §13.1.3)', () => {
    assert.equal(judge({ 'If-Modified-Since': 'yesterday' }, of('')), PROCEED)
    assert.equal(judge({ 'If-Unmodified-Since': 'yesterday' }, of('')), PROCEED)
    assert.equal(judge({ 'If-Modified-Since': dateText(wallMs) }, of('', -1)), PROCEED)
    assert.equal(judge({ 'If-Unmodified-Since': dateText(0) }, of('', -1)), PROCEED)
    const twice = request({ 'If-Modified-Since': dateText(wallMs) })
    twice.fields.add('If-Modified-Since', dateText(wallMs))
    assert.equal(preconditions(twice, of(''), wallMs), PROCEED)
  })
})

describe('a cache', () => {
  test('judges If-None-Match and If-Modified-Since', () => {
    assert.equal(cached({ 'If-None-Match': '"a"' }, of('"a"')), NOT_MODIFIED)
    assert.equal(
      cached({ 'If-None-Match': '"b"', 'If-Modified-Since': dateText(wallMs) }, of('"a"')),
      PROCEED,
    )
    assert.equal(cached({ 'If-Modified-Since': dateText(modified) }, of('"a"')), NOT_MODIFIED)
    assert.equal(cached({}, of('"a"')), PROCEED)
  })

  test('takes Date where there is no Last-Modified (RFC 9111 §4.3.2)', () => {
    assert.equal(cached({ 'If-Modified-Since': dateText(wallMs) }, of('', -1)), NOT_MODIFIED)
    assert.equal(cached({ 'If-Modified-Since': dateText(wallMs - 1000) }, of('', -1)), PROCEED)
  })

  test('leaves If-Match and If-Unmodified-Since to the origin (RFC 9111 §4.3.2)', () => {
    assert.equal(cached({ 'If-Match': '"b"' }, of('"a"')), PROCEED)
    assert.ok(hasOriginPreconditions(request({ 'If-Match': '"b"' })))
    assert.ok(hasOriginPreconditions(request({ 'If-Unmodified-Since': dateText(0) })))
    assert.ok(!hasOriginPreconditions(request({ 'If-None-Match': '"b"' })))
    assert.ok(hasCachePreconditions(request({ 'If-None-Match': '"b"' })))
    assert.ok(!hasCachePreconditions(request({ 'If-Match': '"b"' })))
  })
})

describe('lists of entity-tags', () => {
  test('commas and spaces inside a tag belong to it', () => {
    assert.ok(hasTag('"a,b", "c"', '"a,b"', false))
    assert.ok(!hasTag('"a,b", "c"', '"b"', false))
    assert.ok(!hasTag('"a, "b", c"', '"b"', false))
  })

  test('the first, a middle and the last one are found', () => {
    for (const tag of ['"1"', '"2"', '"3"']) assert.ok(hasTag('"1" ,W/"2",\t"3",,', tag, false), tag)
    assert.ok(!hasTag('"1", W/"2"', '"2"', true))
    assert.ok(hasTag('W/"2", "2"', '"2"', true))
  })

  test('what is no entity-tag matches nothing, and ends the list', () => {
    for (const list of ['', ',', 'a', '"a', 'w/"a"', 'W/a', 'x, "a"', '"b" x "a"']) {
      assert.ok(!hasTag(list, '"a"', false), list)
    }
    assert.ok(!hasTag('"a"', '', false))
  })

  test('a tag without quotes matches itself, weakly', () => {
    assert.ok(hasTag('abc', 'abc', false))
    assert.ok(!hasTag('abc', 'abc', true))
  })

  test('bytes above ASCII are compared as they are', () => {
    assert.ok(hasTag('"\xfc"', '"\xfc"', false))
    assert.ok(!hasTag('"\xfc"', '"\xfd"', false))
  })

  test('a hostile list of half a million tags takes no time', () => {
    const list = '"b",'.repeat(500_000)
    const start = performance.now()
    assert.ok(!hasTag(list, '"a"', false))
    assert.ok(performance.now() - start < 1000)
  })

  test('comparison is weak or strong (RFC 9110 §8.8.3.2)', () => {
    const table = [
      ['W/"1"', 'W/"1"', false, true],
      ['W/"1"', 'W/"2"', false, false],
      ['W/"1"', '"1"', false, true],
      ['"1"', '"1"', true, true],
    ] as const
    for (const [one, other, strongly, weakly] of table) {
      assert.equal(isSameStrongly(one, other), strongly)
      assert.equal(isSameWeakly(one, other), weakly)
    }
  })
})

describe('If-Range', () => {
  test('compares tags strongly (RFC 9110 §13.1.5)', () => {
    assert.ok(rangeStands(request({}), of('"a"'), wallMs))
    assert.ok(stands('"a"', of('"a"')))
    assert.ok(!stands('"b"', of('"a"')))
    assert.ok(!stands('W/"a"', of('W/"a"')))
    assert.ok(!stands('"a", "b"', of('"a"')))
  })

  test('takes a date only when it is exactly a Last-Modified that is a strong validator', () => {
    assert.ok(stands(dateText(modified), of('')))
    assert.ok(!stands(dateText(modified + 1000), of('')))
    assert.ok(!stands(dateText(modified - 1000), of('')))
    assert.ok(!stands(dateText(wallMs), of('', wallMs)))
    assert.ok(!stands('nonsense', of('')))
    assert.ok(!stands(dateText(0), of('', -1)))
  })

  test('is not believed twice', () => {
    const twice = request({ 'If-Range': '"a"' })
    twice.fields.add('If-Range', '"a"')
    assert.ok(!rangeStands(twice, of('"a"'), wallMs))
  })
})
