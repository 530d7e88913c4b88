/**
 * The static table of HPACK (RFC 7541 Appendix A), and the numbers of names: first the known fields of
 * http/known-fields.ts, then the pseudo-fields, so that both directions index arrays with one number.
 */
import { fieldId, fieldName, knownFieldCount } from '../http/known-fields.ts'
import { pseudoNames, pseudoNumber } from '../http/pseudo-fields.ts'

export { Pseudo } from '../http/pseudo-fields.ts'

/** One more than the largest number of a name. */
export const nameCount: number = knownFieldCount + pseudoNames.length

/** The number of a lower-case name, pseudo-fields included; 0 when it has none. */
export function nameNumber(name: string): number {
  const pseudo = pseudoNumber(name)
  return pseudo === 0 ? fieldId(name) : pseudo
}

/** The name that a number from 1 on stands for. */
export function numberedName(number: number): string {
  return number < knownFieldCount ? fieldName(number) : (pseudoNames[number - knownFieldCount] ?? '')
}

// prettier-ignore
const rows = [
  ':authority', '', ':method', 'GET', ':method', 'POST', ':path', '/', ':path', '/index.html',
  ':scheme', 'http', ':scheme', 'https', ':status', '200', ':status', '204', ':status', '206',
  ':status', '304', ':status', '400', ':status', '404', ':status', '500', 'accept-charset', '',
  'accept-encoding', 'gzip, deflate', 'accept-language', '', 'accept-ranges', '', 'accept', '',
  'access-control-allow-origin', '', 'age', '', 'allow', '', 'authorization', '', 'cache-control', '',
  'content-disposition', '', 'content-encoding', '', 'content-language', '', 'content-length', '',
  'content-location', '', 'content-range', '', 'content-type', '', 'cookie', '', 'date', '', 'etag', '',
  'expect', '', 'expires', '', 'from', '', 'host', '', 'if-match', '', 'if-modified-since', '',
  'if-none-match', '', 'if-range', '', 'if-unmodified-since', '', 'last-modified', '', 'link', '',
  'location', '', 'max-forwards', '', 'proxy-authenticate', '', 'proxy-authorization', '', 'range', '',
  'referer', '', 'refresh', '', 'retry-after', '', 'server', '', 'set-cookie', '',
  'strict-transport-security', '', 'transfer-encoding', '', 'user-agent', '', 'vary', '', 'via', '',
  'www-authenticate', '',
]

/** Entries of the static table; the first index of the dynamic one is the next. */
export const staticCount: number = rows.length / 2

/** By index, from 1 on. */
export const staticNames: readonly string[] = ['', ...rows.filter((_, i) => i % 2 === 0)]
export const staticValues: readonly string[] = ['', ...rows.filter((_, i) => i % 2 === 1)]
export const staticNumbers: Uint8Array = Uint8Array.from(staticNames, nameNumber)

/** Per number of a name: the first index that has it, 0 for none; and how many have it. They stand together. */
export const staticFirst: Uint8Array = new Uint8Array(nameCount)
export const staticRun: Uint8Array = new Uint8Array(nameCount)

/** The first index of names that have no number. */
export const staticIndexByName: ReadonlyMap<string, number> = indexUnnumbered()

function indexUnnumbered(): Map<string, number> {
  const unnumbered = new Map<string, number>()
  for (let index = staticCount; index > 0; index--) {
    const number = staticNumbers[index] as number
    if (number === 0) unnumbered.set(staticNames[index] as string, index)
    else {
      staticFirst[number] = index
      staticRun[number] = (staticRun[number] as number) + 1
    }
  }
  return unnumbered
}
