/**
 * `npm test`: the type check and all tests, group by group. `npm test -- http house/layers` runs only the test files
 * whose path holds one of the words, without the type check.
 *
 * Promises: a test that needs a program which is not installed is skipped by name, and the names are listed; the last
 * line is exactly `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed and something ran.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Group {
  readonly name: string
  readonly folders: readonly string[]
  /** Test files at a time. Tests of real programs compare times, so they do not share the machine. */
  readonly concurrency: number
  /** For one file. */
  readonly timeoutMs: number
}

const groups: readonly Group[] = [
  { name: 'house', folders: ['house'], concurrency: availableParallelism(), timeoutMs: 60_000 },
  { name: 'unit', folders: ['unit'], concurrency: availableParallelism(), timeoutMs: 180_000 },
  { name: 'story', folders: ['story', 'golden'], concurrency: availableParallelism(), timeoutMs: 180_000 },
  { name: 'sim', folders: ['sim'], concurrency: availableParallelism(), timeoutMs: 600_000 },
  { name: 'real', folders: ['real'], concurrency: 1, timeoutMs: 300_000 },
]

/** Of one failure this much is shown: a comparison of two long lists tells no more by its last thousand lines. */
const failureTextMax = 6000

/** So many files are named that took the longest, for whoever finds all of it slow. */
const slowestShown = 6

/** What happened so far. */
class Tally {
  passed = 0
  failed = 0
  readonly skipped: string[] = []
  readonly failures: string[] = []
  readonly tookMs = new Map<string, number>()
}

interface TestEvent {
  readonly name: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly skip?: string | boolean | undefined
  readonly details: { readonly type?: string | undefined; readonly error?: Error }
}

const words = process.argv.slice(2)
const tally = new Tally()
const startMs = performance.now()

if (words.length === 0) checkTypes(tally)
for (const group of groups) await runGroup(group, tally)
report(tally)
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0

function checkTypes(tally: Tally): void {
  const fromMs = performance.now()
  const check = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (check.status === 0) tally.passed++
  else addFailure(tally, `type check\n${check.stdout}${check.stderr}`)
  console.log(`types   ${check.status === 0 ? 'ok' : 'FAILED'} ${seconds(fromMs)}`)
}

function findFiles(group: Group): string[] {
  const patterns = group.folders.map((folder) => `test/${folder}/**/*.test.ts`)
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }))
  const wanted =
    words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)))
  return wanted.sort().map((file) => join(root, file))
}

async function runGroup(group: Group, tally: Tally): Promise<void> {
  const files = findFiles(group)
  if (files.length === 0) return
  const fromMs = performance.now()
  const before = { passed: tally.passed, failed: tally.failed, skipped: tally.skipped.length }
  const waiting = [...files]
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      await runFile(file, group.timeoutMs, tally)
  }
  await Promise.all(Array.from({ length: group.concurrency }, work))
  const counts = [
    `${tally.passed - before.passed} passed`,
    `${tally.failed - before.failed} failed`,
    `${tally.skipped.length - before.skipped} skipped`,
  ].join(', ')
  console.log(`${group.name.padEnd(7)} ${counts} in ${files.length} files, ${seconds(fromMs)}`)
}

/** One file in a process of its own, which is killed when it does not end: a test left something open, or hangs. */
async function runFile(file: string, timeoutMs: number, tally: Tally): Promise<void> {
  const fromMs = performance.now()
  const output: string[] = []
  const end = new AbortController()
  const timer = setTimeout(() => {
    addFailure(
      tally,
      `${relative(root, file)} did not end within ${timeoutMs / 1000} s: killed\n${output.join('')}`,
    )
    end.abort()
  }, timeoutMs)
  const events = run({ cwd: root, files: [file], isolation: 'process', signal: end.signal })
  for await (const event of events) {
    if (event.type === 'test:pass') addPass(tally, event.data)
    else if (event.type === 'test:fail' && !end.signal.aborted) addFail(tally, event.data, output)
    else if (event.type === 'test:stdout' || event.type === 'test:stderr') output.push(event.data.message)
  }
  clearTimeout(timer)
  tally.tookMs.set(relative(root, file), performance.now() - fromMs)
}

function addPass(tally: Tally, event: TestEvent): void {
  if (event.details.type === 'suite') return
  // A file without a test of its own passes as a test by the file's name: it tests nothing.
  if (event.name === event.file) return
  if (event.skip === undefined || event.skip === false) tally.passed++
  else tally.skipped.push(`${place(event)} ${event.name} (${event.skip === true ? 'no reason' : event.skip})`)
}

function addFail(tally: Tally, event: TestEvent, output: readonly string[]): void {
  const error = event.details.error
  // Of a failed part its whole fails too: only the part is told.
  if (error !== undefined && 'failureType' in error && error.failureType === 'subtestsFailed') return
  const cause = error?.cause ?? error
  const said = event.name === event.file ? output.join('') : ''
  addFailure(tally, `${place(event)} ${event.name}\n${inspect(cause)}\n${said}`)
}

function addFailure(tally: Tally, text: string): void {
  tally.failed++
  tally.failures.push(text.length > failureTextMax ? `${text.slice(0, failureTextMax)}\n…` : text)
  // At once as well: whoever watches need not wait for the end.
  console.log(`FAILED ${text.split('\n', 1)[0]}`)
}

function place(event: TestEvent): string {
  return event.file === undefined ? '' : `${relative(root, event.file)}:${event.line ?? 0}`
}

function seconds(fromMs: number): string {
  return `${((performance.now() - fromMs) / 1000).toFixed(1)} s`
}

function report(tally: Tally): void {
  for (const failure of tally.failures) console.log(`\nFAILED ${failure.trimEnd()}`)
  if (tally.skipped.length > 0) {
    console.log(`\nskipped: ${tally.skipped.length}`)
    for (const name of tally.skipped) console.log(`  ${name}`)
  }
  const slowest = [...tally.tookMs].toSorted(([, a], [, b]) => b - a).slice(0, slowestShown)
  const named = slowest.map(([file, tookMs]) => `${file} ${(tookMs / 1000).toFixed(0)} s`)
  console.log(`\nslowest: ${named.join(', ')}`)
  console.log(`\nNode ${process.version}, ${seconds(startMs)}`)
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`)
}
