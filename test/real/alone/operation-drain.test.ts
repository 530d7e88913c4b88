/**
 * The end of the program: what TERM lets finish, what it closes and how, and what a second one does.
 */
import assert from 'node:assert/strict'
import { createServer, request as startRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { EdgeProcess, readAccessLine } from '../edge-process.ts'
import { statusOf, talk } from '../recorder.ts'
import { until } from '../supervised.ts'

/** Answers that the origin has begun, or not yet, and ends when it is told to; null: it ends each at once. */
let held: (() => void)[] | null = null

function endHeld(): void {
  const ends = held ?? []
  held = null
  for (const end of ends) end()
}

/** Answers when told to, never, or as a WebSocket that echoes. */
async function makeWorld(t: TestContext, more: object = {}): Promise<EdgeProcess> {
  held = []
  const origin = createServer((request, response) => {
    if (request.url === '/never') return
    const isStream = request.url === '/stream'
    if (isStream) response.write('begin ')
    const end = (): void => void response.end(isStream ? 'end' : 'slow')
    request.resume().once('end', () => {
      if (!isStream && request.url !== '/slow') response.end('quick')
      else if (held === null) end()
      else held.push(end)
    })
  })
  const sockets = new WebSocketServer({ server: origin })
  sockets.on('connection', (socket) => {
    socket.on('message', (message: Buffer) => socket.send(`echo ${message.toString()}`))
    socket.on('close', (code) => (closeCodes[0] = code))
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    origin.close()
    origin.closeAllConnections()
  })
  const edge = new EdgeProcess(t)
  edge.write({
    origins: { app: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` },
    sites: { '*': [{ origin: 'app' }] },
    ...more,
  })
  await edge.start()
  return edge
}
const closeCodes: number[] = []

async function underWay(edge: EdgeProcess, count: number): Promise<void> {
  const name = 'headgate_http_requests_in_flight'
  await until(`${count} under way`, async () => (await edge.metric(name)) === count)
}

for (const workers of [1, 2]) {
  test(`TERM: what is under way is finished and says close, what is idle is closed (workers: ${workers})`, async (t) => {
    const edge = await makeWorld(t, { workers })
    const { port } = edge
    // An idle kept connection: one request has been served on it.
    const idle = connect(port, '127.0.0.1')
    idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => idle.once('data', resolve))
    let idleClosedMs = 0
    idle.on('end', () => (idleClosedMs = performance.now()))
    // One that never said anything.
    const silent = connect(port, '127.0.0.1')
    let silentClosedMs = 0
    silent.on('end', () => (silentClosedMs = performance.now()))

    const slow = talk(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n', /$^/, 60_000)
    const stream = talk(port, 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n', /$^/, 60_000)
    // The second of these comes in while the first is answered: it is not promised an answer, but the first is.
    const two = talk(
      port,
      'GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n',
      /$^/,
      60_000,
    )
    await underWay(edge, 3)
    const termMs = performance.now()
    edge.signal('SIGTERM')
    await until('no more connections', async () => (await talk(port, '', /$^/, 200)).tookMs < 150)
    endHeld()
    const replies = await Promise.all([slow, stream, two])
    assert.match(replies[0].text, /\r\nConnection: close\r\n[^]*\r\nslow$/i)
    assert.match(replies[1].text, /begin [^]*end[^]*\r\n0\r\n\r\n$/)
    assert.equal(statusOf(replies[2].text), 200)
    assert.ok(replies.every((reply) => reply.isClosed && !reply.wasReset))
    assert.equal(await edge.exit, '0')
    const tookMs = performance.now() - termMs
    t.diagnostic(
      `drained in ${tookMs.toFixed(0)} ms; idle closed after ${(idleClosedMs - termMs).toFixed(0)} ms`,
    )
    assert.ok(idleClosedMs - termMs < 400, 'the idle connection is closed at once')
    assert.ok(silentClosedMs - termMs < 2000, 'one that has just come has a second for its request')
    assert.match(edge.errors(), /drained; 0 connections were cut/)
    idle.destroy()
    silent.destroy()
  })

  test(`TERM closes a WebSocket with 1001 at both ends (workers: ${workers})`, async (t) => {
    const edge = await makeWorld(t, { workers })
    const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/`)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.send('hello')
    const message = await new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    )
    assert.equal(message, 'echo hello')
    closeCodes.length = 0
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    edge.signal('SIGTERM')
    assert.equal(await closed, 1001)
    await until('the origin saw it', () => closeCodes[0] === 1001)
    assert.equal(await edge.exit, '0')
    assert.match(edge.errors(), /drained; 0 connections were cut/)
  })

  test(`drainTimeout cuts what is left, and counts it (workers: ${workers})`, async (t) => {
    const edge = await makeWorld(t, { workers, drainTimeout: '500ms' })
    const hung = [1, 2, 3].map(() => talk(edge.port, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n', /$^/, 60_000))
    await underWay(edge, 3)
    const termMs = performance.now()
    edge.signal('SIGTERM')
    const replies = await Promise.all(hung)
    assert.ok(replies.every((reply) => reply.isClosed))
    assert.equal(await edge.exit, '0')
    const tookMs = performance.now() - termMs
    assert.ok(tookMs > 450 && tookMs < 2000, `${tookMs} ms`)
    assert.match(edge.errors(), /drained; 3 connections were cut/)
    const lines = edge.accessLines().map(readAccessLine)
    assert.equal(lines.length, 3, 'each has its line')
    assert.ok(lines.every(({ status, fault }) => status === 0 && fault === 'draining'))
  })

  test(`a second TERM ends at once with 2 (workers: ${workers})`, async (t) => {
    const edge = await makeWorld(t, { workers })
    const hung = talk(edge.port, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n', /$^/, 60_000)
    await underWay(edge, 1)
    edge.signal('SIGTERM')
    await edge.logged(/draining/)
    const secondMs = performance.now()
    edge.signal('SIGTERM')
    assert.equal(await edge.exit, '2')
    assert.ok(performance.now() - secondMs < 1000)
    assert.ok((await hung).isClosed)
    const lines = edge.accessLines().map(readAccessLine)
    assert.equal(lines.length, 1, 'it has its line')
    assert.equal(lines[0]?.fault, 'draining')
  })
}

test('an upload under way at TERM goes on to its end', async (t) => {
  const edge = await makeWorld(t)
  const request = startRequest({ host: '127.0.0.1', port: edge.port, method: 'POST', path: '/slow' })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  request.write('x'.repeat(1000))
  await underWay(edge, 1)
  edge.signal('SIGTERM')
  await edge.logged(/draining/)
  request.end('y'.repeat(1000))
  await until('the origin has it', () => held?.length === 1)
  endHeld()
  const [response] = await answered
  response.resume()
  assert.equal(response.statusCode, 200)
  assert.equal(await edge.exit, '0')
})

test('a tunnel of an unknown protocol that does not end is cut at drainTimeout, counted and logged', async (t) => {
  const origin = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n'),
    )
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  t.after(() => origin.close())
  const edge = new EdgeProcess(t)
  edge.write({
    origins: { app: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` },
    sites: { '*': [{ origin: 'app' }] },
    drainTimeout: '400ms',
  })
  await edge.start()
  const client = connect({ port: edge.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  client.write('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
  const [head] = (await once(client, 'data')) as [Buffer]
  assert.match(head.toString(), /^HTTP\/1\.1 101 /)
  edge.signal('SIGTERM')
  assert.equal(await edge.exit, '0')
  assert.match(edge.errors(), /drained; 1 connections were cut/)
  const lines = edge.accessLines().map(readAccessLine)
  assert.deepEqual(
    lines.map(({ status, fault }) => [status, fault]),
    [[101, 'draining']],
  )
  client.destroy()
})
