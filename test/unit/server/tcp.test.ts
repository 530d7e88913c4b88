/** Listeners that pass connections on unread: plain TCP, TLS by server name, and both beside HTTP. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { makeIdentity } from '../net/tls-identity.ts'

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const open = new Set<Socket>()
  server.on('connection', (socket) => open.add(socket.on('error', () => {})))
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Says its name, then echoes; ends when it is told to. */
function echo(t: TestContext, name: string): Promise<number> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.write(`${name}:`)
    socket.on('data', (bytes) => socket.write(bytes)).on('end', () => socket.end(':end'))
  })
  return listening(t, server)
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!isSo()) {
    assert.ok(performance.now() < endMs, 'waited in vain')
    await sleep(5)
  }
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function edge(
  t: TestContext,
  tcp: unknown,
  more: object = {},
): Promise<{ server: HeadgateServer; port: number }> {
  const server = await createServer(configOf(tcp, more))
  t.after(() => server.close({ drainMs: 0 }))
  await server.listen()
  return { server, port: server.addresses[0]?.port as number }
}

function configOf(tcp: unknown, more: object = {}): HeadgateConfig {
  return {
    listeners: [{ host: '127.0.0.1', port: 0, tcp }],
    sites: { '*': [{ respond: { status: 200, body: 'http' } }] },
    workers: 1,
    log: { access: false, level: 'error' },
    admin: false,
    ...more,
  } as HeadgateConfig
}

/** Says text, FIN behind it, and hears to the end. */
function say(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let heard = ''
    socket.on('data', (bytes) => (heard += bytes.toString('latin1'))).on('end', () => socket.destroy())
    socket
      .on('error', (error: NodeJS.ErrnoException) => (heard += error.code))
      .on('close', () => resolve(heard))
    socket.end(text)
  })
}

test('bytes go through both ways, and a half-closed connection still brings the answer', async (t) => {
  const { port } = await edge(t, `127.0.0.1:${await echo(t, 'a')}`)
  assert.equal(await say(port, 'hello'), 'a:hello:end')
})

test('connections are spread over the servers of an origin', async (t) => {
  const servers = [`127.0.0.1:${await echo(t, 'a')}`, `127.0.0.1:${await echo(t, 'b')}`]
  const { port } = await edge(t, 'db', { origins: { db: servers } })
  const heard = new Set<string>()
  for (let i = 0; i < 4; i++) heard.add(await say(port, ''))
  assert.deepEqual([...heard].sort(), ['a::end', 'b::end'])
})

test('a server that refuses is passed over, and nobody notices', async (t) => {
  const servers = [`127.0.0.1:${await deadPort()}`, `127.0.0.1:${await echo(t, 'b')}`]
  const { server, port } = await edge(t, 'db', { origins: { db: { servers } } })
  for (let i = 0; i < 4; i++) assert.equal(await say(port, 'x'), 'b:x:end')
  const [db] = server.snapshot()['headgate_upstream_healthy'] === undefined ? [] : ['db']
  assert.equal(db, 'db')
})

test('a client whom nobody serves is reset, and that is counted with 502', async (t) => {
  const { server, port } = await edge(t, `127.0.0.1:${await deadPort()}`)
  assert.equal(await say(port, 'x'), 'ECONNRESET')
  const counted = Object.keys(server.snapshot()['headgate_http_requests_total'] ?? {})
  assert.ok(
    counted.some((key) => key.includes('127.0.0.1:0[*]') && key.includes('code="502"')),
    counted.join(),
  )
})

test('a listener that is a server of its own origin ends the connection, instead of making another without end', async (t) => {
  const { server, port } = await edge(t, `127.0.0.1:${await deadPort()}`)
  // By a name, which no check of a config can follow: the first connection goes out before it is resolved.
  await server.reload(configOf(`localhost:${port}`))
  for (let i = 0; i < 2; i++) assert.notEqual(await say(port, 'x'), 'x')
  const faults = server.snapshot()['headgate_faults_total'] ?? {}
  const cut = faults['{fault="loop",side="edge"}'] ?? 0
  assert.ok(cut >= 2 && cut <= 3, `cut ${cut} times`)
  await until(() => server.snapshot()['headgate_tcp_connections']?.[''] === 0)
})

test('a connection on which nothing moves is closed after its idle time', async (t) => {
  const servers = [`127.0.0.1:${await echo(t, 'a')}`]
  const { server, port } = await edge(t, 'db', {
    origins: { db: { servers, timeouts: { tunnelIdle: '200ms' } } },
  })
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.resume()
  await once(socket, 'close')
  const isCounted = (): boolean =>
    server.snapshot()['headgate_faults_total']?.['{fault="tunnel_idle",side="edge"}'] === 1
  await until(isCounted)
})

test('the server hears who the client is, by the version that its origin says', async (t) => {
  for (const version of ['v1', 'v2'] as const) {
    const heard: Buffer[] = []
    const server = createTcpServer((socket) => {
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes)
        socket.end('ok')
      })
    })
    const servers = [`127.0.0.1:${await listening(t, server)}`]
    const { port } = await edge(t, 'db', { origins: { db: { servers, proxyProtocol: version } } })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const { localPort } = socket
    socket.end('hello')
    socket.resume()
    await once(socket, 'close')
    const bytes = Buffer.concat(heard)
    if (version === 'v1')
      assert.match(
        bytes.toString('latin1'),
        new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\n`),
      )
    else assert.equal(bytes.readUInt16BE(16 + 8), localPort)
  }
})

test('an announced client is announced on, and what came with its header is not lost', async (t) => {
  const heard: Buffer[] = []
  const server = createTcpServer((socket) => {
    socket.on('data', (bytes: Buffer) => heard.push(bytes)).on('end', () => socket.end())
  })
  const servers = [`127.0.0.1:${await listening(t, server)}`]
  const { port } = await edge(t, 'db', {
    listeners: [{ host: '127.0.0.1', port: 0, tcp: 'db', proxyProtocol: '127.0.0.1' }],
    origins: { db: { servers, proxyProtocol: 'v1' } },
  })
  const line = 'PROXY TCP6 2001:db8::7 2001:db8::1 5 443\r\n'
  await say(port, line + 'hello')
  assert.equal(Buffer.concat(heard).toString('latin1'), line + 'hello')
})

test('TLS is routed by its name without being decrypted; without "*" everybody else is served as HTTP', async (t) => {
  const names: Record<string, string> = {}
  for (const name of ['a.example', 'b.example']) {
    const server = createTlsServer(await makeIdentity([name]), (socket) => {
      socket.on('error', () => {}).end(`${name} ${String(socket.servername)}`)
    })
    names[name === 'a.example' ? 'a.example' : '*.b.example'] = `127.0.0.1:${await listening(t, server)}`
  }
  const { port } = await edge(t, names)
  assert.equal(await overTls(port, 'a.example'), 'a.example a.example')
  assert.equal(await overTls(port, 'x.b.example'), 'b.example x.b.example')
  assert.match(await overTls(port, 'c.example'), /^error /)
  const plain = await say(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  assert.match(plain, /^HTTP\/1\.1 200 [^]*http$/)
})

test('"*" takes whoever names nobody, and whoever speaks no TLS', async (t) => {
  const { port } = await edge(t, { 'a.example': '127.0.0.1:9', '*': `127.0.0.1:${await echo(t, 'rest')}` })
  assert.equal(await say(port, 'SSH-2.0-x'), 'rest:SSH-2.0-x:end')
})

function overTls(port: number, servername: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    let heard = ''
    socket.on('data', (bytes) => (heard += bytes.toString())).on('close', () => resolve(heard))
    socket.on('error', (error: NodeJS.ErrnoException) => (heard += `error ${error.code}`))
  })
}

test('open connections stay over a reload that sends new ones elsewhere', async (t) => {
  const first = await echo(t, 'first')
  const second = await echo(t, 'second')
  const { server, port } = await edge(t, `127.0.0.1:${first}`)
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (bytes) => (heard += bytes.toString()))
  await until(() => heard === 'first:')
  await server.reload(configOf(`127.0.0.1:${second}`))
  assert.equal(await say(port, ''), 'second::end')
  socket.write('still')
  await until(() => heard === 'first:still')
  socket.destroy()
})

test('a drain waits for connections that are passed on, and cuts what is left', async (t) => {
  const { server, port } = await edge(t, `127.0.0.1:${await echo(t, 'a')}`)
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  let heard = ''
  socket.on('data', (bytes) => (heard += bytes.toString()))
  await until(() => heard === 'a:')
  const closing = server.close({ drainMs: 300 })
  socket.write('during')
  await until(() => heard === 'a:during')
  const { cutCount } = await closing
  assert.equal(cutCount, 1)
  if (!socket.destroyed) await once(socket, 'close')
})

test('a megabyte each way arrives whole, also to a slow reader', async (t) => {
  const { port } = await edge(t, `127.0.0.1:${await echo(t, '')}`)
  const sent = Buffer.alloc(4 * 1024 * 1024, 'abcdefghijklmnop')
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(sent)
  await sleep(100)
  const got: Buffer[] = []
  for await (const bytes of socket) got.push(bytes as Buffer)
  const whole = Buffer.concat(got)
  assert.equal(whole.length, sent.length + ':'.length + ':end'.length)
  assert.ok(whole.subarray(1, -4).equals(sent))
})
