/**
 * The names of files in a cache's folder. What is stored under a key is found by the key's hash. Where answers vary,
 * that file tells by what, and each variant has a file of its own, named by key and variant together. Answers with a
 * rule for parameters (No-Vary-Search) have a key that the rule made, and a file named by their path tells which
 * rules there are.
 */
import { hash } from 'node:crypto'
import type { Entry } from '../store/entry.ts'

/** Characters of a name: 128 bits, so that two keys in one file stay unheard of. The file says its key in any case. */
const nameLength = 32

export function nameOf(key: string): string {
  return hash('sha256', key).slice(0, nameLength)
}

/** No key holds a NUL, so that no name of a key is one of a variant. */
export function variantNameOf(key: string, varyNames: readonly string[], variant: string): string {
  return nameOf(key + '\0' + varyNames.join() + '\0' + variant)
}

/** One NUL: it is neither the name of a key nor of a variant. `path`: from `searchPathOf`. */
export function rulesNameOf(path: string): string {
  return nameOf(path + '\0search')
}

/** The file that an entry has. */
export function nameOfEntry({ key, vary, variant }: Pick<Entry, 'key' | 'vary' | 'variant'>): string {
  return vary === null ? nameOf(key) : variantNameOf(key, vary.names, variant)
}

export function isName(text: string): boolean {
  return text.length === nameLength && /^[0-9a-f]+$/.test(text)
}

/** The 256 folders that files are spread over. */
export const folderNames: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
)

export function folderOf(name: string): string {
  return name.slice(0, 2)
}

export function pathOf(root: string, name: string): string {
  return root + '/' + folderOf(name) + '/' + name
}
