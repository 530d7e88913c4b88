/**
 * What an entry counts for in a store's limit: everything that it holds in memory, including the objects themselves.
 */
import { entryOverheadBytes, tagOverheadBytes, type DerivedForm, type Entry } from './entry.ts'

/** What an entry costs beside its body. */
export function fixedBytes(entry: Entry): number {
  const { head, tagNames } = entry
  const texts = entry.key.length + entry.variant.length + head.fields.text.length + head.fields.layout.length
  return entryOverheadBytes + texts + tagNames.length * tagOverheadBytes
}

/** Another form of an answer. */
export function formBytes(form: DerivedForm): number {
  const { text, layout } = form.head.fields
  return entryOverheadBytes + text.length + layout.length + form.body.heldBytes
}

/** All its other forms. */
export function derivedBytes(entry: Entry): number {
  let bytes = 0
  for (const form of entry.derived ?? []) bytes += formBytes(form)
  return bytes
}
