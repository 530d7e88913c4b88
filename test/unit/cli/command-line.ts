/** The program as people call it: bin/headgate.js in a process of its own. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../../../bin/headgate.js', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function headgate(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { timeout: 30_000, cwd: options.cwd, env: { ...env, ...options.env } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    )
  })
}
