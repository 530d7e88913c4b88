/**
 * The file of a unix socket. It outlives the process that made it and then blocks the next one, so a stale one is
 * removed before listening.
 */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'

/**
 * Removes the socket at `path` if nobody answers on it, and says what is in the way otherwise: '' nothing (more),
 * 'EADDRINUSE' a program that answers, 'EEXIST' something that is no socket.
 */
export async function removeStaleSocket(path: string): Promise<'' | 'EADDRINUSE' | 'EEXIST'> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return ''
  if (!stat.isSocket()) return 'EEXIST'
  if (await isAnswered(path)) return 'EADDRINUSE'
  try {
    unlinkSync(path)
  } catch {
    // Somebody else removed it meanwhile, or we may not: listening will tell.
  }
  return ''
}

/** Is there a program behind the socket? Only a refusal says no: a full queue, or no right to ask, is a yes. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
