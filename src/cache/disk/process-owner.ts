/** Who owns a folder, in terms of processes: the supervisor whose worker this is, or this process itself. */
import { readFileSync } from 'node:fs'
import type { FolderOwner } from './lock.ts'

/** 'pid started': a number that is given anew is not taken for the same process. */
function markOf(pid: number): string {
  return `${pid} ${startOf(pid)}`
}

/** When it was started, in the kernel's ticks since boot; '' where the kernel does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // Behind the name, which may hold anything: the 22nd of all.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function isAlive(mark: string): boolean {
  const pid = Number(/^\d+/.exec(mark)?.[0] ?? 0)
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, and is another user's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return markOf(pid) === mark
}

/** As long as it has a channel to its supervisor this process is a worker. */
export const processOwner: FolderOwner = {
  mark: markOf(process.connected ? process.ppid : process.pid),
  isAlive,
}
