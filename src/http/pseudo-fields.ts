/**
 * Header sections of HTTP/2 and HTTP/3 on their way to a reader, field by field. Pseudo-fields have numbers that
 * follow those of the known fields (RFC 9113 §8.3, RFC 9114 §4.3).
 */
import { knownFieldCount } from './known-fields.ts'

/** Numbers of the pseudo-fields (RFC 9113 §8.3, RFC 8441 §4), behind those of known fields. */
export const Pseudo = {
  AUTHORITY: knownFieldCount,
  METHOD: knownFieldCount + 1,
  PATH: knownFieldCount + 2,
  SCHEME: knownFieldCount + 3,
  STATUS: knownFieldCount + 4,
  PROTOCOL: knownFieldCount + 5,
} as const

export const pseudoNames: readonly string[] = [
  ':authority',
  ':method',
  ':path',
  ':scheme',
  ':status',
  ':protocol',
]

/** The number of a pseudo-field's name; 0 when it is none. */
export function pseudoNumber(name: string): number {
  return pseudoNames.indexOf(name) < 0 ? 0 : knownFieldCount + pseudoNames.indexOf(name)
}

/** What an entry counts beside its two strings, in both protocols (RFC 7541 §4.1, RFC 9114 §4.2.2). */
export const entryOverheadBytes = 32

/** Instead of a number: the name is no lower-case token (RFC 9113 §8.2.1). The message is malformed. */
export const NAME_BAD = -1
/** Instead of a number: the value has a forbidden character, or space around it (RFC 9113 §8.2.1). */
export const VALUE_BAD = -2

export interface HeaderSink {
  /**
   * A field, pseudo-fields by their names. `known` is the number of a known field (http/known-fields.ts) or of a
   * pseudo-field (`Pseudo`), 0 for a name that is neither, NAME_BAD or VALUE_BAD. `isSecret`: sent as never to be indexed,
   * so it must go on like that (RFC 7541 §6.2.3). False: keep no more of this block; nothing further of it is told.
   */
  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean
}
