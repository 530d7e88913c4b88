/** `limits.connectionsPerClientMax`: whose connections are refused as they come. All of 127.0.0.0/8 is this machine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { checkConfig } from '../../../src/config/check.ts'
import { DateText, systemClock } from '../../../src/core/clock.ts'
import { Faults, type Fault } from '../../../src/core/faults.ts'
import { Timers } from '../../../src/core/timers.ts'
import { silentObserver } from '../../../src/engine/observer.ts'
import { Doors } from '../../../src/server/doors.ts'
import { ScriptedServe } from '../../story/scripted-serve.ts'
import { planOf } from '../config/planning.ts'
import { writeProxyHeader } from '../../../src/net/write-proxy-header.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { until } from '../net/pairs.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'

interface Client {
  readonly socket: Socket
  text: string
  isClosed: boolean
}

function watch(t: TestContext, socket: Socket): Client {
  const client: Client = { socket, text: '', isClosed: false }
  socket.on('data', (bytes: Buffer) => (client.text += bytes.toString('latin1')))
  socket.on('error', () => {}).on('close', () => (client.isClosed = true))
  t.after(() => socket.destroy())
  return client
}

/** A client that asks at once: '/' is answered by the edge, '/hang' is passed to an origin that says nothing. */
function ask(t: TestContext, port: number, path: string, from = '127.0.0.2', header?: Buffer): Client {
  const client = watch(t, connect({ port, host: '127.0.0.1', localAddress: from }))
  if (header !== undefined) client.socket.write(header)
  client.socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return client
}

const isAnswered = ({ text }: Client): boolean => text.startsWith('HTTP/1.1 204')

async function served(t: TestContext, most: number, more: Partial<HeadgateConfig> = {}) {
  const origin = createNetServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const { port: originPort } = origin.address() as AddressInfo
  const config = (connectionsPerClientMax: number): HeadgateConfig => ({
    listeners: ['127.0.0.1:0'],
    log: { access: false, level: 'error' },
    admin: false,
    limits: { connectionsPerClientMax },
    sites: {
      '*': [{ match: '/hang', origin: `http://127.0.0.1:${originPort}` }, { respond: { status: 204 } }],
    },
    ...more,
  })
  const server: HeadgateServer = await createServer(config(most))
  await server.listen()
  t.after(async () => {
    await server.close({ drainMs: 0 })
    origin.close()
  })
  return { server, config, port: server.addresses[0]?.port as number }
}

/** Requests that an origin has. */
const busyOf = (server: HeadgateServer): number => (server.status() as { inFlight: number }).inFlight

/** Connections of all clients. */
const openOf = (server: HeadgateServer): number => (server.status() as { connections: number }).connections

const refusedOf = (server: HeadgateServer): number =>
  server.snapshot()['headgate_faults_total']?.['{fault="client_connections",side="client"}'] ?? 0

test('a client with as many connections as he may have is refused, counted, and others are served', async (t) => {
  const { server, port } = await served(t, 3)
  const busy = [0, 1, 2].map(() => ask(t, port, '/hang'))
  await until(() => busyOf(server) === 3, 'three')
  const next = ask(t, port, '/')
  await until(() => next.isClosed, 'the refusal')
  assert.equal(next.text, '')
  assert.equal(refusedOf(server), 1)
  const other = ask(t, port, '/', '127.0.0.3')
  await until(() => isAnswered(other), 'the answer of another client')
  busy[0]?.socket.destroy()
  await until(() => openOf(server) === 3, 'room')
  const last = ask(t, port, '/')
  await until(() => isAnswered(last), 'the answer')
})

test('idle connections of a client make room for his next ones', async (t) => {
  const { server, port } = await served(t, 4)
  const idle = Array.from({ length: 4 }, () => ask(t, port, '/'))
  const other = ask(t, port, '/', '127.0.0.3')
  await until(() => [...idle, other].every(isAnswered), 'five idle')
  const busy = Array.from({ length: 4 }, () => ask(t, port, '/hang'))
  await until(() => busyOf(server) === 4, 'four busy')
  await until(() => idle.every(({ isClosed }) => isClosed), 'the idle to be gone')
  assert.ok([...busy, other].every(({ isClosed }) => !isClosed))
  assert.equal(refusedOf(server), 0)
})

/** What a relay says before all else. */
const of = (remoteAddress: string): Buffer =>
  writeProxyHeader('v2', { remoteAddress, remotePort: 1, localAddress: '198.51.100.7', localPort: 443 })

test('behind a relay with PROXY protocol the client counts, and not the relay', async (t) => {
  const relay = '127.0.0.2'
  const { server, port } = await served(t, 1, {
    listeners: [{ host: '127.0.0.1', port: 0, proxyProtocol: [relay] }],
    sites: { '*': { respond: { status: 204 } } },
    limits: { connectionsPerClientMax: 1 },
  })
  const clients = ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((address) =>
    ask(t, port, '/', relay, of(address)),
  )
  await until(() => clients.every(isAnswered), 'three clients')
  // A head that is not whole: the connection is not idle.
  for (const { socket } of clients) socket.write('GET / HTTP/1.1\r\n')
  for (const address of ['192.0.2.1', '2001:db8::2']) {
    const before = refusedOf(server)
    const next = ask(t, port, '/', relay, of(address))
    await until(() => next.isClosed, `the refusal of ${address}`)
    assert.equal(next.text, '')
    assert.equal(refusedOf(server), before + 1)
  }
})

test('a refused client does not get as far as TLS; one whose handshake is over counts', async (t) => {
  const identity = await makeIdentity(['localhost'])
  const { server, port } = await served(t, 1, {
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: { certificates: [identity] },
  })
  const options: ConnectionOptions & { readonly localAddress: string } = {
    port,
    host: '127.0.0.1',
    localAddress: '127.0.0.2',
    servername: 'localhost',
    ca: authority,
  }
  const first = connectTls(options)
  watch(t, first)
  await once(first, 'secureConnect')
  first.write('GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until(() => busyOf(server) === 1, 'the first')
  const second = watch(t, connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }))
  await until(() => second.isClosed, 'the refusal')
  assert.equal(refusedOf(server), 1)
  first.destroy()
  await until(() => openOf(server) === 0, 'the first to be gone')
  const third = connectTls(options)
  watch(t, third)
  await once(third, 'secureConnect')
})

test('trusted proxies and exempt networks are not bounded', async (t) => {
  for (const more of [{ trustedProxies: '127.0.0.2' }, { abuse: { exempt: ['127.0.0.2/31'] } }]) {
    const { server, port } = await served(t, 1, more)
    const clients = [0, 1, 2].map(() => ask(t, port, '/hang'))
    await until(() => busyOf(server) === 3, 'three')
    assert.ok(clients.every(({ isClosed }) => !isClosed))
  }
})

test('by default nothing is bounded; a reload sets a bound, for connections that are open as well', async (t) => {
  const { server, config, port } = await served(t, 0)
  const busy = [0, 1, 2].map(() => ask(t, port, '/hang'))
  await until(() => busyOf(server) === 3, 'three')
  await server.reload(config(3))
  const refused = ask(t, port, '/')
  await until(() => refused.isClosed, 'the refusal')
  assert.equal(refused.text, '')
  await server.reload(config(0))
  const taken = ask(t, port, '/')
  await until(() => isAnswered(taken), 'the answer')
  assert.ok(busy.every(({ isClosed }) => !isClosed))
})

test('a session of HTTP/3 counts as a connection', (t) => {
  const timers = new Timers(systemClock)
  const plan = planOf({
    limits: { connectionsPerClientMax: 1 },
    sites: { '*': { respond: { status: 204 } } },
  })
  const faults: Fault[] = []
  const doors = new Doors({
    serve: new ScriptedServe(),
    timers,
    dateText: new DateText(systemClock),
    limits: plan.clientLimits,
    connectionsMax: 0,
    note() {},
    onFault: (fault) => faults.push(fault),
    observer: silentObserver,
    peers: null,
  })
  t.after(() => doors.destroyAll())
  doors.configure(plan)
  const guard = { serverName: '', session: null, client: null, serves: () => true }
  const context = doors.http3Context(guard)
  const session = { remoteAddress: '2001:db8::1', isIdle: false, drain() {}, destroy() {} }
  assert.equal(context.takes('2001:db8::1'), true)
  context.onOpened(session)
  assert.equal(context.takes('2001:db8::2'), false)
  assert.equal(context.takes('2001:db8:0:1::1'), true)
  assert.deepEqual(faults, [Faults.CLIENT_CONNECTIONS])
  context.onClosed(session)
  assert.equal(context.takes('2001:db8::2'), true)
})

test('a bound beyond that of all clients together is warned of', () => {
  const sites = { '*': { respond: { status: 204 } } }
  const { problems } = checkConfig({ sites, limits: { connectionsMax: 10, connectionsPerClientMax: 11 } })
  assert.deepEqual(
    problems.map(({ severity, path }) => `${severity} ${path.join('.')}`),
    ['warning limits.connectionsPerClientMax'],
  )
})
