/** Listeners of port 0: each is a port of its own, and a reload keeps the ports of those that have not changed. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { ask, exact } from './tls-server.ts'

type Listeners = NonNullable<HeadgateConfig['listeners']> & readonly unknown[]

const plain = '127.0.0.1:0'
const secure = { host: '127.0.0.1', port: 0, tls: true } as const
const grpc = { host: '127.0.0.1', port: 0, http2: 'only' } as const

const configOf = (listeners: Listeners): HeadgateConfig => ({
  listeners,
  tls: { certificates: [exact] },
  sites: { '*': { respond: { status: 200, body: 'served' } } },
  log: { access: false, level: 'error' },
  admin: false,
  workers: 1,
})

async function serve(t: TestContext, listeners: Listeners): Promise<HeadgateServer> {
  const server = await createServer(configOf(listeners))
  t.after(() => server.close({ drainMs: 0 }))
  await server.listen()
  return server
}

/** In the order of the config. */
const portsOf = ({ plan, addresses }: HeadgateServer): number[] =>
  plan.listeners.map(({ name }) => addresses.find((bound) => bound.name === name)?.port ?? 0)

async function isPlain(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
  return (await answer.text()) === 'served'
}

const isSecure = async (port: number): Promise<boolean> => (await ask(port)).text.endsWith('served')

test('a plain listener and one of TLS on port 0 of one address are two', async (t) => {
  const server = await serve(t, [plain, secure])
  const ports = portsOf(server)
  assert.equal(new Set([...ports, 0]).size, 3)
  assert.ok(await isPlain(ports[0] as number))
  assert.ok(await isSecure(ports[1] as number))
})

test('so are two that are written alike', async (t) => {
  const server = await serve(t, [plain, plain, plain])
  assert.equal(new Set(portsOf(server)).size, 3)
})

test('a reload keeps the ports of listeners that have not changed, in whichever order', async (t) => {
  const server = await serve(t, [plain, secure, grpc])
  const [first = 0, second = 0, third = 0] = portsOf(server)
  await server.reload(configOf([plain, secure, grpc]))
  assert.deepEqual(portsOf(server), [first, second, third])
  await server.reload(configOf([grpc, secure, plain]))
  assert.deepEqual(portsOf(server), [third, second, first])
  assert.ok(await isPlain(first))
  assert.ok(await isSecure(second))
})

test('a listener keeps its port when another is taken away, and when it comes again', async (t) => {
  const server = await serve(t, [plain, secure])
  const [, second = 0] = portsOf(server)
  await server.reload(configOf([secure]))
  assert.deepEqual(portsOf(server), [second])
  assert.ok(await isSecure(second))
  assert.equal(server.addresses.length, 1)
  await server.reload(configOf([plain, secure]))
  const [again = 0, kept = 0] = portsOf(server)
  assert.equal(kept, second)
  assert.notEqual(again, second)
  assert.ok(await isPlain(again))
})

test('one that changes keeps its port as well, and leaves the others theirs', async (t) => {
  const server = await serve(t, [plain, secure])
  const ports = portsOf(server)
  await server.reload(configOf([{ host: '127.0.0.1', port: 0, backlog: 64 }, secure]))
  assert.deepEqual(portsOf(server), ports)
})
