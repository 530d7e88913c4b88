/**
 * The pidfile tells others which process to signal. One that names another living process is left alone: two servers
 * that each think they own it would stop each other.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'

/** Writes our process id. Throws a sentence when the file belongs to a living process or cannot be written. */
export function writePidfile(path: string): void {
  const owner = readPid(path)
  if (owner !== 0 && owner !== process.pid && isAlive(owner))
    throw new Error(`the pidfile '${path}' belongs to process ${owner}, which runs`)
  try {
    writeFileSync(path, process.pid + '\n', { mode: 0o644 })
  } catch (error) {
    throw new Error(`the pidfile cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

/** Removes it, unless somebody else has put theirs there. */
export function removePidfile(path: string): void {
  if (readPid(path) !== process.pid) return
  try {
    unlinkSync(path)
  } catch {
    // It is gone already, or the folder is no longer ours: that harms nobody.
  }
}

function readPid(path: string): number {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim())
    return Number.isInteger(pid) && pid > 0 ? pid : 0
  } catch {
    return 0
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
