/**
 * RepeatedKeys: where a map of a document has the same key twice. The YAML reader can look for them itself, but compares
 * each key with all before it: of a config with ten thousand sites that takes longer than everything else together.
 */
import { isScalar, visit, type Document } from 'yaml'

/** YAML's key for what is taken over from another map: it may be there several times. In JSON it is one as any other. */
const mergeKey = '<<'

/** Offsets in the text of keys that stood in their map before. */
export function repeatedKeys(document: Document, merges: boolean): readonly number[] {
  const offsets: number[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key) || (merges && key.value === mergeKey)) continue
        if (seen.has(key.value)) offsets.push(key.range?.[0] ?? 0)
        seen.add(key.value)
      }
    },
  })
  return offsets
}
