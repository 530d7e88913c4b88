/**
 * Spellings of field names: to a CGI-like origin (RFC 3875 §4.1.18: PHP, WSGI and others) 'X_Tenant' is X-Tenant. To us and
 * to most others they are two fields.
 */
import type { Fields } from './fields.ts'

/** A lower-case name as such an origin tells names apart. */
export function plainName(lowerName: string): string {
  return lowerName.includes('_') ? lowerName.replaceAll('_', '-') : lowerName
}

/**
 * The fields that such an origin takes for one of `names` (lower case), though they are called otherwise: 'name:value' of each,
 * after its length. '' where there is none, as nearly always.
 */
export function misspeltText(fields: Fields, names: readonly string[]): string {
  const { ids, size } = fields
  let text = ''
  for (let i = 0; i < size; i++) {
    // No field that is known has a '_' in its name, and one that was taken out is not 0.
    if (ids[i] !== 0) continue
    const sent = fields.nameAt(i)
    if (!sent.includes('_')) continue
    const name = sent.toLowerCase()
    if (names.includes(name) || !names.includes(plainName(name))) continue
    const pair = name + ':' + fields.valueAt(i)
    text += pair.length + ' ' + pair
  }
  return text
}
