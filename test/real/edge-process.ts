/**
 * Headgate as people run it, for the tests: bin/headgate.js as a process of its own, with a config in a folder of its
 * own that goes with the test.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { askAdmin } from '../../src/admin/client.ts'
import { until } from './supervised.ts'

export const program = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function headgate(args: readonly string[], folder: string = tmpdir()): CommandResult {
  const options = { cwd: folder, encoding: 'utf8' as const, timeout: 60_000 }
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], options)
  return { status, stdout, stderr }
}

/** A folder that is removed when the test is over. */
export function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export interface EdgeOptions {
  /** Name of the config file in the folder; its text is JSON unless `text` is given. */
  readonly file?: string
  readonly text?: string
  /** Behind `run --config FILE`. */
  readonly args?: readonly string[]
  readonly stdio?: StdioOptions
  /** Shell words in front, such as 'ulimit -n 64'. */
  readonly before?: string
  /** False: nobody reads stdout. */
  readonly readsStdout?: boolean
  /** Wait for the start line. */
  readonly isAwaited?: boolean
}

export class EdgeProcess {
  readonly folder: string
  readonly errorsPath: string
  readonly accessPath: string
  readonly admin: string
  configPath = ''
  child: ChildProcess | null = null
  stdout = ''
  stderr = ''
  exit: Promise<string> = Promise.resolve('')
  #isGone = false

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'headgate-'))
    this.errorsPath = join(this.folder, 'errors.log')
    this.accessPath = join(this.folder, 'access.log')
    this.admin = 'unix:' + join(this.folder, 'admin.sock')
    t.after(async () => {
      const workers = this.workerPids()
      this.child?.kill('SIGKILL')
      await this.exit
      for (const pid of workers) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
    })
  }

  /** Only what a test is about differs from this. */
  document(more: object): object {
    return {
      workers: 1,
      listeners: ['127.0.0.1:0'],
      admin: this.admin,
      log: { accessFile: this.accessPath, errorFile: this.errorsPath },
      ...more,
    }
  }

  write(more: object, file = 'headgate.json'): void {
    this.configPath = join(this.folder, file)
    writeFileSync(this.configPath, JSON.stringify(this.document(more)))
  }

  /** Starts `run` with what was written. */
  async start(options: EdgeOptions = {}): Promise<void> {
    if (options.file !== undefined) {
      this.configPath = join(this.folder, options.file)
      if (options.text !== undefined) writeFileSync(this.configPath, options.text)
    }
    const args = [program, 'run', '--config', this.configPath, ...(options.args ?? [])]
    const [command, ...rest] =
      options.before === undefined
        ? [process.execPath, ...args]
        : ['sh', '-c', `${options.before}; exec "$@"`, 'sh', process.execPath, ...args]
    const child = spawn(command, rest, {
      cwd: this.folder,
      stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    this.#isGone = false
    if (options.readsStdout !== false) this.readStdout()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.exit = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        this.#isGone = true
        resolve(signal ?? String(status))
      })
    })
    if (options.isAwaited === false) return
    await until('the start line', () => this.#isGone || / serves on .*\n/.test(this.errors()))
    assert.ok(!this.#isGone, 'it did not start: ' + this.errors())
  }

  readStdout(): void {
    this.child?.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  workerPids(): number[] {
    try {
      return readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ').map(Number)
    } catch {
      return []
    }
  }

  /** The errors log, wherever it goes. */
  errors(): string {
    return this.stderr + (existsSync(this.errorsPath) ? readFileSync(this.errorsPath, 'utf8') : '')
  }

  async logged(pattern: RegExp): Promise<void> {
    await until(String(pattern), () => pattern.test(this.errors()))
  }

  accessLines(path: string = this.accessPath): string[] {
    if (!existsSync(path)) return []
    return readFileSync(path, 'latin1').split('\n').slice(0, -1)
  }

  /** The port of the listener at `index`, from the last line that tells. */
  portOf(index: number): number {
    const line = [...this.errors().matchAll(/serv(?:es|ing) on (.*?)(?: in one| with \d|\n)/g)].at(-1)?.[1]
    return Number(/:(\d+)$/.exec(line?.split(', ')[index] ?? '')?.[1] ?? 0)
  }

  get port(): number {
    return this.portOf(0)
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name)
  }

  ask(method: 'GET' | 'POST', path: string): Promise<{ status: number; text: string }> {
    return askAdmin(this.admin, method, path)
  }

  /** The sum of the samples whose name and labels begin so. */
  async metric(start: string): Promise<number> {
    const { text } = await this.ask('GET', '/metrics')
    const values = text.split('\n').filter((line) => line.startsWith(start))
    return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
}

/** What a line of the combined access log says. */
export interface AccessLine {
  readonly target: string
  readonly status: number
  readonly id: string
  readonly upstream: string
  readonly attempts: number
  readonly fault: string
}

const linePattern =
  /^\S+ - - \[[^\]]+\] "(?:\S+ (\S+) HTTP\/1\.[01]|-)" (\d{3}) \d+ "[^"]*" "[^"]*" (\S+) "[^"]*" (\S+) \S+ \S+ \S+ (\d+) (\S+)$/

/** Fails when the line is not whole. */
export function readAccessLine(line: string): AccessLine {
  const found = linePattern.exec(line)
  assert.ok(found !== null, 'a line of the access log: ' + line)
  const [, target = '', status, id = '', upstream = '', attempts, fault = ''] = found
  return { target, status: Number(status), id, upstream, attempts: Number(attempts), fault }
}
