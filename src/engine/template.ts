/**
 * Templates: text with `$1` and `{variable}` in it, compiled to parts together with the config.
 *
 * `$1` … `$99` are captures, `$$` is a dollar, `{{name}}` is the text '{name}'. Braces that hold no name (as in JSON)
 * stand for themselves. A field template writes values as they are, less CR, LF and NUL. A URL template writes each
 * value so that it stays inside its part of the URL: a value never adds a segment, a parameter or a fragment that the
 * template does not have.
 */
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../http/exchange.ts'
import { compileVariable, type ValueKind } from './variables.ts'

/** The part of a URL in which a value is. */
type Place = 'field' | 'authority' | 'path' | 'query'

export interface TemplateOptions {
  readonly clock: Clock
  /** For 'url', values are encoded for their place. */
  readonly form: 'field' | 'url'
  /** The answer exists, so `{status}` and `{response.header.…}` may be used. */
  readonly hasResponse: boolean
}

interface Part {
  readonly literal: string
  /** The variable that follows the literal; null at the end. */
  readonly kind: ValueKind
  readonly place: Place
  /** The number of a capture, from 0; -1: `read` gives the value. */
  readonly capture: number
  readonly read: (x: Exchange) => string
}

const noValue = (): string => ''

export class Template {
  readonly source: string
  /** How many captures it needs: the highest `$n`. */
  readonly captureCount: number
  /** The names that it uses by `{path.name}`. */
  readonly captureNames: readonly string[]
  /** The text if there is no variable in it, else null. */
  readonly constant: string | null
  readonly #parts: readonly Part[]
  readonly #tail: string

  constructor(source: string, parts: readonly Part[], tail: string, captureNames: readonly string[]) {
    this.source = source
    this.#parts = parts
    this.#tail = tail
    this.captureNames = captureNames
    this.captureCount = parts.reduce((most, part) => Math.max(most, part.capture + 1), 0)
    this.constant = parts.length === 0 ? tail : null
  }

  /** The text for x. `captures` are those of the route's match unless others are given. */
  render(x: Exchange, captures: readonly string[] = x.captures): string {
    if (this.constant !== null) return this.constant
    let text = ''
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i] as Part
      const value = part.capture >= 0 ? (captures[part.capture] ?? '') : part.read(x)
      text += part.literal + written(value, part.kind, part.place)
    }
    return text + this.#tail
  }

  /** The literal in front of the first variable: what a value cannot change. */
  get head(): string {
    return this.#parts[0]?.literal ?? this.#tail
  }
}

/** A template from a config that has been checked. A wrong one here is a bug of ours. */
export function requireTemplate(source: string, options: TemplateOptions): Template {
  const template = compileTemplate(source, options)
  if (typeof template === 'string') throw new Error(`template ${JSON.stringify(source)}: ${template}`)
  return template
}

/** The template, or the sentence that says what is wrong with it. */
export function compileTemplate(source: string, options: TemplateOptions): Template | string {
  const parts: Part[] = []
  const names: string[] = []
  let literal = ''
  let place: Place = options.form === 'field' ? 'field' : 'path'
  const token = /\$\$|\$([1-9]\d?)|\{\{([a-z_][\w.-]*)\}\}|\{([A-Za-z_][^{}\s"',:]*)\}/g
  let at = 0
  for (const match of source.matchAll(token)) {
    literal += source.slice(at, match.index)
    at = match.index + match[0].length
    if (match[0] === '$$') literal += '$'
    else if (match[2] !== undefined) literal += `{${match[2]}}`
    else {
      place = placeAfter(place, parts.length === 0, literal)
      const made = compilePart(match[1], match[3], literalOf(literal, options), place, options)
      if (typeof made === 'string') return made
      if (match[3]?.startsWith('path.') === true) names.push(match[3].slice(5))
      parts.push(made)
      literal = ''
    }
  }
  return new Template(source, parts, literalOf(literal + source.slice(at), options), names)
}

/** In a URL, letters beyond ASCII and spaces are percent-encoded (RFC 3986 §2.1). */
function literalOf(text: string, options: TemplateOptions): string {
  if (options.form === 'field') return text
  return text.toWellFormed().replace(/[^\x21-\x7e]/gu, (c) => encodeURIComponent(c))
}

function compilePart(
  capture: string | undefined,
  body: string | undefined,
  literal: string,
  place: Place,
  options: TemplateOptions,
): Part | string {
  if (capture !== undefined)
    return { literal, kind: 'path', place, capture: Number(capture) - 1, read: noValue }
  const variable = compileVariable(body ?? '', options.hasResponse, options.clock)
  if (typeof variable === 'string') return variable
  return { literal, kind: variable.kind, place, capture: -1, read: (x) => variable.read(x) }
}

/** The part of the URL after `literal`, if the part before it was `place`. */
function placeAfter(place: Place, isFirst: boolean, literal: string): Place {
  if (place === 'field' || place === 'query') return place
  if (literal.includes('?')) return 'query'
  if (isFirst && /^([a-z][a-z0-9+.-]*:)?\/\/[^/]*$/i.test(literal)) return 'authority'
  if (place === 'authority' && !literal.includes('/')) return place
  return 'path'
}

/** Encodes a value for its place. */
function written(value: string, kind: ValueKind, place: Place): string {
  if (value === '') return ''
  if (place === 'field') return /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]+/g, '') : value
  if (place === 'query') return inQuery(value, kind)
  // Only a host and a port can be there; '/' begins the path, which `{uri}` and `{path}` bring along.
  if (place === 'authority' && kind === 'text') return value.replace(/[^\w.:[\]-]+/g, '')
  return inPath(value, kind)
}

function inPath(value: string, kind: ValueKind): string {
  if (kind === 'uri' || kind === 'path') {
    if (value === '*') return '/'
    const rest = kind === 'uri' ? /[^\w.~:/?[\]@!$&'()*+,;=%-]/ : /[^\w.~:/[\]@!$&'()*+,;=%-]/
    return rest.test(value) ? encodeMatching(value, new RegExp(rest.source, 'g')) : value
  }
  // Text stays one segment: it cannot climb ('..') nor open another.
  if (value === '.' || value === '..') return ''
  const isEncoded = kind === 'query'
  return encodeMatching(value, isEncoded ? /[^\w.~:@!$&'()*+,;=%-]/g : /[^\w.~:@!$'()*,;-]/g)
}

function inQuery(value: string, kind: ValueKind): string {
  if (kind === 'query') return encodeMatching(value, /[^\w.~:/?[\]@!$&'()*+,;=%-]/g)
  // A path's escapes mean the same in a query; what means more there ('&', '=', '+', '?') is encoded.
  if (kind === 'path') return encodeMatching(value, /[^\w.~:/@!$'()*,;%-]/g)
  return encodeMatching(value, /[^\w.~:/@!$'()*,;-]/g)
}

/** Characters of values are octets (latin1); one above is written as its UTF-8 octets. */
function encodeMatching(value: string, pattern: RegExp): string {
  return value.replace(pattern, (c) => {
    const code = c.charCodeAt(0)
    if (code > 0xff) return encodeURIComponent(c.toWellFormed())
    return '%' + code.toString(16).toUpperCase().padStart(2, '0')
  })
}
