/**
 * Parts: what a stored 206 holds of its representation, which ranges it can answer, and how two parts become one (RFC
 * 9111 §3.3, §3.4).
 *
 * A part is stored under a key of its own (`partKeyDigest` in the place of a body's digest). So it never gets in the
 * way of a whole answer, and whatever purges the URL purges it too.
 *
 * Promises: bytes are combined only under the same strong entity-tag, with the same length of the whole, and without
 * a gap. Where Content-Range and the bytes that came disagree, the bytes count and nothing is combined with them.
 */
import { isSameStrongly } from '../../http/conditional.ts'
import { Field } from '../../http/known-fields.ts'
import { readContentRange, selectRanges, UNSATISFIABLE, type ByteRange } from '../../http/ranges.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import type { Entry } from './entry.ts'
import { BodySpan, MemoryBody } from './memory-body.ts'

/**
 * Parts that would be more than this together are not combined: it is done by copying, and 16 MiB take about 4 ms in which
 * nobody else is served. Of two that stay apart the larger is kept.
 */
export const combinedBytesMax: number = 16 * 1024 * 1024

/** For `CacheKey.of(request, partKeyDigest)`. No digest of a body looks like it. */
export const partKeyDigest = 'part'

/** Bytes `first` to `last` of a representation of `length`. */
export interface Part {
  readonly first: number
  readonly last: number
  readonly length: number
  /** The bytes that came are as many as Content-Range said. */
  readonly isExact: boolean
}

/**
 * What `bytes` bytes of a 206 are of their representation; null when that cannot be told: several parts, no valid
 * Content-Range, one without the length of the whole, or more bytes than it says.
 *
 * Fewer bytes than it says are an incomplete part (RFC 9111 §3.3): they are those from `first` on. Where it said that they
 * reach to the end, the end is where they ended; origins that count one too many do that.
 */
export function partOf(fields: FieldsView, bytes: number): Part | null {
  if (bytes === 0 || fields.countOf(Field.CONTENT_RANGE) !== 1) return null
  const range = readContentRange(fields.get(Field.CONTENT_RANGE) as string)
  if (range === null || range.length < 0) return null
  const said = range.last - range.first + 1
  if (bytes > said) return null
  const last = range.first + bytes - 1
  const reachesEnd = range.last === range.length - 1
  return {
    first: range.first,
    last,
    length: reachesEnd ? last + 1 : range.length,
    isExact: bytes === said,
  }
}

/** The ranges that `value` (of Range) asks for, when the part holds them all; null: it does not, or it cannot be read. */
export function rangesWithin(value: string, part: Part): readonly ByteRange[] | null {
  const ranges = selectRanges(value, part.length)
  if (ranges === null || ranges === UNSATISFIABLE) return ranges
  return ranges.every(({ first, last }) => first >= part.first && last <= part.last) ? ranges : null
}

/** Are these two of one representation, for certain (RFC 9111 §3.4)? */
export function areOfOne(old: Entry, oldPart: Part, fresh: Entry, freshPart: Part): boolean {
  if (!oldPart.isExact || !freshPart.isExact || oldPart.length !== freshPart.length) return false
  return isSameStrongly(old.etag, fresh.etag)
}

/** Can these two be combined? They must touch, or overlap: a gap cannot be filled with anything. */
export function areCombinable(old: Entry, oldPart: Part, fresh: Entry, freshPart: Part): boolean {
  if (!areOfOne(old, oldPart, fresh, freshPart)) return false
  const { first, last } = combinedPart(oldPart, freshPart)
  if (last - first >= combinedBytesMax) return false
  return oldPart.first <= freshPart.last + 1 && freshPart.first <= oldPart.last + 1
}

/** Where both together begin and end. */
export function combinedPart(one: Part, other: Part): Part {
  return {
    first: Math.min(one.first, other.first),
    last: Math.max(one.last, other.last),
    length: one.length,
    isExact: true,
  }
}

/** The bytes of both, those of `fresh` where they overlap. Whole when it returns. */
export function combinedBody(old: Entry, oldPart: Part, fresh: Entry, freshPart: Part): MemoryBody {
  const { first, last } = combinedPart(oldPart, freshPart)
  const body = new MemoryBody(last - first + 1)
  copy(old.body, 0, freshPart.first - oldPart.first, body)
  copy(fresh.body, 0, fresh.body.length, body)
  copy(old.body, freshPart.last + 1 - oldPart.first, old.body.length, body)
  body.finish()
  return body
}

function copy(from: MemoryBody, start: number, end: number, to: MemoryBody): void {
  const span = new BodySpan()
  for (let at = Math.max(0, start); from.readAt(at, span, end); at += span.end - span.start) {
    to.append(span.buffer, span.start, span.end)
  }
}
