import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { handshakesWaitingMax, handshakeWaitMs } from '../../../../src/tls/acme/automatic.ts'
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
import { FakeCa } from './fake-ca.ts'
import { eventually, temporaryFolder } from './folder.ts'

test('a handshake waits for the first certificate; the next process finds it and orders none', async (t) => {
  const [ca, folder, clock] = await world(t)
  const first = make(t, clock)
  await begin(first, settings(ca, folder))
  const serial = await serialOf(first)
  assert.notEqual(serial, '')
  assert.match(
    first.said.join('\n'),
    /info: certificate for www\.example\.com from 127\.0\.0\.1:\d+ in [\d.]+ s, good until/,
  )
  const second = make(t, clock)
  await begin(second, settings(ca, folder))
  const found = second.certificates.identify('www.example.com')
  assert.ok(found !== null && !(found instanceof Promise), 'at once')
  assert.equal(found.facts.serial, serial)
  assert.equal(ca.orders.length, 1)
  assert.equal(ca.accounts, 1)
})

test('it is renewed at two thirds of its life, and the old one is served meanwhile', async (t) => {
  const [ca, folder, clock] = await world(t)
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const serial = await serialOf(made)
  clock.advance(0.6 * dayMs)
  assert.equal(await serialOf(made), serial)
  assert.equal(ca.orders.length, 1)
  clock.advance(0.1 * dayMs)
  assert.ok(!(made.certificates.identify('www.example.com') instanceof Promise), 'the old one, at once')
  await eventually('another one', async () => (await serialOf(made)) !== serial)
  assert.equal(ca.orders.length, 2)
})

test('the CA says when to renew, and what the new one replaces (RFC 9773)', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.lifetimeMs = 90 * dayMs
  const at = (ms: number): string => new Date(clock.wallMs() + ms).toISOString()
  ca.window = { start: at(50 * dayMs), end: at(52 * dayMs) }
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const first = await made.certificates.identify('www.example.com')
  await eventually('it asks when', () => ca.renewalInfoAsked.length === 1)
  assert.equal(ca.renewalInfoAsked[0], first?.facts.renewalId)
  const renewAt = (): string => made.certificates.status().certificates[0]?.renewAt ?? ''
  await eventually('it knows when', () => renewAt() === ca.window?.start)
  // As before many are revoked: the window moves into the past, and is seen at the next look.
  ca.window = { start: at(-2000), end: at(-1000) }
  clock.advance(7 * 3_600_000)
  await eventually('a second order', async () => {
    clock.advance(20_000)
    return ca.orders.length === 2
  })
  assert.equal(ca.orders[1]?.replaces, first?.facts.renewalId)
})

test('an order that the CA sees as replaced already is made without saying so', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.window = { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' }
  ca.refusesReplaces = true
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const serial = await serialOf(made)
  await eventually('another one', async () => {
    clock.advance(600_000)
    return (await serialOf(made)) !== serial
  })
})

test('a limit is waited out as long as the CA says, and nonces that are refused are survived', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.limited = [3600]
  ca.badNonces = 12
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('it is told', () => made.said.some((line) => line.includes('next try in 60 min')))
  assert.match(
    made.said.join('\n'),
    /error: no certificate for www\.example\.com: .* the CA has a limit, and it is reached/,
  )
  assert.equal(made.certificates.identify('www.example.com'), null, 'no handshake waits an hour')
  clock.advance(3_500_000)
  assert.equal(ca.orders.length, 0)
  clock.advance(200_000)
  await eventually('an order', () => ca.orders.length === 1)
  assert.notEqual(await serialOf(made), '')
})

test('a CA that is down is tried again in seconds', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.broken = 2
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('a certificate', async () => {
    clock.advance(1000)
    return made.certificates.status().certificates[0]?.state === 'ok'
  })
  assert.ok(clock.nowMs() < 120_000)
})

test('what cannot be confirmed tries the other challenge, slowly, and says so', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.isConfirming = false
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('one failed', () => made.said.length === 1)
  assert.match(
    made.said[0] ?? '',
    /could not confirm www\.example\.com by http-01: the CA could not connect .*next try in 2 min/,
  )
  clock.advance(110_000)
  assert.equal(ca.orders.length, 1)
  clock.advance(20_000)
  await eventually('another failed', () => made.said.length === 2)
  assert.match(made.said[1] ?? '', /by tls-alpn-01: .*next try in 10 min/)
  // A process that starts anew begins where this one was.
  const next = make(t, clock)
  await begin(next, settings(ca, folder))
  clock.advance(60_000)
  assert.equal(ca.orders.length, 2)
  assert.equal(next.certificates.status().certificates[0]?.failures, 2)
})

test('an account that the CA has forgotten is made anew', async (t) => {
  const [ca, folder, clock] = await world(t)
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const serial = await serialOf(made)
  ca.isForgetful = true
  assert.deepEqual(made.certificates.renew([]), ['www.example.com'])
  await eventually('another one', async () => (await serialOf(made)) !== serial)
  assert.equal(ca.accounts, 2)
})

test('files that hold no certificate count as none', async (t) => {
  const [ca, folder, clock] = await world(t)
  const first = make(t, clock)
  await begin(first, settings(ca, folder))
  await serialOf(first)
  const [directory = ''] = readdirSync(join(folder, 'acme'))
  const path = join(folder, 'acme', directory, 'certificates')
  assert.deepEqual(readdirSync(path).sort(), ['www.example.com.json', 'www.example.com.pem'])
  writeFileSync(
    join(path, 'www.example.com.pem'),
    readFileSync(join(path, 'www.example.com.pem'), 'utf8').slice(0, 300),
  )
  writeFileSync(join(path, 'www.example.com.json'), '{"renewAtMs": "soon"')
  const second = make(t, clock)
  await begin(second, settings(ca, folder))
  assert.notEqual(await serialOf(second), '')
  assert.equal(ca.orders.length, 2)
})

test('of two workers one orders, both serve; when it goes the other renews', async (t) => {
  const [ca, folder, clock] = await world(t)
  const { peers, leave } = await pairOfPeers()
  const [first, second] = peers.map((member) => make(t, clock, member)) as [Made, Made]
  await begin(second, settings(ca, folder))
  await begin(first, settings(ca, folder))
  const serials = await Promise.all([serialOf(first), serialOf(second)])
  assert.equal(serials[0], serials[1])
  assert.equal(ca.orders.length, 1)
  assert.deepEqual(second.certificates.renew([]), [], 'it does not order')
  leave(0)
  await first.certificates.close()
  clock.advance(0.7 * dayMs)
  await eventually('another one', async () => {
    clock.advance(20_000)
    return (await serialOf(second)) !== serials[1]
  })
  assert.equal(ca.orders.length, 2)
})

test('after a change of CA the old certificate is served until there is one of the new', async (t) => {
  const [before, after] = [await FakeCa.start(t), await FakeCa.start(t)]
  const [folder, clock] = [temporaryFolder(t), new CertificateClock()]
  const made = make(t, clock)
  await begin(made, settings(before, folder))
  const serial = await serialOf(made)
  await made.certificates.configure(settings(after, folder))
  const found = made.certificates.identify('www.example.com')
  assert.ok(!(found instanceof Promise), 'at once')
  await eventually('one of the new CA', async () => (await serialOf(made)) !== serial)
  assert.equal(after.orders.length, 1)
})

test('when the config wants none any more, none is served and none renewed', async (t) => {
  const [ca, folder, clock] = await world(t)
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await serialOf(made)
  await made.certificates.rest()
  assert.equal(made.certificates.identify('www.example.com'), null)
  clock.advance(dayMs)
  assert.deepEqual(made.certificates.status().certificates, [])
  assert.equal(ca.orders.length, 1)
  await made.certificates.configure(settings(ca, folder))
  assert.notEqual(made.certificates.identify('www.example.com'), null)
})

test('a certificate that cannot be stored is served all the same, and that is told', async (t) => {
  const [ca, folder, clock] = await world(t)
  const made = make(t, clock)
  // A file where a folder is to be.
  mkdirSync(join(folder, 'acme', '127.0.0.1-' + new URL(ca.url).port + '-directory'), { recursive: true })
  const [directory = ''] = readdirSync(join(folder, 'acme'))
  writeFileSync(join(folder, 'acme', directory, 'certificates'), '')
  await begin(made, settings(ca, folder))
  assert.notEqual(await serialOf(made), '')
  await eventually('it is told', () => made.said.some((line) => line.includes('is served, but not stored')))
})

test('of handshakes that wait for a CA there are not more than may be', async (t) => {
  const [ca, folder, clock] = await world(t)
  const made = make(t, clock)
  await made.certificates.configure(settings(ca, folder))
  const waiting = Array.from({ length: handshakesWaitingMax }, () =>
    made.certificates.identify('www.example.com'),
  )
  assert.equal(await made.certificates.identify('www.example.com'), null)
  clock.advance(handshakeWaitMs)
  for (const one of waiting) assert.equal(await one, null)
})
