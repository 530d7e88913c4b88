/** Who owns a folder, in terms of processes: the supervisor whose worker this is, or this process itself. */
import { readFileSync } from 'node:fs'
import type { FolderOwner } from './lock.ts'

/** 'pid started', so that a process id that is reused is not taken for the same process. */
function markOf(pid: number): string {
  return `${pid} ${startOf(pid)}`
}

/** When the process was started, in the kernel's ticks since boot; '' where the kernel does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The 22nd field; the name, the second one, may hold anything, so fields are counted from behind it.
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
    // EPERM: it is alive, and belongs to another user.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return markOf(pid) === mark
}

/** This process is a worker as long as it has a channel to its supervisor. */
export const processOwner: FolderOwner = {
  mark: markOf(process.connected ? process.ppid : process.pid),
  isAlive,
}
