/** TLS of the program itself: sessions over several workers, and a browser. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { readdirSync, readlinkSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { Browser } from '../browser.ts'
import { needs } from '../programs.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'
import { EdgeProcess } from './edge-process.ts'
import { until } from './supervised.ts'

const identity = await makeIdentity(['localhost'])

function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

/** A connection that has been answered, and the session that came with it. */
async function secured(port: number, session?: Buffer): Promise<{ socket: TLSSocket; session: Buffer }> {
  const where = { port, host: '127.0.0.1', servername: 'localhost', ca: authority }
  const socket = connect({ ...where, ...(session === undefined ? {} : { session }) })
  let got: Buffer = Buffer.alloc(0)
  socket.on('error', () => {}).on('session', (one: Buffer) => (got = one))
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 200 [^]*served$/)
  return { socket, session: got }
}

async function edgeWith(t: TestContext, more: object): Promise<EdgeProcess> {
  const edge = new EdgeProcess(t)
  edge.write({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: { certificates: [identity] },
    sites: { '*': { respond: { status: 200, body: 'served' } } },
    ...more,
  })
  await edge.start()
  return edge
}

test('a session that one worker made is resumed by each of the others', async (t) => {
  const edge = await edgeWith(t, { workers: 2 })
  const port = edge.port
  const pids = edge.workerPids()
  assert.equal(pids.length, 2)
  const before = pids.map(socketsOf)
  const first = await secured(port)
  first.socket.destroy()
  const open: TLSSocket[] = []
  t.after(() => open.forEach((socket) => socket.destroy()))
  const took = (): number => pids.filter((pid, i) => socketsOf(pid) > (before[i] ?? 0)).length
  // Which worker accepts is the kernel's choice: until both have.
  for (let i = 0; i < 200 && took() < 2; i++) {
    const made = await Promise.all(Array.from({ length: 8 }, () => secured(port, first.session)))
    for (const { socket } of made) {
      open.push(socket)
      assert.equal(socket.isSessionReused(), true)
    }
  }
  assert.equal(took(), 2, 'one worker took all connections')
})

test(
  'a browser gets a page, what it holds and a WebSocket by HTTP/2 over TLS',
  { skip: needs('chromium') },
  async (t) => {
    const origin = http.createServer((request, response) => {
      if (request.url === '/') {
        response.setHeader('content-type', 'text/html')
        response.end('<!doctype html><title>page</title><link rel="icon" href="data:,"><p>here</p>')
      } else response.end(`part ${request.url ?? ''}`)
    })
    const sockets = new WebSocketServer({ server: origin })
    sockets.on('connection', (socket) => {
      socket.on('message', (bytes: Buffer) => socket.send(`heard ${bytes.toString()}`))
    })
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const edge = await edgeWith(t, {
      sites: { '*': { origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` } },
    })
    // This key and no other is trusted, whoever signed it.
    const spki = new X509Certificate(identity.cert).publicKey.export({ type: 'spki', format: 'der' })
    const hash = createHash('sha256').update(spki).digest('base64')
    const browser = await Browser.start(`--ignore-certificate-errors-spki-list=${hash}`)
    t.after(async () => {
      await browser.close()
      for (const socket of sockets.clients) socket.terminate()
      origin.closeAllConnections()
      origin.close()
    })
    const page = await browser.open(`https://localhost:${edge.port}/`)
    assert.equal(await page.evaluate('document.title'), 'page')
    const bodies = await page.evaluate(
      `Promise.all(Array.from({ length: 40 }, (_, i) => fetch('/part-' + i).then((answer) => answer.text())))`,
    )
    assert.deepEqual(
      bodies,
      Array.from({ length: 40 }, (_, i) => `part /part-${i}`),
    )
    const protocols = await page.evaluate(
      `[...new Set([...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map((entry) => entry.nextHopProtocol))]`,
    )
    assert.deepEqual(protocols, ['h2'])
    const echo = await page.evaluate(`new Promise((resolve, reject) => {
      const socket = new WebSocket('wss://' + location.host + '/ws')
      socket.onopen = () => socket.send('hello')
      socket.onmessage = ({ data }) => resolve(data)
      socket.onerror = () => reject(new Error('failed'))
    })`)
    assert.equal(echo, 'heard hello')
    assert.deepEqual(page.complaints, [])
    page.close()
    await until('the log of the WebSocket', () =>
      edge.accessLines().some((line) => line.includes('/part-39')),
    )
  },
)
