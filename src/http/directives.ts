/**
 * The list of directives of Cache-Control: `name`, `name=token` or `name="quoted string"`, separated by commas.
 *
 * It is lenient about where a directive ends and strict about what it says. Space around '=' is not in the grammar
 * (RFC 9110 §5.6.6 forbids it for parameters too), so the argument of such a directive is null: it cannot be right. A
 * quote that is never closed quotes nothing, so it cannot hide the directives behind it.
 */
import { trimSpace } from './tokens.ts'

export interface SeenDirective {
  /** Lower case. */
  readonly name: string
  /** Without its quotes; '' where there is none; null for one that is malformed. */
  readonly argument: string | null
}

export function splitDirectives(text: string): SeenDirective[] {
  const seen: SeenDirective[] = []
  // Once a quote is not closed, later ones are not looked at: a text full of them would cost its length
  // squared.
  let quotes = true
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    if (quotes && text[i] === '"') {
      const closing = closingQuote(text, i)
      if (closing < 0) quotes = false
      else i = closing
    }
    if (i < text.length && text[i] !== ',') continue
    const element = trimSpace(text.slice(start, i))
    if (element !== '') seen.push(readDirective(element))
    start = i + 1
  }
  return seen
}

/** Index of the quote that closes the one at `open`, -1 when none does. */
function closingQuote(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i
  }
  return -1
}

function readDirective(element: string): SeenDirective {
  const equals = element.indexOf('=')
  if (equals < 0) {
    const space = element.search(/[ \t]/)
    // 'max-age 60': whatever it was meant to say, it says nothing.
    if (space > 0) return { name: element.slice(0, space).toLowerCase(), argument: null }
    return { name: element.toLowerCase(), argument: '' }
  }
  const name = element.slice(0, equals)
  return {
    name: trimSpace(name).toLowerCase(),
    argument: trimSpace(name) === name ? readArgument(element.slice(equals + 1)) : null,
  }
}

function readArgument(text: string): string | null {
  if (!text.startsWith('"')) return text === '' || /[ \t"]/.test(text) ? null : text
  if (closingQuote(text, 0) !== text.length - 1) return null
  return text.slice(1, -1).replace(/\\(.)/g, '$1')
}
