/** `proxyProtocol` of an origin of HTTP: what its servers are told of clients, and that none is taken for another. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import {
  connect,
  createServer as createNetServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { ProxyHeader } from '../../../src/net/proxy-header.ts'
import { readProxyHeader } from '../../../src/net/read-proxy-header.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { freshPath } from '../net/pairs.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'

const originHost = 'origin.test'
const identity = await makeIdentity([originHost])

/** A connection that the origin took: who was announced, and for whom requests came on it. */
interface Taken {
  readonly header: ProxyHeader
  readonly clients: string[]
}

interface Origin {
  readonly url: string
  readonly taken: Taken[]
}

type Protocol = 'h1' | 'h1 over TLS' | 'h2c' | 'h2 over TLS'

const schemes: Readonly<Record<Protocol, string>> = {
  h1: 'http',
  'h1 over TLS': 'https',
  h2c: 'h2c',
  'h2 over TLS': 'https',
}

function httpServer(protocol: Protocol): Server {
  if (protocol === 'h1') return http.createServer()
  if (protocol === 'h1 over TLS') return https.createServer(identity)
  return protocol === 'h2c' ? http2.createServer() : http2.createSecureServer(identity)
}

/** Takes a header off each connection, then speaks the protocol on it. */
async function originOf(t: TestContext, protocol: Protocol): Promise<Origin> {
  const taken: Taken[] = []
  const byPort = new Map<number | undefined, Taken>()
  const inner = httpServer(protocol)
  inner.on('session', (session: http2.ServerHttp2Session) => session.on('error', () => {}))
  inner.on('request', (request: IncomingMessage, response: ServerResponse) => {
    byPort.get(request.socket.remotePort)?.clients.push(String(request.headers['x-forwarded-for']))
    response.end('told')
  })
  const outer = createNetServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes: Buffer) => {
      const one: Taken = { header: new ProxyHeader(), clients: [] }
      const length = readProxyHeader(bytes, 0, bytes.length, one.header)
      assert.ok(length > 0, 'a header is the first thing')
      taken.push(one)
      byPort.set(socket.remotePort, one)
      socket.pause()
      if (length < bytes.length) socket.unshift(bytes.subarray(length))
      inner.emit('connection', socket)
      if (protocol === 'h1') socket.resume()
    })
  })
  const sockets = new Set<Socket>()
  outer.on('connection', (socket) => sockets.add(socket))
  await once(outer.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    outer.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `${schemes[protocol]}://127.0.0.1:${(outer.address() as AddressInfo).port}`, taken }
}

async function edgeTo(
  t: TestContext,
  { url }: Origin,
  proxyProtocol: 'v1' | 'v2',
  more: Partial<HeadgateConfig> = {},
): Promise<HeadgateServer> {
  const tls = { ca: authority, serverName: originHost }
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { app: { servers: url, proxyProtocol, ...(url.startsWith('https') ? { tls } : {}) } },
    sites: { '*': [{ origin: 'app' }] },
    log: { access: false, level: 'error' },
    ...more,
  })
  await server.listen()
  t.after(() => server.close({ drainMs: 0 }))
  return server
}

/** A client from this address, on one connection. */
function clientFrom(t: TestContext, port: number, localAddress: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  let localPort = 0
  const ask = (headers: Record<string, string> = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = http.get({ port, host: '127.0.0.1', localAddress, agent, headers }, (response) => {
        localPort = response.socket.localPort ?? 0
        resolve(text(response))
      })
      request.on('error', reject)
    })
  return { ask, port: () => localPort }
}

const portOf = (server: HeadgateServer): number => server.addresses[0]?.port ?? 0

for (const protocol of Object.keys(schemes) as Protocol[])
  for (const version of ['v1', 'v2'] as const)
    test(`servers of ${protocol} are told of each client by ${version}, on connections of his own`, async (t) => {
      const origin = await originOf(t, protocol)
      const port = portOf(await edgeTo(t, origin, version))
      const clients = ['127.0.0.2', '127.0.0.3', '127.0.0.2'].map((from) => clientFrom(t, port, from))
      // In turns, and then all at once.
      for (const { ask } of [...clients, ...clients]) assert.equal(await ask(), 'told')
      await Promise.all(clients.map(({ ask }) => ask()))

      assert.equal(origin.taken.length, 3)
      for (const [i, client] of clients.entries()) {
        const { header, clients: served } = origin.taken[i] as Taken
        const from = i === 1 ? '127.0.0.3' : '127.0.0.2'
        assert.equal(header.version, version === 'v1' ? 1 : 2)
        assert.deepEqual([header.sourceAddress, header.sourcePort], [from, client.port()])
        assert.deepEqual([header.destinationAddress, header.destinationPort], ['127.0.0.1', port])
        assert.deepEqual(served, [from, from, from])
      }
    })

test('requests of a client of HTTP/2 share his connections, at once and later', async (t) => {
  const origin = await originOf(t, 'h2c')
  const port = portOf(await edgeTo(t, origin, 'v2'))
  const sessions = [0, 1].map(() => http2.connect(`http://127.0.0.1:${port}`))
  t.after(() => sessions.forEach((session) => session.destroy()))
  const ask = (i: number): Promise<string> => text(sessions[i]?.request({ ':path': '/' }) as never)
  for (let round = 0; round < 3; round++) {
    const asked = Array.from({ length: 10 }, (_, i) => ask(i % 2))
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['told']))
  }
  const ports = sessions.map(({ socket }) => socket?.localPort)
  const announced = origin.taken.map(({ header }) => header.sourcePort)
  assert.deepEqual(new Set(announced), new Set(ports))
  const before = announced.length
  await Promise.all([ask(0), ask(1)])
  assert.equal(origin.taken.length, before, 'each of them has one')
})

test('whom a trusted proxy names is announced, without a port, and never on the connection of another', async (t) => {
  const origin = await originOf(t, 'h1')
  const port = portOf(await edgeTo(t, origin, 'v1', { trustedProxies: ['127.0.0.2'] }))
  const proxy = clientFrom(t, port, '127.0.0.2')
  for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '2001:db8::1'])
    await proxy.ask({ 'x-forwarded-for': client })
  assert.deepEqual(
    origin.taken.map(({ header }) => [header.sourceAddress, header.sourcePort]),
    [
      ['192.0.2.1', 0],
      ['192.0.2.2', 0],
      ['2001:db8::1', 0],
    ],
  )
})

test('a client without an address is unknown, and each request has a connection', async (t) => {
  const origin = await originOf(t, 'h1')
  const path = freshPath()
  await edgeTo(t, origin, 'v2', { listeners: [{ path }] })
  const agent = new http.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  for (let i = 0; i < 2; i++)
    await new Promise((resolve) => {
      http.get({ socketPath: path, agent }, (response) => resolve(text(response)))
    })
  assert.deepEqual(
    origin.taken.map(({ header }) => [header.isLocal, header.sourceAddress]),
    [
      [true, ''],
      [true, ''],
    ],
  )
})

test('without it nothing is told, and connections are shared', async (t) => {
  let connections = 0
  const plain = http.createServer((_, response) => response.end('plain'))
  plain.on('connection', () => connections++)
  await once(plain.listen(0, '127.0.0.1'), 'listening')
  t.after(() => plain.close())
  const url = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`
  const server = await edgeTo(t, { url, taken: [] }, 'v1', { origins: { app: { servers: url } } })
  for (const from of ['127.0.0.2', '127.0.0.3'])
    assert.equal(await clientFrom(t, portOf(server), from).ask(), 'plain')
  assert.equal(connections, 1)
})

test('a tunnel begins with it, too', async (t) => {
  const got: Buffer[] = []
  const origin = createNetServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (bytes: Buffer) => {
        got.push(bytes)
        if (bytes.includes('\r\n\r\n'))
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
        else socket.end(bytes)
      })
  })
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  t.after(() => origin.close())
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  const port = portOf(await edgeTo(t, { url, taken: [] }, 'v1'))
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
  socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /)
  socket.write('ping')
  assert.equal(await text(socket), 'ping')
  assert.match(got[0]?.toString('latin1') ?? '', /^PROXY TCP4 127\.0\.0\.2 127\.0\.0\.1 \d+ \d+\r\nGET /)
})
