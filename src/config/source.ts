/**
 * The text of a config file, and where in it each value stands, so that an error can name line and column and show
 * them.
 */
import { isMap, isPair, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml'
import type { ConfigPath } from './problem.ts'

export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
  /** The length of the marked text, in characters. */
  readonly length: number
}

export interface ConfigSource {
  readonly file: string
  readonly text: string
  /** null when the place is not known. */
  locate(path: ConfigPath, onKey: boolean): Position | null
}

export interface ReadDocument {
  readonly document: Document
  readonly lines: LineCounter
}

/** YAML, or JSON read by the same reader: places are exact. */
export class DocumentSource implements ConfigSource {
  readonly file: string
  readonly text: string
  readonly #read: () => ReadDocument
  #made: ReadDocument | null = null

  /** `read` is called when the first place is asked for. */
  constructor(file: string, text: string, read: () => ReadDocument) {
    this.file = file
    this.text = text
    this.#read = read
  }

  get #document(): Document {
    return (this.#made ??= this.#read()).document
  }

  get #lines(): LineCounter {
    return (this.#made ??= this.#read()).lines
  }

  locate(path: ConfigPath, onKey: boolean): Position | null {
    let node: unknown = this.#document.contents
    let key: unknown = null
    let depth = 0
    for (; depth < path.length; depth++) {
      const next = step(node, path[depth] as string | number, this.#document)
      if (next === null) break
      key = next.key
      node = next.value
    }
    // A missing key is reported where it should be.
    const isWhole = depth === path.length
    const meant = (isWhole && !onKey && hasText(node)) || key === null ? node : key
    return this.#positionOf(meant as Node | null)
  }

  #positionOf(node: Node | null): Position | null {
    const range = node?.range
    if (range === undefined || range === null) return null
    const start = this.#lines.linePos(range[0])
    const lineEnd = this.text.indexOf('\n', range[0])
    const end = Math.min(range[1], lineEnd < 0 ? this.text.length : lineEnd)
    return { line: start.line, column: start.col, length: Math.max(1, end - range[0]) }
  }
}

function hasText(node: unknown): boolean {
  return isScalar(node) || isMap(node) || isSeq(node)
}

function step(
  node: unknown,
  key: string | number,
  document: Document,
): { key: unknown; value: unknown } | null {
  const resolved = isAliasOf(node) ? (node.resolve(document) ?? null) : node
  if (isMap(resolved)) {
    const pair = resolved.items.find((item) => isPair(item) && String(scalarOf(item.key)) === String(key))
    return pair === undefined ? null : { key: pair.key, value: pair.value }
  }
  if (isSeq(resolved) && typeof key === 'number') {
    const value: unknown = resolved.items[key]
    return value === undefined ? null : { key: value, value }
  }
  return null
}

function scalarOf(key: unknown): unknown {
  return isScalar(key) ? key.value : key
}

interface Resolvable {
  resolve(document: Document): unknown
}

function isAliasOf(node: unknown): node is Resolvable {
  return node !== null && typeof node === 'object' && 'source' in node && 'resolve' in node
}

/** A module: its text is searched for the key, and a place is given only when there is a single possible one. */
export class ModuleSource implements ConfigSource {
  readonly file: string
  readonly text: string

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  locate(path: ConfigPath): Position | null {
    let from = 0
    let found: Position | null = null
    for (const key of path) {
      if (typeof key === 'number') continue
      const escaped = key.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      const pattern = new RegExp(`(?:(["'\`])${escaped}\\1|(?<![\\w$.])${escaped})\\s*(?=[:,}(])`, 'g')
      pattern.lastIndex = from
      const match = pattern.exec(this.text)
      if (match === null) return null
      from = match.index
      found = this.#position(from, match[0].trimEnd().length)
    }
    // If the key occurs twice after its parents, it may be either.
    const last = path.findLast((key) => typeof key === 'string')
    return last !== undefined && this.#count(last) === 1 ? found : null
  }

  #count(key: string): number {
    return this.text.split(key).length - 1
  }

  #position(at: number, length: number): Position {
    const before = this.text.slice(0, at)
    const line = before.split('\n').length
    return { line, column: at - before.lastIndexOf('\n'), length }
  }
}

/** There is no file: the config was handed in as an object. */
export const noSource: ConfigSource = { file: '', text: '', locate: () => null }

/**
 * The line with a mark under the place:
 *
 *      12 |   - redirct: /new/$1
 *         |     ^^^^^^^
 */
export function excerpt(text: string, at: Position): string {
  const raw = lineOf(text, at.line)
  const widthMax = 100
  // A long line is shown from a little before the place.
  const cut = at.column > widthMax - 20 ? at.column - 20 : 0
  const line =
    (cut > 0 ? '…' : '') + raw.slice(cut, cut + widthMax) + (raw.length > cut + widthMax ? '…' : '')
  const number = String(at.line).padStart(5)
  const before = line.slice(0, at.column - 1 - cut + (cut > 0 ? 1 : 0)).replace(/[^\t]/g, ' ')
  const length = Math.max(1, Math.min(at.length, line.length - before.length))
  return `${number} | ${line}\n${' '.repeat(5)} | ${before}${'^'.repeat(length)}`
}

/** From 1. Of a text with thousands of lines this is asked for hundreds of mistakes: it is not split for each. */
function lineOf(text: string, line: number): string {
  let start = 0
  for (let i = 1; i < line; i++) {
    const end = text.indexOf('\n', start)
    if (end < 0) return ''
    start = end + 1
  }
  const end = text.indexOf('\n', start)
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '')
}
