/**
 * What the kernel still holds of what was written to a TCP socket: bytes that the peer has not acknowledged.
 *
 * Why anybody wants to know: a client that reads 10 KB/s from 4 MB of send buffer stands still to our eyes for two
 * minutes, since the kernel asks for more only when a third of the buffer is free (measured on Linux 6, loopback). Here
 * its progress shows every few seconds.
 *
 * Only Linux tells (`/proc/net/tcp`), and the text is long: so it is read at most once a second, and only when a client
 * is about to be given up. Everywhere else, and for anything but TCP, the answer is -1.
 */
import { readFileSync, readlinkSync } from 'node:fs'

const textMs = 1000
/** Column of a line of /proc/net/tcp, by spaces: sl local remote st tx:rx tr:when retrnsmt uid timeout inode. */
const queuesColumn = 4
const inodeColumn = 9

let text = ''
let readAtMs = -Infinity

function tableText(): string {
  const nowMs = performance.now()
  if (nowMs - readAtMs < textMs) return text
  readAtMs = nowMs
  text = ''
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    try {
      text += readFileSync(path, 'latin1')
    } catch {
      // There is no such table here: nothing can be told.
    }
  }
  return text
}

/** Of the socket with this descriptor; -1 where it cannot be told. Up to a second old. */
export function unacknowledgedBytes(descriptor: number): number {
  if (descriptor < 0 || process.platform !== 'linux') return -1
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1]
    return inode === undefined ? -1 : queueOf(tableText(), inode)
  } catch {
    return -1
  }
}

function queueOf(table: string, inode: string): number {
  for (let at = table.indexOf(` ${inode} `); at >= 0; at = table.indexOf(` ${inode} `, at + 1)) {
    const line = table.slice(table.lastIndexOf('\n', at) + 1, table.indexOf('\n', at))
    const columns = line.trim().split(/ +/)
    if (columns[inodeColumn] !== inode) continue
    const queued = Number.parseInt(columns[queuesColumn]?.split(':')[0] ?? '', 16)
    return Number.isNaN(queued) ? -1 : queued
  }
  return -1
}
