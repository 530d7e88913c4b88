/** The error codes of HTTP/3 (RFC 9114 §8.1) that we send. */
import { Faults, type Fault } from '../core/faults.ts'

export const H3Code = {
  NO_ERROR: 0x100,
  INTERNAL_ERROR: 0x102,
  EXCESSIVE_LOAD: 0x107,
  REQUEST_REJECTED: 0x10b,
  REQUEST_CANCELLED: 0x10c,
  REQUEST_INCOMPLETE: 0x10d,
  MESSAGE_ERROR: 0x10e,
} as const
export type H3Code = (typeof H3Code)[keyof typeof H3Code]

/** What the client of an answer that breaks off is told. */
export function cutCode(fault: Fault): H3Code {
  switch (fault) {
    case Faults.MESSAGE_MALFORMED:
    case Faults.STREAM_LENGTH_BAD:
      return H3Code.MESSAGE_ERROR
    case Faults.READ_TIMEOUT:
    case Faults.BODY_TIMEOUT:
      return H3Code.REQUEST_CANCELLED
    default:
      return H3Code.INTERNAL_ERROR
  }
}
