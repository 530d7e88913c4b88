/**
 * The writers of HTTP/1 heads.
 */
import type { Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/message.ts'

/** The head of the request to an origin, from `x.outgoing`, the fields of `x.request` and the length of `x.body`. */
export function requestHead(_x: Exchange, _keepAlive: boolean): string {
  return ''
}

/**
 * The head of a final answer (or of 101) to `request`. `persistent`: the connection serves on after it. Where the body
 * can only end with the connection (`answerFraming` says FRAMED_BY_CLOSE), `Connection: close` is written whatever
 * `persistent` says. `dateText` is the Date to add when the fields have none; '' adds none.
 */
export function responseHead(
  _head: ResponseHead,
  _request: RequestHead,
  _persistent: boolean,
  _dateText: string,
): string {
  return ''
}

/** The head of a 1xx answer. */
export function informationalHead(_head: ResponseHead): string {
  return ''
}

/** What stands before `length` (> 0) bytes of a chunk; CR LF stands after them. */
export function chunkStart(length: number): string {
  return length.toString(16) + '\r\n'
}

/** The end of a chunked body, with its trailers. */
export function lastChunk(trailers: Fields | null): string {
  return trailers === null ? '0\r\n\r\n' : '0\r\n' + trailers.toWire() + '\r\n'
}
