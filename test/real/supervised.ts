/**
 * Starts a supervisor as a process of its own, for the tests: around the stub program, or around Headgate itself.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { askAdmin } from '../../src/admin/client.ts'
import type { StubConfig } from './stub-program.ts'

const runUrl = new URL('../../src/supervisor/run.ts', import.meta.url).href
const stubUrl = new URL('./stub-program.ts', import.meta.url).href

/** Long enough for two processes to start on a busy machine. */
const patienceMs = 60_000

export interface Reply {
  readonly pid: number
  readonly reply: string
  readonly heard: readonly string[]
}

export async function until<T>(what: string, look: () => T | Promise<T>): Promise<T> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false && found !== '') return found
    if (performance.now() > endMs) throw new Error('waited in vain: ' + what)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export class Supervised {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-'))
  readonly configPath = join(this.folder, 'config.json')
  readonly logPath = join(this.folder, 'errors.log')
  readonly admin = 'unix:' + join(this.folder, 'admin.sock')
  child: ChildProcess | null = null
  stderr = ''
  exit: Promise<string> = Promise.resolve('')
  environment: NodeJS.ProcessEnv = {}
  #isGone = false
  #programUrl: string

  constructor(t: TestContext, programUrl = stubUrl) {
    this.#programUrl = programUrl
    t.after(async () => {
      this.child?.kill('SIGKILL')
      await this.exit
      // Workers whose supervisor is gone drain, and then go.
      await new Promise((resolve) => setTimeout(resolve, 50))
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
    })
  }

  write(config: object): void {
    writeFileSync(this.configPath, JSON.stringify(config))
  }

  configure(config: Partial<StubConfig>): void {
    this.write({
      workers: 2,
      listeners: [{ name: 'main', port: 0 }],
      reply: 'first',
      adminListen: this.admin,
      errorPath: this.logPath,
      ...config,
    })
  }

  /** Starts, and waits until it serves (or, with `isAwaited` false, not). */
  async start(options: { watch?: boolean; pidfile?: string; isAwaited?: boolean } = {}): Promise<void> {
    const { isAwaited = true, ...rest } = options
    const runOptions = {
      configPath: this.configPath,
      version: '0.0.0-test',
      programUrl: this.#programUrl,
      ...rest,
    }
    const code = `import { runSupervisor } from ${JSON.stringify(runUrl)}
process.exit(await runSupervisor(${JSON.stringify(runOptions)}))`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...this.environment },
    })
    this.child = child
    this.#isGone = false
    this.stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.exit = new Promise((resolve) => {
      child.once('exit', (status, signal) => resolve(signal ?? String(status)))
    })
    if (!isAwaited) return
    await until('the start line', () => this.#isGone || this.log().includes(' serves on '))
    if (this.#isGone) throw new Error('it did not start: ' + this.stderr)
  }

  log(): string {
    try {
      return readFileSync(this.logPath, 'utf8')
    } catch {
      return ''
    }
  }

  /** Waits for a line: logs are written some 50 ms later. */
  async logged(pattern: RegExp): Promise<void> {
    await until(String(pattern), () => pattern.test(this.log()))
  }

  /** The port of the first listener, from the last line that tells. */
  get port(): number {
    const last = [...this.log().matchAll(/serv(?:es|ing) on \S*?:(\d+)/g)].at(-1)
    return Number(last?.[1] ?? 0)
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name)
  }

  get(path: string, port = this.port): Promise<string> {
    return new Promise((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
          let text = ''
          response.on('data', (piece: Buffer) => (text += piece.toString()))
          response.on('end', () => resolve(text))
          response.on('error', reject)
        })
        .on('error', reject)
    })
  }

  async ask(path = '/'): Promise<Reply> {
    return JSON.parse(await this.get(path)) as Reply
  }

  /** Asks until every worker has answered once. */
  async pids(count: number): Promise<Set<number>> {
    const pids = new Set<number>()
    await until(count + ' workers', async () => pids.add((await this.ask()).pid).size >= count)
    return pids
  }

  async adminText(path: string): Promise<string> {
    const { status, text } = await askAdmin(this.admin, 'GET', path)
    assert.equal(status, 200, text)
    return text
  }

  async metric(name: string): Promise<number> {
    const line = (await this.adminText('/metrics')).split('\n').find((each) => each.startsWith(name))
    return Number(line?.split(' ').at(-1) ?? NaN)
  }
}
