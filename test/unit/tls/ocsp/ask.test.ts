import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { OcspError } from '../../../../src/tls/ocsp/answer.ts'
import { answerBytesMax, ask } from '../../../../src/tls/ocsp/ask.ts'

async function responder(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const refused = (asked: Promise<Buffer>, reason: RegExp): Promise<void> =>
  assert.rejects(asked, (error) => error instanceof OcspError && reason.test(error.message))

test('a responder is sent the question, and its answer comes whole', async (t) => {
  const url = await responder(t, async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    response.end(`${request.method} ${request.headers['content-type']} ${Buffer.concat(pieces).toString()}`)
  })
  assert.equal(String(await ask(url, Buffer.from('why'))), 'POST application/ocsp-request why')
})

test('an answer may be as long as the bound, and not longer', async (t) => {
  let length = answerBytesMax
  const url = await responder(t, (_, response) => response.end(Buffer.alloc(length)))
  assert.equal((await ask(url, Buffer.alloc(1))).length, answerBytesMax)
  length++
  await refused(ask(url, Buffer.alloc(1)), /^127\.0\.0\.1:\d+ does not answer: .* more than 65536 bytes$/)
})

test('one that says nothing, or stops in the midst, is not waited for beyond the bound', async (t) => {
  const silent = await responder(t, () => {})
  await refused(ask(silent, Buffer.alloc(1), 50), /nothing came in 0\.05 s/)
  const stalled = await responder(t, (_, response) => void response.write('begun'))
  await refused(ask(stalled, Buffer.alloc(1), 200), /does not answer/)
})

test('a status that is not 200, and nobody there, are told', async (t) => {
  const url = await responder(t, (_, response) => response.writeHead(503).end('later'))
  await refused(ask(url, Buffer.alloc(1)), /status 503/)
  await refused(ask('http://127.0.0.1:1/', Buffer.alloc(1)), /ECONNREFUSED/)
})
