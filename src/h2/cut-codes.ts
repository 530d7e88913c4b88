/** The code of the RST_STREAM that tells a client why its answer breaks off (RFC 9113 §7). */
import { Faults, type Fault } from '../core/faults.ts'
import { ErrorCode } from './frames.ts'

export function cutCode(fault: Fault): ErrorCode {
  switch (fault) {
    case Faults.MESSAGE_MALFORMED:
      return ErrorCode.PROTOCOL_ERROR
    case Faults.READ_TIMEOUT:
    case Faults.BODY_TIMEOUT:
      return ErrorCode.CANCEL
    default:
      return ErrorCode.INTERNAL_ERROR
  }
}
