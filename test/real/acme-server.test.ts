/**
 * Certificates by themselves, as a person has them: an empty folder, a config of a few lines, and Pebble as the CA.
 */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { needs } from '../programs.ts'
import { AcmeEdge } from './acme-edge.ts'
import { curl } from './curl.ts'
import { headgate } from './edge-process.ts'
import { until } from './supervised.ts'

const skip = needs('pebble', 'pebble-challtestsrv', 'curl')

test(
  'two workers, an empty folder, every second nonce refused: the first handshake waits for http-01',
  { skip },
  async (t) => {
    const world = await AcmeEdge.prepare(t, {
      workers: 2,
      acme: { challenges: ['http-01'] },
      pebble: { noncesRefused: 50, reuse: 0 },
    })
    const root = await world.pebble.root()
    const startMs = performance.now()
    const readyMs = await world.start()
    const first = await world.shake('www.example.com', root)
    assert.equal(first.error, '')
    assert.equal(first.names, 'DNS:www.example.com')
    const tookMs = performance.now() - startMs
    t.diagnostic(
      `a trusted handshake ${Math.round(tookMs)} ms after the start, ${Math.round(readyMs)} of them to serve`,
    )
    // Whichever worker takes it has the same one.
    for (let i = 0; i < 10; i++) assert.equal((await world.shake('www.example.com')).serial, first.serial)
    assert.equal(world.pebble.orderCount, 1)
    const other = await world.shake('other.example.com')
    assert.notEqual(other.error, '', 'nobody has that name')
    await world.stop()
    await world.start()
    const again = await world.shake('www.example.com')
    assert.equal(again.serial, first.serial, 'a restart orders nothing')
    assert.equal(world.pebble.orderCount, 1)
    t.diagnostic(`after a restart a handshake took ${Math.round(again.tookMs)} ms`)
    // Only its own tokens are answered before the routes.
    const route = await curl(
      `http://127.0.0.1:${world.plainPort}/.well-known/acme-challenge/other`,
      '-H',
      'Host: www.example.com',
    )
    assert.equal(route.text, 'hello')
  },
)

test('tls-alpn-01, in two workers, with a CA that looks some seconds late', { skip }, async (t) => {
  const pebble = { reuse: 0, sleepSeconds: 2 }
  const world = await AcmeEdge.prepare(t, { workers: 2, acme: { challenges: ['tls-alpn-01'] }, pebble })
  const root = await world.pebble.root()
  const startMs = performance.now()
  await world.start()
  // Who waits longer than a handshake may take is cut, and comes again, as browsers do.
  await until('a trusted handshake', async () => (await world.shake('www.example.com', root)).error === '')
  t.diagnostic(`a trusted handshake ${Math.round(performance.now() - startMs)} ms after the start`)
  assert.equal(world.pebble.orderCount, 1)
})

test('a wildcard by dns-01 and a program', { skip }, async (t) => {
  const world = await AcmeEdge.prepare(t, {
    hosts: ['*.example.com'],
    acme: { dns: { exec: './hook', wait: 0 } },
  })
  const hook = join(world.edge.folder, 'hook')
  const api = world.pebble.dnsUrl
  writeFileSync(
    hook,
    `#!/bin/sh
if [ "$1" = present ]; then curl -sf -d "{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}" ${api}/set-txt
else curl -sf -d "{\\"host\\":\\"$2\\"}" ${api}/clear-txt; fi
echo "$1" >>"$0.log"
`,
  )
  chmodSync(hook, 0o755)
  await world.start()
  const seen = await world.shake('a.example.com', await world.pebble.root())
  assert.equal(seen.error, '')
  assert.equal(seen.names, 'DNS:*.example.com')
  await until('it cleans up', () => readFileSync(`${hook}.log`, 'utf8') === 'present\ncleanup\n')
  assert.notEqual((await world.shake('a.b.example.com')).error, '')
})

test('on demand, as the one says who is asked', { skip }, async (t) => {
  const asked: string[] = []
  const asking = http.createServer((request, response) => {
    const name = new URL(request.url ?? '', 'http://x').searchParams.get('domain') ?? ''
    asked.push(name)
    response.writeHead(name === 'shop.customer.example' ? 200 : 403).end()
  })
  await new Promise<void>((resolve) => asking.listen(0, '127.0.0.1', resolve))
  t.after(() => asking.close())
  const ask = `http://127.0.0.1:${(asking.address() as AddressInfo).port}/`
  const world = await AcmeEdge.prepare(t, { workers: 2, hosts: ['*'], acme: { onDemand: { ask } } })
  await world.start()
  const root = await world.pebble.root()
  const seen = await Promise.all(Array.from({ length: 8 }, () => world.shake('shop.customer.example', root)))
  assert.deepEqual(new Set(seen.map(({ error }) => error)), new Set(['']))
  assert.equal(new Set(seen.map(({ serial }) => serial)).size, 1)
  assert.equal(world.pebble.orderCount, 1)
  t.diagnostic(
    `eight handshakes at once took up to ${Math.round(Math.max(...seen.map(({ tookMs }) => tookMs)))} ms`,
  )
  assert.notEqual((await world.shake('stranger.example', root)).error, '')
  assert.notEqual((await world.shake('stranger.example', root)).error, '')
  assert.ok(
    asked.filter((name) => name === 'stranger.example').length <= 2,
    'a no is remembered in each worker',
  )
  assert.equal(world.pebble.orderCount, 1)
})

test('renewals under load, with no handshake that fails', { skip }, async (t) => {
  // A third of the lifetime is left when it is renewed, every 12 s or so: 6 s for an order of which half the nonces are refused.
  const world = await AcmeEdge.prepare(t, {
    workers: 2,
    pebble: { validitySeconds: 18, reuse: 0, noncesRefused: 50 },
  })
  await world.start()
  const root = await world.pebble.root()
  const first = await world.shake('www.example.com', root)
  assert.equal(first.error, '')
  const serials = new Set<string>()
  const errors: string[] = []
  let count = 0
  const endMs = performance.now() + 60_000
  const load = Array.from({ length: 4 }, async () => {
    while (performance.now() < endMs && serials.size < 4) {
      const { error, serial } = await world.shake('www.example.com', root)
      count++
      if (error !== '') errors.push(error)
      else serials.add(serial)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  await Promise.all(load)
  t.diagnostic(`${count} handshakes, ${serials.size} certificates, ${errors.length} failed`)
  assert.deepEqual(errors, [])
  assert.ok(serials.size >= 3, 'it was renewed')
})

test('cert ls shows what there is, cert renew orders another, and metrics tell', { skip }, async (t) => {
  const world = await AcmeEdge.prepare(t, { workers: 2 })
  await world.start()
  const { serial } = await world.shake('www.example.com')
  const at = ['--admin', world.edge.admin]
  const listed = headgate(['cert', 'ls', ...at])
  assert.match(listed.stdout, /www\.example\.com +ok +\d{4}-\d\d-\d\d/, listed.stderr)
  const renewed = headgate(['cert', 'renew', 'www.example.com', ...at])
  assert.equal(renewed.status, 0, renewed.stderr)
  await until('another one', async () => (await world.shake('www.example.com')).serial !== serial)
  assert.equal(headgate(['cert', 'renew', 'other.example.com', ...at]).status, 1)
  assert.equal((await world.edge.metric('headgate_tls_cert_orders_total{result="ok"}')) >= 2, true)
  assert.ok(
    (await world.edge.metric('headgate_tls_cert_not_after_seconds{name="www.example.com"}')) >
      Date.now() / 1000,
  )
  assert.match(
    world.edge.errors(),
    /certificate for www\.example\.com from 127\.0\.0\.1:\d+ in [\d.]+ s, good until/,
  )
})

test('localhost, an address and a name below it are signed by the local authority', { skip }, async (t) => {
  const world = await withoutCa(t, ['*.localhost', 'db.internal', '*'])
  const root = readFileSync(join(world.edge.folder, 'certificates/local/root.crt'), 'utf8')
  for (const name of ['localhost', 'app.localhost', 'db.internal']) {
    const seen = await world.shake(name, root)
    assert.equal(seen.error, '', name)
  }
  const file = join(world.edge.folder, 'certificates/local/root.crt')
  const page = await curl(`https://127.0.0.1:${world.tlsPort}/`, '--cacert', file)
  assert.equal(page.text, 'hello')
  assert.notEqual((await world.shake('www.example.com')).error, '')
  assert.deepEqual(readdirSync(join(world.edge.folder, 'certificates')).sort(), ['local', 'locks'])
})

async function withoutCa(t: TestContext, hosts: readonly string[]): Promise<AcmeEdge> {
  const world = await AcmeEdge.prepare(t, { hosts })
  const answer = [{ respond: 'hello' }]
  world.edge.write({
    listeners: [{ host: '127.0.0.1', port: world.tlsPort, tls: true }],
    tls: { storage: join(world.edge.folder, 'certificates') },
    sites: Object.fromEntries(hosts.map((host) => [host, answer])),
  })
  await world.start()
  await world.shake('localhost')
  return world
}
