/**
 * Where a message ends and whether its connection serves on (RFC 9112 §6.3, §9.3), for both roles.
 */
import type { Fault } from '../core/faults.ts'
import type { RequestHead, ResponseHead } from './message.ts'

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
export function answerFraming(_head: ResponseHead, _request: RequestHead): Framed {
  return FRAMED_NONE
}

/** Fills bodyLength, persistent, upgrade, expectsContinue, acceptsTrailers from the fields. 0 or a fault. */
export function readRequestFraming(_head: RequestHead): Fault {
  return 0
}

/** Fills bodyLength, statedLength, persistent, upgrade from the fields. 0 or a fault. */
export function readResponseFraming(_head: ResponseHead, _requestMethod: string): Fault {
  return 0
}
