/**
 * `npm test`: the type check and all tests, group by group. `npm test -- http house/layers` runs only the test files
 * whose path holds one of the words, without the type check.
 *
 * Each file is a process of its own. As many run at a time as there are cores, of whatever group; those that compare times or
 * fill the machine (test/real/alone/) come last, one by one.
 *
 * Promises: a test that needs a program which is not installed is skipped by name, and the names are listed; the last
 * line is exactly `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed and something ran.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { amounts, length } from '../test/length.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Group {
  readonly name: string
  /** Of files, below test/. */
  readonly patterns: readonly string[]
  /** For one file. */
  readonly timeoutMs: number
}

const shared: readonly Group[] = [
  { name: 'house', patterns: ['house/**/*'], timeoutMs: 60_000 },
  { name: 'unit', patterns: ['unit/**/*'], timeoutMs: 180_000 },
  { name: 'story', patterns: ['story/**/*', 'golden/**/*'], timeoutMs: 180_000 },
  { name: 'sim', patterns: ['sim/**/*'], timeoutMs: 900_000 },
  { name: 'real', patterns: ['real/*'], timeoutMs: 900_000 },
]
const alone: readonly Group[] = [{ name: 'alone', patterns: ['real/alone/*'], timeoutMs: 900_000 }]

/** Of one failure this much is shown: a comparison of two long lists tells no more by its last thousand lines. */
const failureTextMax = 6000

/** So many files are named that took the longest, for whoever finds all of it slow. */
const slowestShown = 6

/** What happened in one group so far. */
class Tally {
  passed = 0
  failed = 0
  readonly skipped: string[] = []
  readonly failures: string[] = []
  readonly tookMs = new Map<string, number>()
}

/** A group while its files run. */
interface Running {
  readonly group: Group
  readonly fileCount: number
  readonly tally: Tally
  readonly startMs: number
  left: number
}

interface TestEvent {
  readonly name: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly skip?: string | boolean | undefined
  readonly details: { readonly type?: string | undefined; readonly error?: Error }
}

// Some hundred processes compile much the same code: each finds what the ones before it have compiled, which halves their start.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache')
// The simulation of the disk reads it by itself.
process.env['HEADGATE_SEEDS'] ??= String(amounts.seeds)

const words = process.argv.slice(2)
const tallies: Tally[] = []
const startMs = performance.now()

if (words.length === 0) checkTypes()
await runGroups(shared, availableParallelism())
await runGroups(alone, 1)
report(tallies)

function addTally(): Tally {
  const tally = new Tally()
  tallies.push(tally)
  return tally
}

function checkTypes(): void {
  const fromMs = performance.now()
  const tally = addTally()
  const check = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (check.status === 0) tally.passed++
  else addFailure(tally, `type check\n${check.stdout}${check.stderr}`)
  console.log(`types   ${check.status === 0 ? 'ok' : 'FAILED'} ${seconds(fromMs)}`)
}

function findFiles(group: Group): string[] {
  const patterns = group.patterns.map((pattern) => `test/${pattern}.test.ts`)
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }))
  const wanted =
    words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)))
  return wanted.sort().map((file) => join(root, file))
}

/** Runs the files of `groups` in that order, `count` at a time; a group is told when the last of its files is over. */
async function runGroups(groups: readonly Group[], count: number): Promise<void> {
  const waiting = groups.flatMap((group) => {
    const files = findFiles(group)
    const running = { group, fileCount: files.length, left: files.length, tally: addTally(), startMs: 0 }
    return files.map((file) => ({ file, running }))
  })
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { file, running } = next
      if (running.startMs === 0) running.startMs = performance.now()
      await runFile(file, running.group.timeoutMs, running.tally)
      if (--running.left === 0) tellGroup(running)
    }
  }
  await Promise.all(Array.from({ length: count }, work))
}

function tellGroup({ group, fileCount, tally, startMs }: Running): void {
  const counts = `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`
  console.log(`${group.name.padEnd(7)} ${counts} in ${fileCount} files, ${seconds(startMs)}`)
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

function report(tallies: readonly Tally[]): void {
  const skipped = tallies.flatMap((tally) => tally.skipped)
  const failures = tallies.flatMap((tally) => tally.failures)
  const passedCount = tallies.reduce((sum, tally) => sum + tally.passed, 0)
  for (const failure of failures) console.log(`\nFAILED ${failure.trimEnd()}`)
  if (skipped.length > 0) {
    console.log(`\nskipped: ${skipped.length}`)
    for (const name of skipped) console.log(`  ${name}`)
  }
  const slowest = tallies
    .flatMap((tally) => [...tally.tookMs])
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, slowestShown)
  const named = slowest.map(([file, tookMs]) => `${file} ${(tookMs / 1000).toFixed(0)} s`)
  console.log(`\nslowest: ${named.join(', ')}`)
  console.log(`\nNode ${process.version}, ${length} length, ${seconds(startMs)}`)
  console.log(`${passedCount} passed, ${failures.length} failed, ${skipped.length} skipped`)
  process.exitCode = failures.length > 0 || passedCount === 0 ? 1 : 0
}
