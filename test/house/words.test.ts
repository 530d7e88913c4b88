/**
 * Words that the sources do without: notes of unfinished work, types that switch checking off, names of files that
 * say nothing. And what each file begins with: a comment that says what it is.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blankProse, lineAt, readSources, type SourceFile } from './sources.ts'

/** This file names the words, so it is left out. */
const all = readSources('src', 'scripts', 'bench', 'test', 'examples').filter(
  (file) => !file.path.endsWith('/words.test.ts'),
)

/** Where `pattern` is in the files, as 'path:line'. */
function places(files: readonly SourceFile[], pattern: RegExp, look: (text: string) => string): string[] {
  const found: string[] = []
  for (const file of files) {
    const text = look(file.text)
    for (const match of text.matchAll(pattern)) found.push(`${file.path}:${lineAt(text, match.index)}`)
  }
  return found
}

const whole = (text: string): string => text
const code = (text: string): string => blankProse(text)

test('no file holds a note of unfinished work', () => {
  const pattern = /\b(TODO|FIXME|XXX|HACK)\b/g
  assert.deepEqual(places(all, pattern, whole), [])
})

test('no type is "any", and no check is switched off', () => {
  const any = /(?::|\bas|<|\||&)\s*any\b(?!\s*[(:.])|<[^<>()]*,\s*any\b/g
  assert.deepEqual(places(all, any, code), [])
  const ignore = /@ts-(ignore|nocheck|expect-error)/g
  assert.deepEqual(places(all, ignore, whole), [])
})

test('no file is named for being a heap', () => {
  const heaps = /(^|[/-])(utils?|helpers?|managers?|misc|common|data|info)(\.|\/|-)/
  const bad = all.map((file) => file.path).filter((path) => heaps.test(path))
  assert.deepEqual(bad, [])
})

test('file names are lower case with hyphens', () => {
  const bad = all.map((file) => file.path).filter((path) => !/^[a-z0-9/.-]+$/.test(path))
  assert.deepEqual(bad, [])
})

test('every file of src, scripts and bench opens with a comment that says what it is', () => {
  const bad: string[] = []
  for (const file of readSources('src', 'scripts', 'bench')) {
    if (!/^(#![^\n]*\n)?\/\*\*\s*\n? \* ?\S|^(#![^\n]*\n)?\/\*\* \S/.test(file.text)) bad.push(file.path)
  }
  assert.deepEqual(bad, [])
})

test('no place of one machine is named', () => {
  const pattern = /\/(work|home|root|Users)\//g
  assert.deepEqual(places(all, pattern, whole), [])
})

test('a comment names its RFC with a number and a section or a purpose, never an obsolete one', () => {
  const obsolete = /RFC ?(2616|7230|7231|7232|7233|7234|7235|7540)\b/g
  assert.deepEqual(places(all, obsolete, whole), [])
})

test('the text of strings and comments is not taken for code', () => {
  const text = "const a = 'x: any' // y: any\n/* z: any */ const b = /: any/ // `\nconst c = `${'}'}: any`\n"
  assert.equal(blankProse(text).includes('any'), false)
  assert.equal(blankProse('const d: any = 1').includes('any'), true)
  assert.equal(blankProse(text).split('\n').length, text.split('\n').length)
})
