/**
 * Conditional requests (RFC 9110 §13): evaluates the preconditions of a request against the validators of the
 * representation that would be sent, in the order of §13.2.2.
 *
 * There are two roles. The owner of a representation (the file server) calls `preconditions`. A cache calls
 * `cachePreconditions`: If-Match and If-Unmodified-Since are not for it to judge (RFC 9111 §4.3.2), and a request
 * that has them is better sent on (`hasOriginPreconditions`).
 *
 * A field that cannot be read counts as absent, except If-Match and If-None-Match: whatever in those is not an
 * entity-tag matches nothing.
 */
import { readDate } from './dates.ts'
import { Field } from './known-fields.ts'
import type { RequestHead } from './message.ts'

/** What identifies the representation. */
export interface Validators {
  /** As in ETag, `W/` included; '' for none. */
  readonly etag: string
  /** Milliseconds since 1970, whole seconds; -1 for none. */
  readonly lastModifiedMs: number
  /** When the answer was made: its Date, or when it arrived; now, for what is made now. */
  readonly dateMs: number
}

/** Answer as if there were no preconditions. */
export const PROCEED = 0
/** Answer 304 (to GET and HEAD). */
export const NOT_MODIFIED = 304
/** Answer 412. */
export const PRECONDITION_FAILED = 412
export type Precondition = typeof PROCEED | typeof NOT_MODIFIED | typeof PRECONDITION_FAILED

/** Last-Modified is a strong validator when it is this much older than Date (RFC 9110 §8.8.2.2). */
const strongAfterMs = 1000

/** Has it any of the fields that `cachePreconditions` looks at? Two loads: the straight path of a hit. */
export function hasCachePreconditions(request: RequestHead): boolean {
  const { first } = request.fields
  return first[Field.IF_NONE_MATCH] !== 0 || first[Field.IF_MODIFIED_SINCE] !== 0
}

/** Does it ask for a part, or only if something has changed? */
export function isParticular(request: RequestHead): boolean {
  return request.fields.has(Field.RANGE) || hasCachePreconditions(request)
}

/** Has it preconditions that only the origin can judge (RFC 9111 §4.3.2)? */
export function hasOriginPreconditions(request: RequestHead): boolean {
  const { first } = request.fields
  return first[Field.IF_MATCH] !== 0 || first[Field.IF_UNMODIFIED_SINCE] !== 0
}

/**
 * All preconditions, as the owner of the representation judges them (RFC 9110 §13.2.2). `wallMs`: now. Whether If-Range
 * lets a range be sent is `rangeStands`, asked when this says PROCEED.
 */
export function preconditions(request: RequestHead, validators: Validators, wallMs: number): Precondition {
  const { fields } = request
  if (fields.has(Field.IF_MATCH)) {
    if (!hasTag(fields.combined(Field.IF_MATCH) as string, validators.etag, true)) return PRECONDITION_FAILED
  } else if (fields.has(Field.IF_UNMODIFIED_SINCE)) {
    const sinceMs = fieldDate(request, Field.IF_UNMODIFIED_SINCE, wallMs)
    if (validators.lastModifiedMs > sinceMs) return PRECONDITION_FAILED
  }
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (fields.has(Field.IF_NONE_MATCH)) {
    if (!hasTag(fields.combined(Field.IF_NONE_MATCH) as string, validators.etag, false)) return PROCEED
    return isRead ? NOT_MODIFIED : PRECONDITION_FAILED
  }
  if (!isRead || !fields.has(Field.IF_MODIFIED_SINCE)) return PROCEED
  const sinceMs = fieldDate(request, Field.IF_MODIFIED_SINCE, wallMs)
  const { lastModifiedMs } = validators
  return lastModifiedMs >= 0 && lastModifiedMs <= sinceMs ? NOT_MODIFIED : PROCEED
}

/**
 * The preconditions that a cache judges for GET and HEAD (RFC 9111 §4.3.2): PROCEED or NOT_MODIFIED. Where there is no
 * Last-Modified, the stored answer's Date stands for it.
 */
export function cachePreconditions(
  request: RequestHead,
  validators: Validators,
  wallMs: number,
): typeof PROCEED | typeof NOT_MODIFIED {
  const { fields } = request
  if (fields.has(Field.IF_NONE_MATCH)) {
    const isHeld = hasTag(fields.combined(Field.IF_NONE_MATCH) as string, validators.etag, false)
    return isHeld ? NOT_MODIFIED : PROCEED
  }
  if (!fields.has(Field.IF_MODIFIED_SINCE)) return PROCEED
  const sinceMs = fieldDate(request, Field.IF_MODIFIED_SINCE, wallMs)
  const { lastModifiedMs, dateMs } = validators
  return (lastModifiedMs < 0 ? dateMs : lastModifiedMs) <= sinceMs ? NOT_MODIFIED : PROCEED
}

/**
 * Does Range stand beside If-Range (RFC 9110 §13.1.5)? True without If-Range. An entity-tag is compared strongly; a date
 * must be exactly Last-Modified, and that old enough to be a strong validator.
 */
export function rangeStands(request: RequestHead, validators: Validators, wallMs: number): boolean {
  const { fields } = request
  if (!fields.has(Field.IF_RANGE)) return true
  if (fields.countOf(Field.IF_RANGE) > 1) return false
  const value = fields.get(Field.IF_RANGE) as string
  if (value.startsWith('"') || value.startsWith('W/')) return isSameStrongly(value, validators.etag)
  const { lastModifiedMs } = validators
  return readDate(value, wallMs) === lastModifiedMs && isDateStrong(validators)
}

/** Can Last-Modified tell one representation from another for certain (RFC 9110 §8.8.2.2)? */
export function isDateStrong({ lastModifiedMs, dateMs }: Validators): boolean {
  return lastModifiedMs >= 0 && lastModifiedMs + strongAfterMs <= dateMs
}

/** Strong comparison (RFC 9110 §8.8.3.2): both strong, and equal. */
export function isSameStrongly(one: string, other: string): boolean {
  return one === other && one.startsWith('"')
}

/** Weak comparison: equal but for `W/`. */
export function isSameWeakly(one: string, other: string): boolean {
  return opaque(one) === opaque(other)
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/** NaN when it stands more than once or is no date: it is ignored then (RFC 9110 §13.1.3). */
function fieldDate(request: RequestHead, id: number, wallMs: number): number {
  const { fields } = request
  return fields.countOf(id) > 1 ? NaN : readDate(fields.get(id) as string, wallMs)
}

/**
 * Is `etag` in `list`, the value of If-Match (`isStrong`) or If-None-Match? '*' is any representation there is. Commas may
 * stand inside an entity-tag, so it is walked and not split. No tag in the list is cut unless it has the right length.
 */
export function hasTag(list: string, etag: string, isStrong: boolean): boolean {
  if (list === '*') return true
  if (etag === '' || (isStrong && !etag.startsWith('"'))) return false
  // Nearly always: one tag, the very one. Also one without quotes, as some origins make them: it comes back as it was sent.
  if (list === etag) return true
  const wanted = opaque(etag)
  let at = 0
  while (at < list.length) {
    const code = list.charCodeAt(at)
    if (code === 0x2c || code === 0x20 || code === 0x09) {
      at++
      continue
    }
    const isWeak = list.startsWith('W/', at)
    const start = isWeak ? at + 2 : at
    const end = list.charCodeAt(start) === 0x22 ? list.indexOf('"', start + 1) + 1 : 0
    if (end === 0) return false
    if (!(isStrong && isWeak) && end - start === wanted.length && list.startsWith(wanted, start)) return true
    at = end
  }
  return false
}
