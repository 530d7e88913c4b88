/** `limits.connectionsMax`: of one worker, over all of its listeners. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { until } from '../net/pairs.ts'

interface Client {
  readonly socket: Socket
  text: string
  isClosed: boolean
}

/** A client that asks at once: '/' is answered by the edge, '/hang' is passed to an origin that says nothing. */
function ask(t: TestContext, port: number, path: string): Client {
  const socket = connect(port, '127.0.0.1')
  const client: Client = { socket, text: '', isClosed: false }
  socket.on('data', (bytes: Buffer) => (client.text += bytes.toString('latin1')))
  socket.on('error', () => {}).on('close', () => (client.isClosed = true))
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  t.after(() => socket.destroy())
  return client
}

const isAnswered = ({ text }: Client): boolean => text.startsWith('HTTP/1.1 204')

async function served(t: TestContext, connectionsMax: number) {
  const origin = createNetServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const config = (most: number): HeadgateConfig => ({
    listeners: ['127.0.0.1:0', { host: '127.0.0.1', port: 0, backlog: 64 }],
    log: { access: false, level: 'error' },
    limits: { connectionsMax: most },
    sites: {
      '*': [
        { match: '/hang', origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` },
        { respond: { status: 204 } },
      ],
    },
  })
  const server: HeadgateServer = await createServer(config(connectionsMax))
  await server.listen()
  t.after(async () => {
    await server.close({ drainMs: 0 })
    origin.close()
  })
  const ports = server.addresses.map(({ port }) => port)
  return { server, config, ports }
}

/** Connections that are not idle. */
const busyOf = (server: HeadgateServer): number => (server.status() as { inFlight: number }).inFlight

test('beyond connectionsMax, counted over all listeners, connections are closed at once', async (t) => {
  const { server, ports } = await served(t, 3)
  const busy = [0, 0, 1].map((i) => ask(t, ports[i] ?? (ports[0] as number), '/hang'))
  await until(() => busyOf(server) === 3, 'three')
  for (const port of ports) {
    const next = ask(t, port, '/')
    await until(() => next.isClosed, 'the refusal')
    assert.equal(next.text, '')
  }
  busy[0]?.socket.destroy()
  await until(() => busyOf(server) === 2, 'room')
  const last = ask(t, ports[0] as number, '/')
  await until(() => isAnswered(last), 'the answer')
  assert.equal(busy[1]?.isClosed, false)
})

test('idle connections make room for those that come, and the bound holds', async (t) => {
  const { server, ports } = await served(t, 8)
  const port = ports[0] as number
  const idle = Array.from({ length: 8 }, () => ask(t, port, '/'))
  await until(() => idle.every(isAnswered), 'eight idle')
  const busy = Array.from({ length: 20 }, () => ask(t, port, '/hang'))
  await until(() => busy.filter(({ isClosed }) => isClosed).length === 12, 'twelve refusals')
  await until(() => idle.every(({ isClosed }) => isClosed), 'the idle to be gone')
  await until(() => busyOf(server) === 8, 'eight busy')
})

test('a reload changes the bound of listeners that stay', async (t) => {
  const { server, config, ports } = await served(t, 1)
  const port = ports[0] as number
  ask(t, port, '/hang')
  await until(() => busyOf(server) === 1, 'one')
  await server.reload(config(2))
  const second = ask(t, port, '/hang')
  await until(() => busyOf(server) === 2, 'a second')
  assert.equal(second.isClosed, false)
  const third = ask(t, port, '/')
  await until(() => third.isClosed, 'the refusal')
})

test('adopting what cannot be accepted on rejects', async (t) => {
  const { server } = await served(t, 1)
  const broken = new Proxy(createNetServer(), {
    get(target, key) {
      if (key === 'on') throw new Error('no such thing')
      return Reflect.get(target, key, target) as unknown
    },
  })
  await assert.rejects(server.adopt('extra', broken), /no such thing/)
})
