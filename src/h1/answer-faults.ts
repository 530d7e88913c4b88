/**
 * The readers of both roles share their parts, and the shared parts report faults of requests. This table gives the
 * fault for the same mistake made by an origin.
 */
import { faultCount, Faults, type Fault } from '../core/faults.ts'

const byFault: Fault[] = Array.from({ length: faultCount }, (_, fault) => fault)

for (const [asked, answered] of [
  [Faults.HEAD_TOO_LARGE, Faults.ANSWER_HEAD_TOO_LARGE],
  [Faults.FIELDS_TOO_MANY, Faults.ANSWER_HEAD_TOO_LARGE],
  [Faults.FIELD_NAME_BAD, Faults.ANSWER_FIELD_BAD],
  [Faults.FIELD_VALUE_BAD, Faults.ANSWER_FIELD_BAD],
  [Faults.HOST_REPEATED, Faults.ANSWER_FIELD_BAD],
  [Faults.FIELD_FOLDED, Faults.ANSWER_FIELD_FOLDED],
  [Faults.LINE_END_BAD, Faults.ANSWER_LINE_END_BAD],
  [Faults.LENGTH_BAD, Faults.ANSWER_LENGTH_BAD],
  [Faults.LENGTH_REPEATED, Faults.ANSWER_LENGTH_BAD],
  [Faults.LENGTH_AND_CHUNKED, Faults.ANSWER_LENGTH_AND_CHUNKED],
  [Faults.CHUNK_BAD, Faults.ANSWER_CHUNK_BAD],
  [Faults.CHUNK_EXTENSION_TOO_LONG, Faults.ANSWER_CHUNK_BAD],
  [Faults.TRAILER_BAD, Faults.ANSWER_TRAILER_BAD],
  [Faults.TRAILER_TOO_LARGE, Faults.ANSWER_TRAILER_BAD],
] as const)
  byFault[asked] = answered

/** The fault of an answer that stands for a fault of a request; any other stays what it is. */
export function answerFault(fault: Fault): Fault {
  return byFault[fault] ?? fault
}
