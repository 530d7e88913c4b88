import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../../src/core/clock.ts'
import type { AutomaticCertificates } from '../../../../src/tls/acme/automatic.ts'
import {
  begin,
  CertificateClock,
  dayMs,
  make,
  pairOfPeers,
  serialOf,
  settings,
  type Made,
  world,
} from './automatic-world.ts'
import { FileStorage } from '../../../../src/tls/acme/file-storage.ts'
import { LocalAuthority } from '../../../../src/tls/acme/local-authority.ts'
import { eventually, temporaryFolder } from './folder.ts'

test('an answer to a challenge is in every worker before the CA is told, and gone after', async (t) => {
  const clock = new CertificateClock()
  const { peers } = await pairOfPeers()
  const [first, second] = peers.map((member) => make(t, clock, member).certificates) as [
    AutomaticCertificates,
    AutomaticCertificates,
  ]
  const challenge = { name: 'a.example', token: 'abc', keyAuthorization: 'abc.def' } as const
  const signal = new AbortController().signal
  const withdraw = await first.answers.http.present({ type: 'http-01', ...challenge }, signal)
  assert.equal(second.answers.httpAnswer('abc'), 'abc.def')
  assert.equal(second.answers.httpAnswer('other'), null)
  await withdraw()
  await eventually('it is gone', () => second.answers.httpAnswer('abc') === null)
  const alpn = await second.answers.alpn.present({ type: 'tls-alpn-01', ...challenge }, signal)
  const shown = first.challenge('a.example')
  assert.equal(new X509Certificate(shown?.chain ?? '').subjectAltName, 'DNS:a.example')
  assert.equal(first.answers.httpAnswer('abc'), null)
  await alpn()
  assert.equal(second.challenge('a.example'), null)
})

test('on demand: the one who is asked says which names, and a no is remembered', async (t) => {
  const [ca, folder, clock] = await world(t)
  const asked: string[] = []
  const asking = http.createServer((request, response) => {
    const name = new URL(request.url ?? '', 'http://x').searchParams.get('domain') ?? ''
    asked.push(name)
    response.writeHead(name.startsWith('good') ? 200 : 404).end()
  })
  await new Promise<void>((resolve) => asking.listen(0, '127.0.0.1', resolve))
  t.after(() => asking.close())
  const ask = `http://127.0.0.1:${(asking.address() as AddressInfo).port}/may`
  const onDemand = { ask, allow: ['*.listed.example'], anHourMax: 3, namesMax: 2 }
  const wanted = settings(ca, folder, { publicNames: [], onDemand })
  const { peers } = await pairOfPeers()
  const [first, second] = peers.map((member) => make(t, clock, member)) as [Made, Made]
  await begin(first, wanted)
  await begin(second, wanted)
  const both = await Promise.all([serialOf(second, 'good.example'), serialOf(first, 'good.example')])
  assert.equal(both[0], both[1], 'one certificate, wherever the handshake is')
  assert.equal(ca.orders.length, 1)
  assert.equal(await serialOf(first, 'bad.example'), '')
  assert.equal(first.certificates.identify('bad.example'), null, 'at once')
  assert.equal(await serialOf(second, 'bad.example'), '')
  for (const name of ['', 'nodot', '1.2.3.4', 'a b.example', '../etc/passwd', '*.example.com', 'x.localhost'])
    assert.equal(first.certificates.identify(name), null, name)
  assert.deepEqual(asked, ['good.example', 'bad.example'])
  assert.notEqual(await serialOf(first, 'a.listed.example'), '')
  assert.notEqual(await serialOf(first, 'good2.example'), '')
  assert.equal(first.certificates.status().certificates.length, 2, 'the one used longest ago went')
  assert.equal(await serialOf(first, 'good3.example'), '', 'enough for an hour')
  assert.match(
    first.said.join('\n'),
    /no certificate for good3\.example on demand: 3 names had a new certificate/,
  )
  clock.advance(3_700_000)
  assert.notEqual(await serialOf(first, 'good3.example'), '')
  assert.notEqual(await serialOf(first, 'good.example'), '', 'from the storage')
})

test('names that are refused put out none that has a certificate, in any worker', async (t) => {
  const [ca, folder, clock] = await world(t)
  const onDemand = { ask: '', allow: ['*.listed.example'], anHourMax: 9, namesMax: 2 }
  const { peers } = await pairOfPeers()
  const [first, second] = peers.map((member) => make(t, clock, member)) as [Made, Made]
  const wanted = settings(ca, folder, { publicNames: [], onDemand })
  await begin(first, wanted)
  await begin(second, wanted)
  const good = ['a.listed.example', 'b.listed.example']
  for (const name of good) assert.notEqual(await serialOf(second, name), '')
  const flood = Array.from({ length: 50 }, (_, i) => `${i}.strange.example`)
  for (const worker of [second, first]) {
    clock.advance(1000)
    const serials = await Promise.all(flood.map((name) => serialOf(worker, name)))
    assert.ok(serials.every((serial) => serial === ''))
    for (const name of good) {
      const found = worker.certificates.identify(name)
      if (worker === second) assert.ok(found !== null && !(found instanceof Promise), `${name}: at once`)
    }
  }
  assert.equal(second.certificates.status().certificates.length, 2)
  const told = (): string[] => first.said.filter((line) => line.includes('on demand'))
  assert.equal(told().length, 1, 'they do not fill the log either')
  clock.advance(1000)
  assert.equal(await serialOf(first, 'last.strange.example'), '')
  assert.match(
    told()[1] ?? '',
    /last\.strange\.example on demand: it is not on the list; nor for 49 names before it/,
  )
})

test('what is known of a name on demand that failed and is asked for by nobody can be told', async (t) => {
  const [ca, folder, clock] = await world(t)
  const onDemand = { ask: '', allow: ['*.example.com'], anHourMax: 10, namesMax: 10 }
  const wanted = settings(ca, folder, { publicNames: [], onDemand })
  const first = make(t, clock)
  await begin(first, wanted)
  assert.notEqual(await serialOf(first, 'a.example.com'), '')
  ca.isConfirming = false
  assert.deepEqual(first.certificates.renew([]), ['a.example.com'])
  await eventually('it failed', () => first.said.some((line) => line.includes('no new certificate')))
  assert.match(first.said.at(-1) ?? '', /; next try when a handshake asks for it$/)
  const [told] = first.certificates.status().certificates
  assert.equal(told?.failures, 1)
  assert.equal(told?.nextTry, '')
})

test('a name on demand is renewed when a handshake asks for it, and not otherwise', async (t) => {
  const [ca, folder, clock] = await world(t)
  const onDemand = { ask: '', allow: ['*.example.com'], anHourMax: 10, namesMax: 10 }
  const { peers } = await pairOfPeers()
  const [first, second] = peers.map((member) => make(t, clock, member)) as [Made, Made]
  const wanted = settings(ca, folder, { publicNames: [], onDemand })
  await begin(first, wanted)
  await begin(second, wanted)
  const serial = await serialOf(second, 'a.example.com')
  clock.advance(0.7 * dayMs)
  clock.advance(60_000)
  assert.equal(ca.orders.length, 1)
  assert.equal(await serialOf(second, 'a.example.com'), serial, 'served meanwhile')
  await eventually('another one', async () => (await serialOf(second, 'a.example.com')) !== serial)
  assert.equal(ca.orders.length, 2)
})

test('the local authority signs for local names only, for a day, and anew before it is over', async (t) => {
  const [folder, clock] = [temporaryFolder(t), new CertificateClock()]
  const made = make(t, clock)
  const names = ['localhost', '127.0.0.1', '::1']
  await begin(
    made,
    settings(null, folder, { publicNames: [], localNames: names, localPatterns: ['*.localhost'] }),
  )
  const root = new X509Certificate(await eventuallyRead(folder))
  for (const name of [...names, 'app.localhost']) {
    const found = await made.certificates.identify(name)
    const leaf = new X509Certificate(found?.chain ?? '')
    assert.ok(leaf.checkIssued(root), name)
    assert.ok(Date.parse(leaf.validTo) - clock.wallMs() <= dayMs)
  }
  assert.equal(made.certificates.identify('www.example.com'), null)
  assert.equal(made.certificates.identify('a.b.localhost'), null)
  const serial = await serialOf(made, 'localhost')
  clock.advance(0.7 * dayMs)
  await eventually('another one', async () => (await serialOf(made, 'localhost')) !== serial)
  const again = make(t, clock)
  await begin(again, settings(null, folder, { publicNames: [], localNames: names }))
  const found = await again.certificates.identify('localhost')
  assert.ok(new X509Certificate(found?.chain ?? '').checkIssued(root), 'one root over restarts')
})

async function eventuallyRead(folder: string): Promise<string> {
  let text = ''
  await eventually('a root', () => {
    try {
      text = readFileSync(join(folder, 'local/root.crt'), 'utf8')
      return true
    } catch {
      return false
    }
  })
  return text
}

test('a root that was read back signs under the name that it bears', async (t) => {
  const storage = new FileStorage(temporaryFolder(t))
  const signal = new AbortController().signal
  const root = new X509Certificate(await new LocalAuthority(storage, systemClock).root(signal))
  const wish = { name: 'localhost', previous: null, failures: 0, signal }
  const { chain } = await new LocalAuthority(storage, systemClock).issue(wish)
  const leaf = new X509Certificate(chain)
  assert.equal(leaf.issuer, root.subject)
  assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey))
})
