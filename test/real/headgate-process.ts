/**
 * `headgate proxy` as people start it: the program in a process of its own, in front of one origin.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
const startMs = 60_000

export class HeadgateProcess {
  readonly port: number
  readonly #child: ChildProcess
  readonly #said: () => string

  private constructor(child: ChildProcess, port: number, said: () => string) {
    this.#child = child
    this.port = port
    this.#said = said
  }

  /** `headgate proxy --from 127.0.0.1:0 --to <to> …more`; resolves when it serves. */
  static async start(to: string, ...more: readonly string[]): Promise<HeadgateProcess> {
    const args = [program, 'proxy', '--from', '127.0.0.1:0', '--to', to, ...more]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
    const endMs = performance.now() + startMs
    for (;;) {
      const port = Number(/serves on 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? 0)
      if (port > 0) return new HeadgateProcess(child, port, () => said)
      if (child.exitCode !== null || performance.now() > endMs)
        throw new Error(`headgate does not serve: ${said}`)
      await sleep(20)
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What it wrote so far, logs included. */
  get said(): string {
    return this.#said()
  }

  /** Resident memory in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid ?? 0}/status`, 'latin1')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
  }

  /** Gives the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
    return child.exitCode
  }
}
