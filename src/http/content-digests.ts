/**
 * Digests of the bytes that one message carries: Content-Digest (RFC 9530 §2) and Content-MD5 (RFC 1864). Whoever sends
 * other bytes than those that came must not send them along: a client that checks takes the answer for damaged.
 * (Repr-Digest is of the whole representation, whatever part of it is sent, and stays.)
 */
import type { Fields } from './fields.ts'
import { Field } from './known-fields.ts'

export function removeContentDigests(fields: Fields): void {
  for (const id of [Field.CONTENT_DIGEST, Field.CONTENT_MD5])
    if (fields.first[id] !== 0) fields.removeKnown(id)
}
