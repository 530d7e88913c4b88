/**
 * File descriptors: how many this process may have, and what to say when that is too few.
 */
import { readFileSync } from 'node:fs'

/**
 * The most descriptors that this process may have open (`ulimit -n`; Node has raised the soft limit to the hard one),
 * Infinity where the system does not say.
 */
export function openFilesMax(): number {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return found === null || found[1] === 'unlimited' ? Infinity : Number(found[1])
  } catch {
    return Infinity
  }
}

/**
 * A sentence for the log when `needed` descriptors are more than there may be; '' when they are enough. `needed` is
 * what the limits of the config could use: two for each proxied connection, plus logs, listeners and the like.
 */
export function warnIfTooFewDescriptors(needed: number, available: number = openFilesMax()): string {
  if (needed <= available) return ''
  return (
    `The limits of the config could need ${needed} file descriptors, but this process may only have ${available}: ` +
    `raise it (ulimit -n ${needed}, or LimitNOFILE=${needed} in a systemd unit) or lower the limits.`
  )
}
