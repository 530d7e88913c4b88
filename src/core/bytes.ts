/**
 * ASCII bytes: class tables that a parser indexes with the byte itself, and numbers read within bounds.
 *
 * A table holds 1 where the byte belongs to the class, so a loop costs one load and one comparison per byte. Indexing
 * with a byte (0 to 255) never leaves a table.
 */

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const PERCENT = 0x25
export const DOT = 0x2e
export const SLASH = 0x2f
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const QUESTION_MARK = 0x3f

function classOf(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0))
}

const isIn = (characters: string) => (byte: number) => characters.includes(String.fromCharCode(byte))

const digits = '0123456789'
const upperLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const letters = upperLetters + upperLetters.toLowerCase()

/** Characters of a token (RFC 9110 §5.6.2). */
export const tokenClass: Uint8Array = classOf(isIn("!#$%&'*+-.^_`|~" + digits + letters))

/** Bytes of a field value: HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5). */
export const valueClass: Uint8Array = classOf((byte) => byte === HTAB || (byte >= SP && byte !== 0x7f))

/** Characters that percent-encoding never changes the meaning of (RFC 3986 §2.3). */
export const unreservedClass: Uint8Array = classOf(isIn('-._~' + digits + letters))

/** The value of a hexadecimal digit, -1 for every other byte. */
export const hexValue: Int8Array = Int8Array.from({ length: 256 }, (_, byte) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase())
  return value
})

/** Do all of `text`'s characters belong to `table`, and are there any? */
export function isAllOf(table: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false
  return text.length > 0
}

/** Digits of the largest number that a double holds exactly. */
const decimalDigitsMax = 16

/**
 * The number that `text` is: digits only, at most 16 of them, at most `max` (2^53 - 1 when not given); -1 for anything
 * else. No sign, no space, no point, no exponent.
 */
export function readDecimal(text: string, max: number = Number.MAX_SAFE_INTEGER): number {
  if (text.length === 0 || text.length > decimalDigitsMax) return -1
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= max ? value : -1
}

/** The byte that `text` writes as two hexadecimal digits at `at`; -1 when they are not there. */
export function readHexByte(text: string, at: number): number {
  if (at + 2 > text.length) return -1
  const high = hexValue[text.charCodeAt(at)] ?? -1
  const low = hexValue[text.charCodeAt(at + 1)] ?? -1
  return high < 0 || low < 0 ? -1 : high * 16 + low
}
