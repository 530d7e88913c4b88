/**
 * Tags of answers: Surrogate-Key and xkey (separated by spaces), Cache-Tag (by commas) and Cache-Groups (RFC 9875, a
 * list of strings). One purge by tag removes all answers that have it.
 *
 * Tags are compared without regard to case: some services fold it and some do not. Removing too much costs hits;
 * removing too little shows what should be gone.
 */
import { Field } from '../../http/known-fields.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { readStringList } from '../../http/structured.ts'

/** Tags of one answer. One with more is not stored, since a purge by a tag left out would miss it. */
export const tagsMax = 1000
/** Characters of a tag; likewise. */
export const tagCharactersMax = 1024

const none: readonly string[] = []

/**
 * The tags of an answer, lower case, each once; null when there are more than `tagsMax`, or longer ones than
 * `tagCharactersMax`. `origin` ('https://host:port') is what groups of Cache-Groups belong to: they become tags by
 * `groupTag`.
 */
export function readTags(fields: FieldsView, origin: string): readonly string[] | null {
  const hasTags =
    fields.has(Field.SURROGATE_KEY) ||
    fields.has(Field.CACHE_TAG) ||
    fields.has(Field.XKEY) ||
    fields.has(Field.CACHE_GROUPS)
  if (!hasTags) return none
  const tags = new Set<string>()
  for (const tag of split(fields.combined(Field.SURROGATE_KEY), /[\s,]+/)) tags.add(foldTag(tag))
  for (const tag of split(fields.combined(Field.XKEY), /[\s,]+/)) tags.add(foldTag(tag))
  for (const tag of split(fields.combined(Field.CACHE_TAG), /,/)) tags.add(foldTag(tag.trim()))
  // What cannot be read as a list of strings is ignored (RFC 9875 §2).
  for (const group of readStringList(fields.combined(Field.CACHE_GROUPS) ?? '') ?? none) {
    tags.add(groupTag(origin, group))
  }
  tags.delete('')
  if (tags.size > tagsMax) return null
  for (const tag of tags) if (tag.length > tagCharactersMax) return null
  return Array.from(tags)
}

function split(text: string | undefined, separator: RegExp): readonly string[] {
  return text === undefined ? none : text.split(separator)
}

/** A tag as it is compared; that of a group stays as it is. */
export function foldTag(tag: string): string {
  return tag.includes('\n') ? tag : tag.toLowerCase()
}

/**
 * The tag that stands for a group of an origin (RFC 9875 §2). Groups are compared with regard to case. The line feed,
 * which no field can hold, keeps them apart from all other tags.
 */
export function groupTag(origin: string, group: string): string {
  return origin + '\n' + group
}
