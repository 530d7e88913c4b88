/** Authorities that give what is of no use, or is due again at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { orderAgainMs } from '../../../../src/tls/acme/schedule.ts'
import { begin, dayMs, make, serialOf, settings, world, type Made } from './automatic-world.ts'
import type { CertificateClock } from './automatic-world.ts'
import { eventually } from './folder.ts'

const hourMs = 3_600_000

/** Lets `ms` pass in looks of five minutes, each with time for what it begins. */
async function pass(clock: CertificateClock, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 5 * 60_000) {
    clock.advance(5 * 60_000)
    await sleep(5)
  }
}

const saysOf = (made: Made, words: string): boolean => made.said.some((line) => line.includes(words))

test('a CA that wants each new certificate renewed at once is not asked without end', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.lifetimeMs = 90 * dayMs
  ca.window = { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' }
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const serial = await serialOf(made)
  await eventually('it was asked when', () => ca.renewalInfoAsked.length > 0)
  await pass(clock, 5 * hourMs)
  assert.equal(ca.orders.length, 1)
  // Nor does a process that starts anew.
  const next = make(t, clock)
  await begin(next, settings(ca, folder))
  await pass(clock, hourMs / 2)
  assert.equal(await serialOf(next), serial)
  assert.equal(ca.orders.length, 1)
  await eventually('the second order', async () => {
    await pass(clock, 10 * 60_000)
    return ca.orders.length === 2
  })
})

test('a clock that is a quarter ahead makes no order after the other, and is told of', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.wallMs = () => clock.wallMs() - 100 * dayMs
  ca.lifetimeMs = 90 * dayMs
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('one is had', () => saysOf(made, 'is the clock right?'))
  await pass(clock, 5 * hourMs)
  assert.equal(ca.orders.length, 1)
})

test('an order is followed by the next after six hours, by a third of a short life', () => {
  assert.equal(orderAgainMs({ notBeforeMs: 0, notAfterMs: 90 * dayMs }), 6 * hourMs)
  assert.equal(orderAgainMs({ notBeforeMs: 0, notAfterMs: 3 * hourMs }), hourMs)
  assert.equal(orderAgainMs({ notBeforeMs: 0, notAfterMs: 12_000 }), 4000)
  assert.equal(orderAgainMs({ notBeforeMs: 0, notAfterMs: -1 }), 60_000)
})

const bad = '-----BEGIN CERTIFICATE-----\nMIIBhTCCASugAwIBAgIQ\n-----END CERTIFICATE-----\n'
const useless: readonly [string, (chain: string) => string][] = [
  ['whose second part is no certificate', (chain) => chain + bad],
  ['whose first part is none', (chain) => bad + chain],
]

for (const [what, forge] of useless) {
  test(`a chain ${what} is refused, and the CA is not asked again within seconds`, async (t) => {
    const [ca, folder, clock] = await world(t)
    ca.forge = forge
    const made = make(t, clock)
    await begin(made, settings(ca, folder))
    await eventually('it is told', () => saysOf(made, 'next try in'))
    assert.match(
      made.said[0] ?? '',
      /^error: no certificate for www\.example\.com: what the CA sent is of no use: .*next try in 10 min/,
    )
    assert.equal(made.certificates.find('www.example.com'), null)
  })
}

test('a certificate for another name is refused', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.signs = ['www.example.org', 'example.com']
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('it is told', () => saysOf(made, 'next try in 10 min'))
  assert.match(made.said[0] ?? '', /it is for www\.example\.org, example\.com/)
})

test('an address is confirmed under its name in the reverse zone (RFC 8738 §6)', async (t) => {
  for (const [address, asked] of [
    ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
    ['2001:db8::1', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ] as const) {
    const [ca, folder, clock] = await world(t)
    const made = make(t, clock)
    let seen = 0
    ca.look = async () => {
      if (made.certificates.challenge(asked) !== null) seen++
    }
    await begin(made, settings(ca, folder, { publicNames: [address], challenges: ['tls-alpn-01'] }))
    assert.notEqual(await serialOf(made, address), '')
    assert.equal(seen, 1)
    assert.equal(made.certificates.challenge(asked), null, 'it is withdrawn')
  }
})

test('a CA may move: its directory is read anew before a renewal', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.lifetimeMs = 90 * dayMs
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  const serial = await serialOf(made)
  ca.orderPath = '/v2/order'
  clock.advance(61 * dayMs)
  await eventually('another one', async () => (await serialOf(made)) !== serial)
})

test('a redirect is no account and no order, and is told of', async (t) => {
  const [ca, folder, clock] = await world(t)
  ca.redirect = 'https://other.example/account/1'
  const made = make(t, clock)
  await begin(made, settings(ca, folder))
  await eventually('it is told', () => saysOf(made, 'next try in 10 min'))
  assert.match(made.said[0] ?? '', /sends an account to https:\/\/other\.example\/account\/1 \(301\)/)
  ca.redirect = ''
  clock.advance(12 * 60_000)
  await eventually('one is had', async () => (await serialOf(made)) !== '')
})
