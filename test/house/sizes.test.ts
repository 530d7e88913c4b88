/**
 * A file is one idea and fits in a head: under 400 lines, and its functions under 70. The size of functions is
 * counted by oxlint, which knows where they begin and end.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { projectRoot, readSources } from './sources.ts'

const linesMax = 400
const functionLinesMax = 70

test(`files have fewer than ${linesMax} lines`, () => {
  const bad: string[] = []
  for (const file of readSources('src', 'scripts', 'bench', 'test', 'examples')) {
    const lines = file.text.trimEnd().split('\n').length
    if (lines >= linesMax) bad.push(`${file.path}: ${lines} lines`)
  }
  assert.deepEqual(bad, [])
})

test('the files of src are small in the median', () => {
  const sizes = readSources('src')
    .map((file) => file.text.trimEnd().split('\n').length)
    .sort((a, b) => a - b)
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0
  assert.ok(median <= 200, `median ${median} lines`)
})

test(`functions of src have fewer than ${functionLinesMax} lines`, () => {
  const found = longFunctions(['src'])
  assert.deepEqual(found, [])
})

test('this test finds a planted long function', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-sizes-'))
  try {
    const body = Array.from({ length: functionLinesMax }, (_, i) => `  total += ${i}`).join('\n')
    writeFileSync(join(folder, 'long.ts'), `let total = 0\nexport function long(): void {\n${body}\n}\n`)
    assert.equal(longFunctions([folder]).length, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** What oxlint says about functions that are too long, one line each. */
function longFunctions(folders: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-oxlint-'))
  try {
    const config = join(folder, 'oxlintrc.json')
    const rule = ['error', { max: functionLinesMax - 1 }]
    const categories = { correctness: 'off' }
    writeFileSync(
      config,
      JSON.stringify({ plugins: [], categories, rules: { 'max-lines-per-function': rule } }),
    )
    const oxlint = join(projectRoot, 'node_modules/.bin/oxlint')
    const run = spawnSync(oxlint, ['--config', config, '--format', 'unix', ...folders], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    assert.ok(run.status === 0 || run.status === 1, run.stderr)
    return run.stdout.split('\n').filter((line) => line.includes('max-lines-per-function'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
