/**
 * The corpus of hostile requests and answers over real sockets: each is refused or forwarded with one reading, the
 * origin counts as many requests as were forwarded, nothing hangs, and the next client is served.
 */
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/server.ts'
import { hostileAnswers } from '../golden/hostile/answers.ts'
import { hostileRequests, type HostileRequest } from '../golden/hostile/requests.ts'
import { Answerer, Recorder, listen, statusOf, talk } from './recorder.ts'

async function edgeTo(port: number): Promise<{ server: HeadgateServer; port: number }> {
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { origin: { servers: [`http://127.0.0.1:${port}`] } },
    sites: { '*': [{ origin: 'origin' }] },
    workers: 1,
    log: { access: false, level: 'error' },
    admin: false,
  })
  await server.listen()
  return { server, port: server.addresses[0]?.port as number }
}

const wholeAnswer = /HTTP\/1\.1 [2-5]\d\d [^]*?\r\n\r\n/

/** Two answers have come: the second is that of the request which asks for the end. */
async function assertServesNext(port: number): Promise<void> {
  const next = await talk(port, 'GET /next HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n', /$^/)
  assert.equal(statusOf(next.text), 200, 'the next client is served')
  assert.ok(next.isClosed)
}

function untilOf(hostile: HostileRequest): RegExp {
  if (hostile.forward === 2) return /HTTP\/1\.1 200[^]*HTTP\/1\.1 200[^]*\r\n\r\n/
  return hostile.forward === 1 ? wholeAnswer : /$^/
}

describe('hostile requests, a recorder as origin', () => {
  const recorder = new Recorder()
  let edge: { server: HeadgateServer; port: number }
  before(async () => {
    edge = await edgeTo(await listen(recorder.server))
  })
  after(async () => {
    await edge.server.close({ drainMs: 0 })
    recorder.close()
  })

  for (const hostile of hostileRequests) {
    it(`${hostile.name}: ${hostile.status ?? 'forwarded with one reading'}`, async () => {
      recorder.clear()
      const reply = await talk(edge.port, hostile.bytes, untilOf(hostile))
      if (hostile.status !== undefined) {
        assert.ok(reply.isClosed, `the connection is closed: ${JSON.stringify(reply.text.slice(0, 200))}`)
        assert.equal(statusOf(reply.text), hostile.status)
        assert.equal(recorder.requests, 0, 'the origin saw no whole request')
      } else {
        assert.equal(statusOf(reply.text), 200, JSON.stringify(reply.text.slice(0, 200)))
        assert.equal(recorder.requests, hostile.forward)
        assert.ok(!/HTTP\/1\.1 200[^]*HTTP\/1\.1 400/.test(reply.text))
        if (hostile.sees !== undefined) assert.match(recorder.text, hostile.sees)
        if (hostile.seesNot !== undefined) assert.doesNotMatch(recorder.text, hostile.seesNot)
      }
      await assertServesNext(edge.port)
    })
  }
})

describe('hostile requests, node:http as origin', () => {
  let requests = 0
  const origin = createHttpServer((request, response) => {
    requests++
    request.resume()
    request.on('end', () => response.end('ok'))
    request.on('error', () => requests--)
  })
  origin.on('clientError', (_error, socket) => socket.destroy())
  let edge: { server: HeadgateServer; port: number }
  before(async () => {
    edge = await edgeTo(await listen(origin))
  })
  after(async () => {
    await edge.server.close({ drainMs: 0 })
    origin.closeAllConnections()
    origin.close()
  })

  for (const hostile of hostileRequests) {
    // node:http refuses OPTIONS * and methods it does not know, which is its right.
    if (/OPTIONS \*|unknown method/.test(hostile.name)) continue
    it(`${hostile.name}: counted as often as it was taken`, async () => {
      requests = 0
      const reply = await talk(edge.port, hostile.bytes, untilOf(hostile))
      if (hostile.status !== undefined) assert.equal(statusOf(reply.text), hostile.status)
      else assert.equal(requests, hostile.forward)
      const before = requests
      await assertServesNext(edge.port)
      if (hostile.forward !== undefined) assert.equal(requests, before + 1)
    })
  }
})

describe('hostile answers', () => {
  const answerer = new Answerer()
  let edge: { server: HeadgateServer; port: number }
  before(async () => {
    edge = await edgeTo(await listen(answerer.server))
  })
  after(async () => {
    await edge.server.close({ drainMs: 0 })
    answerer.close()
  })

  for (const hostile of hostileAnswers) {
    it(`${hostile.name}: ${hostile.status}${hostile.truncated ? ', visibly cut' : ''}`, async () => {
      answerer.answer = hostile.bytes
      answerer.closes = hostile.closes === true
      const method = hostile.method ?? 'GET'
      const request = `${method} / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`
      const reply = await talk(edge.port, request, /$^/)
      assert.ok(reply.isClosed, `closed in time: ${JSON.stringify(reply.text.slice(0, 300))}`)
      assert.equal(statusOf(reply.text), hostile.status, JSON.stringify(reply.text.slice(0, 300)))
      const final = reply.text.slice(reply.text.search(/HTTP\/1\.1 [2-5]/))
      const head = final.slice(0, final.indexOf('\r\n\r\n'))
      const raw = final.slice(head.length + 4)
      const isChunked = /transfer-encoding: chunked/i.test(head)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? -1)
      const body = isChunked ? raw.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/gi, '').replace(/\r\n$/, '') : raw
      const isWhole = isChunked
        ? /(?:^|\r\n)0\r\n\r\n$/.test(raw)
        : length < 0
          ? !reply.wasReset
          : raw.length >= length
      if (hostile.truncated === true) assert.ok(!isWhole, `visibly cut: ${JSON.stringify(final)}`)
      if (hostile.body !== undefined) assert.equal(body, hostile.body)
      assert.doesNotMatch(reply.text, /evil/)
      if (hostile.seesNot !== undefined) assert.doesNotMatch(reply.text, hostile.seesNot)
      answerer.answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      answerer.closes = false
      for (let i = 0; i < 2; i++) {
        const next = await talk(
          edge.port,
          'GET /next HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n',
          /$^/,
        )
        assert.equal(statusOf(next.text), 200)
        assert.match(next.text, /\r\n\r\nok$/)
      }
    })
  }
})
