/**
 * EntryServer: answers an exchange from an entry: whole or a part of it, 304 or 416, at once or as the body grows.
 *
 * Promises: the conditions and ranges of a request are looked at here and nowhere else in the cache, against the
 * representation that is sent (RFC 9110 §13.2.1: a child that asked the origin had those fields removed); nothing is
 * parsed unless the request has the field; the stored head is never changed.
 *
 * The straight path is the hit on a small whole body: one `adopt`, two made fields, one `answerWhole`.
 */
import type { Clock } from '../../core/clock.ts'
import {
  cachePreconditions,
  hasCachePreconditions,
  NOT_MODIFIED,
  rangeStands,
} from '../../http/conditional.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { FieldLines, Fields } from '../../http/fields.ts'
import { Field } from '../../http/known-fields.ts'
import { BODY_NONE, BODY_UNKNOWN } from '../../http/message.ts'
import {
  contentRangeText,
  multipartFrame,
  selectRanges,
  UNSATISFIABLE,
  unsatisfiedRangeText,
  type ByteRange,
  type MultipartFrame,
} from '../../http/ranges.ts'
import { removeContentDigests } from '../../http/content-digests.ts'
import { BodyReader, pieceBytesMax } from './body-reader.ts'
import type { CacheStatus } from '../rules/cache-status.ts'
import type { Entry } from '../store/entry.ts'
import type { Followed, Growth, ReadableBody } from '../store/growth.ts'
import { HotHeads } from './hot-heads.ts'
import type { BodyBacking } from '../store/memory-body.ts'
import { partOf, rangesWithin } from '../store/partial.ts'

/** Who may read the answer: a script of another origin that sends conditions itself, or asks for a part, is told by these. */
const readerFields: readonly number[] = [
  Field.ACCESS_CONTROL_ALLOW_ORIGIN,
  Field.ACCESS_CONTROL_ALLOW_CREDENTIALS,
  Field.ACCESS_CONTROL_EXPOSE_HEADERS,
  Field.CROSS_ORIGIN_RESOURCE_POLICY,
  Field.TIMING_ALLOW_ORIGIN,
]

/**
 * What a 304 carries (RFC 9110 §15.4.5), and what concerns the message rather than the representation. Last-Modified
 * stands in for a missing ETag: the client has nothing else to know its copy by.
 */
const notModifiedFields: readonly number[] = [
  ...readerFields,
  Field.CACHE_CONTROL,
  Field.CDN_CACHE_CONTROL,
  Field.CONTENT_LOCATION,
  Field.DATE,
  Field.ETAG,
  Field.EXPIRES,
  Field.VARY,
  Field.VIA,
]

/** What a 416 carries of the stored answer: it is our own, about the representation's length. */
const unsatisfiedFields: readonly number[] = [...readerFields, Field.ETAG, Field.VARY, Field.VIA]

/** What is answered from: an entry, or the head of one whose body is put together meanwhile. */
export interface Servable extends Pick<
  Entry,
  'head' | 'statedLength' | 'etag' | 'lastModifiedMs' | 'dateMs'
> {
  readonly body: ReadableBody & { readonly single: Buffer | null; readonly backing?: BodyBacking | null }
}

export class EntryServer {
  readonly status: CacheStatus
  readonly #clock: Clock
  readonly #hot: HotHeads = new HotHeads()

  constructor(clock: Clock, status: CacheStatus) {
    this.status = status
    this.#clock = clock
  }

  /** Answers from a whole entry that nobody asked the origin about. `x` may be finished when it returns. */
  hit(x: Exchange, entry: Entry, nowMs: number): void {
    const { first } = x.request.fields
    const { single } = entry.body
    const isPlain =
      (first[Field.IF_NONE_MATCH] as number) +
        (first[Field.IF_MODIFIED_SINCE] as number) +
        (first[Field.RANGE] as number) ===
      0
    if (isPlain && single !== null && single.length <= pieceBytesMax) {
      const fields = this.#hot.find(entry, nowMs)
      if (fields !== null) {
        beginHead(x, entry, fields)
        return x.answerWhole(single)
      }
    }
    const age = ageSeconds(entry, nowMs)
    const status = this.status.hit(ttlSeconds(entry, nowMs))
    if (isPlain) this.#hot.note(entry, nowMs, age, status)
    this.answer(x, entry, null, age, status)
  }

  /** The same, and Cache-Status tells why, though stale. */
  stale(x: Exchange, entry: Entry, nowMs: number, detail: string): void {
    const status = this.status.hitBecause(ttlSeconds(entry, nowMs), detail)
    this.standIn(x, entry, nowMs, status)
  }

  /** Answers in the place of an origin that was asked in vain. */
  standIn(x: Exchange, entry: Entry, nowMs: number, status: string): void {
    this.answer(x, entry, null, ageSeconds(entry, nowMs), status)
  }

  /**
   * Answers with what the origin has just sent or said is still right. An Age would mean that it was not asked
   * (RFC 9111 §5.1), so there is one only where another cache stands before the origin. `growth`: of a body that is still
   * arriving, else null.
   */
  fetched(x: Exchange, entry: Entry, growth: Growth | null, nowMs: number, status: string): void {
    const age = ageSeconds(entry, nowMs)
    this.answer(x, entry, growth, age === 0 ? -1 : age, status)
  }

  /**
   * Answers from a stored part (206) when it holds what Range asks for, or when the client has it already. False: nothing
   * was done, and the origin must be asked.
   */
  part(x: Exchange, entry: Entry, nowMs: number): boolean {
    const { request } = x
    const part = entry.body.isWhole ? partOf(entry.head.fields, entry.body.length) : null
    if (part === null || request.method !== 'GET' || !request.fields.has(Field.RANGE)) return false
    const wallMs = this.#clock.wallMs()
    if (!rangeStands(request, entry, wallMs)) return false
    const ranges = rangesWithin(request.fields.combined(Field.RANGE) as string, part)
    if (ranges === null) return false
    const age = ageSeconds(entry, nowMs)
    const status = this.status.hit(ttlSeconds(entry, nowMs))
    if (hasCachePreconditions(request) && cachePreconditions(request, entry, wallMs) === NOT_MODIFIED) {
      answerNotModified(x, entry, age, status)
    } else if (ranges === UNSATISFIABLE) answerUnsatisfiable(x, entry, part.length, status)
    else this.#answerRanges(x, entry, null, age, status, ranges, part)
    return true
  }

  /** `ageSeconds`: -1 sends none. `status`: our member of Cache-Status, '' sends none. */
  answer(x: Exchange, entry: Servable, growth: Followed | null, ageSeconds: number, status: string): void {
    const { first } = x.request.fields
    if (
      (first[Field.IF_NONE_MATCH] as number) +
        (first[Field.IF_MODIFIED_SINCE] as number) +
        (first[Field.RANGE] as number) !==
        0 &&
      this.#answerSpecially(x, entry, growth, ageSeconds, status)
    )
      return
    fillHead(x, entry, ageSeconds, status)
    const { single } = entry.body
    if (single !== null && single.length <= pieceBytesMax) x.answerWhole(single)
    else this.#stream(x, entry, growth)
  }

  #stream(x: Exchange, entry: Servable, growth: Followed | null): void {
    const { response } = x
    const { body } = entry
    const length = body.isWhole ? body.length : entry.statedLength
    response.statedLength = length
    if (x.request.method === 'HEAD') {
      response.bodyLength = BODY_NONE
      x.answer()
      return
    }
    response.bodyLength = length < 0 ? BODY_UNKNOWN : length
    this.#send(x, this.#readerOf(x, entry, growth))
  }

  #readerOf(
    x: Exchange,
    { body }: Servable,
    growth: Followed | null,
    ranges: readonly ByteRange[] | null = null,
    frame: MultipartFrame | null = null,
  ): BodyReader {
    return new BodyReader(x, body, growth ?? body.backing?.growth ?? null, this.#clock, ranges, frame)
  }

  /** The head, then what there is of the body. */
  #send(x: Exchange, reader: BodyReader): void {
    x.answer()
    reader.start()
  }

  // Conditions and ranges

  /** False: nothing comes of them. */
  #answerSpecially(
    x: Exchange,
    entry: Servable,
    growth: Followed | null,
    age: number,
    status: string,
  ): boolean {
    const { request } = x
    const stored = entry.head.status
    // Conditions concern what would succeed (RFC 9110 §13.2.1), ranges what is whole.
    if (stored < 200 || stored > 299) return false
    const wallMs = this.#clock.wallMs()
    if (hasCachePreconditions(request) && cachePreconditions(request, entry, wallMs) === NOT_MODIFIED) {
      answerNotModified(x, entry, age, status)
      return true
    }
    if (stored !== 200 || request.method !== 'GET' || !request.fields.has(Field.RANGE)) return false
    const length = entry.body.isWhole ? entry.body.length : entry.statedLength
    if (length < 0 || !rangeStands(request, entry, wallMs)) return false
    const ranges = selectRanges(request.fields.combined(Field.RANGE) as string, length)
    if (ranges === null) return false
    if (ranges === UNSATISFIABLE) answerUnsatisfiable(x, entry, length, status)
    else this.#answerRanges(x, entry, growth, age, status, ranges, { first: 0, length })
    return true
  }

  /** `held`: where the stored bytes begin in the representation, and how long that is. */
  #answerRanges(
    x: Exchange,
    entry: Servable,
    growth: Followed | null,
    age: number,
    status: string,
    ranges: readonly ByteRange[],
    held: { readonly first: number; readonly length: number },
  ): void {
    fillHead(x, entry, age, status)
    const { response } = x
    const { fields } = response
    response.status = 206
    if (entry.head.status !== 206) response.reason = ''
    removeContentDigests(fields)
    const places = held.first === 0 ? ranges : ranges.map((range) => shifted(range, -held.first))
    if (ranges.length === 1) {
      const { first, last } = places[0] as ByteRange
      fields.setKnown(Field.CONTENT_RANGE, contentRangeText(ranges[0] as ByteRange, held.length))
      const { single } = entry.body
      if (single !== null && last - first < pieceBytesMax)
        return x.answerWhole(single.subarray(first, last + 1))
      response.bodyLength = response.statedLength = last - first + 1
      return this.#send(x, this.#readerOf(x, entry, growth, places))
    }
    const frame = multipartFrame(ranges, held.length, entry.head.fields.get(Field.CONTENT_TYPE) ?? '')
    fields.setKnown(Field.CONTENT_TYPE, frame.contentType)
    fields.removeKnown(Field.CONTENT_RANGE)
    response.bodyLength = response.statedLength = frame.bodyLength
    this.#send(x, this.#readerOf(x, entry, growth, places, frame))
  }
}

function shifted({ first, last }: ByteRange, by: number): ByteRange {
  return { first: first + by, last: last + by }
}

/** Whole seconds since the origin made it (RFC 9111 §4.2.3, §5.1). */
export function ageSeconds(entry: Entry, nowMs: number): number {
  const ageMs = nowMs - entry.responseMs + entry.initialAgeMs
  return ageMs > 0 ? Math.floor(ageMs / 1000) : 0
}

/** Whole seconds that it stays fresh; negative: how long it has been stale. */
export function ttlSeconds(entry: Entry, nowMs: number): number {
  const { freshUntilMs } = entry
  // What must always be validated has a lifetime all the same.
  const untilMs =
    freshUntilMs === -Infinity ? entry.responseMs + entry.freshnessMs - entry.initialAgeMs : freshUntilMs
  return Math.floor((untilMs - nowMs) / 1000)
}

/** The texts of ages under an hour: one string each, for all entries. */
const ageTexts: readonly string[] = Array.from({ length: 3600 }, (_, seconds) => String(seconds))

function fillHead(x: Exchange, entry: Servable, ageSeconds: number, status: string): void {
  beginHead(x, entry, entry.head.fields)
  addOurs(x.response.fields, ageSeconds, status)
}

function beginHead(x: Exchange, entry: Servable, fields: FieldLines): void {
  const { response } = x
  const { head } = entry
  // Something else was begun and given up.
  if (response.fields.size !== 0) response.reset()
  response.status = head.status
  response.reason = head.reason
  response.fields.adopt(fields)
}

function addOurs(fields: Fields, ageSeconds: number, status: string): void {
  if (ageSeconds >= 0) fields.addKnown(Field.AGE, ageTexts[ageSeconds] ?? String(ageSeconds))
  if (status !== '') fields.addKnown(Field.CACHE_STATUS, status)
}

function answerNotModified(x: Exchange, entry: Servable, ageSeconds: number, status: string): void {
  beginOwn(x, 304, entry, notModifiedFields)
  const { fields } = x.response
  if (entry.etag === '') keepField(fields, entry, Field.LAST_MODIFIED)
  addOurs(fields, ageSeconds, status)
  x.answer()
}

function answerUnsatisfiable(x: Exchange, entry: Servable, length: number, status: string): void {
  beginOwn(x, 416, entry, unsatisfiedFields)
  const { fields } = x.response
  fields.addKnown(Field.CONTENT_RANGE, unsatisfiedRangeText(length))
  addOurs(fields, -1, status)
  x.answerWhole(null)
}

/** An answer without a body that keeps only some of the stored fields. */
function beginOwn(x: Exchange, status: number, entry: Servable, kept: readonly number[]): void {
  const { response } = x
  response.reset()
  response.status = status
  for (const id of kept) keepField(response.fields, entry, id)
}

function keepField(fields: Fields, entry: Servable, id: number): void {
  const stored = entry.head.fields
  if (!stored.has(id)) return
  for (let i = 0; i < stored.size; i++) {
    if (stored.idAt(i) === id) fields.add(stored.nameAt(i), stored.valueAt(i))
  }
}
