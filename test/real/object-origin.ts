/** The origin of one large object as a process of its own (object-origin-program.ts), and what it was asked. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./object-origin-program.ts', import.meta.url))

export interface Asked {
  readonly path: string
  /** '' for the whole. */
  readonly range: string
  /** When the head went out, by `Date.now`. */
  readonly atMs: number
}

export class ObjectOrigin {
  readonly port: number
  readonly #child: ChildProcess
  readonly #asked: Asked[] = []

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.on('message', (asked: Asked) => this.#asked.push(asked))
  }

  static async start(size: number, delayMs: number): Promise<ObjectOrigin> {
    const child = fork(program, [String(size), String(delayMs)])
    const [message] = (await once(child, 'message')) as [{ port: number }]
    return new ObjectOrigin(child, message.port)
  }

  asked(path: string): Asked[] {
    return this.#asked.filter((one) => one.path === path)
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
