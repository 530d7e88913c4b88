/**
 * What the kernel still holds of the bytes written to a TCP socket: those that the peer has not acknowledged.
 *
 * Why it matters: a client that reads 10 KB/s from a send buffer of 4 MB appears to stand still for two minutes,
 * since the kernel asks for more only when a third of the buffer is free (measured on Linux 6, loopback). Here its
 * progress shows every few seconds.
 *
 * Only Linux tells (`/proc/net/tcp`), and the text is long, so it is read at most once a second, and only when a
 * client is about to be given up. On other systems, and for anything but TCP, the answer is -1.
 */
import { readFileSync, readlinkSync } from 'node:fs'

const textMs = 1000
/** Column of a line of /proc/net/tcp, by spaces: sl local remote st tx:rx tr:when retrnsmt uid timeout inode. */
const queuesColumn = 4
const inodeColumn = 9

/** Bytes not acknowledged by inode, of all TCP sockets of this machine's network, as they were at `readAtMs`. */
let queues: ReadonlyMap<string, number> = new Map()
let readAtMs = -Infinity

/** Read into a table once, however many ask: ten thousand slow readers must not each search ten thousand lines. */
function queuesNow(): ReadonlyMap<string, number> {
  const nowMs = performance.now()
  if (nowMs - readAtMs < textMs) return queues
  readAtMs = nowMs
  const found = new Map<string, number>()
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) addQueues(path, found)
  queues = found
  return queues
}

function addQueues(path: string, into: Map<string, number>): void {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    // There is no such table here: nothing can be told.
    return
  }
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/ +/)
    const inode = columns[inodeColumn]
    const queued = Number.parseInt(columns[queuesColumn]?.split(':')[0] ?? '', 16)
    if (inode !== undefined && !Number.isNaN(queued)) into.set(inode, queued)
  }
}

/** Of the socket with this descriptor; -1 where it cannot be told. Up to a second old. */
export function unacknowledgedBytes(descriptor: number): number {
  if (descriptor < 0 || process.platform !== 'linux') return -1
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1]
    return inode === undefined ? -1 : (queuesNow().get(inode) ?? -1)
  } catch {
    return -1
  }
}
