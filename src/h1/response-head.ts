/**
 * The reader of answers' heads (RFC 9112 §4, §5). It is as strict as the reader of requests: an answer that two hops
 * read differently lets one client's answer be taken for another's.
 *
 * A status outside 100 to 599 is refused: RFC 9110 §15 wants it treated as a server error, and that is what the
 * client gets. The reason phrase may be missing together with its space, as many servers leave it out: that has one
 * reading.
 */
import { CR, LF, SP, valueClass } from '../core/bytes.ts'
import { Faults, NONE } from '../core/faults.ts'
import { readResponseFraming } from '../http/framing.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { HTTP_1_1, type ResponseHead } from '../http/message.ts'
import { reasonPhrase, statusEnd } from '../http/reasons.ts'
import { answerFault } from './answer-faults.ts'
import { walkFieldLines } from './field-lines.ts'
import type { HeadProgress } from './head-progress.ts'
import { isHttp11At, VERSION_NONE, VERSION_OTHER, versionOf } from './versions.ts'

/** See read-head.ts for what it takes and gives. `requestMethod` is that of the request that is answered. */
export function readResponseHead(
  buffer: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
  requestMethod: string,
  progress: HeadProgress,
  limits: ConnectionLimits,
): number {
  if (start === end) return 0
  progress.isBlank = false
  const headMax = limits.headBytesMax
  const lineMax = progress.hasStartLine ? headMax : Math.min(limits.startLineBytesMax, headMax)
  if (!progress.isWorthWalking(buffer, start, end, lineMax)) return 0
  if (!progress.hasStartLine) {
    const stop = Math.min(end, start + lineMax)
    const verdict = walkStatusLine(buffer, start, stop, head, progress)
    if (verdict < 0) return verdict
    if (verdict === 0) return stop === start + lineMax ? -Faults.ANSWER_HEAD_TOO_LARGE : 0
  }
  const stop = Math.min(end, start + headMax)
  const verdict = walkFieldLines(buffer, start, stop, head.fields, progress, limits.fieldsMax)
  if (verdict < 0) return -answerFault(-verdict)
  if (verdict === 0) return stop === start + headMax ? -Faults.ANSWER_HEAD_TOO_LARGE : 0
  head.fields.text = buffer.toString('latin1', start, start + progress.walked)
  const fault = readResponseFraming(head, requestMethod)
  return fault === NONE ? progress.walked : -fault
}

const versionLength = 'HTTP/1.1'.length
/** 'HTTP/1.1 200' */
const statusEndsAt = versionLength + 4

/** 1: the line was walked. 0: it has no end yet. Negative: -fault. */
function walkStatusLine(
  buffer: Buffer,
  start: number,
  stop: number,
  head: ResponseHead,
  progress: HeadProgress,
): number {
  if (!beginsLikeHttp(buffer, start, stop)) return -Faults.STATUS_LINE_BAD
  let i = start
  while (i < stop && valueClass[buffer[i] as number] === 1) i++
  if (i === stop || (buffer[i] === CR && i + 1 === stop)) return progress.pause(buffer, start, stop, start)
  if (buffer[i] === LF || (buffer[i] === CR && buffer[i + 1] !== LF)) return -Faults.ANSWER_LINE_END_BAD
  if (buffer[i] !== CR) return -Faults.STATUS_LINE_BAD
  const version = isHttp11At(buffer, start)
    ? HTTP_1_1
    : versionOf(buffer.toString('latin1', start, Math.min(i, start + versionLength)))
  if (version === VERSION_NONE) return -Faults.STATUS_LINE_BAD
  if (version === VERSION_OTHER) return -Faults.ANSWER_VERSION_BAD
  head.version = version
  head.status = statusAt(buffer, start, i)
  if (head.status < 0) return -Faults.STATUS_LINE_BAD
  head.reason = reasonAt(buffer, start + statusEndsAt + 1, i, head.status)
  progress.walked = i + 2 - start
  progress.hasStartLine = true
  progress.searched = 0
  return 1
}

/** What does not begin so is no HTTP (HTTP/0.9 had no head at all): said at its first byte, not at the deadline. */
function beginsLikeHttp(buffer: Buffer, start: number, stop: number): boolean {
  const beginning = 'HTTP/'
  for (let i = 0; i < beginning.length && start + i < stop; i++)
    if (buffer[start + i] !== beginning.charCodeAt(i)) return false
  return true
}

/** The status of the line [start, lineEnd), -1 when there is none that is valid. */
function statusAt(buffer: Buffer, start: number, lineEnd: number): number {
  const at = start + versionLength
  if (lineEnd < start + statusEndsAt || buffer[at] !== SP) return -1
  if (lineEnd > start + statusEndsAt && buffer[start + statusEndsAt] !== SP) return -1
  let status = 0
  for (let i = at + 1; i < at + 4; i++) {
    const digit = (buffer[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    status = status * 10 + digit
  }
  return status >= 100 && status < statusEnd ? status : -1
}

/** The phrase, '' for the standard one: it need not be cut, and the writer has its line ready. */
function reasonAt(buffer: Buffer, start: number, end: number, status: number): string {
  if (start >= end) return ''
  const standard = reasonPhrase(status)
  if (standard.length === end - start) {
    let i = 0
    while (start + i < end && buffer[start + i] === standard.charCodeAt(i)) i++
    if (start + i === end) return ''
  }
  return buffer.toString('latin1', start, end)
}
