/**
 * The writers of HTTP/1 heads. The fields of a message go out as they are. What delimits it (Host, Content-Length,
 * Transfer-Encoding, Connection, Upgrade, TE) is written here from what we know, never copied, so a message leaves in
 * a form that has one reading.
 *
 * No line end can be smuggled in: fields that came over a wire were checked there, made fields by `isFieldName` and
 * `isFieldValue` where they are made, and method, target and phrase by whoever read or configured them.
 */
import { BODY_UNKNOWN, HTTP_1_0, HTTP_1_1, type RequestHead, type ResponseHead } from '../http/message.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import {
  answerFraming,
  bodilessLength,
  FRAMED_BY_CHUNKS,
  FRAMED_BY_CLOSE,
  FRAMED_BY_LENGTH,
} from '../http/framing.ts'
import { Field } from '../http/known-fields.ts'
import { reasonPhrase, statusEnd } from '../http/reasons.ts'

const chunkedLine = 'Transfer-Encoding: chunked\r\n'
const closeLine = 'Connection: close\r\n'
const keepAliveLine = 'Connection: keep-alive\r\n'

/**
 * The head of the request to an origin, from `x.outgoing`, the fields of `x.request` (hop-by-hop ones are gone from them
 * already) and the length of `x.body`. `keepAlive` false asks the origin to close afterwards.
 */
export function requestHead(x: Exchange, keepAlive: boolean): string {
  const { outgoing, request } = x
  const { fields } = request
  // Nobody waits for 100 any more (it was sent, or HTTP/1.0 cannot): the origin must not be asked for it.
  if (fields.has(Field.EXPECT) && !x.body.awaitsContinue) fields.removeKnown(Field.EXPECT)
  return (
    `${outgoing.method} ${outgoing.target} HTTP/1.1\r\nHost: ${outgoing.host}\r\n` +
    fields.toWire() +
    requestLength(outgoing.method, x.body.length, fields) +
    (outgoing.webSocketKey === '' ? '' : `Sec-WebSocket-Key: ${outgoing.webSocketKey}\r\n`) +
    requestConnection(outgoing.upgrade, request.acceptsTrailers, keepAlive) +
    '\r\n'
  )
}

/** A request without Content-Length has no body; but where one is usual, 0 is said (RFC 9110 §8.6). */
function requestLength(method: string, length: number, fields: Fields): string {
  if (length === BODY_UNKNOWN) return chunkedLine
  if (length > 0) return `Content-Length: ${length}\r\n`
  const isUsual = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return isUsual || fields.has(Field.CONTENT_LENGTH) ? 'Content-Length: 0\r\n' : ''
}

/** Nearly always nothing: HTTP/1.1 persists by default. */
function requestConnection(upgrade: string, acceptsTrailers: boolean, keepAlive: boolean): string {
  if (upgrade === '' && !acceptsTrailers) return keepAlive ? '' : closeLine
  let options = upgrade === '' ? '' : 'upgrade'
  if (acceptsTrailers) options += options === '' ? 'TE' : ', TE'
  if (!keepAlive) options += ', close'
  const lines = upgrade === '' ? '' : `Upgrade: ${upgrade}\r\n`
  return `Connection: ${options}\r\n${acceptsTrailers ? lines + 'TE: trailers\r\n' : lines}`
}

/** By status: 'HTTP/1.1 200 OK' CR LF. */
const statusLines: readonly string[] = Array.from(
  { length: statusEnd },
  (_, status) => `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`,
)

function statusLine(head: ResponseHead): string {
  return head.reason === ''
    ? (statusLines[head.status] as string)
    : `HTTP/1.1 ${head.status} ${head.reason}\r\n`
}

/**
 * The head of a final answer (or of 101) to `request`. `persistent`: the connection serves on after it. Where the body
 * can only end with the connection (`answerFraming` says FRAMED_BY_CLOSE), `Connection: close` is written whatever
 * `persistent` says. `dateText` is the Date to add when the fields have none; '' adds none.
 */
export function responseHead(
  head: ResponseHead,
  request: RequestHead,
  persistent: boolean,
  dateText: string,
): string {
  const { fields } = head
  let out = statusLine(head) + fields.toWire()
  if (!fields.has(Field.DATE) && dateText !== '') out += `Date: ${dateText}\r\n`
  if (head.status === 101) return out + `Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`
  const framed = answerFraming(head, request)
  if (framed === FRAMED_BY_LENGTH) out += `Content-Length: ${head.bodyLength}\r\n`
  else if (framed === FRAMED_BY_CHUNKS) out += chunkedLine
  else if (framed !== FRAMED_BY_CLOSE) {
    const length = bodilessLength(head, request.method)
    if (length >= 0) out += `Content-Length: ${length}\r\n`
  }
  return out + answerConnection(fields, request.version, persistent && framed !== FRAMED_BY_CLOSE) + '\r\n'
}

/**
 * What `responseHead` gives for an answer that leaves the connection open and has its Date, as bytes; null where nobody
 * keeps it. An entry of the cache that is hit thousands of times a second is written once in that second.
 */
export function keptHead(head: ResponseHead, request: RequestHead): Buffer | null {
  const { source } = head.fields
  if (source === null || source.written === undefined || request.version !== HTTP_1_1) return null
  if (answerFraming(head, request) !== FRAMED_BY_LENGTH) return null
  const { status, reason, bodyLength } = head
  const { written } = source
  if (written?.status === status && written.reason === reason && written.bodyLength === bodyLength)
    return written.bytes
  const bytes = Buffer.from(responseHead(head, request, true, ''), 'latin1')
  source.written = { status, reason, bodyLength, bytes }
  return bytes
}

/** An answer that names protocols to upgrade to (426) says so in Connection, too (RFC 9110 §7.8). */
function answerConnection(fields: Fields, version: number, persistent: boolean): string {
  if (fields.has(Field.UPGRADE))
    return persistent ? 'Connection: upgrade\r\n' : 'Connection: close, upgrade\r\n'
  if (!persistent) return closeLine
  return version === HTTP_1_0 ? keepAliveLine : ''
}

/** The head of a 1xx answer other than 101. It is never sent to a client that speaks HTTP/1.0. */
export function informationalHead(head: ResponseHead): string {
  return statusLine(head) + head.fields.toWire() + '\r\n'
}

const cachedStarts = 1024
const startLengths = new Float64Array(cachedStarts)
const startTexts: string[] = Array.from({ length: cachedStarts }, () => '')

/**
 * What stands before `length` (> 0) bytes of a chunk; CR LF stands after them. Pieces of a body are mostly of a few
 * sizes, that of a read and that of a write: their texts are kept.
 */
export function chunkStart(length: number): string {
  const place = length % cachedStarts
  if (startLengths[place] === length) return startTexts[place] as string
  const text = length.toString(16) + '\r\n'
  startLengths[place] = length
  startTexts[place] = text
  return text
}

/** The end of a chunked body, with its trailers. */
export function lastChunk(trailers: Fields | null): string {
  return trailers === null ? '0\r\n\r\n' : '0\r\n' + trailers.toWire() + '\r\n'
}
