/**
 * The clients of the soak: each function does one thing that clients do, well-behaved or not, and rejects when the
 * answer is not what it must be.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request, type Agent, type IncomingMessage, type RequestOptions } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { bodyOf } from './soak-origin.ts'

/** Nothing of a soak takes longer; what does is stuck. */
const stuckMs = 20_000

export interface SoakTarget {
  readonly port: number
  readonly agent: Agent
}

export type SoakClient = (target: SoakTarget) => Promise<void>

function random(max: number): number {
  return Math.floor(Math.random() * max)
}

/**
 * A kept connection may be closed by its server at the moment in which it is used again; its client then asks anew
 * (RFC 9112 §9.3.1), as browsers do. On a connection of its own nothing is forgiven.
 */
async function ask(
  target: SoakTarget,
  options: RequestOptions,
  body: Buffer | null = null,
): Promise<IncomingMessage> {
  for (;;) {
    const sent = request({ host: '127.0.0.1', port: target.port, agent: target.agent, ...options })
    sent.setTimeout(stuckMs, () => sent.destroy(new Error(`stuck: ${options.path ?? ''}`)))
    // Once there is an answer, its reader hears of what goes wrong.
    sent.on('error', () => {})
    const answered = once(sent, 'response')
    if (body === null) sent.end()
    else sent.end(body)
    try {
      const [answer] = (await answered) as [IncomingMessage]
      return answer
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (!sent.reusedSocket || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw error
    }
  }
}

async function read(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}

async function keepAlive(target: SoakTarget): Promise<void> {
  const size = random(100_000)
  const isChunked = random(2) === 0
  const answer = await ask(target, { path: `/${isChunked ? 'chunked' : 'bytes'}/${size}` })
  assert.equal(answer.statusCode, 200)
  assert.ok((await read(answer)).equals(bodyOf(size)), 'a body came out changed')
}

async function upload(target: SoakTarget): Promise<void> {
  const body = bodyOf(random(1_000_000))
  const isChunked = random(2) === 0
  const headers = isChunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': body.length }
  const answer = await ask(target, { path: '/upload', method: 'POST', headers }, body)
  const hash = (await read(answer)).toString()
  assert.equal(hash, createHash('sha256').update(body).digest('hex'), 'an upload arrived changed')
}

async function slowReader(target: SoakTarget): Promise<void> {
  const size = 2_000_000
  const answer = await ask(target, { path: `/bytes/${size}` })
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    await sleep(10)
  }
  assert.ok(Buffer.concat(parts).equals(bodyOf(size)), 'a slow reader got other bytes')
}

/** A download or an upload that its client gives up half way. */
async function abort(target: SoakTarget): Promise<void> {
  const isUpload = random(2) === 0
  const path = isUpload ? '/upload' : '/bytes/3000000'
  const headers = isUpload ? { 'Content-Length': 3_000_000 } : {}
  const options = { host: '127.0.0.1', port: target.port, agent: false as const, path, headers }
  await new Promise<void>((resolve) => {
    const sent = request({ ...options, method: isUpload ? 'POST' : 'GET' })
    sent.once('error', () => {})
    sent.once('response', (answer) => answer.on('data', () => {}).once('error', () => {}))
    sent.once('close', resolve)
    if (isUpload) sent.write(bodyOf(random(500_000)))
    else sent.end()
    setTimeout(() => sent.destroy(), random(60))
  })
}

async function brokenAnswer(target: SoakTarget): Promise<void> {
  const answer = await ask(target, { path: '/broken' })
  await assert.rejects(read(answer), 'an answer that broke off looked whole')
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(stuckMs, () => socket.destroy(new Error('stuck: raw socket')))
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Everything that comes until the other side closes. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  for await (const bytes of socket as AsyncIterable<Buffer>) text += bytes.toString('latin1')
  return text
}

async function pipelining(target: SoakTarget): Promise<void> {
  const socket = await open(target.port)
  const sizes = Array.from({ length: 8 }, () => 1 + random(2000))
  const heads = sizes.map((size, i) => {
    const last = i === sizes.length - 1 ? 'Connection: close\r\n' : ''
    return `GET /bytes/${size} HTTP/1.1\r\nHost: localhost\r\n${last}\r\n`
  })
  socket.write(heads.join(''))
  const text = await readAll(socket)
  const lengths = Array.from(text.matchAll(/content-length: (\d+)\r\n/gi), (match) => Number(match[1]))
  assert.deepEqual(lengths, sizes, 'pipelined answers came in another order')
}

async function badRequest(target: SoakTarget): Promise<void> {
  const bad = [
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET /\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  ]
  const socket = await open(target.port)
  socket.write(bad[random(bad.length)] ?? '')
  assert.match(await readAll(socket), /^HTTP\/1\.1 400 /)
}

/** Connects and goes: at once, or in the middle of a head. */
async function goneEarly(target: SoakTarget): Promise<void> {
  const socket = await open(target.port)
  if (random(2) === 0) socket.write('GET /bytes/10 HTTP/1.1\r\nHost: loc')
  if (random(2) === 0) socket.resetAndDestroy()
  else socket.destroy()
}

async function webSocket(target: SoakTarget): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${target.port}/socket`, { handshakeTimeout: stuckMs })
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  for (let i = 0; i < 20; i++) {
    const message = bodyOf(random(20_000))
    const back = new Promise<Buffer>((resolve, reject) => {
      socket.once('message', (bytes: Buffer) => resolve(bytes))
      socket.once('close', () => reject(new Error('a WebSocket closed by itself')))
    })
    socket.send(message)
    assert.ok((await back).equals(message), 'a message came back changed')
    socket.removeAllListeners('close')
  }
  const isRude = random(3) === 0
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if (isRude) socket.terminate()
  else socket.close()
  await closed
}

/** What runs all the time, by name: how many at once, and what each does. */
export const soakClients: Readonly<Record<string, { readonly count: number; readonly run: SoakClient }>> = {
  'keep-alive': { count: 12, run: keepAlive },
  pipelining: { count: 2, run: pipelining },
  uploads: { count: 3, run: upload },
  aborts: { count: 4, run: abort },
  'broken answers': { count: 1, run: brokenAnswer },
  'slow readers': { count: 4, run: slowReader },
  'bad requests': { count: 1, run: badRequest },
  'gone early': { count: 2, run: goneEarly },
  WebSockets: { count: 3, run: webSocket },
}
