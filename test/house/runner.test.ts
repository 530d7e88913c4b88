/** What `npm test` notices of test files that share a process (scripts/test-process.ts). */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** What is in a file beside the import of `test`. */
const files = {
  right: `test('one', () => {}); test('two', { skip: 'why' }, () => {})`,
  wrong: `test('one', () => {})\ntest('other', () => { throw new Error('it does not hold') })`,
  empty: '',
  broken: `throw new Error('it cannot be loaded')`,
  leaving: `test('one', () => process.exit(0))`,
  late: `test('one', () => { setTimeout(() => { throw new Error('behind') }, 50) })`,
  hanging: `test('one', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))`,
  open: `import { createServer } from 'node:net'\ntest('one', () => { createServer().listen(0) })`,
}

interface Outcome {
  readonly passed: number
  readonly skipped: readonly string[]
  /** The first line of each. */
  readonly failures: readonly string[]
  /** What each process has left to the next. */
  readonly unseen: readonly number[]
}

const program = `
import { runInProcess, Tally } from ${JSON.stringify(new URL('../../scripts/test-process.ts', import.meta.url))}
console.log = () => {}
const [ms, ...names] = process.argv.slice(2)
const tally = new Tally()
const unseen = []
for (let files = names; files.length > 0; unseen.push(files.length))
  files = await runInProcess(files, Number(ms), tally)
const failures = tally.failures.map((text) => text.split('\\n', 1)[0])
process.stdout.write(JSON.stringify({ passed: tally.passed, skipped: tally.skipped, failures, unseen }))
`

/** Runs them in that order. Places are told as from the folder that they are in, wherever this one is. */
async function runFiles(names: readonly (keyof typeof files)[], timeoutMs = 60_000): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-runner-'))
  try {
    const paths = names.map((name) => join(folder, `${name}.test.ts`))
    for (const [i, path] of paths.entries())
      writeFileSync(path, `import { test } from 'node:test'\n${files[names[i] ?? 'right']}\n`)
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const main = join(folder, 'main.mjs')
    writeFileSync(main, program)
    const args = [main, String(timeoutMs), ...paths]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    return JSON.parse(stdout.replaceAll(new RegExp(`[./\\w-]*${basename(folder)}/`, 'g'), '')) as Outcome
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('each test of each file is counted, and a failure has its place', async () => {
  const { passed, skipped, failures, unseen } = await runFiles(['right', 'wrong', 'broken', 'empty'])
  assert.equal(passed, 2)
  assert.deepEqual(skipped, ['right.test.ts:2 two (why)'])
  assert.deepEqual(failures, ['wrong.test.ts:3 other', 'broken.test.ts', 'empty.test.ts has no test'])
  assert.deepEqual(unseen, [0])
})

test('a file that ends the process is named, and those behind it run all the same', async () => {
  const { passed, failures, unseen } = await runFiles(['right', 'leaving', 'wrong'])
  assert.equal(passed, 2)
  assert.deepEqual(failures, [
    'leaving.test.ts: its process ended in the middle of it',
    'wrong.test.ts:3 other',
  ])
  assert.deepEqual(unseen, [1, 0])
})

test('an error behind the end of a test fails', async () => {
  const { passed, failures } = await runFiles(['right', 'late'])
  assert.equal(passed, 2)
  assert.deepEqual(failures, ['right.test.ts, late.test.ts: failed behind the last test'])
})

test('a file that hangs, or leaves something open, is killed and named', async () => {
  const { passed, failures, unseen } = await runFiles(['hanging', 'open', 'right'], 10_000)
  assert.equal(passed, 2)
  assert.deepEqual(failures, [
    'hanging.test.ts did not end within 10 s: killed',
    'open.test.ts did not end within 10 s: killed',
  ])
  assert.deepEqual(unseen, [2, 1, 0])
})
