/**
 * The program as people call it: bin/headgate.js in a process of its own (`headgate`), or, where it is the words that
 * count, one process that runs many command lines one after the other (`commandLine`): starting Node and loading the
 * source takes a hundred times as long as most of them.
 */
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../../../bin/headgate.js', import.meta.url))
const runner = fileURLToPath(new URL('./command-line-program.ts', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** What the runner is sent. */
export interface CommandOrder extends Surroundings {
  readonly args: readonly string[]
}

function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env
  return env
}

export function headgate(args: readonly string[], options: Surroundings = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { timeout: 60_000, cwd: options.cwd, env: { ...plainEnvironment(), ...options.env } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    )
  })
}

let child: ChildProcess | null = null

/** As `headgate`, without the process: one at a time. */
export async function commandLine(args: readonly string[], options: Surroundings = {}): Promise<Outcome> {
  child ??= fork(runner, { env: plainEnvironment() })
  // It does not keep the test's process alive, and ends with it.
  const order: CommandOrder = { args, ...options }
  child.ref()
  child.channel?.ref()
  child.send(order)
  const [outcome] = (await once(child, 'message')) as [Outcome]
  child.unref()
  child.channel?.unref()
  return outcome
}
