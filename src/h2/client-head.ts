/**
 * Message heads between us and an origin (RFC 9113 §8.3): the writer of requests, the reader of answers and of their
 * trailers.
 *
 * Reading is as strict as for HTTP/1 (h1/response-head.ts): the result can be written as HTTP/1 with one reading (RFC
 * 9113 §10.3). What is written gives the length of the body from what we know, never from what we were told.
 */
import { readDecimal } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Exchange } from '../http/exchange.ts'
import { Fields } from '../http/fields.ts'
import { isBodiless } from '../http/framing.ts'
import {
  Field,
  HOP_BY_HOP,
  FRAMING,
  fieldFlags,
  isOfConnection,
  knownFieldCount,
} from '../http/known-fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { BODY_NONE, BODY_UNKNOWN, HTTP_2, ResponseHead } from '../http/message.ts'
import { statusEnd } from '../http/reasons.ts'
import { entryOverheadBytes } from '../http/pseudo-fields.ts'
import type { HeaderSink } from './hpack-decoder.ts'
import type { HpackEncoder } from './hpack-encoder.ts'
import { Pseudo } from './static-table.ts'

/** By number: concerns a connection of HTTP/1, or is written from what we know. 255 is a field that was taken out. */
const isLeftOut = Uint8Array.from({ length: 256 }, (_, id) =>
  id >= knownFieldCount || (fieldFlags(id) & (FRAMING | HOP_BY_HOP)) !== 0 ? 1 : 0,
)

const colon = 0x3a

/** Of the names of the four pseudo-fields, and of ':scheme' the value. */
const pseudoBytes = ':method:scheme:authority:pathhttps'.length + 4 * entryOverheadBytes

/**
 * Writes the head of `x.outgoing` and the fields of `x.request` into a block that was begun. `isConnect`: as an extended CONNECT
 * to `x.outgoing.upgrade` (RFC 8441 §4).
 */
export function writeRequestHead(
  encoder: HpackEncoder,
  x: Exchange,
  scheme: string,
  isConnect: boolean,
): void {
  const { outgoing, request } = x
  const { fields } = request
  encoder.pseudo(Pseudo.METHOD, isConnect ? 'CONNECT' : outgoing.method)
  if (isConnect) encoder.pseudo(Pseudo.PROTOCOL, outgoing.upgrade)
  encoder.pseudo(Pseudo.SCHEME, scheme)
  encoder.pseudo(Pseudo.AUTHORITY, outgoing.host)
  encoder.pseudo(Pseudo.PATH, outgoing.target)
  const { size, ids } = fields
  for (let i = 0; i < size; i++) {
    const id = ids[i] as number
    if (id === 0) encoder.field(0, fields.nameAt(i), fields.valueAt(i), fields.isSecretAt(i))
    else if (isLeftOut[id] === 0 && !isNotSent(id, x, isConnect))
      encoder.field(id, '', fields.valueAt(i), fields.isSecretAt(i))
  }
  if (request.acceptsTrailers) encoder.field(Field.TE, '', 'trailers', false)
  const length = statedLength(x)
  if (length >= 0 && !isConnect) encoder.field(Field.CONTENT_LENGTH, '', String(length), false)
}

/** About what SETTINGS_MAX_HEADER_LIST_SIZE counts of it: names and values, and 32 bytes for each (RFC 9113 §6.5.2). */
export function headListBytes({ outgoing, request: { fields } }: Exchange): number {
  let bytes = pseudoBytes + outgoing.method.length + outgoing.host.length + outgoing.target.length
  for (let i = 0; i < fields.size; i++)
    if (fields.isLive(i)) bytes += fields.nameAt(i).length + fields.valueAt(i).length + entryOverheadBytes
  return bytes
}

function isNotSent(id: number, x: Exchange, isConnect: boolean): boolean {
  // Nobody waits for 100 any more: the origin must not be asked for it.
  if (id === Field.EXPECT) return !x.body.awaitsContinue
  return isConnect && id === Field.SEC_WEBSOCKET_KEY
}

/** What Content-Length says of the request, -1 for none: as HTTP/1 would say it (RFC 9110 §8.6). */
function statedLength(x: Exchange): number {
  const { length } = x.body
  if (length !== BODY_NONE) return length === BODY_UNKNOWN ? -1 : length
  const { method } = x.outgoing
  const isUsual = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return isUsual || x.request.fields.has(Field.CONTENT_LENGTH) ? 0 : -1
}

/** Reads the head of an answer. One for the process: a head is read in one go. */
export class AnswerFields implements HeaderSink {
  #head: ResponseHead = new ResponseHead()
  #headBytesLeft = 0
  #fieldsLeft = 0
  #fault: Fault = NONE
  #hasField = false

  begin(head: ResponseHead, limits: ConnectionLimits): void {
    this.#head = head
    this.#headBytesLeft = limits.headBytesMax
    this.#fieldsLeft = limits.fieldsMax
    this.#fault = NONE
    this.#hasField = false
    head.version = HTTP_2
    head.status = 0
  }

  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean {
    this.#headBytesLeft -= name.length + value.length + entryOverheadBytes
    if (this.#headBytesLeft < 0) this.#fault = Faults.ANSWER_HEAD_TOO_LARGE
    else if (known === Pseudo.STATUS) this.#takeStatus(value)
    else this.#takeField(name, value, known, isSecret)
    return this.#fault === NONE
  }

  #takeStatus(value: string): void {
    const status = value.length === 3 ? readDecimal(value) : -1
    if (this.#hasField || this.#head.status !== 0 || status < 100 || status >= statusEnd)
      this.#fault = Faults.ANSWER_MALFORMED
    else this.#head.status = status
  }

  #takeField(name: string, value: string, known: number, isSecret: boolean): void {
    this.#hasField = true
    if (isMalformed(name, known)) this.#fault = Faults.ANSWER_MALFORMED
    else if (--this.#fieldsLeft < 0) this.#fault = Faults.ANSWER_HEAD_TOO_LARGE
    else this.#head.fields.addNumbered(known, name, value, isSecret)
  }

  /** The block has come; `ends`: the stream with it. `method`: of the request. NONE or a fault. */
  finish(method: string, ends: boolean): Fault {
    if (this.#fault !== NONE) return this.#fault
    const { status } = this.#head
    // There is no 101 in HTTP/2 (RFC 9113 §8.6), and no 1xx is the last word.
    if (status === 0 || status === 101 || (status < 200 && ends)) return Faults.ANSWER_MALFORMED
    return status < 200 ? NONE : this.#readLength(method, ends)
  }

  #readLength(method: string, ends: boolean): Fault {
    const head = this.#head
    if (head.fields.has(Field.CONTENT_LENGTH)) {
      head.statedLength = readDecimal(head.fields.combined(Field.CONTENT_LENGTH) as string)
      if (head.statedLength < 0) return Faults.ANSWER_LENGTH_BAD
    }
    if (method === 'HEAD' || isBodiless(head.status)) head.bodyLength = BODY_NONE
    else if (ends) {
      if (head.statedLength > 0) return Faults.ANSWER_LENGTH_BAD
      head.bodyLength = BODY_NONE
    } else head.bodyLength = head.statedLength >= 0 ? head.statedLength : BODY_UNKNOWN
    return NONE
  }
}

/** Is it a pseudo-field out of place, of a connection (RFC 9113 §8.2.2), or no field at all? */
function isMalformed(name: string, known: number): boolean {
  const isField = known >= 0 && known < knownFieldCount && name.charCodeAt(0) !== colon
  return !isField || isOfConnection(known)
}

/** Reads a trailer section. One for the process. */
export class AnswerTrailers implements HeaderSink {
  #fields: Fields = new Fields()
  #bytesLeft = 0
  #fieldsLeft = 0
  #fault: Fault = NONE

  begin(fields: Fields, limits: ConnectionLimits): void {
    this.#fields = fields
    this.#bytesLeft = limits.trailerBytesMax
    this.#fieldsLeft = limits.fieldsMax
    this.#fault = NONE
  }

  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean {
    this.#bytesLeft -= name.length + value.length + entryOverheadBytes
    if (isMalformed(name, known) || this.#bytesLeft < 0 || --this.#fieldsLeft < 0)
      this.#fault = Faults.ANSWER_TRAILER_BAD
    else this.#fields.addNumbered(known, name, value, isSecret)
    return this.#fault === NONE
  }

  finish(): Fault {
    return this.#fault
  }
}
