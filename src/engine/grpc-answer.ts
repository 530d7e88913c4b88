/**
 * Our own answers to gRPC clients, which expect status 200 and look for the outcome in fields of their own, whatever
 * went wrong.
 */
import type { FaultRow } from '../core/faults.ts'
import type { Exchange } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'
import { HTTP_2 } from '../http/message.ts'

/** The status codes of gRPC that we send. */
const INTERNAL = 13
const UNKNOWN = 2
const byHttpStatus: ReadonlyMap<number, number> = new Map([
  // By gRPC's own table for clients that get an HTTP answer; what that leaves out is in its spirit.
  [400, INTERNAL],
  [401, 16],
  [403, 7],
  [404, 12],
  [405, 12],
  [413, 8],
  [429, 14],
  [431, 8],
  [501, 12],
  [502, 14],
  [503, 14],
  [504, 14],
])

/** Is it a gRPC call, over a protocol that carries gRPC? */
export function isGrpcCall(x: Exchange): boolean {
  const { fields, version } = x.request
  if (version < HTTP_2 || !fields.has(Field.CONTENT_TYPE)) return false
  return /^application\/grpc(?:$|[+;])/.test(fields.get(Field.CONTENT_TYPE) as string)
}

/** Fills `x.response`, after which nothing follows: "Trailers-Only". */
export function fillGrpcAnswer(x: Exchange, row: FaultRow): void {
  const { response, request } = x
  const { fields } = response
  response.status = 200
  fields.addKnown(Field.CONTENT_TYPE, request.fields.get(Field.CONTENT_TYPE) ?? 'application/grpc')
  fields.add('grpc-status', String(byHttpStatus.get(row.status) ?? UNKNOWN))
  fields.add('grpc-message', encodeURI(row.sentence).replaceAll('%20', ' '))
}
