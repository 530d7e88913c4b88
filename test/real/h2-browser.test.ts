/**
 * A page in Chromium over HTTP/2: many things at once on one connection, an upload, and WebSocket on a stream of it (RFC 8441).
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WebSocketServer } from 'ws'
import { Browser } from '../browser.ts'
import { needs } from '../programs.ts'
import { makeIdentity } from '../unit/net/tls-identity.ts'
import { EdgeProcess } from './edge-process.ts'
import { until } from './supervised.ts'

const imageCount = 60

/** Opens a WebSocket, has 100 messages and one of 1 MB echoed, closes it, and says how it was closed. */
const talk = `new Promise((resolve) => {
  const socket = new WebSocket(location.href.replace('https', 'wss') + 'ws')
  const large = 'x'.repeat(1_000_000)
  let count = 0
  socket.onopen = () => { for (let i = 0; i < 100; i++) socket.send('message ' + i) }
  socket.onmessage = ({ data }) => {
    if (data === large) socket.close(4000, 'done')
    else if (data !== 'message ' + count++) socket.close(4001, data)
    else if (count === 100) socket.send(large)
  }
  socket.onclose = ({ code, reason }) => resolve(code + ' ' + reason)
})`

const fetchAll = `Promise.all(Array.from({ length: ${imageCount} }, (_, i) =>
  fetch('/piece?' + i).then((answer) => answer.text()).then((text) => text.length)
)).then((lengths) => lengths.join())`

const upload = `fetch('/upload', { method: 'POST', body: new Blob(['u'.repeat(3_000_000)]) }).then((answer) => answer.text())`

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/upload') {
    let bytes = 0
    request.on('data', (piece: Buffer) => (bytes += piece.length))
    request.on('end', () => response.end(String(bytes)))
  } else if (request.url?.startsWith('/piece') === true) response.end('p'.repeat(20_000))
  else {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><link rel=icon href=data:,><title>page</title>')
  }
}

test(
  'Chromium loads, uploads and talks by WebSocket over one connection',
  { skip: needs('chromium') },
  async (t) => {
    const origin = createServer(answer)
    const sockets = new WebSocketServer({ server: origin, path: '/ws', maxPayload: 4_000_000 })
    sockets.on('connection', (socket) =>
      socket.on('message', (bytes: Buffer, isBinary) => socket.send(bytes, { binary: isBinary })),
    )
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')

    const edge = new EdgeProcess(t)
    const certificates = [await makeIdentity(['localhost'])]
    edge.write({
      listeners: [{ host: '127.0.0.1', port: 0, tls: { certificates } }],
      sites: { '*': [{ origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` }] },
    })
    await edge.start()
    const browser = await Browser.start('--ignore-certificate-errors')
    t.after(async () => {
      await browser.close()
      sockets.close()
      origin.closeAllConnections()
      origin.close()
    })

    const page = await browser.open(`https://127.0.0.1:${edge.port}/`)
    assert.equal(await page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol"), 'h2')
    assert.equal(await page.evaluate(fetchAll), Array(imageCount).fill('20000').join())
    assert.equal(await page.evaluate(upload), '3000000')
    assert.equal(await page.evaluate(talk), '4000 done')
    // It says by which protocol the request came in.
    await until('the line of the tunnel', () => edge.accessLines().some((line) => line.includes('/ws')))
    const line = edge.accessLines().find((one) => one.includes('/ws')) ?? ''
    assert.match(line, /"GET \/ws HTTP\/2\.0" 101 /)
    assert.deepEqual(page.complaints, [])
    page.close()
  },
)
