/**
 * The walk over field lines (RFC 9112 §5), for heads of both roles and for trailers: one pass over the bytes that
 * checks each against its class, finds known names and records spans. No string is made here.
 *
 * It is strict, since whatever is tolerated here is something that two parsers may disagree about: lines end with CR
 * LF only, no line is folded, no space stands before the colon, names are tokens, values hold no control character
 * but HTAB.
 */
import { COLON, CR, HTAB, LF, SP, tokenClass, valueClass } from '../core/bytes.ts'
import { Faults, type Fault } from '../core/faults.ts'
import type { Fields } from '../http/fields.ts'
import { Field, fieldIdAt } from '../http/known-fields.ts'
import type { HeadProgress } from './head-progress.ts'

/** The empty line was reached; `progress.walked` is behind it. */
export const FIELDS_WHOLE = 1

/**
 * Walks the lines in `buffer[base + progress.walked, end)`. FIELDS_WHOLE, 0 when more must come, or -fault. Spans count
 * from `base`.
 */
export function walkFieldLines(
  buffer: Buffer,
  base: number,
  end: number,
  fields: Fields,
  progress: HeadProgress,
  fieldsMax: number,
): number {
  let i = base + progress.walked
  for (;;) {
    const lineStart = i
    while (i < end && tokenClass[buffer[i] as number] === 1) i++
    if (i === end) return progress.pause(buffer, lineStart, end, base)
    if (buffer[i] !== COLON || i === lineStart)
      return endSection(buffer, base, lineStart, i, end, fields, progress)
    const nameEnd = i
    i++
    while (i < end && (buffer[i] === SP || buffer[i] === HTAB)) i++
    const valueStart = i
    while (i < end && valueClass[buffer[i] as number] === 1) i++
    if (i + 1 >= end && (i === end || buffer[i] === CR)) return progress.pause(buffer, lineStart, end, base)
    if (buffer[i] !== CR || buffer[i + 1] !== LF) return -valueFault(buffer[i] as number)
    const valueEnd = withoutSpace(buffer, valueStart, i)
    if (fields.size === fieldsMax) return -Faults.FIELDS_TOO_MANY
    const id = fieldIdAt(buffer, lineStart, nameEnd)
    if (id !== 0 && id <= Field.CONTENT_LENGTH && fields.has(id)) return -repeatedFault(id)
    fields.addSpan(id, lineStart - base, nameEnd - base, valueStart - base, valueEnd - base)
    i += 2
  }
}

function withoutSpace(buffer: Buffer, start: number, end: number): number {
  while (end > start && (buffer[end - 1] === SP || buffer[end - 1] === HTAB)) end--
  return end
}

/** A CR that is no line end, or an LF without one, is how one message is smuggled past another's reader. */
function valueFault(byte: number): Fault {
  return byte === CR || byte === LF ? Faults.LINE_END_BAD : Faults.FIELD_VALUE_BAD
}

/** HOST and CONTENT_LENGTH are the first two known fields. */
function repeatedFault(id: number): Fault {
  return id === Field.HOST ? Faults.HOST_REPEATED : Faults.LENGTH_REPEATED
}

/** The name that begins at `lineStart` stopped at `i` without a colon behind it: the empty line, or a fault. */
function endSection(
  buffer: Buffer,
  base: number,
  lineStart: number,
  i: number,
  end: number,
  fields: Fields,
  progress: HeadProgress,
): number {
  const byte = buffer[i]
  if (byte === LF) return -Faults.LINE_END_BAD
  if (i > lineStart || byte !== CR)
    return i === lineStart && (byte === SP || byte === HTAB) ? -Faults.FIELD_FOLDED : -Faults.FIELD_NAME_BAD
  if (i + 1 === end) return progress.pause(buffer, lineStart, end, base)
  if (buffer[i + 1] !== LF) return -Faults.LINE_END_BAD
  fields.wireEnd = lineStart - base
  progress.walked = i + 2 - base
  return FIELDS_WHOLE
}
