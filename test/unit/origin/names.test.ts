/** Servers by name: several addresses, addresses that change, names that cannot be resolved. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { WAIT } from '../../../src/http/exchange.ts'
import { FakeResolver, settle, stage, type FakeConnection, type Stage } from './fakes.ts'

function resolverOf(addresses: readonly string[], ttlMs = 30_000): FakeResolver {
  const resolver = new FakeResolver()
  resolver.answers.set('app.internal', { addresses, ttlMs })
  return resolver
}

async function named(
  addresses: readonly string[],
  ttlMs = 30_000,
  options: Parameters<typeof stage>[1] = {},
): Promise<Stage> {
  const s = stage(['http://app.internal:8080'], options, resolverOf(addresses, ttlMs))
  await settle()
  return s
}

const hostOf = (connection: FakeConnection): string => connection.target.address.host

test('an address is never resolved, a name is', async () => {
  const resolver = resolverOf(['10.0.0.1'])
  stage(['10.0.0.1:80', '[::1]:80', 'unix:/run/app.sock', 'app.internal'], {}, resolver)
  await settle()
  assert.deepEqual(resolver.asked, ['app.internal'])
})

test('literals are dialled as they are', () => {
  const s = stage(['10.0.0.1:81', 'http://[::1]:82', 'unix:/run/app.sock'])
  for (let i = 0; i < 3; i++) s.open()
  assert.deepEqual(
    s.dial.all.map(({ target }) => [target.addressText, target.address]),
    [
      ['10.0.0.1:81', { host: '10.0.0.1', port: 81, path: '' }],
      ['[::1]:82', { host: '::1', port: 82, path: '' }],
      ['unix:/run/app.sock', { host: '', port: 0, path: '/run/app.sock' }],
    ],
  )
})

test('requests that come before the first answer wait for it', async () => {
  const s = stage(['app.internal:8080'], {}, resolverOf(['10.0.0.1']))
  assert.equal(s.open().result, WAIT)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 0)
  await settle()
  assert.equal(s.dial.all.length, 2)
  assert.equal(s.dial.last.target.addressText, '10.0.0.1:8080')
  assert.deepEqual(s.resolver.asked, ['app.internal'])
})

test('requests for a name that cannot be resolved fail with dns_error, and it is asked again', async () => {
  const resolver = new FakeResolver()
  const s = stage(['app.internal'], {}, resolver)
  s.open()
  await settle()
  assert.equal(s.waiters.failed[0]?.fault, Faults.ORIGIN_UNRESOLVED)
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.server().isAvailable, false)
  assert.match(
    s.events[0]?.message ?? '',
    /app\.internal of origin app cannot be resolved \(not found\); until it can it takes no requests/,
  )
  // At once again: it was told just now.
  assert.equal(s.open().result, -Faults.ORIGIN_UNRESOLVED)
  assert.equal(resolver.asked.length, 1)
  resolver.answers.set('app.internal', { addresses: ['10.0.0.1'], ttlMs: 30_000 })
  s.clock.advance(1000)
  await settle()
  assert.equal(resolver.asked.length, 2)
  assert.equal(s.server().isAvailable, true)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 1)
})

test('while a name cannot be resolved the questions become rarer, from 1 s to 30 s', async () => {
  const s = stage(['app.internal'], {}, new FakeResolver())
  const times: number[] = []
  for (let second = 0; second < 130; second++) {
    const before = s.resolver.asked.length
    await settle()
    s.clock.advance(1000)
    if (s.resolver.asked.length > before) times.push(second + 1)
  }
  assert.deepEqual(times, [1, 3, 7, 15, 31, 61, 91, 121])
  assert.equal(s.events.length, 1)
})

test('a request may ask for an unresolved name sooner than the watch does', async () => {
  const s = stage(['app.internal'], {}, new FakeResolver())
  await settle()
  for (let i = 0; i < 3; i++) {
    s.clock.advance(1000)
    await settle()
  }
  const before = s.resolver.asked.length
  s.clock.advance(1500)
  assert.equal(s.open().result, WAIT)
  assert.equal(s.resolver.asked.length, before + 1)
  await settle()
  assert.equal(s.waiters.failed.at(-1)?.fault, Faults.ORIGIN_UNRESOLVED)
})

test('of two servers, one unresolved and one dead, the dead one is tried', async () => {
  const s = stage(['app.internal', '10.0.0.9'], {}, new FakeResolver())
  await settle()
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  const { result } = s.open()
  assert.equal(result, WAIT)
  assert.equal(hostOf(s.dial.last), '10.0.0.9')
})

test('a request that waited waitMs for an answer of DNS is told so', () => {
  const s = stage(['app.internal'], { waitMs: 1000 }, new FakeResolver())
  s.open()
  s.clock.advance(1100)
  assert.equal(s.waiters.failed[0]?.fault, Faults.ORIGIN_UNRESOLVED)
})

test('several addresses are all used in turn, each with its own idle connections', async () => {
  const s = await named(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  for (let i = 0; i < 3; i++) s.open()
  assert.deepEqual(s.dial.all.map(hostOf), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  for (const connection of s.dial.all) connection.connect()
  for (const connection of s.dial.all) connection.release()
  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.1']) {
    const { result } = s.open()
    assert.equal(hostOf(result as FakeConnection), host)
    ;(result as FakeConnection).release()
  }
  assert.equal(s.dial.all.length, 3)
})

test('addresses of the other family stand in when the first cannot be connected to', async () => {
  const s = await named(['127.0.0.1', '::1'])
  const { x } = s.open()
  assert.equal(hostOf(s.dial.last), '127.0.0.1')
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.waiters.failed.length, 0)
  assert.equal(hostOf(s.dial.last), '::1')
  s.dial.last.connect()
  assert.equal(s.waiters.opened[0]?.x, x)
  assert.equal(x.attempts, 1)
  assert.equal(s.server().isAvailable, true)
  assert.equal(s.open().result, WAIT)
  assert.equal(hostOf(s.dial.last), '::1')
})

test('an address that cannot be connected to moves back, and the request takes the next', async () => {
  const s = await named(['10.0.0.1', '10.0.0.2'])
  const { x } = s.open()
  s.dial.last.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  assert.equal(s.waiters.failed.length, 0)
  s.dial.last.connect()
  assert.equal(s.waiters.opened[0]?.x, x)
  assert.equal(s.waiters.opened[0]?.upstream.address, '10.0.0.2:8080')
  for (let i = 0; i < 4; i++) {
    s.open()
    assert.equal(hostOf(s.dial.last), '10.0.0.2')
  }
})

test('a request fails only when no address could be connected to', async () => {
  const s = await named(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  s.open()
  for (let i = 0; i < 3; i++) {
    assert.equal(s.waiters.failed.length, 0)
    s.dial.last.close(Faults.ORIGIN_REFUSED)
  }
  assert.equal(s.dial.all.length, 3)
  assert.equal(s.waiters.failed[0]?.fault, Faults.ORIGIN_REFUSED)
  assert.equal(s.server().isAvailable, false)
  assert.equal(s.server().inFlight, 0)
})

test('a request tries no more addresses than there are, though they come due again meanwhile', async () => {
  const s = await named(['10.0.0.1', '10.0.0.2'])
  s.open()
  s.clock.advance(5000)
  s.dial.last.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  s.clock.advance(4000)
  s.dial.last.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  assert.equal(s.waiters.failed.length, 1)
  assert.equal(s.dial.connecting.length, 0)
})

test('a changed address takes effect when the TTL is over: idle connections close, busy ones finish', async () => {
  const s = await named(['10.0.0.1'], 5000)
  s.open()
  s.open()
  const [idle, busy] = s.dial.all
  idle?.connect()
  busy?.connect()
  s.clock.advance(4000)
  idle?.release()
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.2'], ttlMs: 5000 })
  s.clock.advance(1100)
  await settle()
  assert.equal(idle?.isDestroyed, true)
  assert.equal(busy?.isDestroyed, false)
  assert.equal(s.server().inFlight, 1)
  busy?.release()
  assert.equal(busy?.isDestroyed, true)
  s.dial.turn()
  assert.equal(s.server().connections, 0)
  s.open()
  assert.equal(hostOf(s.dial.last), '10.0.0.2')
})

test('addresses that stay keep their connections', async () => {
  const s = await named(['10.0.0.1', '10.0.0.2'], 2000)
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.3', '10.0.0.1'], ttlMs: 2000 })
  s.clock.advance(2100)
  await settle()
  assert.equal(s.dial.last.isDestroyed, false)
  assert.deepEqual(
    s.server().addresses.map(({ address, idle }) => [address, idle]),
    [
      ['10.0.0.3:8080', 0],
      ['10.0.0.1:8080', 1],
    ],
  )
})

test('a connection being made to an address that vanished is given up, and who waits gets another', async () => {
  const s = await named(['10.0.0.1'], 2000)
  const { x } = s.open()
  const old = s.dial.last
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.2'], ttlMs: 2000 })
  s.clock.advance(2100)
  await settle()
  old.connect()
  assert.equal(old.isDestroyed, true)
  assert.equal(s.waiters.opened.length, 0)
  assert.equal(hostOf(s.dial.last), '10.0.0.2')
  s.dial.last.connect()
  assert.equal(s.waiters.opened[0]?.x, x)
})

test('a fault of an address that vanished says nothing against the new one', async () => {
  const s = await named(['10.0.0.1'], 2000)
  s.open()
  s.open()
  const [old, sent] = s.dial.all
  sent?.connect()
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.2'], ttlMs: 2000 })
  s.clock.advance(2100)
  await settle()
  old?.close(Faults.ORIGIN_UNREACHABLE)
  const { x } = s.waiters.opened[0] ?? s.open()
  if (sent !== undefined) s.origin.onAttemptFault(x, sent, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  assert.equal(s.server().isAvailable, true)
  assert.equal(s.server().addresses[0]?.faults, 0)
  assert.deepEqual(s.events, [])
})

test('nobody knocks at an address that vanished', async () => {
  const s = await named(['10.0.0.1'], 1000, { passOverMinMs: 8000 })
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.2'], ttlMs: 1000 })
  s.clock.advance(1000)
  await settle()
  const before = s.dial.all.length
  s.clock.advance(5000)
  assert.equal(s.dial.all.length, before)
  assert.equal(s.timers.hanging, 0)
})

test('when the name can no longer be resolved the addresses known before stay in use', async () => {
  const s = await named(['10.0.0.1'], 2000)
  s.resolver.answers.set('app.internal', new Error('server failed'))
  s.clock.advance(2100)
  await settle()
  assert.equal(s.server().isAvailable, true)
  s.open()
  assert.equal(hostOf(s.dial.last), '10.0.0.1')
  assert.match(s.events[0]?.message ?? '', /server failed/)
})

test('an answer without any address counts as none', async () => {
  const s = await named([])
  assert.equal(s.open().result, -Faults.ORIGIN_UNRESOLVED)
})

test('an address named twice is one', async () => {
  const s = await named(['10.0.0.1', '10.0.0.1'])
  assert.equal(s.server().addresses.length, 1)
})

for (const [ttlMs, expected] of [
  [0, 1000],
  [300, 1000],
  [20_000, 20_000],
  [86_400_000, 300_000],
] as const) {
  test(`a TTL of ${ttlMs} ms is kept as ${expected} ms`, async () => {
    const s = await named(['10.0.0.1'], ttlMs)
    s.clock.advance(expected - 1)
    assert.equal(s.resolver.asked.length, 1)
    s.clock.advance(1)
    assert.equal(s.resolver.asked.length, 2)
  })
}

test('a TTL of 0 does not become a storm, whatever the config says', async () => {
  const s = await named(['10.0.0.1'], 0, { ttlMinMs: 0, ttlMaxMs: 1000 })
  for (let i = 0; i < 100; i++) {
    s.clock.advance(10)
    await settle()
  }
  assert.ok(s.resolver.asked.length <= 5, `${s.resolver.asked.length}`)
})

test('a failing connection asks for the name at once: the address may have moved before its TTL', async () => {
  const s = await named(['10.0.0.1'], 300_000)
  s.clock.advance(5000)
  s.open()
  s.resolver.answers.set('app.internal', { addresses: ['10.0.0.2'], ttlMs: 300_000 })
  s.dial.last.close(Faults.ORIGIN_UNREACHABLE)
  assert.equal(s.resolver.asked.length, 2)
  await settle()
  assert.equal(s.server().isAvailable, true)
  s.open()
  assert.equal(hostOf(s.dial.last), '10.0.0.2')
})

test('failing connections ask for the name no more than once a second', async () => {
  const s = await named(['10.0.0.1'], 300_000)
  s.clock.advance(5000)
  for (let i = 0; i < 100; i++) {
    s.open()
    s.dial.last.close(Faults.ORIGIN_REFUSED)
    await settle()
    s.clock.advance(10)
  }
  assert.ok(s.resolver.asked.length <= 3, `${s.resolver.asked.length}`)
})

test('after close() the name is not asked for any more, and nothing is left to wake up', async () => {
  const s = await named(['10.0.0.1'], 2000)
  s.origin.close()
  s.clock.advance(60_000)
  assert.equal(s.resolver.asked.length, 1)
  assert.equal(s.clock.pending, 0)
})

test('the Host of a server is its name and port, the port left out when it is 80', async () => {
  const s = stage(['http://App.Internal:8080', 'app.internal:80', '[::1]:3000', 'unix:/run/a.sock'])
  const names: string[] = []
  for (let i = 0; i < 4; i++) {
    const { x } = s.open()
    names.push(s.origin.authorityOf(x.tried[0] ?? { name: '' }))
  }
  assert.deepEqual(names, ['app.internal:8080', 'app.internal', '[::1]:3000', 'localhost'])
  assert.equal(s.origin.authorityOf({ name: 'somebody else' }), '')
})
