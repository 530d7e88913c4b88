/**
 * Where a message ends, and whether its connection can be used again (RFC 9112 §6.3, §9.3), for both roles.
 *
 * A message that can be read two ways is refused in both roles: Content-Length and Transfer-Encoding together;
 * several Content-Lengths (equal ones too: whoever sends it twice has been tampered with); any transfer coding but a
 * single 'chunked'. An answer whose Transfer-Encoding names no transfer coding has one reading, and ends with its
 * connection (`endsByClosing`). What we send carries the length that we read, never the field that we were sent.
 */
import { readDecimal } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Fields } from './fields.ts'
import { Field } from './known-fields.ts'
import {
  BODY_NONE,
  BODY_UNKNOWN,
  BODY_UNTIL_CLOSE,
  HTTP_1_1,
  type RequestHead,
  type ResponseHead,
} from './message.ts'
import { hasToken, splitTokens, trimSpace } from './tokens.ts'

/** Nothing follows the head. */
export const FRAMED_NONE = 0
/** `head.bodyLength` bytes follow. */
export const FRAMED_BY_LENGTH = 1
export const FRAMED_BY_CHUNKS = 2
/** The body ends where the connection does. */
export const FRAMED_BY_CLOSE = 3
export type Framed =
  | typeof FRAMED_NONE
  | typeof FRAMED_BY_LENGTH
  | typeof FRAMED_BY_CHUNKS
  | typeof FRAMED_BY_CLOSE

/** How HTTP/1 sends the body of `head` in answer to `request`. */
export function answerFraming(head: ResponseHead, request: RequestHead): Framed {
  if (head.bodyLength === BODY_NONE || request.method === 'HEAD' || isBodiless(head.status))
    return FRAMED_NONE
  if (head.bodyLength > 0) return FRAMED_BY_LENGTH
  // A body that the origin ends by closing is sent in chunks, so that the client can tell a whole one from a
  // cut one.
  return request.version >= HTTP_1_1 ? FRAMED_BY_CHUNKS : FRAMED_BY_CLOSE
}

/**
 * The Content-Length of an answer without a body, -1 for none: what a GET would have been told, if that is known, for
 * HEAD and 304; never for 204 and 1xx (RFC 9110 §8.6).
 */
export function bodilessLength(head: ResponseHead, method: string): number {
  if (head.status === 204 || head.status < 200) return -1
  if (head.status === 304) return head.statedLength
  if (method !== 'HEAD') return 0
  if (head.statedLength >= 0) return head.statedLength
  return head.bodyLength > BODY_NONE ? head.bodyLength : -1
}

/** Answers that end with their head, whatever their fields say (RFC 9112 §6.3, rule 1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200
}

/**
 * Fills bodyLength, persistent, upgrade, expectsContinue and acceptsTrailers from the fields of an HTTP/1 request.
 * NONE or a fault.
 */
export function readRequestFraming(head: RequestHead): Fault {
  const { fields } = head
  const fault = readRequestLength(head, fields)
  if (fault !== NONE) return fault
  const connection = fields.has(Field.CONNECTION) ? (fields.combined(Field.CONNECTION) as string) : ''
  head.persistent = isPersistent(head.version, connection)
  if (fields.has(Field.UPGRADE) && head.version >= HTTP_1_1 && head.bodyLength === BODY_NONE)
    head.upgrade = hasToken(connection, 'upgrade') ? upgradeTokens(fields) : ''
  if (fields.has(Field.TE)) head.acceptsTrailers = hasToken(fields.combined(Field.TE) as string, 'trailers')
  return fields.has(Field.EXPECT) ? readExpectation(head, fields) : NONE
}

function readRequestLength(head: RequestHead, fields: Fields): Fault {
  const hasLength = fields.has(Field.CONTENT_LENGTH)
  if (!fields.has(Field.TRANSFER_ENCODING)) {
    if (!hasLength) head.bodyLength = BODY_NONE
    else {
      const length = readLength(fields)
      if (length < 0) return -length
      head.bodyLength = length
    }
    return NONE
  }
  if (hasLength) return Faults.LENGTH_AND_CHUNKED
  if (head.version < HTTP_1_1) return Faults.TRANSFER_CODING_HTTP10
  head.bodyLength = BODY_UNKNOWN
  return codingFault(fields.combined(Field.TRANSFER_ENCODING) as string)
}

/** The one Content-Length, or -fault. */
function readLength(fields: Fields): number {
  const text = fields.combined(Field.CONTENT_LENGTH) as string
  const length = readDecimal(text)
  if (length >= 0) return length
  return text.includes(',') ? -Faults.LENGTH_REPEATED : -Faults.LENGTH_BAD
}

/**
 * 'chunked' alone can be read. Without 'chunked' at its end a request has no length, which RFC 9112 §6.3 (rule 4) wants
 * answered with 400; twice or with parameters it is malformed; after another coding it is 501 (§6.1).
 */
function codingFault(list: string): Fault {
  if (list === 'chunked' || list.toLowerCase() === 'chunked') return NONE
  const codings = list.toLowerCase().split(',').map(trimSpace)
  const isLastChunked = codings.pop() === 'chunked'
  if (!isLastChunked || codings.some(isChunkedOrNone)) return Faults.TRANSFER_CODING_BAD
  return Faults.TRANSFER_CODING_NOT_SERVED
}

function isChunkedOrNone(coding: string): boolean {
  return coding === '' || /^chunked\b/.test(coding)
}

/** HTTP/1.1 persists unless told otherwise, HTTP/1.0 only when told so (RFC 9112 §9.3). */
function isPersistent(version: number, connection: string): boolean {
  if (connection === '') return version >= HTTP_1_1
  // Every browser sends just this: taking a list apart costs 150 ns.
  if (connection === 'keep-alive') return true
  if (hasToken(connection, 'close')) return false
  return version >= HTTP_1_1 || hasToken(connection, 'keep-alive')
}

/**
 * What Upgrade asks for, lower case: one protocol, or a list in the client's order. Left out are other forms of HTTP and
 * TLS: switching to them would give the client a tunnel to the origin that no route and no guard looks into. To ignore
 * an Upgrade is always allowed (RFC 9110 §7.8); so one is ignored, too, that comes with a body, since the first bytes
 * in the new protocol would have to be told from it by everybody alike.
 */
function upgradeTokens(fields: Fields): string {
  const tokens = splitTokens(fields.combined(Field.UPGRADE) as string)
  if (!tokens.every((token) => protocolPattern.test(token))) return ''
  return tokens.filter((token) => !tunnelsHttp.test(token)).join(', ')
}

/** protocol-name [ "/" protocol-version ], RFC 9110 §7.8. */
const protocolPattern = /^[!#$%&'*+\-.^_`|~\da-z]+(?:\/[!#$%&'*+\-.^_`|~\da-z]+)?$/
const tunnelsHttp = /^(?:h2c?|h3|https?|tls)(?:[/-]|$)/

/** Expectations of HTTP/1.0 are ignored, and one to go on with no body behind it (RFC 9110 §10.1.1). */
function readExpectation(head: RequestHead, fields: Fields): Fault {
  if (head.version < HTTP_1_1) return NONE
  const expectation = fields.combined(Field.EXPECT) as string
  if (expectation.toLowerCase() !== '100-continue') return Faults.EXPECTATION_NOT_MET
  head.expectsContinue = head.bodyLength !== BODY_NONE
  return NONE
}

/**
 * Fills bodyLength, statedLength, persistent and upgrade from the fields of an HTTP/1 answer. NONE or a fault of the
 * ANSWER_ kind. A 204 or 1xx that announces a body has none (RFC 9112 §6.3, rule 1), but who sent it may think
 * otherwise, so its connection is not used again.
 */
export function readResponseFraming(head: ResponseHead, requestMethod: string): Fault {
  const { fields } = head
  const isChunked = fields.has(Field.TRANSFER_ENCODING)
  if (fields.has(Field.CONTENT_LENGTH)) {
    if (isChunked) return Faults.ANSWER_LENGTH_AND_CHUNKED
    head.statedLength = readLength(fields)
    if (head.statedLength < 0) return Faults.ANSWER_LENGTH_BAD
  }
  const isUndelimited = isChunked && endsByClosing(head, fields)
  if (isChunked && !isUndelimited && !isCodingRead(head, fields)) return Faults.ANSWER_TRANSFER_CODING_BAD
  const connection = fields.has(Field.CONNECTION) ? (fields.combined(Field.CONNECTION) as string) : ''
  head.persistent = isPersistent(head.version, connection)
  if (head.status === 101) {
    if (hasToken(connection, 'upgrade') && fields.has(Field.UPGRADE)) head.upgrade = upgradeTokens(fields)
    return NONE
  }
  if (requestMethod === 'HEAD' || head.status === 304) head.bodyLength = BODY_NONE
  else if (isBodiless(head.status)) {
    head.bodyLength = BODY_NONE
    if (isChunked || head.statedLength > 0) head.persistent = false
  } else if (isChunked && !isUndelimited) head.bodyLength = BODY_UNKNOWN
  else if (head.statedLength >= 0) head.bodyLength = head.statedLength
  else {
    head.bodyLength = BODY_UNTIL_CLOSE
    head.persistent = false
  }
  if (isUndelimited) head.persistent = false
  return NONE
}

function isCodingRead(head: ResponseHead, fields: Fields): boolean {
  return head.version >= HTTP_1_1 && codingFault(fields.combined(Field.TRANSFER_ENCODING) as string) === NONE
}

/**
 * What is, or once was, a coding (RFC 9112 §7), and what somebody might take for 'chunked': a body so coded is
 * not what was asked for, and who reads the word by an older rule may find its end elsewhere.
 */
const realCodings = /chunked|^(?:x-)?(?:gzip|compress)$|^(?:deflate|identity|trailers)$/i

/**
 * Is Transfer-Encoding one word that names no coding, now or ever, such as `binary`? Without 'chunked' at its end an
 * answer ends where its connection does (RFC 9112 §6.3, rule 4); no coding but that one was asked for (no TE is sent,
 * §7.4), so the word is a mistake about a body that is as it is. Lists and codings that exist are refused.
 */
function endsByClosing(head: ResponseHead, fields: Fields): boolean {
  if (head.version < HTTP_1_1 || fields.countOf(Field.TRANSFER_ENCODING) !== 1) return false
  const word = fields.get(Field.TRANSFER_ENCODING) as string
  return /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(word) && !realCodings.test(word)
}
