/**
 * The reader of request heads (RFC 9112 §3, §5). It makes one pass over the bytes; then one string is cut for the
 * whole head, and method, target and fields are interned, cut once, or kept as spans of it.
 *
 * Invariants: nothing behind `end` decides anything. The verdict is that of the first wrong byte, or else that of the
 * line or the whole head, so it does not depend on how the bytes were split into reads.
 */
import { CR, LF, PERCENT, QUESTION_MARK, SLASH, SP, DOT, tokenClass } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { readRequestFraming } from '../http/framing.ts'
import { Field } from '../http/known-fields.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { FORM_ABSOLUTE, FORM_ASTERISK, FORM_ORIGIN, HTTP_1_1, type RequestHead } from '../http/message.ts'
import { readTarget, setAuthority } from '../http/target.ts'
import { walkFieldLines } from './field-lines.ts'
import type { HeadProgress } from './head-progress.ts'
import { authorityAt } from './hosts.ts'
import { methodAt, methodBytesMax, methodClass } from '../http/methods.ts'
import { isHttp11At, VERSION_NONE, VERSION_OTHER, versionOf } from './versions.ts'

/** Some clients send an empty line after a body. So many of them, and no more, are read over (RFC 9112 §2.2). */
const emptyLineBytesMax = 8

/** See read-head.ts for what it takes and gives. */
export function readRequestHead(
  buffer: Buffer,
  start: number,
  end: number,
  head: RequestHead,
  progress: HeadProgress,
  limits: ConnectionLimits,
): number {
  if (progress.isBlank) {
    const fault = skipEmptyLines(buffer, start, end, progress)
    if (progress.isBlank || fault !== NONE) return -fault
  }
  const base = start + progress.skipped
  const headMax = limits.headBytesMax
  const lineMax = progress.hasStartLine ? headMax : Math.min(limits.startLineBytesMax, headMax)
  if (!progress.isWorthWalking(buffer, base, end, lineMax)) return 0
  if (!progress.hasStartLine) {
    const stop = Math.min(end, base + lineMax)
    const verdict = walkRequestLine(buffer, base, stop, head, progress)
    if (verdict < 0) return verdict
    if (verdict === 0) return stop === base + lineMax ? -Faults.REQUEST_LINE_TOO_LONG : 0
  }
  const stop = Math.min(end, base + headMax)
  const verdict = walkFieldLines(buffer, base, stop, head.fields, progress, limits.fieldsMax)
  if (verdict < 0) return verdict
  if (verdict === 0) return stop === base + headMax ? -Faults.HEAD_TOO_LARGE : 0
  const fault = finish(buffer, base, head, progress)
  return fault === NONE ? progress.skipped + progress.walked : -fault
}

/** Counts empty lines into `progress.skipped`. It stays blank while nothing else has come. */
function skipEmptyLines(buffer: Buffer, start: number, end: number, progress: HeadProgress): Fault {
  let i = start + progress.skipped
  while (i < end && buffer[i] === CR) {
    if (i + 1 === end) return NONE
    if (buffer[i + 1] !== LF || progress.skipped === emptyLineBytesMax) return Faults.REQUEST_LINE_BAD
    i += 2
    progress.skipped += 2
  }
  progress.isBlank = i === end
  return NONE
}

/** 1: the line was walked. 0: it has no end yet. Negative: -fault. */
function walkRequestLine(
  buffer: Buffer,
  base: number,
  stop: number,
  head: RequestHead,
  progress: HeadProgress,
): number {
  let i = base
  while (i < stop && methodClass[buffer[i] as number] === 1) i++
  if (i - base > methodBytesMax) return -Faults.METHOD_NOT_SERVED
  if (i === stop) return progress.pause(buffer, base, stop, base)
  if (buffer[i] !== SP || i === base) return methodFault(buffer, base, i, stop)
  const methodEnd = i
  const targetStart = i + 1
  i = walkTarget(buffer, targetStart, stop, progress)
  if (i === stop) return progress.pause(buffer, base, stop, base)
  if (buffer[i] !== SP || i === targetStart) return -targetFault(buffer[i] as number)
  if (i + 11 <= stop && buffer[i + 9] === CR && buffer[i + 10] === LF && isHttp11At(buffer, i + 1)) {
    head.version = HTTP_1_1
    progress.walked = i + 11 - base
  } else {
    const verdict = walkVersion(buffer, base, i + 1, stop, head, progress)
    if (verdict <= 0) return verdict
  }
  head.method = methodAt(buffer, base, methodEnd)
  progress.targetStart = targetStart - base
  progress.targetEnd = i - base
  progress.queryAt -= base
  progress.hasStartLine = true
  progress.searched = 0
  return 1
}

/** The byte at `i` does not belong to the method and does not end it either. */
function methodFault(buffer: Buffer, base: number, i: number, stop: number): number {
  const byte = buffer[i] as number
  if (i === base && byte === 0x16) {
    // A TLS handshake record of any version begins 0x16 0x03 (RFC 8446 §5.1).
    if (i + 1 === stop) return 0
    return buffer[i + 1] === 0x03 ? -Faults.TLS_ON_PLAIN : -Faults.METHOD_BAD
  }
  if (byte === CR || byte === LF) return -Faults.REQUEST_LINE_BAD
  return tokenClass[byte] === 1 ? -Faults.METHOD_NOT_SERVED : -Faults.METHOD_BAD
}

/** What the walk of a target does with a byte. */
const PLAIN = 0
const LOOK = 1
const STOP = 2

/** '#' stops it: a fragment is never sent. */
const pathActions: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte <= SP || byte >= 0x7f || byte === 0x23) return STOP
  return byte === SLASH || byte === PERCENT || byte === QUESTION_MARK || byte === 0x5c ? LOOK : PLAIN
})

/**
 * Gives the index of the first byte that cannot belong to the target, and leaves in `progress` where the query begins
 * and whether the target is in origin form with a path that is normal as it stands.
 */
function walkTarget(buffer: Buffer, start: number, stop: number, progress: HeadProgress): number {
  let isPlain = buffer[start] === SLASH
  let i = start
  for (; i < stop; i++) {
    const byte = buffer[i] as number
    const action = pathActions[byte]
    if (action === PLAIN) continue
    if (action === STOP) break
    if (byte === SLASH) {
      const next = buffer[i + 1]
      if (next === SLASH || next === DOT) isPlain = false
    } else if (byte === QUESTION_MARK) break
    else isPlain = false
  }
  progress.queryAt = i
  progress.isPlainTarget = isPlain
  while (i < stop && pathActions[buffer[i] as number] !== STOP) i++
  if (progress.queryAt > i) progress.queryAt = i
  return i
}

/** The target stopped at `byte` and no SP ends it, or it is empty. */
function targetFault(byte: number): Fault {
  return byte === SP || byte === CR || byte === LF ? Faults.REQUEST_LINE_BAD : Faults.TARGET_BAD
}

/** The version that begins at `at`, where it is not 'HTTP/1.1' CR LF. 1, 0 or -fault like the line's walk. */
function walkVersion(
  buffer: Buffer,
  base: number,
  at: number,
  stop: number,
  head: RequestHead,
  progress: HeadProgress,
): number {
  let i = at
  while (i < stop && (buffer[i] as number) > SP && (buffer[i] as number) < 0x7f) i++
  if (i === stop || (buffer[i] === CR && i + 1 === stop)) return progress.pause(buffer, base, stop, base)
  if (buffer[i] === LF || (buffer[i] === CR && buffer[i + 1] !== LF)) return -Faults.LINE_END_BAD
  if (buffer[i] !== CR || i === at) return -Faults.REQUEST_LINE_BAD
  const version = versionOf(buffer.toString('latin1', at, i))
  if (version === VERSION_NONE) return -Faults.VERSION_BAD
  if (version === VERSION_OTHER) return -Faults.VERSION_NOT_SERVED
  head.version = version
  progress.walked = i + 2 - base
  return 1
}

/** The whole head is there and its bytes are right: what do they mean? */
function finish(buffer: Buffer, base: number, head: RequestHead, progress: HeadProgress): Fault {
  const { fields } = head
  const text = buffer.toString('latin1', base, base + progress.walked)
  fields.text = text
  const target = text.slice(progress.targetStart, progress.targetEnd)
  if (progress.isPlainTarget && head.method !== 'CONNECT') {
    const queryStart = progress.queryAt - progress.targetStart
    head.form = FORM_ORIGIN
    head.target = target
    head.queryStart = queryStart
    head.path = queryStart === target.length ? target : target.slice(0, queryStart)
  } else {
    head.target = target
    const fault = readTarget(target, head)
    if (fault !== NONE) return fault
  }
  const fault = readHost(buffer, base, head)
  return fault === NONE ? readRequestFraming(head) : fault
}

/**
 * Host is checked even where an absolute target wins over it (RFC 9112 §3.2.2). An empty one names nobody: it is taken
 * where no name is needed ('OPTIONS *', an absolute target) and from HTTP/1.0, where it might be missing as well
 * (RFC 9112 §3.3 lets a server refuse it).
 */
function readHost(buffer: Buffer, base: number, head: RequestHead): Fault {
  const { fields } = head
  const index = fields.first[Field.HOST] as number
  if (index === 0) return head.version < HTTP_1_1 ? NONE : Faults.HOST_MISSING
  const at = (index - 1) * 4
  const valueStart = base + (fields.spans[at + 2] as number)
  const valueEnd = base + (fields.spans[at + 3] as number)
  const authority = authorityAt(buffer, valueStart, valueEnd)
  if (authority === null) return Faults.HOST_BAD
  if (head.form === FORM_ABSOLUTE) return NONE
  if (valueStart === valueEnd && head.version >= HTTP_1_1 && head.form !== FORM_ASTERISK)
    return Faults.HOST_BAD
  setAuthority(head, authority)
  return NONE
}
