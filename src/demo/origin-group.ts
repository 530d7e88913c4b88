/**
 * The three origins of the demo: their processes, killed and started again from the page. A restarted origin takes
 * its old port, since the config of the Headgate in front does not change.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface OriginState {
  readonly name: string
  readonly port: number
  readonly pid: number
  readonly isRunning: boolean
}

/** The file of the process has the ending that this file has: `.ts` in the source, `.js` in the package. */
const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
const processPath = fileURLToPath(new URL(`./origin-process${ending}`, import.meta.url))

class OriginProcess {
  readonly name: string
  readonly #onChange: () => void
  #child: ChildProcess | null = null
  #port = 0

  constructor(name: string, onChange: () => void) {
    this.name = name
    this.#onChange = onChange
  }

  state(): OriginState {
    const pid = this.#child?.pid ?? 0
    return { name: this.name, port: this.#port, pid, isRunning: this.#child !== null }
  }

  /** Resolves when it listens; rejects when the process ends before. */
  start(): Promise<void> {
    if (this.#child !== null) return Promise.resolve()
    const child = fork(processPath, [this.name, String(this.#port)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    return new Promise((resolve, reject) => {
      child.once('message', (port) => {
        this.#port = Number(port)
        this.#onChange()
        resolve()
      })
      child.once('exit', () => {
        this.#child = null
        this.#onChange()
        reject(new Error(`origin ${this.name} ended`))
      })
    })
  }

  /** Kills it as a crash would: no goodbye to anybody. Resolves when it is gone. */
  kill(): Promise<void> {
    const child = this.#child
    if (child === null) return Promise.resolve()
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  }
}

export class OriginGroup {
  readonly #origins: readonly OriginProcess[]
  /** Told when an origin comes or goes. */
  onChange: () => void = () => {}

  constructor(names: readonly string[]) {
    this.#origins = names.map((name) => new OriginProcess(name, () => this.onChange()))
  }

  async start(): Promise<void> {
    await Promise.all(this.#origins.map((origin) => origin.start()))
  }

  states(): OriginState[] {
    return this.#origins.map((origin) => origin.state())
  }

  /** False when there is no origin of that name. */
  async toggle(name: string): Promise<boolean> {
    const origin = this.#origins.find((one) => one.name === name)
    if (origin === undefined) return false
    if (origin.state().isRunning) await origin.kill()
    else await origin.start()
    return true
  }

  async close(): Promise<void> {
    await Promise.all(this.#origins.map((origin) => origin.kill()))
  }
}
