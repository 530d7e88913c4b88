/**
 * The grammar of a chunk's first line (RFC 9112 §7.1), byte by byte, as a table of states:
 *
 *     chunk-size *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) CR LF
 *
 * Extensions are skipped and never forwarded, but they are checked: two readers could disagree about where their
 * quotes and their line end are. A line ends with CR LF only, and holds no other control character but HTAB. As the
 * grammar has it, space stands only where a ';' or a value follows; space at the end of the line is refused.
 */
import { CR, HTAB, LF, SEMICOLON, SP, tokenClass, valueClass } from '../core/bytes.ts'

/** Before the first digit, and among the digits. */
export const SIZE_START = 0
export const SIZE = 1
/** Space after the size, a name or a value: ';' (or '=' after a name) must follow. */
const BEFORE_EXTENSION = 2
const BEFORE_NAME = 3
const NAME = 4
const AFTER_NAME = 5
const BEFORE_VALUE = 6
const TOKEN_VALUE = 7
const QUOTED_VALUE = 8
const QUOTED_PAIR = 9
const AFTER_QUOTED = 10
export const LINE_LF = 11
/** The line is whole. */
export const LINE_END = 12
export const LINE_BAD = 13

const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The state after `byte` in an extension, or where it begins. Never asked for SIZE_START. */
export function nextInLine(state: number, byte: number): number {
  switch (state) {
    case SIZE:
    case AFTER_QUOTED:
      return afterWhole(byte)
    case BEFORE_EXTENSION:
      return isSpace(byte) ? state : byte === SEMICOLON ? BEFORE_NAME : LINE_BAD
    case BEFORE_NAME:
      return isSpace(byte) ? state : isToken(byte) ? NAME : LINE_BAD
    case NAME:
      return isToken(byte)
        ? state
        : byte === EQUALS
          ? BEFORE_VALUE
          : isSpace(byte)
            ? AFTER_NAME
            : afterWhole(byte)
    case AFTER_NAME:
      return byte === EQUALS
        ? BEFORE_VALUE
        : isSpace(byte)
          ? state
          : byte === SEMICOLON
            ? BEFORE_NAME
            : LINE_BAD
    case BEFORE_VALUE:
      return isSpace(byte) ? state : byte === QUOTE ? QUOTED_VALUE : isToken(byte) ? TOKEN_VALUE : LINE_BAD
    case TOKEN_VALUE:
      return isToken(byte) ? state : afterWhole(byte)
    case QUOTED_VALUE:
      if (byte === QUOTE) return AFTER_QUOTED
      return byte === BACKSLASH ? QUOTED_PAIR : valueClass[byte] === 1 ? state : LINE_BAD
    case QUOTED_PAIR:
      return valueClass[byte] === 1 ? QUOTED_VALUE : LINE_BAD
    case LINE_LF:
      return byte === LF ? LINE_END : LINE_BAD
    default:
      return LINE_BAD
  }
}

/** After the size, or an extension that may end here. */
function afterWhole(byte: number): number {
  if (byte === CR) return LINE_LF
  if (byte === SEMICOLON) return BEFORE_NAME
  return isSpace(byte) ? BEFORE_EXTENSION : LINE_BAD
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB
}

function isToken(byte: number): boolean {
  return tokenClass[byte] === 1
}
