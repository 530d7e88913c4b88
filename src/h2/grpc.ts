/** What gRPC needs beyond HTTP/2: streams that may be quiet, and the deadlines that calls carry. */
import type { Exchange } from '../http/exchange.ts'
import type { Fields } from '../http/fields.ts'
import { Field } from '../http/known-fields.ts'
import type { ExchangeLimits } from '../http/limits.ts'

/** A call that says how long it may take (gRPC's grpc-timeout) is waited for that long, if that is longer. */
export function grpcLimits(x: Exchange): ExchangeLimits | undefined {
  const limits = x.route?.limits
  const match = /^(\d{1,8})([HMSmun])$/.exec(x.request.fields.getByName('grpc-timeout') ?? '')
  if (limits === undefined || match === null) return limits
  const timeoutMs = Number(match[1]) * (unitMs[match[2] as string] as number)
  // A little longer than the origin has, so that it is the one who says that the time is over.
  return { ...limits, firstByteMs: Math.max(limits.firstByteMs, timeoutMs + 1000) }
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

export function isGrpc(fields: Fields): boolean {
  return fields.get(Field.CONTENT_TYPE)?.startsWith('application/grpc') === true
}
