/**
 * Converts header sections between a provider's form and ours. Names and values are judged as HPACK's decoder judges
 * those of HTTP/2, since the rules are the same (RFC 9114 §4.2, §4.3), and what is sent is what HTTP/2 would send.
 */
import { isAllOf, tokenClass } from '../core/bytes.ts'
import type { Exchange } from '../http/exchange.ts'
import { isFieldValue, type Fields } from '../http/fields.ts'
import { answerFraming, bodilessLength, FRAMED_BY_LENGTH, FRAMED_NONE } from '../http/framing.ts'
import { Field, fieldId, isLeftOutOfStreams } from '../http/known-fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import {
  entryOverheadBytes,
  NAME_BAD,
  pseudoNumber,
  VALUE_BAD,
  type HeaderSink,
} from '../http/pseudo-fields.ts'
import type { QuicField } from './provider.ts'

const upperCase = /[A-Z]/

/** Hands a section to its reader, until that wants no more. */
export function readFields(fields: readonly QuicField[], sink: HeaderSink): void {
  for (const { name, value } of fields) {
    if (!sink.onHeader(name, value, numberOf(name, value), false)) return
  }
}

/** No client sends so much by mistake: the provider made all of it for us before anybody could look. */
const muchTooLarge = 8

/** Is a section that was refused so large that its client is to go? */
export function isMuchTooLarge(fields: readonly QuicField[], limits: ConnectionLimits): boolean {
  if (fields.length > muchTooLarge * limits.fieldsMax) return true
  let bytes = 0
  for (const { name, value } of fields) bytes += name.length + value.length + entryOverheadBytes
  return bytes > muchTooLarge * limits.headBytesMax
}

function numberOf(name: string, value: string): number {
  if (!isFieldValue(value)) return VALUE_BAD
  if (name.startsWith(':')) {
    const number = pseudoNumber(name)
    return number === 0 ? NAME_BAD : number
  }
  return name === '' || upperCase.test(name) || !isAllOf(tokenClass, name) ? NAME_BAD : fieldId(name)
}

/** The head of a final answer. */
export function answerFields(x: Exchange, dateText: string): QuicField[] {
  const { response, request } = x
  const list: QuicField[] = [{ name: ':status', value: String(response.status) }]
  addFields(list, response.fields)
  if (!response.fields.has(Field.DATE) && dateText !== '') list.push({ name: 'date', value: dateText })
  const framed = answerFraming(response, request)
  let length = -1
  if (framed === FRAMED_BY_LENGTH) length = response.bodyLength
  else if (framed === FRAMED_NONE) length = bodilessLength(response, request.method)
  if (length >= 0) list.push({ name: 'content-length', value: String(length) })
  return list
}

export function trailerFields(trailers: Fields): QuicField[] {
  const list: QuicField[] = []
  addFields(list, trailers)
  return list
}

function addFields(list: QuicField[], fields: Fields): void {
  for (let i = 0; i < fields.size; i++) {
    if (isLeftOutOfStreams[fields.idAt(i)] === 1) continue
    list.push({ name: fields.nameAt(i).toLowerCase(), value: fields.valueAt(i) })
  }
}
