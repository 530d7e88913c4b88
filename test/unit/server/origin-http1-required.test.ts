/** An origin that speaks HTTP/2 and wants some requests by HTTP/1.1 (HTTP_1_1_REQUIRED, RFC 9113 §7), as one with NTLM does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { createServer } from '../../../src/server.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'

test('what an origin wants by HTTP/1.1 is sent again by that, body and all; the rest stays on its session', async (t) => {
  const identity = await makeIdentity(['origin.test'])
  const origin = http2.createSecureServer({ ...identity, allowHTTP1: true })
  let sessions = 0
  origin.on('session', () => sessions++)
  origin.on('request', async (request, response) => {
    const isHttp1 = request.httpVersionMajor === 1
    if (request.url === '/legacy' && !isHttp1) {
      response.stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED)
      return
    }
    response.end(`${request.httpVersion} ${await text(request)}`)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const edge = await createServer({
    listeners: ['127.0.0.1:0'],
    origins: {
      app: {
        servers: `https://127.0.0.1:${(origin.address() as AddressInfo).port}`,
        tls: { ca: authority, serverName: 'origin.test' },
      },
    },
    sites: { '*': [{ origin: 'app' }] },
    log: { access: false, level: 'error' },
  })
  await edge.listen()
  t.after(async () => {
    await edge.close({ drainMs: 0 })
    origin.close()
  })
  const ask = async (path: string, body: string): Promise<string> => {
    const url = `http://127.0.0.1:${edge.addresses[0]?.port}${path}`
    return (await fetch(url, { method: 'POST', body })).text()
  }
  for (let i = 0; i < 3; i++) {
    assert.equal(await ask('/modern', 'a'), '2.0 a')
    assert.equal(await ask('/legacy', 'body'), '1.1 body')
  }
  assert.equal(sessions, 1)
})
