/**
 * What measuring idle connections takes: an origin, Headgate in a process of its own, and connections that have each
 * served two requests. For `idle.ts` and the test of the same.
 */
import { fork } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectSecurely } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { Identity } from './peers/peer.ts'
import { freePort } from './processes.ts'

/** Connections that ask at the same time. */
const batch = 64
const warmRounds = 40

export interface Subject {
  readonly name: string
  readonly port: number
  /** It speaks TLS. */
  readonly isSecure: boolean
  memory(): Promise<number>
  stop(): Promise<void>
}

export async function startOrigin(): Promise<Server> {
  const origin = createServer((_, answer) => answer.end('x'.repeat(1024)))
  origin.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  return origin
}

/** `identity`: it speaks TLS with that certificate. */
export async function startHeadgate(originPort: number, identity: Identity | null = null): Promise<Subject> {
  const port = await freePort()
  const path = fileURLToPath(new URL('idle-server.ts', import.meta.url))
  const words = [
    String(port),
    String(originPort),
    ...(identity === null ? [] : [identity.cert, identity.key]),
  ]
  const child = fork(path, words, { execArgv: ['--expose-gc'] })
  const heard = (): Promise<unknown> => new Promise((resolve) => child.once('message', resolve))
  await heard()
  return {
    name: 'headgate',
    port,
    isSecure: identity !== null,
    memory: async () => {
      const answer = heard()
      child.send('measure')
      return Number(await answer)
    },
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.disconnect()
      await gone
    },
  }
}

function open({ port, isSecure }: Subject): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = { port, host: '127.0.0.1' }
    // The certificate is the bench's own. X25519: what all have; OpenSSL keeps a peer's X25519MLKEM768, 7 KB, to the end.
    const options = { servername: 'localhost', rejectUnauthorized: false, ecdhCurve: 'X25519:P-256' }
    const socket = isSecure ? connectSecurely({ ...where, ...options }) : connect(where)
    socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** One request and its answer, which is known to be 1024 bytes after the head. */
function ask(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onBytes = (bytes: Buffer): void => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1 || text.length < end + 4 + 1024) return
      socket.off('data', onBytes)
      if (text.startsWith('HTTP/1.1 200')) resolve()
      else reject(new Error(text.slice(0, 100)))
    }
    socket.on('data', onBytes)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  })
}

/** Opens `count` connections and has each serve two requests. */
async function fill(subject: Subject, count: number, sockets: Socket[]): Promise<void> {
  for (let i = 0; i < count; i += batch) {
    const size = Math.min(batch, count - i)
    const opened = await Promise.all(Array.from({ length: size }, () => open(subject)))
    await Promise.all(opened.map(ask))
    await Promise.all(opened.map(ask))
    sockets.push(...opened)
  }
}

export interface IdleResult {
  readonly beforeBytes: number
  readonly afterBytes: number
  readonly bytesEach: number
  /** Connections that are still open at the end. */
  readonly alive: number
}

/**
 * Memory with `connections` at rest against memory before. Warming up holds no more than a batch at a time: what many
 * connections had left behind would be used again, and count for nothing.
 */
export async function measureIdle(subject: Subject, connections: number): Promise<IdleResult> {
  for (let i = 0; i < warmRounds; i++) {
    const warm: Socket[] = []
    await fill(subject, batch, warm)
    for (const socket of warm) socket.destroy()
  }
  await sleep(1000)
  const beforeBytes = await subject.memory()
  const sockets: Socket[] = []
  await fill(subject, connections, sockets)
  await sleep(1000)
  const afterBytes = await subject.memory()
  const alive = sockets.filter((socket) => !socket.destroyed && socket.readable).length
  for (const socket of sockets) socket.destroy()
  return { beforeBytes, afterBytes, bytesEach: (afterBytes - beforeBytes) / connections, alive }
}
