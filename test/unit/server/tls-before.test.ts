/** What comes before TLS: a PROXY protocol header, and names whose connections are passed on unread. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectH2 } from 'node:http2'
import { connect as connectPlain, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { writeProxyHeader } from '../../../src/net/write-proxy-header.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'
import { exact, serve } from './tls-server.ts'

const client = {
  remoteAddress: '192.0.2.1',
  remotePort: 55_555,
  localAddress: '198.51.100.7',
  localPort: 443,
}
const sites = { '*': { redirect: 'http://r/{client_ip}/{scheme}' } }
const tls = { certificates: [exact] }

/** A connection on which `before` was sent, in one piece or by single bytes. */
async function opened(port: number, before: Buffer, byByte: boolean): Promise<Socket> {
  const socket = connectPlain(port, '127.0.0.1').setNoDelay(true)
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (!byByte) socket.write(before)
  else
    for (const byte of before) {
      socket.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
  return socket
}

function secured(socket: Socket, servername: string, protocols: string[]): TLSSocket {
  return connect({ socket, servername, ca: authority, ALPNProtocols: protocols })
}

for (const version of ['v1', 'v2'] as const) {
  test(`a PROXY protocol header ${version} comes before TLS, and tells of requests by either HTTP`, async (t) => {
    const { port } = await serve({
      listeners: [{ host: '127.0.0.1', port: 0, tls: true, proxyProtocol: '127.0.0.1' }],
      tls,
      sites,
    })
    const header = writeProxyHeader(version, client)
    for (const byByte of [false, true]) {
      const socket = secured(await opened(port, header, byByte), 'localhost', ['http/1.1'])
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      assert.match(bytes.toString(), /location: http:\/\/r\/192\.0\.2\.1\/https\r\n/i)
      socket.destroy()

      const beneath = secured(await opened(port, header, byByte), 'localhost', ['h2'])
      const session = connectH2('https://localhost', { createConnection: () => beneath })
      t.after(() => session.destroy())
      const stream = session.request({ ':path': '/', ':authority': 'localhost' })
      const [fields] = (await once(stream, 'response')) as [{ location?: string }]
      assert.equal(fields.location, 'http://r/192.0.2.1/https')
    }
  })
}

test('who must announce the client and begins with TLS is not served', async () => {
  const { port, server } = await serve({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true, proxyProtocol: '127.0.0.1' }],
    tls,
    sites,
  })
  const socket = connect({ port, host: '127.0.0.1', ca: authority })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('close', resolve))
  assert.equal(
    server.snapshot()['headgate_faults_total']?.['{fault="proxy_header_missing",side="client"}'],
    1,
  )
})

async function originOver(t: TestContext, name: string): Promise<number> {
  const origin = createTlsServer(await makeIdentity([name]), (socket) => {
    socket.on('error', () => {}).end(`passed on as ${String(socket.servername)}`)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  t.after(() => origin.close())
  return (origin.address() as AddressInfo).port
}

test('on one port some names are passed on unread and the others are decrypted', async (t) => {
  const passedPort = await originOver(t, 'passed.example')
  const { port } = await serve({
    listeners: [
      { host: '127.0.0.1', port: 0, tls: true, tcp: { 'passed.example': `127.0.0.1:${passedPort}` } },
    ],
    tls,
  })
  const say = async (servername: string): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', servername, ca: authority })
    let text = ''
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
    await once(socket, 'secureConnect')
    if (servername !== 'passed.example')
      socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    return text
  }
  assert.equal(await say('passed.example'), 'passed on as passed.example')
  assert.match(await say('localhost'), /^HTTP\/1\.1 200 [^]*served$/)
  assert.match(await say('www.example.com'), /^HTTP\/1\.1 200 [^]*served$/)
})

test('a ClientHello in single bytes is served like one in a piece', async () => {
  const { port } = await serve({ tls })
  const raw = connectPlain(port, '127.0.0.1').setNoDelay(true)
  await once(raw, 'connect')
  const write = raw.write.bind(raw)
  // Each byte in a turn of its own, in order.
  let last = Promise.resolve()
  raw.write = (bytes: Buffer, ...more: unknown[]) => {
    const done = more.at(-1)
    last = last.then(async () => {
      for (const byte of bytes) {
        write(Buffer.from([byte]))
        await new Promise(setImmediate)
      }
      if (typeof done === 'function') (done as () => void)()
    })
    return true
  }
  const socket = secured(raw, 'localhost', [])
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  assert.match(bytes.toString(), /^HTTP\/1\.1 200 /)
  socket.destroy()
})
