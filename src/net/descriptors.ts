/** File descriptors: how many this process may open, and what to tell the operator when that is too few. */
import { readFileSync } from 'node:fs'

/**
 * How many descriptors this process may have open (`ulimit -n`; Node has raised the soft limit to the hard
 * one); Infinity where the system does not say.
 */
export function openFilesMax(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return found === null || found[1] === 'unlimited' ? Infinity : Number(found[1])
  } catch {
    return Infinity
  }
}

/** How many descriptors a process has besides those of connections: logs, listeners, Node's own files. */
const besideConnections = 64

/**
 * A sentence for the log when `connectionsMax` client connections, each with one to an origin, could need more
 * descriptors than there are; '' when they are enough.
 */
export function warnIfTooFewDescriptors(connectionsMax: number, available: number = openFilesMax()): string {
  const needed = 2 * connectionsMax + besideConnections
  if (!(needed > available)) return ''
  return (
    `The limits of the config could need ${needed} file descriptors, but this process may only have ${available}: ` +
    `raise it (ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit) or lower the limits.`
  )
}
