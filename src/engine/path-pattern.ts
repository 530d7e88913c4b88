/**
 * Path patterns of a route, compiled. They are compared with the normalised path (`RequestHead.path`) and are brought
 * into the same form themselves, so '/caf%c3%a9', '/café' and '/caf%C3%A9' in a config are one pattern.
 *
 * - `/a/b` is this path and no other.
 * - `/a/*` is '/a' and everything below it; `$1` is what follows '/a/', '' for '/a' itself. It includes '/a' on
 *   purpose: a route that guards or moves a folder must not leave a hole at its root.
 * - `/u/:name` takes a whole segment that is not empty, as both `{path.name}` and `$1`.
 * - `/f/*.css`: a '*' elsewhere stands for any run of characters inside its segment; there may be one per segment.
 * - `*` is every target, including the asterisk of `OPTIONS *`.
 * - A regex is as JavaScript has it, and is not anchored by itself; `(?i:…)` ignores case.
 */

export interface PathPattern {
  /** The pattern as written in the config, for `explain` and messages. */
  readonly source: string
  /** The names of the captures, in order; '' for one that has only a number. */
  readonly captureNames: readonly string[]
  /** The first segment when it is literal ('/a' of '/a/b'), to index routes by; null when it is not. */
  readonly firstSegment: string | null
  /** Does it match every path? */
  readonly isCatchAll: boolean
  /** Does it match `path`? If so it appends the captures. */
  matches(path: string, captures: string[]): boolean
}

/** What a pattern may be written as. */
export type PathSource = string | { readonly regex: string }

class AnyPath implements PathPattern {
  readonly source = '*'
  readonly captureNames: readonly string[] = []
  readonly firstSegment = null
  readonly isCatchAll = true
  matches(): boolean {
    return true
  }
}

class ExactPath implements PathPattern {
  readonly source: string
  readonly captureNames: readonly string[] = []
  readonly firstSegment: string
  readonly isCatchAll = false
  readonly #path: string

  constructor(source: string, path: string) {
    this.source = source
    this.#path = path
    this.firstSegment = firstSegmentOf(path)
  }

  matches(path: string): boolean {
    return path === this.#path
  }
}

const oneUnnamed: readonly string[] = ['']

class PrefixPath implements PathPattern {
  readonly source: string
  readonly captureNames = oneUnnamed
  readonly firstSegment: string | null
  readonly isCatchAll: boolean
  readonly #folder: string

  /** `folder` is without its last '/': '' for the root. */
  constructor(source: string, folder: string) {
    this.source = source
    this.#folder = folder
    this.firstSegment = folder === '' ? null : firstSegmentOf(folder)
    this.isCatchAll = folder === ''
  }

  matches(path: string, captures: string[]): boolean {
    const folder = this.#folder
    if (path.length > folder.length) {
      if (path.charCodeAt(folder.length) !== 0x2f || !path.startsWith(folder)) {
        // The root takes everything, also the '*' of OPTIONS.
        if (folder !== '') return false
        captures.push('')
        return true
      }
      captures.push(path.slice(folder.length + 1))
      return true
    }
    if (path !== folder) return false
    captures.push('')
    return true
  }
}

class ShapedPath implements PathPattern {
  readonly source: string
  readonly captureNames: readonly string[]
  readonly firstSegment: string | null
  readonly isCatchAll = false
  readonly #shape: RegExp

  constructor(source: string, shape: RegExp, captureNames: readonly string[], firstSegment: string | null) {
    this.source = source
    this.#shape = shape
    this.captureNames = captureNames
    this.firstSegment = firstSegment
  }

  matches(path: string, captures: string[]): boolean {
    const match = this.#shape.exec(path)
    if (match === null) return false
    for (let i = 1; i < match.length; i++) captures.push(match[i] ?? '')
    return true
  }
}

/** '/a' of '/a/b'. */
export function firstSegmentOf(path: string): string {
  const slash = path.indexOf('/', 1)
  return slash < 0 ? path : path.slice(0, slash)
}

/** The pattern, or the sentence that says what is wrong with it. */
export function compilePath(source: PathSource): PathPattern | string {
  if (typeof source !== 'string') return compileRegex(source.regex)
  if (source === '*') return new AnyPath()
  const problem = problemOf(source)
  if (problem !== '') return problem
  const folder = source.endsWith('/*') ? source.slice(0, -2) : null
  const shaped = folder ?? source
  if (/\*|\/:/.test(shaped)) return compileShape(source, shaped, folder !== null)
  return folder === null
    ? new ExactPath(source, normalLiteral(source))
    : new PrefixPath(source, normalLiteral(folder))
}

function problemOf(source: string): string {
  if (!source.startsWith('/')) return `a path begins with "/"; did you mean "/${source}"?`
  if (source.includes('?')) return 'the query is no part of a path; use "match.query"'
  if (source.includes('#')) return 'a fragment ("#…") is never sent to a server'
  if (/%(?![0-9a-fA-F]{2})/.test(source)) return '"%" must be followed by two hexadecimal digits'
  if (/\/\.\.?(\/|$)/.test(source))
    return 'dot segments ("." and "..") are resolved before routing, so this never matches'
  if (source.includes('//')) return 'empty segments are merged before routing, so this never matches'
  return ''
}

function compileShape(source: string, shaped: string, takesBelow: boolean): PathPattern | string {
  const names: string[] = []
  let shape = '^'
  for (const segment of shaped.slice(1).split('/')) {
    if (segment.startsWith(':')) {
      const name = segment.slice(1)
      if (!/^[A-Za-z_]\w*$/.test(name))
        return `":${name}" is not a name: letters, digits and "_", not a digit first`
      if (names.includes(name)) return `":${name}" stands twice`
      names.push(name)
      shape += '/([^/]+)'
      continue
    }
    const pieces = segment.split('*')
    if (pieces.length > 2) return `"${segment}" has more than one "*"; use a regex`
    if (pieces.length === 2) names.push('')
    shape += '/' + pieces.map((piece) => literalShape(normalLiteral(piece))).join('([^/]*)')
  }
  if (takesBelow) names.push('')
  const first = firstSegmentOf(shaped)
  const isLiteral = !first.includes('*') && !first.startsWith('/:')
  const tail = takesBelow ? '(?:/(.*))?$' : '$'
  return new ShapedPath(source, new RegExp(shape + tail, 's'), names, isLiteral ? normalLiteral(first) : null)
}

/** Escapes the characters that mean something to a regex. */
function literalShape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function compileRegex(source: string): PathPattern | string {
  const shape = compileUserRegex(source)
  if (typeof shape === 'string') return shape
  return new ShapedPath(`regex ${source}`, shape, regexCaptureNames(shape), null)
}

/** A regex of the config, or what is wrong with it. */
export function compileUserRegex(source: string): RegExp | string {
  try {
    return new RegExp(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : ''
    return `the regex does not compile: ${reason}`
  }
}

/** The names of a regex's captures in order, '' for those without. */
export function regexCaptureNames(shape: RegExp): readonly string[] {
  const count = (new RegExp(shape.source + '|').exec('')?.length ?? 1) - 1
  const names = Array.from({ length: count }, () => '')
  // Finds opening parentheses that capture, skipping escapes and classes.
  let at = 0
  for (const match of shape.source.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?<([A-Za-z_$][\w$]*)>/gs)) {
    if (!match[0].startsWith('(')) continue
    if (match[1] !== undefined) names[at] = match[1]
    at++
  }
  return names
}

/** Brings literal text of a pattern into the form of a normalised path (RFC 3986 §6.2.2). */
export function normalLiteral(text: string): string {
  const encoded = text.toWellFormed().replace(/[^\x21-\x7e]/gu, (c) => encodeURIComponent(c))
  return encoded.replace(/%[0-9a-fA-F]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase()
  })
}
