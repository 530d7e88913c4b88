/**
 * The project's own source text, for the tests that keep the house rules: which files there are, and their code with
 * comments and the contents of strings blanked out, so that a word in prose is not taken for code.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot: string = fileURLToPath(new URL('../../', import.meta.url))

/** A source file; `path` is relative to the project and has forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** All files under the given folders of the project that end in `.ts`, in order of their paths. */
export function readSources(...folders: string[]): SourceFile[] {
  const files: SourceFile[] = []
  for (const folder of folders) collect(join(projectRoot, folder), files)
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function collect(folder: string, files: SourceFile[]): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) collect(path, files)
    else if (entry.name.endsWith('.ts'))
      files.push({ path: relative(projectRoot, path).split(sep).join('/'), text: readFileSync(path, 'utf8') })
  }
}

/**
 * `text` with every comment, and the inside of every string, template and regular expression, replaced by spaces;
 * line breaks stay, so line numbers hold. With `keepStrings` only comments go.
 */
export function blankProse(text: string, keepStrings = false): string {
  let out = ''
  let at = 0
  /** The last character of code that was not a space: tells a division from a regular expression. */
  let last = ''
  while (at < text.length) {
    const end = proseEnd(text, at, last)
    if (end === at) {
      const char = text[at] as string
      if (!/\s/.test(char)) last = char
      out += char
      at++
      continue
    }
    const part = text.slice(at, end)
    const isComment = part.startsWith('//') || part.startsWith('/*')
    out += keepStrings && !isComment ? part : part.replaceAll(/[^\n]/g, ' ')
    if (!isComment) last = '"'
    at = end
  }
  return out
}

/** Where the comment, string or regular expression that starts at `at` ends; `at` when none starts there. */
function proseEnd(text: string, at: number, last: string): number {
  const char = text[at]
  if (char === '/' && text[at + 1] === '/') return lineEnd(text, at)
  if (char === '/' && text[at + 1] === '*') return text.indexOf('*/', at + 2) + 2
  if (char === "'" || char === '"') return stringEnd(text, at, char)
  if (char === '`') return templateEnd(text, at)
  if (char === '/' && (last === '' || '(,=:[!&|?{};+-*%<>~^'.includes(last))) return patternEnd(text, at)
  return at
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function stringEnd(text: string, at: number, quote: string): number {
  let end = at + 1
  while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1
  return end + 1
}

/** A template is taken whole, its expressions included, nested templates in them too. */
function templateEnd(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== '`') {
    if (text[end] === '\\') end += 2
    else if (text[end] === '$' && text[end + 1] === '{') end = expressionEnd(text, end + 2)
    else end++
  }
  return end + 1
}

function expressionEnd(text: string, at: number): number {
  let depth = 1
  let end = at
  while (end < text.length && depth > 0) {
    const char = text[end] as string
    if (char === '{') depth++
    else if (char === '}') depth--
    if (char === "'" || char === '"') end = stringEnd(text, end, char)
    else if (char === '`') end = templateEnd(text, end)
    else end++
  }
  return end
}

function patternEnd(text: string, at: number): number {
  let end = at + 1
  let inClass = false
  while (end < text.length && text[end] !== '\n') {
    const char = text[end]
    if (char === '\\') end++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return end + 1
    end++
  }
  return at
}

/** The number of the line that holds `index`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
