/**
 * Range requests (RFC 9110 §14): which bytes of a representation a request asks for, and what a 206 or 416 says about
 * them.
 *
 * Promises: a Range that cannot be read, or that asks for more pieces than `rangesMax`, is ignored and the whole
 * answer sent, as §14.2 allows. Ranges that overlap or nearly touch are sent as one, so no request gets more bytes
 * than the representation has, plus a little for part heads. Parts are sent in the order of the request.
 */
import { randomBytes } from 'node:crypto'
import { readDecimal } from '../core/bytes.ts'
import { trimSpace } from './tokens.ts'

/**
 * How many ranges one request may have. A PDF reader asks for a handful; a list of hundreds of small ones is an
 * attack on whoever has to write as many part heads (RFC 9110 §17.15).
 */
export const rangesMax = 32

/** How many characters of a Range are looked at: twice what `rangesMax` ranges of 19 digits each need. */
const rangeTextMax = 2048

/** Ranges less than this apart are sent as one: a part's head is about that long (RFC 9110 §15.3.7.2). */
const gapBytes = 80

/** Bytes `first` to `last`, both included, as HTTP counts them. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** Every range lies beyond the end: 416. */
export const UNSATISFIABLE: readonly ByteRange[] = []

interface RangeSpec {
  /** -1 for a suffix: `last` then counts bytes from the end. */
  readonly first: number
  /** Infinity when it is not given. */
  readonly last: number
}

/**
 * The ranges that `value` (of Range) asks for: null when there are none that we read. Positions are those of the request:
 * the length need not be known.
 */
function readSpecs(value: string): RangeSpec[] | null {
  if (value.length > rangeTextMax) return null
  const equals = value.indexOf('=')
  if (equals < 0 || trimSpace(value.slice(0, equals)).toLowerCase() !== 'bytes') return null
  const specs: RangeSpec[] = []
  for (const element of value.slice(equals + 1).split(',')) {
    const text = trimSpace(element)
    if (text === '') continue
    const spec = readSpec(text)
    if (spec === null || specs.length === rangesMax) return null
    specs.push(spec)
  }
  return specs.length === 0 ? null : specs
}

function readSpec(text: string): RangeSpec | null {
  const dash = text.indexOf('-')
  if (dash < 0) return null
  const last = dash === text.length - 1 ? Infinity : readPosition(text.slice(dash + 1))
  if (last < 0) return null
  // A '-' alone says nothing.
  if (dash === 0) return last === Infinity && text.length === 1 ? null : { first: -1, last }
  const first = readPosition(text.slice(0, dash))
  return first < 0 || first > last ? null : { first, last }
}

/** A number that is too large for us is larger than every representation: Infinity. -1: it is no number. */
function readPosition(text: string): number {
  const number = readDecimal(text)
  return number < 0 && /^\d+$/.test(text) ? Infinity : number
}

/**
 * What is to be sent of `length` bytes for the Range `value`: null = all of it, as without Range (also of nothing: players
 * that always ask for `bytes=0-` want no error for an empty file); `UNSATISFIABLE` = 416; else ranges that neither overlap
 * nor nearly touch.
 */
export function selectRanges(value: string, length: number): readonly ByteRange[] | null {
  if (length === 0) return null
  const specs = readSpecs(value)
  if (specs === null) return null
  const ranges: { first: number; last: number }[] = []
  for (const { first, last } of specs) {
    const from = first >= 0 ? first : Math.max(0, length - last)
    if (from < length)
      ranges.push({ first: from, last: first >= 0 ? Math.min(last, length - 1) : length - 1 })
  }
  if (ranges.length < 2) return ranges.length === 0 ? UNSATISFIABLE : ranges
  return coalesce(ranges)
}

/** Sorts by position and joins; then restores the order of the request, by the first range that went into each. */
function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const order = ranges.map((range, place) => ({ first: range.first, last: range.last, place }))
  order.sort((a, b) => a.first - b.first)
  const joined: { first: number; last: number; place: number }[] = []
  for (const range of order) {
    const before = joined.at(-1)
    if (before === undefined || range.first > before.last + gapBytes) joined.push(range)
    else {
      before.last = Math.max(before.last, range.last)
      before.place = Math.min(before.place, range.place)
    }
  }
  joined.sort((a, b) => a.place - b.place)
  return joined.map(({ first, last }) => ({ first, last }))
}

/** What is asked for while the length of the whole is not known yet. */
export interface OpenRange {
  readonly first: number
  /** Infinity: to the end. */
  readonly last: number
}

/**
 * The one range that can be judged before the length is known: from a position, not from the end. null: there is none, or
 * it is not the only one.
 */
export function readOpenRange(value: string): OpenRange | null {
  const specs = readSpecs(value)
  const only = specs?.length === 1 ? (specs[0] as RangeSpec) : null
  return only === null || only.first < 0 ? null : only
}

/** `bytes 0-4/10`. */
export function contentRangeText({ first, last }: ByteRange, length: number): string {
  return `bytes ${first}-${last}/${length}`
}

/** The Content-Range of a 416. */
export function unsatisfiedRangeText(length: number): string {
  return `bytes */${length}`
}

/** A Content-Range, read. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  /** The length of the whole representation; -1: it does not say ('*'). */
  readonly length: number
}

/** null: no valid Content-Range in bytes, or one that says that nothing is sent (RFC 9110 §14.4). */
export function readContentRange(value: string): ContentRange | null {
  const match = /^bytes +(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(value)
  if (match === null) return null
  const first = readDecimal(match[1] as string)
  const last = readDecimal(match[2] as string)
  const length = match[3] === '*' ? -1 : readDecimal(match[3] as string)
  if (first < 0 || last < first || (match[3] !== '*' && length <= last)) return null
  return { first, last, length }
}

/** The frame of a multipart/byteranges body (RFC 9110 §14.6): what stands before each part and after the last. */
export interface MultipartFrame {
  readonly contentType: string
  /** One for each range. */
  readonly heads: readonly Buffer[]
  readonly tail: Buffer
  /** The length of the whole body. */
  readonly bodyLength: number
}

/**
 * `partType`: the Content-Type of the representation, '' for none. The boundary is random, so that nobody can have put it
 * into the bytes.
 */
export function multipartFrame(
  ranges: readonly ByteRange[],
  length: number,
  partType: string,
): MultipartFrame {
  const boundary = randomBytes(18).toString('base64url')
  const typeLine = partType === '' ? '' : `Content-Type: ${partType}\r\n`
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
  let bodyLength = tail.length
  const heads: Buffer[] = []
  for (const range of ranges) {
    const start = heads.length === 0 ? '--' : '\r\n--'
    const line = `Content-Range: ${contentRangeText(range, length)}\r\n`
    const head = Buffer.from(`${start}${boundary}\r\n${typeLine}${line}\r\n`, 'latin1')
    heads.push(head)
    bodyLength += head.length + range.last - range.first + 1
  }
  return { contentType: `multipart/byteranges; boundary=${boundary}`, heads, tail, bodyLength }
}
