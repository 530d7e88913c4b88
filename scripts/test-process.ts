/**
 * Test files in a process (`test-files.ts`), and what is counted of them.
 *
 * Promises: what fails is told by file and line; a file that hangs, that ends its process or that has no test fails by its name;
 * a process that hangs is killed.
 */
import { relative } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const program = fileURLToPath(new URL('test-files.ts', import.meta.url))

/** Of one failure this much is shown: a comparison of two long lists tells no more by its last thousand lines. */
const failureTextMax = 6000

/** What happened in one group so far. */
export class Tally {
  passed = 0
  readonly skipped: string[] = []
  readonly failures: string[] = []
  readonly tookMs = new Map<string, number>()

  addFailure(text: string): void {
    this.failures.push(text.length > failureTextMax ? `${text.slice(0, failureTextMax)}\n…` : text)
    // At once as well: whoever watches need not wait for the end.
    console.log(`FAILED ${text.split('\n', 1)[0]}`)
  }
}

interface TestEvent {
  readonly name: string
  readonly nesting: number
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly skip?: string | boolean | undefined
  readonly details: { readonly type?: string | undefined; readonly error?: Error }
}

/** Runs `files` in one process, each for `timeoutMs` at most. Gives those that the process did not live to see. */
export async function runInProcess(
  files: readonly string[],
  timeoutMs: number,
  tally: Tally,
): Promise<readonly string[]> {
  const watched = new Watched(files, timeoutMs, tally)
  const { signal } = watched.end
  const options = { cwd: root, files: [program], argv: files, isolation: 'process', signal } as const
  for await (const event of run(options)) {
    if (event.type === 'test:dequeue') watched.onStart(event.data)
    else if (event.type === 'test:pass') watched.onPass(event.data)
    else if (event.type === 'test:fail') watched.onFail(event.data)
    else if (event.type === 'test:stdout' || event.type === 'test:stderr')
      watched.output.push(event.data.message)
    else if (event.type === 'test:diagnostic') watched.onDiagnostic(event.data.message)
  }
  return watched.close()
}

/** A process of test files, while it runs them. */
class Watched {
  readonly end = new AbortController()
  /** Of the file that runs. */
  readonly output: string[] = []
  readonly #files: readonly string[]
  readonly #timeoutMs: number
  readonly #tally: Tally
  #timer: NodeJS.Timeout | undefined
  #endedCount = 0
  #startMs = performance.now()
  #testCount = 0
  #isRunning = false
  /** Why the process itself failed. */
  #error: Error | undefined

  constructor(files: readonly string[], timeoutMs: number, tally: Tally) {
    this.#files = files
    this.#timeoutMs = timeoutMs
    this.#tally = tally
    this.#setTimer()
  }

  onStart(event: Omit<TestEvent, 'details'>): void {
    if (!this.#isFile(event)) return
    this.#isRunning = true
    this.#testCount = 0
    this.#startMs = performance.now()
    this.#setTimer()
  }

  onPass(event: TestEvent): void {
    if (this.#isFile(event)) {
      if (this.#testCount === 0) this.#tally.addFailure(`${relative(root, event.name)} has no test`)
      this.#endFile()
    } else if (!isProcess(event)) {
      this.#testCount++
      if (event.details.type === 'suite') return
      if (event.skip === undefined || event.skip === false) this.#tally.passed++
      else this.#tally.skipped.push(`${place(event)} ${event.name} (${reason(event.skip)})`)
    }
  }

  onFail(event: TestEvent): void {
    if (this.end.signal.aborted) return
    const { error } = event.details
    if (isProcess(event)) {
      this.#error = error
      return
    }
    this.#testCount++
    // Of a failed part its whole fails too: only the part is told.
    if (!(error !== undefined && 'failureType' in error && error.failureType === 'subtestsFailed')) {
      const what = this.#isFile(event) ? relative(root, event.name) : `${place(event)} ${event.name}`
      const said = this.#isFile(event) ? this.output.join('') : ''
      this.#tally.addFailure(`${what}\n${inspect(error?.cause ?? error)}\n${said}`)
    }
    if (this.#isFile(event)) this.#endFile()
  }

  /** Node tells so of an error that came when its test was over. */
  onDiagnostic(message: string): void {
    if (message.includes('asynchronous activity')) this.output.push(`${message}\n`)
  }

  /** When the process has ended: gives the files that it has not begun. */
  close(): readonly string[] {
    clearTimeout(this.#timer)
    const hasNone = this.#endedCount === 0
    if (!this.end.signal.aborted) {
      const error = this.#error === undefined ? '' : inspect(this.#error.cause ?? this.#error)
      const said = `${error}\n${this.output.join('')}`
      if (this.#isRunning || hasNone)
        this.#tally.addFailure(`${this.#lastFile}: its process ended in the middle of it\n${said}`)
      else if (error !== '') {
        const names = this.#files.slice(0, this.#endedCount).map((file) => relative(root, file))
        this.#tally.addFailure(`${names.join(', ')}: failed behind the last test\n${said}`)
      }
    }
    return this.#files.slice(this.#isRunning || hasNone ? this.#endedCount + 1 : this.#endedCount)
  }

  /** The one that runs, else the one that ran last. */
  get #lastFile(): string {
    const index = this.#isRunning || this.#endedCount === 0 ? this.#endedCount : this.#endedCount - 1
    return relative(root, this.#files[index] ?? '')
  }

  #isFile(event: Omit<TestEvent, 'details'>): boolean {
    return event.nesting === 0 && event.name === this.#files[this.#endedCount]
  }

  #endFile(): void {
    this.#tally.tookMs.set(
      relative(root, this.#files[this.#endedCount] ?? ''),
      performance.now() - this.#startMs,
    )
    this.#endedCount++
    this.#isRunning = false
    this.output.length = 0
    this.#setTimer()
  }

  #setTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const what = `${this.#lastFile} did not end within ${this.#timeoutMs / 1000} s: killed`
      this.#tally.addFailure(`${what}\n${this.output.join('')}`)
      this.end.abort()
    }, this.#timeoutMs)
  }
}

/** All that runs in it is part of it. */
function isProcess(event: TestEvent): boolean {
  return event.name === program
}

function reason(skip: string | true): string {
  return skip === true ? 'no reason' : skip
}

function place(event: TestEvent): string {
  return event.file === undefined ? '' : `${relative(root, event.file)}:${event.line ?? 0}`
}
