/**
 * `npm test`: the type check and all tests, group by group. `npm test -- http house/layers` runs only the test files
 * whose path holds one of the words, without the type check.
 *
 * Small files share a process (test-process.ts); of those of the simulation and of real programs each has its own. As many processes
 * run at a time as there are cores, of whatever group; those that compare times or fill the machine (test/real/alone/) come last,
 * one by one.
 *
 * Promises: a test that needs a program which is not installed is skipped by name, and the names are listed; the last
 * line is exactly `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed and something ran.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { amounts, length } from '../test/length.ts'
import { runInProcess, Tally } from './test-process.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Group {
  readonly name: string
  /** Of files, below test/. */
  readonly patterns: readonly string[]
  /** For one file. */
  readonly timeoutMs: number
  /** At most so many share a process: the start of Node and the modules would be most of what a small one takes. */
  readonly filesPerProcess: number
}

const shared: readonly Group[] = [
  { name: 'house', patterns: ['house/**/*'], timeoutMs: 60_000, filesPerProcess: 5 },
  { name: 'unit', patterns: ['unit/**/*'], timeoutMs: 180_000, filesPerProcess: 12 },
  { name: 'story', patterns: ['story/**/*', 'golden/**/*'], timeoutMs: 180_000, filesPerProcess: 12 },
  { name: 'sim', patterns: ['sim/**/*'], timeoutMs: 900_000, filesPerProcess: 1 },
  { name: 'real', patterns: ['real/*'], timeoutMs: 900_000, filesPerProcess: 1 },
]
const alone: readonly Group[] = [
  { name: 'alone', patterns: ['real/alone/*'], timeoutMs: 900_000, filesPerProcess: 1 },
]

/** Those that share no process: they measure the memory of theirs, or change how the engine runs. */
const ownProcess: readonly string[] = ['unit/origin/policies.test.ts', 'unit/server/reload-memory.test.ts']

/** So many files are named that took the longest, for whoever finds all of it slow. */
const slowestShown = 6

/** A group while its files run. */
interface Running {
  readonly group: Group
  readonly fileCount: number
  readonly tally: Tally
  readonly startMs: number
  left: number
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
  else tally.addFailure(`type check\n${check.stdout}${check.stderr}`)
  console.log(`types   ${check.status === 0 ? 'ok' : 'FAILED'} ${seconds(fromMs)}`)
}

function findFiles(group: Group): string[] {
  const patterns = group.patterns.map((pattern) => `test/${pattern}.test.ts`)
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }))
  const wanted =
    words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)))
  return wanted.sort().map((file) => join(root, file))
}

function needsOwn(file: string): boolean {
  return ownProcess.some((end) => file.endsWith(end))
}

/** Those that share a process, for each process of a group. */
function shareOut(files: readonly string[], group: Group): string[][] {
  const sharing = files.filter((file) => !needsOwn(file))
  const count = Math.ceil(sharing.length / group.filesPerProcess)
  const each = Math.ceil(sharing.length / count)
  const shares = Array.from({ length: count }, (_, i) => sharing.slice(i * each, (i + 1) * each))
  return [...files.filter(needsOwn).map((file) => [file]), ...shares]
}

/** Runs the files of `groups` in that order, `count` processes at a time; a group is told when the last of its files is over. */
async function runGroups(groups: readonly Group[], count: number): Promise<void> {
  const waiting = groups.flatMap((group) => {
    const files = findFiles(group)
    const running = { group, fileCount: files.length, left: files.length, tally: addTally(), startMs: 0 }
    return shareOut(files, group).map((share) => ({ share, running }))
  })
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { share, running } = next
      if (running.startMs === 0) running.startMs = performance.now()
      const unseen = await runInProcess(share, running.group.timeoutMs, running.tally)
      running.left -= share.length - unseen.length
      if (unseen.length > 0) waiting.unshift({ share: [...unseen], running })
      else if (running.left === 0) tellGroup(running)
    }
  }
  await Promise.all(Array.from({ length: count }, work))
}

function tellGroup({ group, fileCount, tally, startMs }: Running): void {
  const counts = `${tally.passed} passed, ${tally.failures.length} failed, ${tally.skipped.length} skipped`
  console.log(`${group.name.padEnd(7)} ${counts} in ${fileCount} files, ${seconds(startMs)}`)
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
