/**
 * How the client of a session is judged while requests are under way: by what it sends and takes, stream by stream,
 * once per window of `rateWindowMs`. (That the connection as a whole takes nothing is for ClientPatience to judge.)
 *
 * Rules: an upload counts only while somebody takes it and the client has window to send; gRPC streams may be quiet.
 * A reader counts while bytes wait for a window that the client keeps shut. After a grace of three windows,
 * everything that it took of the answer over the time beyond them decides; after fifteen windows without a byte the
 * stream is over. So tiny windows hold a stream for a minute, while the slow reader of a large answer, whose window
 * opens in large steps, is left alone.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Field } from '../http/known-fields.ts'
import type { Exchange } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { ServerStream } from './server-stream.ts'

const standstillWindows = 3
const longestStandstillWindows = 15

/** Is it time to give up waiting for bytes of this upload? */
function uploadsTooSlowly(stream: ServerStream, limits: ConnectionLimits, nowMs: number): boolean {
  const { receivedBytes } = stream.intake
  const owed = stream.owesSinceMs
  if (!owesBody(stream)) {
    stream.owesSinceMs = -1
    return false
  }
  const isJudged = owed >= 0 && nowMs - owed >= limits.rateWindowMs
  const received = receivedBytes - stream.owesBytes
  if (owed < 0 || isJudged) {
    stream.owesSinceMs = nowMs
    stream.owesBytes = receivedBytes
  }
  return isJudged && received * 1000 < limits.bodyBytesPerSecondMin * (nowMs - owed)
}

function owesBody(stream: ServerStream): boolean {
  const { x, intake } = stream
  if (x === null || stream.isRemoteEnded || stream.receiveWindow <= 0 || !intake.kept.isEmpty) return false
  return x.body.isTaking && !x.body.awaitsContinue && !isQuietByNature(x)
}

/** A stream of messages, either of which may be far between: gRPC's. */
function isQuietByNature(x: Exchange): boolean {
  return x.request.fields.get(Field.CONTENT_TYPE)?.startsWith('application/grpc') === true
}

/** Is it time to give up waiting for this reader? */
function readsTooSlowly(stream: ServerStream, limits: ConnectionLimits, nowMs: number): boolean {
  const { sentBytes } = stream
  if (stream.outgoing.isEmpty) {
    stream.heldSinceMs = -1
    return false
  }
  if (stream.heldSinceMs < 0) stream.heldSinceMs = stream.stillSinceMs = nowMs
  if (sentBytes > stream.stillBytes) stream.stillSinceMs = nowMs
  stream.stillBytes = sentBytes
  const { rateWindowMs, readBytesPerSecondMin } = limits
  if (readBytesPerSecondMin === 0) return false
  const dueMs = nowMs - stream.heldSinceMs - standstillWindows * rateWindowMs
  const isStill = nowMs - stream.stillSinceMs >= longestStandstillWindows * rateWindowMs
  return isStill || sentBytes * 1000 < readBytesPerSecondMin * dueMs
}

/** Why the client has to be given up on this stream; NONE. Call it once a window. */
export function faultByRate(stream: ServerStream, limits: ConnectionLimits, nowMs: number): Fault {
  if (readsTooSlowly(stream, limits, nowMs)) return Faults.READ_TIMEOUT
  return uploadsTooSlowly(stream, limits, nowMs) ? Faults.BODY_TIMEOUT : NONE
}
