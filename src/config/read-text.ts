/**
 * Reads YAML, JSON and JSON with comments, and keeps the place of every value.
 *
 * JSON is read by its own parser, once its comments and trailing commas are blanked out. Only for places, of mistakes and
 * of keys that stand twice, it goes through the YAML reader too, which takes ten times as long; tabs, which that refuses,
 * are blanked out as well, so lines and columns stay as written.
 */
import { LineCounter, parseDocument } from 'yaml'
import { findJsonMistake } from './json-mistake.ts'
import type { ConfigProblem } from './problem.ts'
import { repeatedKeys } from './repeated-keys.ts'
import { DocumentSource, type ConfigSource, type Position, type ReadDocument } from './source.ts'

/** A syntax error, with its place. */
export interface ReadProblem extends ConfigProblem {
  readonly position: Position | null
}

export interface ReadText {
  readonly input: unknown
  readonly source: ConfigSource
  readonly problems: readonly ReadProblem[]
}

/** Keys that stand twice are found by ourselves (repeated-keys.ts). */
const readerOptions = { prettyErrors: false, uniqueKeys: false } as const

/** Aliases of YAML may stand for one another; this many nodes and no more (a "billion laughs" has 10^9). */
const aliasCountMax = 1000

export function readYaml(file: string, text: string): ReadText {
  const lines = new LineCounter()
  const document = parseDocument(text, { ...readerOptions, lineCounter: lines, merge: true })
  const source = new DocumentSource(file, text, () => ({ document, lines }))
  const problems = [...document.errors, ...document.warnings].map((error) => {
    const start = lines.linePos(error.pos[0])
    const length = Math.max(1, error.pos[1] - error.pos[0])
    return mistake(error.message, { line: start.line, column: start.col, length })
  })
  problems.push(...repeated({ document, lines }, true))
  if (problems.length > document.warnings.length) return { input: undefined, source, problems }
  try {
    return { input: document.toJS({ maxAliasCount: aliasCountMax }) ?? {}, source, problems }
  } catch (error) {
    return { input: undefined, source, problems: [...problems, mistake(messageOf(error), null)] }
  }
}

export function readJson(file: string, text: string): ReadText {
  const blanked = blankComments(text)
  const source = new DocumentSource(file, text, () => documentOf(blanked))
  if (blanked.trim() === '') return { input: {}, source, problems: [] }
  let input: unknown
  try {
    input = JSON.parse(blanked)
  } catch (error) {
    return { input: undefined, source, problems: [jsonMistake(blanked, error)] }
  }
  if (keysWritten(blanked) === keysOf(input)) return { input, source, problems: [] }
  return { input: undefined, source, problems: repeated(documentOf(blanked), false) }
}

function documentOf(json: string): ReadDocument {
  const lines = new LineCounter()
  return { document: parseDocument(json, { ...readerOptions, lineCounter: lines, schema: 'json' }), lines }
}

/** In a text that is known to be JSON: of a key that stands twice JSON's parser keeps one. */
function keysWritten(json: string): number {
  let count = 0
  for (const [, colon] of json.matchAll(/"(?:\\.|[^"\\])*"\s*(:?)/g)) if (colon === ':') count++
  return count
}

function keysOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0
  const below = Object.values(value)
  let count = Array.isArray(value) ? 0 : below.length
  for (const each of below) count += keysOf(each)
  return count
}

function repeated({ document, lines }: ReadDocument, merges: boolean): ReadProblem[] {
  return repeatedKeys(document, merges).map((offset) => {
    const { line, col: column } = lines.linePos(offset)
    return mistake('this key stands twice: only one of them could count', { line, column, length: 1 })
  })
}

function mistake(message: string, position: Position | null): ReadProblem {
  return { path: [], onKey: false, severity: 'error', message, position }
}

function jsonMistake(text: string, error: unknown): ReadProblem {
  const found = findJsonMistake(text)
  if (found === null) return mistake(messageOf(error), null)
  const before = text.slice(0, found.at)
  const position = { line: before.split('\n').length, column: found.at - before.lastIndexOf('\n'), length: 1 }
  return mistake(`not JSON: ${found.message}`, position)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it cannot be read'
}

/**
 * Replaces comments, commas before a closing bracket, tabs and a byte order mark by blanks; strings are left
 * alone.
 */
function blankComments(text: string): string {
  const piece =
    /"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[^]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*[\]}])|\t|^\uFEFF/g
  return text.replace(piece, (found) => (found.startsWith('"') ? found : found.replace(/[^\n]/g, ' ')))
}
