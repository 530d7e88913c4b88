/** `headgate run`, as the command line calls it. Everything happens in the Runner; here are the ways in and out. */
import { messageOf } from './fleet.ts'
import { Runner, type RunOptions } from './runner.ts'

export type { RunOptions } from './runner.ts'
export { exitCrashed, exitFailedStart, exitForced, exitOk, exitUsage } from './exit-codes.ts'
import { exitFailedStart, exitOk } from './exit-codes.ts'

/**
 * Runs until it is told to end. Resolves to the exit code, with which the caller must exit at once
 * (`process.exit`).
 */
export async function runSupervisor(options: RunOptions): Promise<number> {
  const runner = new Runner(options)
  try {
    await runner.start()
  } catch (error) {
    await runner.undo()
    if (runner.isEnding) return exitOk
    process.stderr.write('headgate: ' + messageOf(error) + '\n')
    return exitFailedStart
  }
  return runner.ended
}
