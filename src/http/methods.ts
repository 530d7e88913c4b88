/**
 * Methods in request lines. Those of RFC 9110 are found by comparing bytes, without making a string.
 *
 * A method with a lower-case letter is not served: none is registered, methods are case-sensitive (RFC 9110 §9.1),
 * and frameworks that fold case would take 'delete' for the DELETE that a route forbids.
 */
import { tokenClass } from '../core/bytes.ts'

/** Longer ones are not served. The longest that is registered has 17 bytes (UPDATEREDIRECTREF). */
export const methodBytesMax = 32

/** Token characters without lower-case letters. */
export const methodClass: Uint8Array = tokenClass.map((isToken, byte) =>
  byte >= 0x61 && byte <= 0x7a ? 0 : isToken,
)

const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY']

/** By length * 32 + the low five bits of the first letter: no two of them share it. */
const byKey: (string | undefined)[] = []
for (const method of knownMethods) byKey[keyOf(method.length, method.charCodeAt(0))] = method

function keyOf(length: number, firstByte: number): number {
  return length * 32 + (firstByte & 31)
}

/** The method in `buffer[start, end)`, which are token characters. */
export function methodAt(buffer: Buffer, start: number, end: number): string {
  const length = end - start
  const known = byKey[keyOf(length, buffer[start] as number)]
  if (known !== undefined) {
    let i = 0
    while (i < length && buffer[start + i] === known.charCodeAt(i)) i++
    if (i === length) return known
  }
  return buffer.toString('latin1', start, end)
}
