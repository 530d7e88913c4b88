/** An origin as a process of its own that keeps its port over its deaths. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./origin-program.ts', import.meta.url))

export interface OriginProcessOptions {
  /** File to which the id of each POST is appended. */
  readonly journal?: string
  /** Instead of a port of 127.0.0.1: '/path', or 'port@address'. */
  readonly listen?: string
}

export class OriginProcess {
  readonly name: string
  port = 0
  #listen: string
  readonly #journal: string
  #child: ChildProcess | null = null

  constructor(t: TestContext, name: string, options: OriginProcessOptions = {}) {
    this.name = name
    this.#journal = options.journal ?? ''
    this.#listen = options.listen ?? '0'
    t.after(() => this.#child?.kill('SIGKILL'))
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Resolves with the time (`Date.now`) at which it listened. */
  async start(): Promise<number> {
    const args = [program, this.name, this.#listen, this.#journal]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child = child
    const [message] = (await once(child, 'message')) as [{ port: number; atMs: number }]
    this.port = message.port
    if (this.#listen === '0') this.#listen = String(message.port)
    return message.atMs
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

/** How often each id was written to a journal. */
export function countIds(journal: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(journal, 'utf8').split('\n')) {
    const id = line.split(' ')[0] ?? ''
    if (id !== '') counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}
