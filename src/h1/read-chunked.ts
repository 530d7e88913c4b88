/**
 * The reader of the chunked coding (RFC 9112 §7.1).
 */
import type { Fault } from '../core/faults.ts'
import { Fields } from '../http/fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'

/** All input is consumed up to `position`; it takes more to go on. */
export const CHUNK_MORE = 0
/** `[dataStart, dataEnd)` is a piece of the body; go on at `position`. */
export const CHUNK_DATA = 1
/** The body is whole; `position` is the first byte after it, `trailers` is filled. */
export const CHUNK_END = 2

export class ChunkedReader {
  /** Forbidden ones are left out. Valid until `reset`. */
  readonly trailers: Fields = new Fields()
  position = 0
  dataStart = 0
  dataEnd = 0

  reset(_limits: ConnectionLimits): void {}

  /** One of CHUNK_… or -fault, in the request's faults; a client of an origin maps them by `answerFault`. */
  next(_buffer: Buffer, _start: number, _end: number): number {
    return CHUNK_MORE
  }
}

/** The fault of an answer that stands for a fault of a request: the readers share their parts. */
export function answerFault(fault: Fault): Fault {
  return fault
}
