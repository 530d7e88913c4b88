/**
 * Vary (RFC 9111 §4.1): which request fields chose an answer, and the secondary key made of them.
 */
import type { RequestHead } from '../http/message.ts'
import type { FieldsView } from '../http/stored-fields.ts'

/** How request fields are folded before they are compared, so that browsers that ask alike share an answer. */
export interface VaryFolding {
  /** Encodings that the site has, in order of preference: Accept-Encoding becomes the first that is accepted. */
  readonly encodings?: readonly string[]
  /** Media types likewise, for Accept. */
  readonly types?: readonly string[]
  /** Language tags likewise, for Accept-Language. */
  readonly languages?: readonly string[]
}

/** A set of field names, interned: the same set under the same folding is the same object. */
export interface Vary {
  /** Lower-case names, sorted, each once. */
  readonly names: readonly string[]
  /** The secondary key of a request: two requests have the same one exactly when these fields say the same. */
  variantOf(request: RequestHead): string
}

/** `Vary: *`, or what cannot be read: matches no other request. */
export const VARY_ANY = 'any'

/** The Vary of an answer: null when it has none, VARY_ANY when no other request may have it. */
export function readVary(fields: FieldsView, folding: VaryFolding | null): Vary | null | typeof VARY_ANY {
  void fields
  void folding
  return null
}
