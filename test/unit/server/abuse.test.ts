/** `abuse`: who is turned away at the door, and who never is. All of 127.0.0.0/8 is this machine. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { clientPreface, FrameType, writeFrameHeader } from '../../../src/h2/frames.ts'
import { writeProxyHeader } from '../../../src/net/write-proxy-header.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'

const attacker = '127.0.0.2'
const calm = Buffer.from([0, 0, 0, 11])

interface Edge {
  readonly server: HeadgateServer
  readonly port: number
}

async function edge(t: TestContext, more: Partial<HeadgateConfig> = {}): Promise<Edge> {
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    sites: { '*': [{ respond: { status: 200, body: 'served' } }] },
    workers: 1,
    log: { access: false, level: 'error' },
    admin: false,
    ...more,
  })
  t.after(() => server.close({ drainMs: 0 }))
  await server.listen()
  return { server, port: server.addresses[0]?.port as number }
}

/** What comes back, to the end. */
function say(port: number, from: string, bytes: Buffer | string): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    const got: Buffer[] = []
    socket.on('data', (piece: Buffer) => got.push(piece)).on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(got)))
    socket.write(bytes)
  })
}

const settings = Buffer.alloc(9)
writeFrameHeader(settings, 0, 0, FrameType.SETTINGS, 0, 0)
const flood = Buffer.concat([clientPreface, ...Array.from({ length: 100 }, () => settings)])
const request = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'

async function isServed(port: number, from: string, before: Buffer = Buffer.alloc(0)): Promise<boolean> {
  const answer = await say(port, from, Buffer.concat([before, Buffer.from(request)]))
  return answer.toString('latin1').endsWith('served')
}

/** Floods as often as is not held against a client, and once more. */
async function floodFrom(port: number, from: string, before: Buffer = Buffer.alloc(0)): Promise<void> {
  for (let i = 0; i < 9; i++) {
    const answer = await say(port, from, Buffer.concat([before, flood]))
    assert.ok(answer.includes(calm), `flood ${i} from ${from} is answered by ENHANCE_YOUR_CALM`)
  }
}

const countOf = (server: HeadgateServer, name: string): number =>
  Object.values(server.snapshot()[name] ?? {})[0] ?? 0

test('who floods again and again is turned away as it comes; others are served', async (t) => {
  const { server, port } = await edge(t)
  await floodFrom(port, attacker)
  assert.equal(await isServed(port, attacker), false)
  assert.equal((await say(port, attacker, flood)).length, 0)
  assert.equal(await isServed(port, '127.0.0.3'), true)
  const faults = server.snapshot()['headgate_faults_total']
  assert.equal(faults?.['{fault="client_turned_away",side="client"}'], 2)
  assert.equal(countOf(server, 'headgate_client_bans_total'), 1)
  assert.equal(countOf(server, 'headgate_clients_banned'), 1)
  const { banned } = server.status() as { banned: { client: string; remainingMs: number }[] }
  assert.equal(banned[0]?.client, attacker)
})

test('eight floods are not held against a client', async (t) => {
  const { port } = await edge(t)
  for (let i = 0; i < 8; i++) await say(port, attacker, flood)
  assert.equal(await isServed(port, attacker), true)
})

test('what honest clients do wrong is no offence', async (t) => {
  const { port } = await edge(t)
  for (let i = 0; i < 30; i++) await say(port, attacker, 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n')
  // A frame of its own invention where SETTINGS belong.
  for (let i = 0; i < 30; i++) await say(port, attacker, Buffer.concat([clientPreface, Buffer.alloc(9, 1)]))
  assert.equal(await isServed(port, attacker), true)
})

const of = (remoteAddress: string): Buffer =>
  writeProxyHeader('v2', { remoteAddress, remotePort: 1, localAddress: '198.51.100.7', localPort: 443 })

test('behind a relay with PROXY protocol the client is turned away, and neither the relay nor its others', async (t) => {
  const { port } = await edge(t, {
    listeners: [{ host: '127.0.0.1', port: 0, proxyProtocol: [attacker] }],
  })
  await floodFrom(port, attacker, of('192.0.2.1'))
  assert.equal(await isServed(port, attacker, of('192.0.2.1')), false)
  assert.equal(await isServed(port, attacker, of('192.0.2.2')), true)
  // Of what comes in the relay's own name it is not known whose it was.
  const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00', 'latin1')
  for (let i = 0; i < 12; i++) await say(port, attacker, Buffer.concat([local, flood]))
  assert.equal(await isServed(port, attacker, local), true)
})

test('trusted proxies and exempt networks are never turned away', async (t) => {
  for (const more of [{ trustedProxies: attacker }, { abuse: { exempt: ['127.0.0.2/31'] } }]) {
    const { port } = await edge(t, more)
    for (let i = 0; i < 20; i++) await say(port, attacker, flood)
    assert.equal(await isServed(port, attacker), true)
  }
})

test('a reload changes the rules: with `abuse: false` everybody comes in again', async (t) => {
  const sites = { '*': [{ respond: { status: 200, body: 'served' } }] }
  const rest = { sites, workers: 1, log: { access: false, level: 'error' } as const, admin: false as const }
  const { server, port } = await edge(t)
  await floodFrom(port, attacker)
  assert.equal(await isServed(port, attacker), false)
  await server.reload({ ...rest, listeners: [{ host: '127.0.0.1', port: 0 }], abuse: false })
  assert.equal(await isServed(port, attacker), true)
  for (let i = 0; i < 20; i++) await say(port, attacker, flood)
  assert.equal(await isServed(port, attacker), true)
})

test('a longest ban that is shorter than the first is refused', async () => {
  const sites = { '*': [{ respond: { status: 200, body: '' } }] }
  await assert.rejects(
    createServer({ listeners: ['127.0.0.1:0'], sites, abuse: { ban: '1h' } }),
    /abuse\.banMax.*is shorter than `ban`/,
  )
})
