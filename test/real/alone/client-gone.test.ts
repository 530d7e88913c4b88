/**
 * Who leaves, over real sockets: a client that is gone takes its request at the origin with it within 50 ms; an origin
 * that is gone in the middle of an answer leaves the client with one that is visibly not whole.
 */
import assert from 'node:assert/strict'
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { listen, statusOf, talk } from '../recorder.ts'

const abortMsMax = 50
/** What else the machine does can only make it later: of so many rounds the first that is in time counts. */
const roundsMax = 5
/** Long enough for bytes to have come through both connections. */
const settleMs = 60

/** An origin that says nothing unless told to, and knows when each of its connections was closed. */
class WatchedOrigin {
  readonly server: Server
  /** What came on each connection. */
  readonly connections: { readonly socket: Socket; text: string; closedAtMs: number }[] = []
  onRequest: (socket: Socket, text: string) => void = () => {}

  constructor() {
    this.server = createTcpServer((socket) => {
      const connection = { socket, text: '', closedAtMs: 0 }
      this.connections.push(connection)
      const closed = (): number => (connection.closedAtMs ||= performance.now())
      socket.on('error', closed).on('end', closed).on('close', closed)
      socket.on('data', (bytes) => {
        connection.text += bytes.toString('latin1')
        if (connection.text.includes('\r\n\r\n')) this.onRequest(socket, connection.text)
      })
    })
  }

  get last(): { readonly socket: Socket; text: string; closedAtMs: number } {
    const last = this.connections.at(-1)
    assert.ok(last !== undefined, 'the origin was asked')
    return last
  }

  clear(): void {
    for (const { socket } of this.connections) socket.destroy()
    this.connections.length = 0
    this.onRequest = () => {}
  }

  close(): void {
    this.clear()
    this.server.close()
  }
}

async function edgeTo(port: number, halfClose: boolean): Promise<HeadgateServer> {
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { origin: `http://127.0.0.1:${port}` },
    sites: { '*': [{ origin: 'origin' }] },
    workers: 1,
    halfClose,
    timeouts: { originWrite: '1s' },
    log: { access: false, level: 'error' },
    admin: false,
  })
  await server.listen()
  return server
}

function portOf(server: HeadgateServer): number {
  return server.addresses[0]?.port ?? 0
}

async function until(what: string, look: () => boolean, patienceMs = 20_000): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!look()) {
    assert.ok(performance.now() < endMs, `waited in vain: ${what}`)
    await sleep(1)
  }
}

/** `round` gives how long it took, in ms. */
async function inTime(t: TestContext, round: () => Promise<number>): Promise<void> {
  const tookMs: number[] = []
  do {
    tookMs.push(await round())
  } while ((tookMs.at(-1) ?? 0) >= abortMsMax && tookMs.length < roundsMax)
  t.diagnostic(`${tookMs.map((ms) => ms.toFixed(1)).join(', ')} ms`)
  assert.ok((tookMs.at(-1) ?? Infinity) < abortMsMax, `${tookMs.join(', ')} ms`)
}

async function assertAtRest(server: HeadgateServer): Promise<void> {
  const left = (): number[] => {
    const { connections, tunnels, inFlight } = server.status() as Record<string, number>
    return [connections ?? -1, tunnels ?? -1, inFlight ?? -1]
  }
  const endMs = performance.now() + 20_000
  while (left().some((n) => n > 0) && performance.now() < endMs) await sleep(5)
  assert.deepEqual(left(), [0, 0, 0], 'connections, tunnels and exchanges that are left')
}

const leave = {
  RST: (socket: Socket) => void socket.resetAndDestroy(),
  FIN: (socket: Socket) => void socket.end(),
}

const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
const head = 'POST / HTTP/1.1\r\nHost: a.example\r\n'
const half = `${head}Content-Length: 10\r\n\r\n01234`
const halfChunk = `${head}Transfer-Encoding: chunked\r\n\r\na\r\n01234`
const betweenChunks = `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n`
const endless = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'

interface Departure {
  readonly name: string
  readonly sends: string
  readonly by: keyof typeof leave
  /** What the origin answers at once. */
  readonly answer?: string
}

const always: readonly Departure[] = [
  { name: 'reset while the origin is silent', sends: get, by: 'RST' },
  { name: 'reset in the middle of the answer', sends: get, by: 'RST', answer: endless },
  { name: 'reset in the middle of its body', sends: half, by: 'RST' },
  { name: 'FIN in the middle of its body', sends: half, by: 'FIN' },
  { name: 'FIN in the middle of a chunk', sends: halfChunk, by: 'FIN' },
  { name: 'FIN between two chunks', sends: betweenChunks, by: 'FIN' },
  { name: 'FIN in its body with the answer under way', sends: half, by: 'FIN', answer: endless },
]
const whole: readonly Departure[] = [
  { name: 'FIN behind a whole request', sends: get, by: 'FIN' },
  { name: 'FIN behind a whole request, in the middle of the answer', sends: get, by: 'FIN', answer: endless },
]

for (const halfClose of [false, true]) {
  describe(`a client that leaves, halfClose: ${halfClose}`, () => {
    const origin = new WatchedOrigin()
    let edge: HeadgateServer
    before(async () => {
      edge = await edgeTo(await listen(origin.server), halfClose)
    })
    after(async () => {
      await edge?.close({ drainMs: 0 })
      origin.close()
    })

    for (const { name, sends, by, answer } of halfClose ? always : [...always, ...whole]) {
      it(`${name}: the origin's request is aborted within ${abortMsMax} ms`, async (t) => {
        await inTime(t, async () => {
          origin.clear()
          if (answer !== undefined) origin.onRequest = (socket) => socket.write(answer)
          const client = connect(portOf(edge), '127.0.0.1')
          client.on('error', () => {}).on('data', () => {})
          client.write(sends)
          await until('the origin is asked', () => origin.connections.some(({ text }) => text !== ''))
          await sleep(settleMs)
          assert.equal(origin.last.closedAtMs, 0)
          const leftAtMs = performance.now()
          leave[by](client)
          await until('the origin is told', () => origin.last.closedAtMs > 0)
          const tookMs = origin.last.closedAtMs - leftAtMs
          client.destroy()
          await assertAtRest(edge)
          return tookMs
        })
      })
    }

    it('one that leaves in the middle of a head never reaches the origin', async () => {
      for (const by of ['RST', 'FIN'] as const) {
        origin.clear()
        const client = connect(portOf(edge), '127.0.0.1')
        client.on('error', () => {}).on('data', () => {})
        client.write(get.slice(0, 20))
        await sleep(settleMs)
        leave[by](client)
        await assertAtRest(edge)
        assert.equal(origin.connections.length, 0)
      }
    })

    it('one that does not read the answer and resets is noticed within 50 ms', async (t) => {
      const large = Buffer.alloc(50 * 1024 * 1024)
      await inTime(t, async () => {
        origin.clear()
        origin.onRequest = (socket) => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`)
          socket.write(large)
        }
        const client = connect(portOf(edge), '127.0.0.1')
        client.on('error', () => {})
        client.write(get)
        await until('the origin is asked', () => origin.connections.length > 0)
        await sleep(300)
        const leftAtMs = performance.now()
        client.resetAndDestroy()
        await until('the origin is told', () => origin.last.closedAtMs > 0)
        const tookMs = origin.last.closedAtMs - leftAtMs
        await assertAtRest(edge)
        return tookMs
      })
    })

    it('one whose upload is held back by the origin and that resets is noticed by the deadline', async () => {
      origin.clear()
      const body = Buffer.alloc(30 * 1024 * 1024)
      const client = connect(portOf(edge), '127.0.0.1')
      client.on('error', () => {})
      client.write(`${head}Content-Length: ${body.length}\r\n\r\n`)
      await until('the origin is asked', () => origin.connections.length > 0)
      origin.last.socket.pause()
      client.write(body)
      await sleep(300)
      client.resetAndDestroy()
      await assertAtRest(edge)
      origin.last.socket.resume()
      await until('the origin is told', () => origin.last.closedAtMs > 0)
    })
  })
}

describe('a FIN behind a whole request, halfClose: true', () => {
  const origin = new WatchedOrigin()
  let edge: HeadgateServer
  before(async () => {
    edge = await edgeTo(await listen(origin.server), true)
  })
  after(async () => {
    await edge?.close({ drainMs: 0 })
    origin.close()
  })

  for (const [name, sends] of [
    ['a GET', get],
    ['a POST with a length', `${head}Content-Length: 5\r\n\r\n01234`],
    ['a POST in chunks', `${betweenChunks}0\r\n\r\n`],
  ] as const) {
    it(`${name} is answered whole`, async () => {
      origin.clear()
      origin.onRequest = (socket) => {
        origin.onRequest = () => {}
        setTimeout(() => socket.write(endless), 100)
        setTimeout(() => socket.write('5\r\nworld\r\n0\r\n\r\n'), 200)
      }
      const client = connect({ port: portOf(edge), host: '127.0.0.1', allowHalfOpen: true })
      let text = ''
      client.on('data', (bytes) => (text += bytes.toString('latin1')))
      const closed = new Promise((resolve) => client.once('end', resolve))
      client.end(sends)
      await closed
      assert.match(text, /^HTTP\/1\.1 200 [^]*5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n$/)
      client.destroy()
      await assertAtRest(edge)
    })
  }
})

describe('an origin that is gone in the middle of its answer', () => {
  const origin = new WatchedOrigin()
  let edge: HeadgateServer
  before(async () => {
    edge = await edgeTo(await listen(origin.server), false)
  })
  after(async () => {
    await edge?.close({ drainMs: 0 })
    origin.close()
  })

  const answers = {
    'a length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    chunks: endless,
    'half a chunk': endless.slice(0, -4),
    'a last chunk without its end': `${endless}0\r\n`,
    'HTTP/1.0 with a length': 'HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    'HTTP/1.0 until the connection ends': 'HTTP/1.0 200 OK\r\n\r\nhello',
  }
  for (const [name, answer] of Object.entries(answers)) {
    for (const by of ['FIN', 'RST'] as const) {
      // A FIN is the end of such an answer, and says nothing else.
      if (by === 'FIN' && name.endsWith('connection ends')) continue
      for (const version of ['1.1', '1.0']) {
        it(`by ${by}, ${name}, to a client of HTTP/${version}: visibly cut`, async () => {
          origin.clear()
          origin.onRequest = (socket) => {
            socket.write(answer)
            setTimeout(() => leave[by](socket), settleMs)
          }
          const reply = await talk(portOf(edge), `GET / HTTP/${version}\r\nHost: a.example\r\n\r\n`, /$^/)
          assert.ok(reply.isClosed)
          assert.equal(statusOf(reply.text), 200)
          const body = reply.text.slice(reply.text.indexOf('\r\n\r\n') + 4)
          assert.match(body, /hel/)
          const length = Number(/content-length: (\d+)/i.exec(reply.text)?.[1] ?? -1)
          if (length >= 0) assert.ok(body.length < length)
          else if (/transfer-encoding: chunked/i.test(reply.text)) assert.ok(!body.endsWith('0\r\n\r\n'))
          else assert.ok(reply.wasReset, 'an answer that the end of the connection ends was reset')
          await assertAtRest(edge)
        })
      }
    }
  }
})
