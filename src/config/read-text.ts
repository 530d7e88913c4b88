/**
 * Reads YAML, JSON and JSON with comments, and keeps the place of every value.
 *
 * JSON goes through the YAML reader too, once its comments, trailing commas and tabs (which YAML refuses) are blanked
 * out, so lines and columns stay as written. JSON's own parser has the last word on whether it is JSON.
 */
import { LineCounter, parseDocument, type Document } from 'yaml'
import { findJsonMistake } from './json-mistake.ts'
import type { ConfigProblem } from './problem.ts'
import { repeatedKeys } from './repeated-keys.ts'
import { DocumentSource, type ConfigSource, type Position } from './source.ts'

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
  const source = new DocumentSource(file, text, document, lines)
  const problems = [...document.errors, ...document.warnings].map((error) => {
    const start = lines.linePos(error.pos[0])
    const length = Math.max(1, error.pos[1] - error.pos[0])
    return mistake(error.message, { line: start.line, column: start.col, length })
  })
  problems.push(...repeated(document, lines))
  if (problems.length > document.warnings.length) return { input: undefined, source, problems }
  try {
    return { input: document.toJS({ maxAliasCount: aliasCountMax }) ?? {}, source, problems }
  } catch (error) {
    return { input: undefined, source, problems: [...problems, mistake(messageOf(error), null)] }
  }
}

export function readJson(file: string, text: string): ReadText {
  const blanked = blankComments(text)
  const lines = new LineCounter()
  const document = parseDocument(blanked, { ...readerOptions, lineCounter: lines, schema: 'json' })
  const source = new DocumentSource(file, text, document, lines)
  if (blanked.trim() === '') return { input: {}, source, problems: [] }
  try {
    const input: unknown = JSON.parse(blanked)
    const problems = repeated(document, lines)
    return { input: problems.length > 0 ? undefined : input, source, problems }
  } catch (error) {
    return { input: undefined, source, problems: [jsonMistake(blanked, error)] }
  }
}

function repeated(document: Document, lines: LineCounter): ReadProblem[] {
  return repeatedKeys(document).map((offset) => {
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
