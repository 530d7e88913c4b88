/** `limits.heldBytesMax`: what waits for slow peers, of all connections together. All of 127.0.0.0/8 is this machine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2'
import { connect, createServer as createNetServer, type AddressInfo, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { keptMemory } from '../../../src/net/kept-memory.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { until } from '../../real/supervised.ts'

const KiB = 1024
const MiB = 1024 * KiB
const heldBytesMax = 2 * MiB
/** Of one event: what one read brings, kept twice while it grows. */
const eventBytes = 512 * KiB
const bodyBytes = 600 * KiB

async function listening(t: TestContext, origin: Server): Promise<number> {
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  t.after(() => origin.close())
  return (origin.address() as AddressInfo).port
}

interface Edge {
  readonly server: HeadgateServer
  readonly port: number
  /** The most that was kept at the end of any event. */
  readonly peak: () => number
}

async function edgeTo(t: TestContext, url: string): Promise<Edge> {
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { app: { servers: url, connectionsMax: 0 } },
    sites: { '*': [{ origin: 'app' }] },
    limits: { heldBytesMax },
    log: { access: false, level: 'error' },
  })
  await server.listen()
  let most = 0
  const watch = {
    keptBytesMax: 0,
    onTooMuchKept: () => setImmediate(() => (most = Math.max(most, keptMemory.bytes))),
  }
  keptMemory.watch(watch)
  t.after(async () => {
    keptMemory.unwatch(watch)
    await server.close({ drainMs: 0 })
  })
  return { server, port: server.addresses[0]?.port ?? 0, peak: () => most }
}

/** A client that gives no window to any stream, or that much. */
async function shut(
  t: TestContext,
  port: number,
  from: string,
  initialWindowSize = 0,
): Promise<ClientHttp2Session> {
  const session = http2.connect(`http://127.0.0.1:${port}`, {
    createConnection: () => connect({ port, host: '127.0.0.1', localAddress: from }),
    settings: { initialWindowSize },
  })
  session.on('error', () => {})
  t.after(() => session.destroy())
  await once(session, 'remoteSettings')
  return session
}

/** Asks, and takes nothing. */
function ask(session: ClientHttp2Session, path = '/'): { stream: ClientHttp2Stream; code: () => number } {
  const stream = session.request({ ':path': path })
  let code = -1
  stream.on('error', () => {}).on('close', () => (code = stream.rstCode))
  return { stream, code: () => code }
}

const faultsOf = (
  server: HeadgateServer,
  name: string,
  metric = 'headgate_http_request_faults_total',
): number =>
  Object.entries(server.snapshot()[metric] ?? {}).reduce(
    (sum, [labels, count]) => sum + (labels.includes(`fault="${name}"`) ? count : 0),
    0,
  )

test('clients who take nothing of many answers lose those, the others theirs not', async (t) => {
  const origin = http.createServer((_, response) => response.end(Buffer.alloc(bodyBytes, 'x')))
  const { server, port, peak } = await edgeTo(t, `http://127.0.0.1:${await listening(t, origin)}`)
  const patient = await shut(t, port, '127.0.0.3')
  const { stream } = ask(patient)
  await once(stream, 'response')
  // Each connection for itself holds less than the patient one: it is the sum that counts.
  const attackers = await Promise.all(Array.from({ length: 40 }, () => shut(t, port, '127.0.0.2')))
  const asked = attackers.map((session) => ask(session))

  await until('answers are given up', () => asked.filter(({ code }) => code() === 11).length >= 10)
  assert.ok(faultsOf(server, 'answer_held') >= 10)
  assert.ok(peak() <= heldBytesMax + eventBytes, `${peak()} bytes were held`)
  assert.ok(Number(server.snapshot()['headgate_held_bytes']?.['']) <= heldBytesMax)
  // The windows open at last.
  patient.settings({ initialWindowSize: MiB })
  patient.setLocalWindowSize(MiB)
  assert.equal((await text(stream)).length, bodyBytes)
})

test('too many answers that are given up on one connection are a flood', async (t) => {
  const origin = http.createServer((_, response) => response.end(Buffer.alloc(bodyBytes, 'x')))
  const { server, port, peak } = await edgeTo(t, `http://127.0.0.1:${await listening(t, origin)}`)
  const session = await shut(t, port, '127.0.0.2')
  // Not more than it may have at once, and again and again.
  for (let i = 0; i < 60 && !session.closed && !session.destroyed; i++) {
    for (let k = 0; k < 10 && !session.closed && !session.destroyed; k++) ask(session)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await until('it is sent away', () => session.destroyed || session.closed)
  assert.ok(faultsOf(server, 'h2_slow_flood', 'headgate_faults_total') > 0)
  assert.ok(peak() <= heldBytesMax + eventBytes, `${peak()} bytes were held`)
})

test('uploads that an origin does not take are answered by 503', async (t) => {
  const origin = createNetServer((socket) => socket.on('error', () => {}).pause())
  const { server, port, peak } = await edgeTo(t, `http://127.0.0.1:${await listening(t, origin)}`)
  const statuses: number[] = []
  const sessions = await Promise.all(Array.from({ length: 2 }, () => shut(t, port, '127.0.0.2', MiB)))
  for (const session of sessions)
    for (let i = 0; i < 30; i++) {
      const stream = session.request({ ':method': 'POST' }, { endStream: false })
      stream.on('error', () => {}).on('response', (head) => statuses.push(Number(head[':status'])))
      const write = (): void => {
        if (stream.destroyed) return
        if (stream.write(Buffer.alloc(64 * KiB, 'x'))) setImmediate(write)
        else stream.once('drain', write)
      }
      write()
    }

  await until('one is answered', () => statuses.includes(503))
  await until('it is counted', () => faultsOf(server, 'upload_held') > 0)
  assert.ok(peak() <= heldBytesMax + eventBytes, `${peak()} bytes were held`)
})

test('what an origin of HTTP/2 has sent for clients of HTTP/1 who take nothing counts as well', async (t) => {
  const origin = http2.createServer()
  origin.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 })
    const piece = Buffer.alloc(64 * KiB, 'x')
    const write = (): void => {
      if (!stream.destroyed) stream.write(piece, write)
    }
    stream.on('error', () => {})
    write()
  })
  const { server, port, peak } = await edgeTo(t, `h2c://127.0.0.1:${await listening(t, origin)}`)
  const sockets = Array.from({ length: 64 }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.on('error', () => {}).pause()
    socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
    return socket
  })
  t.after(() => sockets.forEach((socket) => socket.destroy()))

  await until('some are given up', () => faultsOf(server, 'answer_held') > 0)
  assert.ok(peak() <= heldBytesMax + eventBytes, `${peak()} bytes were held`)
})
