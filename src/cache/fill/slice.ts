/**
 * Slices: how a large answer is stored in pieces of one size, each fetched by Range when somebody needs it.
 *
 * An *index* is stored under a key of its own: the head of the whole answer, with only its length for a body. Each
 * slice is stored under that key, its validator and its number. So the index alone is judged fresh or stale and is
 * validated (one 304 is enough for all slices), a slice of another version is never found, and an index that is
 * thrown away invalidates its slices.
 *
 * Promises: bytes of two versions are never put together: a slice counts only under the same strong validator (RFC
 * 9111 §3.4), the same length of the whole, and with exactly the bytes that were asked for.
 */
import { isSameStrongly } from '../../http/conditional.ts'
import { removeContentDigests } from '../../http/content-digests.ts'
import { readDate } from '../../http/dates.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import { readContentRange } from '../../http/ranges.ts'
import { Entry } from '../store/entry.ts'
import { BodySpan, MemoryBody } from '../store/memory-body.ts'
import { copyOfRule } from '../rules/rule.ts'

/** What distinguishes one representation of a URL from another. */
export interface Version {
  /** A strong entity-tag, or a Last-Modified that is old enough to be strong (RFC 9110 §8.8.2.2): for If-Range. */
  readonly validator: string
  /** The length of the whole, in bytes. */
  readonly length: number
}

/** What an origin's answer to the request for a slice turns out to be. */
export const SliceAnswer = {
  /** The slice. */
  SLICE: 0,
  /** The whole, since it is no longer than the slice. */
  WHOLE: 1,
  /** Something else, as for a request without Range: the whole (Range was ignored), an error, a redirect. */
  OTHER: 2,
  /** Of another version than the slices before. */
  CHANGED: 3,
  /** No slice can be made of it: the whole must be asked for. */
  UNUSABLE: 4,
  /** The slice lies behind the end. */
  BEYOND: 5,
} as const
export type SliceAnswer = (typeof SliceAnswer)[keyof typeof SliceAnswer]

export interface SliceStart {
  /** The size of each slice but the last. */
  readonly bytes: number
  readonly number: number
  /** The step by which the origin is asked. */
  readonly from: number
  readonly indexKey: string
  /** The key under which the whole would be stored. */
  readonly wholeKey: string
  /** The version; null: it is not known yet, and any will do. */
  readonly version: Version | null
}

/** One slice, as it is asked for. */
export class Slice implements SliceStart {
  readonly bytes: number
  readonly number: number
  readonly from: number
  readonly indexKey: string
  readonly wholeKey: string
  readonly version: Version | null

  constructor(start: SliceStart, number: number = start.number, version: Version | null = start.version) {
    this.bytes = start.bytes
    this.number = number
    this.from = start.from
    this.indexKey = start.indexKey
    this.wholeKey = start.wholeKey
    this.version = version
  }

  /** Where it is stored, or, while the version is not known, where its index is. */
  get key(): string {
    const { version } = this
    return version === null ? this.indexKey : `${this.indexKey}\nslice ${this.number} ${version.validator}`
  }

  get first(): number {
    return this.number * this.bytes
  }

  /** The bytes of this slice, if the whole is long enough. */
  get last(): number {
    return this.first + this.bytes - 1
  }

  /** How many bytes this slice has of a whole of `length`. */
  bytesOf(length: number): number {
    return Math.min(this.bytes, length - this.first)
  }

  at(number: number): Slice {
    return new Slice(this, number)
  }

  ofVersion(version: Version): Slice {
    return new Slice(this, this.number, version)
  }

  /** Turns a request for the whole into one for this slice, of its version only. */
  askFor({ fields }: RequestHead): void {
    const { version } = this
    const last = version === null ? this.last : Math.min(this.last, version.length - 1)
    fields.setKnown(Field.RANGE, `bytes=${this.first}-${last}`)
    if (version !== null) fields.setKnown(Field.IF_RANGE, version.validator)
  }

  /** What `response` is; also its version, where it is a slice and none was known. */
  judge(response: ResponseHead): { readonly answer: SliceAnswer; readonly version: Version | null } {
    const { version } = this
    const { status } = response
    if (status === 206) return this.#judgePart(response)
    const answer =
      version === null
        ? status === 416
          ? SliceAnswer.BEYOND
          : SliceAnswer.OTHER
        : status === 200 || status === 416
          ? SliceAnswer.CHANGED
          : SliceAnswer.OTHER
    return { answer, version }
  }

  #judgePart({ fields, bodyLength }: ResponseHead): { answer: SliceAnswer; version: Version | null } {
    const known = this.version
    const text = fields.countOf(Field.CONTENT_RANGE) === 1 ? fields.get(Field.CONTENT_RANGE) : ''
    const range = readContentRange(text ?? '')
    const length = range?.length ?? -1
    const isAsked =
      range !== null &&
      length >= 0 &&
      range.first === this.first &&
      range.last === Math.min(this.last, length - 1) &&
      bodyLength === range.last - range.first + 1
    if (known !== null) {
      const isSame = isAsked && length === known.length && carries(fields, known.validator)
      return { answer: isSame ? SliceAnswer.SLICE : SliceAnswer.CHANGED, version: known }
    }
    if (!isAsked) return { answer: SliceAnswer.UNUSABLE, version: null }
    if (this.number === 0 && length <= this.bytes) return { answer: SliceAnswer.WHOLE, version: null }
    const validator = strongValidatorOf(fields)
    if (validator === '') return { answer: SliceAnswer.UNUSABLE, version: null }
    return { answer: SliceAnswer.SLICE, version: { validator, length } }
  }
}

function carries(fields: FieldsView, validator: string): boolean {
  if (validator.startsWith('"')) return isSameStrongly(fields.get(Field.ETAG) ?? '', validator)
  return fields.get(Field.LAST_MODIFIED) === validator
}

/** The validator; '' where nothing tells for certain which representation it is. */
export function strongValidatorOf(fields: FieldsView): string {
  const etag = fields.get(Field.ETAG) ?? ''
  if (etag.startsWith('"')) return etag
  const modified = fields.get(Field.LAST_MODIFIED) ?? ''
  const modifiedMs = readDate(modified, 0)
  return modifiedMs + 1000 <= readDate(fields.get(Field.DATE) ?? '', 0) ? modified : ''
}

/** Turns the head of a 206 into that of the whole answer, which is what is stored and judged. */
export function asWhole(response: ResponseHead): void {
  response.status = 200
  response.reason = ''
  response.fields.removeKnown(Field.CONTENT_RANGE)
  removeContentDigests(response.fields)
}

/** The index of the whole to which `slice` belongs. */
export function indexOf(slice: Entry, indexKey: string, { length }: Version): Entry {
  const body = MemoryBody.of(Buffer.from(String(length)))
  const { bornAt, site, host, head, vary, variant, tagNames, searchRule } = slice
  const start = { key: indexKey, bornAt, site, host, head, vary, variant, searchRule, body }
  const index = new Entry({ ...start, tags: tagNames, statedLength: body.length })
  return Object.assign(index, copyOfRule(slice))
}

const span = new BodySpan()

/** What an index says; null when it is not one. */
export function versionOf(index: Entry): Version | null {
  if (!index.body.readAt(0, span)) return null
  const length = Number(span.buffer.toString('latin1', span.start, span.end))
  const validator = strongValidatorOf(index.head.fields)
  return Number.isSafeInteger(length) && length > 0 && validator !== '' ? { validator, length } : null
}
