/**
 * Mutated requests and answers over real sockets: each is answered or closed within two seconds, what is forwarded can
 * be read by Node's own parser, the next client is served, and nothing is left.
 */
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer as createTcpServer, type Server } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { mutatedAnswer, mutatedRequest } from '../../sim/grammar.ts'
import { Random } from '../../sim/random.ts'
import { HostileEdge } from '../hostile-edge.ts'
import { listen, statusOf, talk } from '../recorder.ts'

const count = 3000
const seed = 20_261_123
/** Mutants under way at a time. */
const concurrency = 150
/** Silence after which a client sends FIN, as a scanner would, and the time by which all must be over. */
const finMs = 1000
const overMs = 2000

interface Outcome {
  readonly text: string
  /** From the last byte sent to the first byte of a final answer, or to the close. */
  readonly tookMs: number
}

/** Sends a mutant, and reads until the connection closes or a final answer has begun. */
function send(port: number, bytes: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const fromMs = performance.now()
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const timers = [setTimeout(() => socket.end(), finMs), setTimeout(() => finish(), overMs + 500)]
    const finish = (): void => {
      for (const timer of timers) clearTimeout(timer)
      socket.destroy()
      resolve({ text, tookMs: performance.now() - fromMs })
    }
    socket.on('error', () => {})
    socket.on('close', finish)
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (statusOf(text) > 0) finish()
    })
    socket.on('connect', () => socket.write(bytes, 'latin1'))
  })
}

async function sendAll(port: number, requests: readonly string[]): Promise<void> {
  const waiting = [...requests]
  const late: string[] = []
  const work = async (): Promise<void> => {
    for (let bytes = waiting.pop(); bytes !== undefined; bytes = waiting.pop()) {
      const { text, tookMs } = await send(port, bytes)
      if (tookMs > overMs) late.push(`${JSON.stringify(bytes)} got ${JSON.stringify(text)}`)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  assert.deepEqual(late, [])
}

async function assertServesNext(port: number): Promise<void> {
  const request = 'GET /good HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
  const next = await talk(port, request, /$^/)
  assert.equal(statusOf(next.text), 200)
  assert.match(next.text, /\r\n\r\nok$/)
}

/** No exchange, tunnel or client connection is left. */
async function assertAtRest(edge: HostileEdge): Promise<void> {
  const endMs = performance.now() + 5000
  const left = (): number[] => {
    const { connections, tunnels, inFlight } = edge.server.status() as Record<string, number>
    return [connections ?? -1, tunnels ?? -1, inFlight ?? -1]
  }
  while (left().some((n) => n > 0) && performance.now() < endMs) await new Promise((go) => setTimeout(go, 20))
  assert.deepEqual(left(), [0, 0, 0], 'connections, tunnels and exchanges that are left')
}

describe(`${count} mutated requests, node:http as origin`, () => {
  const unreadable: string[] = []
  const origin = createHttpServer((request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  origin.on('clientError', (error: Error & { code?: string; rawPacket?: Buffer }, socket) => {
    // Methods of its own choice are all that Node's parser may refuse.
    const isParsing = error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_METHOD'
    // A request that its client broke off ends within.
    if (isParsing && error.code !== 'HPE_INVALID_EOF_STATE')
      unreadable.push(`${error.code}: ${error.rawPacket?.toString('latin1')}`)
    socket.destroy()
  })
  let edge: HostileEdge
  before(async () => {
    edge = await HostileEdge.start(await listen(origin))
  })
  after(async () => {
    await edge?.stop()
    origin.closeAllConnections()
    origin.close()
  })

  it('each is answered or closed within two seconds, and what is forwarded is readable', async () => {
    const random = new Random(seed)
    await sendAll(
      edge.port,
      Array.from({ length: count }, () => mutatedRequest(random)),
    )
    assert.deepEqual(unreadable, [])
    await assertServesNext(edge.port)
    await assertAtRest(edge)
  })
})

describe(`${count} mutated answers`, () => {
  const answers = new Map<string, string>()
  const origin = createAnswerer(answers)
  let edge: HostileEdge
  before(async () => {
    edge = await HostileEdge.start(await listen(origin))
  })
  after(async () => {
    await edge?.stop()
    origin.close()
  })

  it('each is passed on, refused or cut within two seconds', async () => {
    const random = new Random(seed)
    const requests: string[] = []
    for (let i = 0; i < count; i++) {
      answers.set(`/${i}`, mutatedAnswer(random))
      requests.push(`GET /${i} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    }
    await sendAll(edge.port, requests)
    for (let i = 0; i < 3; i++) await assertServesNext(edge.port)
    await assertAtRest(edge)
  })
})

/** Answers each request with the bytes that belong to its path, and closes after every third. */
function createAnswerer(answers: ReadonlyMap<string, string>): Server {
  return createTcpServer({ allowHalfOpen: false }, (socket) => {
    let rest = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      rest += bytes.toString('latin1')
      for (let at = rest.indexOf('\r\n\r\n'); at >= 0; at = rest.indexOf('\r\n\r\n')) {
        const path = rest.split(' ')[1] ?? ''
        rest = rest.slice(at + 4)
        socket.write(answers.get(path) ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'latin1')
        if (Number(path.slice(1)) % 3 === 0) socket.end()
      }
    })
  })
}
