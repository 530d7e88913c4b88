/**
 * Where origins are: names whose addresses change, several addresses of which one is dead, unix sockets, IPv6.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemResolver } from '../../../src/origin/system-resolver.ts'
import { createServer } from '../../../src/server.ts'
import { DnsServer } from '../../unit/origin/dns-server.ts'
import { CheckedLoad } from '../checked-load.ts'
import { EdgeProcess, makeFolder } from '../edge-process.ts'
import { OriginProcess } from '../origin-process.ts'
import { talk } from '../recorder.ts'
import { until } from '../supervised.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)
const withoutIPv6 = !hasIPv6 && 'this machine has no ::1'

async function serverNameOf(port: number): Promise<string> {
  const { text } = await talk(port, 'GET /?n=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /$^/)
  return /^x-server: (\w+)/im.exec(text)?.[1] ?? text.split('\r\n', 1)[0] ?? ''
}

/** A server behind app.test, another one with the same port at another address, and Headgate in front. */
async function twoAddresses(
  t: TestContext,
  ttlSeconds: number,
): Promise<{ dns: DnsServer; old: OriginProcess; port: number }> {
  const dns = new DnsServer()
  t.after(() => dns.close())
  const dnsAddress = await dns.listen()
  const old = new OriginProcess(t, 'old')
  await old.start()
  // The same port at another address of this machine, as for a container that was made anew.
  const young = new OriginProcess(t, 'young', { listen: `${old.port}@127.0.0.2` })
  await young.start()
  dns.zones.set('app.test', { addresses: ['127.0.0.1'], ttlSeconds })
  const server = await createServer(
    {
      workers: 1,
      listeners: ['127.0.0.1:0'],
      origins: { app: `http://app.test:${old.port}` },
      sites: { '*': [{ origin: 'app' }] },
      log: { access: false, level: 'error' },
    },
    { resolver: new SystemResolver({ hostsPath: '', dnsServers: [dnsAddress] }) },
  )
  await server.listen()
  t.after(() => server.close({ drainMs: 0 }))
  const port = server.addresses[0]?.port ?? 0
  return { dns, old, port }
}

test('a server by name moves to another address under load: no restart, no failed request', async (t) => {
  const { dns, old, port } = await twoAddresses(t, 1)
  const load = new CheckedLoad({ port, clients: 6 })
  await sleep(300)
  dns.zones.set('app.test', { addresses: ['127.0.0.2'], ttlSeconds: 1 })
  const changedMs = Date.now()
  await until('the new address', () => load.samples.at(-1)?.server === 'young')
  await sleep(300)
  // The old one is dead at last, and nobody notices.
  await old.kill()
  await sleep(300)
  const samples = await load.stop()
  const bad = samples.filter(({ status, isWhole, isRight }) => status !== 200 || !isWhole || !isRight)
  assert.deepEqual(bad, [])
  const first = samples.find((sample) => sample.server === 'young')
  t.diagnostic(`the new address was used after ${(first?.endedMs ?? 0) - changedMs} ms (TTL 1 s)`)
  assert.ok((first?.endedMs ?? Infinity) - changedMs < 2500)
})

test('an address that died and was replaced is asked for at once, long before its TTL', async (t) => {
  const { dns, old, port } = await twoAddresses(t, 600)
  assert.equal(await serverNameOf(port), 'old')
  await sleep(1000)
  dns.zones.set('app.test', { addresses: ['127.0.0.2'], ttlSeconds: 600 })
  await old.kill()
  const killedMs = Date.now()
  await until('the new one', async () => (await serverNameOf(port)) === 'young')
  t.diagnostic(`found after ${Date.now() - killedMs} ms (TTL 600 s)`)
  assert.ok(Date.now() - killedMs < 2000)
})

test('of several addresses of a name one is dead: no request fails', async (t) => {
  const dns = new DnsServer()
  t.after(() => dns.close())
  const dnsAddress = await dns.listen()
  const alive = new OriginProcess(t, 'alive')
  await alive.start()
  dns.zones.set('app.test', { addresses: ['127.0.0.3', '127.0.0.1', '127.0.0.4'], ttlSeconds: 60 })
  const server = await createServer(
    {
      workers: 1,
      listeners: ['127.0.0.1:0'],
      origins: { app: `http://app.test:${alive.port}` },
      sites: { '*': [{ origin: 'app' }] },
      log: { access: false, level: 'error' },
    },
    { resolver: new SystemResolver({ hostsPath: '', dnsServers: [dnsAddress] }) },
  )
  await server.listen()
  t.after(() => server.close({ drainMs: 0 }))
  const load = new CheckedLoad({ port: server.addresses[0]?.port ?? 0, clients: 8 })
  await sleep(1500)
  const samples = await load.stop()
  assert.deepEqual(
    samples.filter(({ status }) => status !== 200),
    [],
  )
  assert.ok(samples.length > 100)
})

test('localhost is two addresses, and one of them is dead', { skip: withoutIPv6 }, async (t) => {
  for (const listen of ['0@::1', '0@127.0.0.1']) {
    const origin = new OriginProcess(t, 'a', { listen })
    await origin.start()
    const edge = new EdgeProcess(t)
    edge.write({ origins: { app: `http://localhost:${origin.port}` }, sites: { '*': [{ origin: 'app' }] } })
    await edge.start()
    for (let i = 0; i < 10; i++) assert.equal(await serverNameOf(edge.port), 'a')
    await origin.kill()
  }
})

test('an origin on a unix socket is killed and comes back', async (t) => {
  const path = join(makeFolder(t), 'app.sock')
  const origin = new OriginProcess(t, 'a', { listen: path })
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({ origins: { app: `unix:${path}` }, sites: { '*': [{ origin: 'app' }] } })
  await edge.start()
  assert.equal(await serverNameOf(edge.port), 'a')
  await origin.kill()
  assert.match(await serverNameOf(edge.port), /^HTTP\/1\.1 502 /)
  assert.ok(existsSync(path))
  const { rmSync } = await import('node:fs')
  rmSync(path)
  assert.match(await serverNameOf(edge.port), /^HTTP\/1\.1 502 /)
  await origin.start()
  assert.equal(await serverNameOf(edge.port), 'a')
})

for (const workers of [1, 2]) {
  test(
    `listeners on IPv6 and on a unix socket, an origin on IPv6 (workers: ${workers})`,
    { skip: withoutIPv6 },
    async (t) => {
      const origin = new OriginProcess(t, 'a', { listen: '0@::1' })
      await origin.start()
      const edge = new EdgeProcess(t)
      const path = join(edge.folder, 'http.sock')
      edge.write({
        workers,
        listeners: ['[::1]:0', `unix:${path}`],
        origins: { app: `http://[::1]:${origin.port}` },
        sites: { '*': [{ origin: 'app' }] },
      })
      await edge.start()
      const { get } = await import('node:http')
      const status = (where: object): Promise<number> =>
        new Promise((resolve, reject) => {
          get({ ...where, path: '/?n=1', agent: false }, (response) => {
            response.resume()
            resolve(response.statusCode ?? 0)
          }).on('error', reject)
        })
      assert.equal(await status({ host: '::1', port: edge.port }), 200)
      assert.equal(await status({ socketPath: path }), 200)
      await until('two lines', () => edge.accessLines().length === 2)
      assert.match(edge.accessLines()[0] ?? '', /^::1 - - .* \[::1\]:\d+ /)
      edge.signal('SIGTERM')
      assert.equal(await edge.exit, '0')
      assert.ok(!existsSync(path), 'the socket is gone with it')
    },
  )
}
