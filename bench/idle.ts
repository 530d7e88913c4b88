/**
 * `node bench/idle.ts [--connections N]`: what a kept-alive connection that does nothing costs. Opens N connections
 * (10,000), has each serve two requests, lets them rest, and compares the memory of the proxy with what it was before.
 * nginx is measured the same way when it is installed.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nginxPeers } from './peers/nginx.ts'
import { freePort, memoryBytes, Program } from './processes.ts'

const { values: options } = parseArgs({ options: { connections: { type: 'string', default: '10000' } } })
const connections = Number(options.connections)
/** Connections that ask at the same time. */
const batch = 64

interface Subject {
  readonly name: string
  readonly port: number
  memory(): Promise<number>
  stop(): Promise<void>
}

async function startOrigin(): Promise<Server> {
  const origin = createServer((_, answer) => answer.end('x'.repeat(1024)))
  origin.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  return origin
}

async function startHeadgate(originPort: number): Promise<Subject> {
  const port = await freePort()
  const path = fileURLToPath(new URL('idle-server.ts', import.meta.url))
  const child = fork(path, [String(port), String(originPort)], { execArgv: ['--expose-gc'] })
  const heard = (): Promise<unknown> => new Promise((resolve) => child.once('message', resolve))
  await heard()
  return {
    name: 'headgate',
    port,
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

async function startNginx(originPort: number): Promise<Subject | null> {
  const peer = nginxPeers[0]
  if (peer === undefined || peer.missing() !== '') return null
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'headgate-idle-'))
  const command = peer.command({ folder, port, originPort, accessLog: false })
  const program = Program.start(peer.name, command, 0, join(folder, 'out'))
  await program.listening(port)
  return {
    name: 'nginx',
    port,
    memory: () => Promise.resolve(memoryBytes(program.pid)),
    stop: async () => {
      await program.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket))
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

async function fill(port: number, count: number, sockets: Socket[]): Promise<void> {
  for (let i = 0; i < count; i += batch) {
    const size = Math.min(batch, count - i)
    const opened = await Promise.all(Array.from({ length: size }, () => open(port)))
    await Promise.all(opened.map(ask))
    await Promise.all(opened.map(ask))
    sockets.push(...opened)
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1)
}

async function run(subject: Subject): Promise<void> {
  const warm: Socket[] = []
  for (let i = 0; i < 10; i++) await fill(subject.port, 256, warm)
  for (const socket of warm) socket.destroy()
  await sleep(1000)
  const before = await subject.memory()
  const sockets: Socket[] = []
  await fill(subject.port, connections, sockets)
  await sleep(1000)
  const after = await subject.memory()
  const alive = sockets.filter((socket) => !socket.destroyed && socket.readable).length
  const each = (after - before) / connections / 1024
  console.log(
    `${subject.name}: ${each.toFixed(2)} KiB a connection (${mebibytes(before)} → ${mebibytes(after)} MiB, ${alive} of ${connections} open)`,
  )
  for (const socket of sockets) socket.destroy()
  await subject.stop()
}

const origin = await startOrigin()
const { port: originPort } = origin.address() as AddressInfo
const nginx = await startNginx(originPort)
if (nginx !== null) await run(nginx)
await run(await startHeadgate(originPort))
origin.closeAllConnections()
origin.close()
