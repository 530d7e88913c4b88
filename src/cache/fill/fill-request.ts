/**
 * What a fill asks of the origin: always the whole, by GET, whatever part, form or condition its first reader asked
 * for, since the answer is for everybody who waits.
 */
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Content } from './ask.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import { readOpenRange, selectRanges } from '../../http/ranges.ts'
import { wholeBytesMax } from '../store/memory-body.ts'
import type { Received } from '../rules/rule.ts'
import { isNotToBeStored } from '../rules/storing.ts'

const ownConcerns = [
  Field.RANGE,
  Field.IF_RANGE,
  Field.IF_MATCH,
  Field.IF_NONE_MATCH,
  Field.IF_MODIFIED_SINCE,
  Field.IF_UNMODIFIED_SINCE,
  Field.EXPECT,
]

/** Makes `request` ask for the whole answer. */
export function askForAll(request: RequestHead): void {
  request.method = 'GET'
  for (const id of ownConcerns) request.fields.removeKnown(id)
}

/** The same by QUERY, with what the client enclosed; none: by GET. */
export function encloseContent({ request, body }: Exchange, content: Content | null): void {
  if (content === null) return
  request.method = 'QUERY'
  request.bodyLength = content.bytes.length
  body.give(content.bytes)
}

/**
 * Does a Range begin so far behind what is there that the client would wait long for bytes that it did not ask for?
 * `front`: bytes that are there; `length`: of the whole, -1 when it is not known.
 */
export function isFarAhead(
  request: RequestHead,
  front: number,
  length: number,
  aheadBytesMax: number,
): boolean {
  const value = request.fields.get(Field.RANGE)
  if (value === undefined) return false
  // Of a length that is not known the end lies far away.
  const ranges = selectRanges(value, length < 0 ? Number.MAX_SAFE_INTEGER : length)
  if (ranges === null) return false
  return ranges.some((range) => range.first > front + aheadBytesMax)
}

/** Does it ask for something else of an answer that passes by and is not kept than one part that is just coming? */
export function isElsewhere({ fields }: RequestHead, front: number, aheadBytesMax: number): boolean {
  const value = fields.get(Field.RANGE)
  if (value === undefined) return false
  const range = readOpenRange(value)
  return range === null || range.first > front + aheadBytesMax
}

/** Will all of an answer be there a moment after its head? Of one without a stated length that is to be seen. */
export function isShort({ bodyLength }: ResponseHead): boolean {
  return bodyLength <= wholeBytesMax
}

/** Is the request one whose answer may be kept from others for its own sake (RFC 9111 §3.5, §5.2.1.5)? */
export function isPersonal(request: RequestHead): boolean {
  return request.fields.has(Field.AUTHORIZATION) || isNotToBeStored(request)
}

/** What is remembered of answers to personal requests goes by this key: it says nothing about what others get. */
export function personalKeyOf(memoryKey: string): string {
  return memoryKey + '\npersonal'
}

/** How long readers wait for a head: what the origin's own deadlines leave it, with one attempt more, and then some. */
export function patienceMs(x: Exchange): number {
  const limits = x.route?.limits
  return limits === undefined ? 60_000 : 2 * (limits.connectMs + limits.firstByteMs) + 1000
}

/** When `child` was sent and answered, as its head has just come. */
export function receivedOf(child: Exchange, clock: Clock): Received {
  return { requestMs: child.startMs, responseMs: clock.nowMs(), responseWallMs: clock.wallMs() }
}
