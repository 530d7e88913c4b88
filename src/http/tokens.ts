/**
 * Comma-separated lists of tokens (RFC 9110 §5.6.1): Connection, Upgrade, TE, Transfer-Encoding. Empty elements are
 * allowed and mean nothing.
 */

/** Is `token` (lower case) an element of `list`, whatever its case? Elements with parameters are not equal to it. */
export function hasToken(list: string, token: string): boolean {
  // Nearly every list has one element.
  if (list.length === token.length) return list === token || list.toLowerCase() === token
  if (list.length < token.length) return false
  return splitTokens(list).includes(token)
}

/** The elements in lower case, without the space around them and without empty ones. */
export function splitTokens(list: string): string[] {
  const elements: string[] = []
  for (const element of list.toLowerCase().split(',')) {
    const token = trimSpace(element)
    if (token !== '') elements.push(token)
  }
  return elements
}

/** Without the optional space (SP and HTAB only, RFC 9110 §5.6.3) at both ends: `trim` takes more than that. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
