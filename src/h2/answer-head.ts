/**
 * The writer of answers' heads (RFC 9113 §8.3.2): `x.response` as a header block. What delimits the message is
 * written from what we know; connection-specific fields are left out (RFC 9113 §8.2.2).
 */
import type { Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { answerFraming, bodilessLength, FRAMED_BY_LENGTH, FRAMED_NONE } from '../http/framing.ts'
import { Field, isLeftOutOfStreams } from '../http/known-fields.ts'
import type { ResponseHead } from '../http/message.ts'
import { statusEnd } from '../http/reasons.ts'
import type { HpackEncoder } from './hpack-encoder.ts'
import { Pseudo } from './static-table.ts'

const statusTexts: readonly string[] = Array.from({ length: statusEnd }, (_, status) => String(status))

/** Of a final answer. `dateText` is the Date to add when the fields have none. */
export function writeAnswerHead(encoder: HpackEncoder, x: Exchange, dateText: string): void {
  const { response, request } = x
  const { fields } = response
  encoder.pseudo(Pseudo.STATUS, statusTexts[response.status] as string)
  writeFields(encoder, fields)
  if (!fields.has(Field.DATE) && dateText !== '') encoder.field(Field.DATE, '', dateText, false)
  const framed = answerFraming(response, request)
  let length = -1
  if (framed === FRAMED_BY_LENGTH) length = response.bodyLength
  else if (framed === FRAMED_NONE) length = bodilessLength(response, request.method)
  if (length >= 0) encoder.field(Field.CONTENT_LENGTH, '', String(length), false)
}

/** Of a 1xx. */
export function writeInformational(encoder: HpackEncoder, head: ResponseHead): void {
  encoder.pseudo(Pseudo.STATUS, statusTexts[head.status] as string)
  writeFields(encoder, head.fields)
}

/** What a 101 is to an extended CONNECT: 200, without what belongs to the handshake of HTTP/1 (RFC 8441 §5). */
export function writeSwitch(encoder: HpackEncoder, head: ResponseHead, dateText: string): void {
  encoder.pseudo(Pseudo.STATUS, '200')
  head.fields.removeKnown(Field.SEC_WEBSOCKET_ACCEPT)
  writeFields(encoder, head.fields)
  if (!head.fields.has(Field.DATE) && dateText !== '') encoder.field(Field.DATE, '', dateText, false)
}

function writeFields(encoder: HpackEncoder, fields: Fields): void {
  const { size, ids } = fields
  for (let i = 0; i < size; i++) {
    const id = ids[i] as number
    if (id === 0) encoder.field(0, fields.nameAt(i), fields.valueAt(i), fields.isSecretAt(i))
    else if (isLeftOutOfStreams[id] === 0) encoder.field(id, '', fields.valueAt(i), fields.isSecretAt(i))
  }
}
