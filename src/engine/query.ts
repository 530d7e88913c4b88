/**
 * Queries ('?a=1&b=2'): finding and editing parameters by the WHATWG form rules: '&' separates parameters, the first
 * '=' ends the name, '+' is a space. A parameter that is not touched keeps its exact spelling.
 */

/** Decodes '+' and percent-encoding; octets that are not UTF-8 become U+FFFD, a stray '%' stays. */
export function decodeQueryText(raw: string): string {
  if (raw.indexOf('%') < 0 && raw.indexOf('+') < 0) return raw
  const spaced = raw.replaceAll('+', ' ')
  return spaced.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  )
}

/** Encodes text as the name or value of a parameter: everything that has a meaning there is percent-encoded. */
export function encodeQueryText(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()]/g, (c) => '%' + c.charCodeAt(0).toString(16))
}

/** Does the raw parameter `query[start, end)` have this name? */
function hasName(query: string, start: number, end: number, name: string): boolean {
  const equals = query.indexOf('=', start)
  const nameEnd = equals < 0 || equals > end ? end : equals
  // A name is spelled with at least as many characters as it has.
  if (nameEnd - start < name.length) return false
  if (nameEnd - start === name.length) {
    return query.startsWith(name, start) || decodeQueryText(query.slice(start, nameEnd)) === name
  }
  return decodeQueryText(query.slice(start, nameEnd)) === name
}

/**
 * The raw value of the first parameter of this name in `target`, whose query begins (with its '?') at `queryStart`;
 * undefined when there is none. A parameter without '=' has the value ''.
 */
export function findQueryValue(target: string, queryStart: number, name: string): string | undefined {
  let start = queryStart + 1
  while (start <= target.length && queryStart < target.length) {
    const and = target.indexOf('&', start)
    const end = and < 0 ? target.length : and
    if (end > start && hasName(target, start, end, name)) {
      const equals = target.indexOf('=', start)
      return equals < 0 || equals >= end ? '' : target.slice(equals + 1, end)
    }
    start = end + 1
  }
  return undefined
}

/** `query` (without '?') without all parameters of this name. */
export function removeFromQuery(query: string, name: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .filter((pair) => !hasName(pair, 0, pair.length, name))
    .join('&')
}

/** `query` (without '?') with one parameter of this name, which takes the place of the first that was there. */
export function setInQuery(query: string, name: string, rawValue: string): string {
  const made = encodeQueryText(name) + '=' + rawValue
  const pairs = query === '' ? [] : query.split('&')
  const at = pairs.findIndex((pair) => hasName(pair, 0, pair.length, name))
  if (at < 0) return query === '' ? made : query + '&' + made
  return pairs
    .map((pair, i) => (i === at ? made : pair))
    .filter((pair, i) => i === at || !hasName(pair, 0, pair.length, name))
    .join('&')
}
