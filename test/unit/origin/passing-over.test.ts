import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE, faultRow } from '../../../src/core/faults.ts'
import { WAIT } from '../../../src/http/exchange.ts'
import type { Exchange } from '../../../src/http/exchange.ts'
import { stage, type FakeConnection, type Stage } from './fakes.ts'

const three = ['http://10.0.0.1', 'http://10.0.0.2', 'http://10.0.0.3']

/** Opens until the dial is to `host`; what else was dialled is connected and given back. */
function dialTo(s: Stage, host: string): { x: Exchange; connection: FakeConnection } {
  for (let i = 0; i < 20; i++) {
    const dialled = s.dial.all.length
    const { x, result } = s.open()
    const connection = s.dial.last
    if (result === WAIT && s.dial.all.length > dialled) {
      if (connection.target.address.host === host) return { x, connection }
      connection.connect()
      connection.release()
    } else if (typeof result !== 'number') (result as FakeConnection).release()
  }
  throw new Error(`nothing was dialled to ${host}`)
}

/** Which servers the next `n` requests reach; each is served at once. */
function hostsOf(s: Stage, n: number): string[] {
  const hosts: string[] = []
  for (let i = 0; i < n; i++) {
    const { x, result } = s.open()
    const { name } = x.tried.at(-1) ?? { name: '' }
    hosts.push(name.slice('http://10.0.0.'.length))
    if (result === WAIT) {
      s.dial.last.connect()
      s.dial.last.release()
    } else if (typeof result !== 'number') (result as FakeConnection).release()
  }
  return hosts
}

test('a server that refuses is passed over for 250 ms, and the others take its requests', () => {
  const s = stage(three)
  const { x, connection } = dialTo(s, '10.0.0.2')
  connection.close(Faults.ORIGIN_REFUSED)
  assert.deepEqual(
    s.waiters.failed.map(({ x, fault }) => ({ x, fault })),
    [{ x, fault: Faults.ORIGIN_REFUSED }],
  )
  // For the log: it was tried, though nobody answered.
  assert.equal(x.upstreamAddress, '10.0.0.2:80')
  assert.equal(s.server(1).isAvailable, false)
  assert.equal(s.server(1).addresses[0]?.fault, 'connection_refused')
  assert.ok(!hostsOf(s, 12).includes('2'))
  s.clock.advance(200)
  assert.equal(s.server(1).isAvailable, false)
  s.clock.advance(150)
  assert.equal(s.server(1).isAvailable, true)
  assert.ok(hostsOf(s, 3).includes('2'))
})

test('a request that could not be connected finds another server, and none twice', () => {
  const s = stage(three)
  const { x } = s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  s.dial.last.close(Faults.ORIGIN_UNREACHABLE)
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  s.dial.last.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  assert.equal(new Set(x.tried).size, 3)
  assert.equal(x.attempts, 3)
  assert.equal(s.origin.open(x, s.waiters), -Faults.ORIGIN_NONE)
  assert.equal(x.attempts, 3)
})

test('the while doubles with each further fault, up to 10 s, and a success ends it', () => {
  const s = stage(three, { knockMs: 0 })
  const whiles: number[] = []
  for (let i = 0; i < 8; i++) {
    const { connection } = dialTo(s, '10.0.0.2')
    connection.close(Faults.ORIGIN_REFUSED)
    whiles.push(s.server(1).addresses[0]?.passedOverMs ?? 0)
    s.clock.advance(10_100)
  }
  assert.deepEqual(whiles, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
  dialTo(s, '10.0.0.2').connection.connect()
  assert.equal(s.server(1).addresses[0]?.faults, 0)
  s.clock.advance(5000)
  dialTo(s, '10.0.0.2').connection.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.server(1).addresses[0]?.passedOverMs, 250)
})

test('faults that arrive while it is passed over do not make the while longer', () => {
  const s = stage(three)
  const connections: FakeConnection[] = []
  for (let i = 0; i < 9; i++) {
    s.open()
    if (s.dial.last.target.address.host === '10.0.0.2') connections.push(s.dial.last)
  }
  assert.equal(connections.length, 3)
  for (const connection of connections) connection.close(Faults.ORIGIN_REFUSED)
  const [address] = s.server(1).addresses
  assert.equal(address?.faults, 1)
  assert.equal(address?.passedOverMs, 250)
})

test('when its while is over one request at a time tries it; the others go elsewhere', () => {
  const s = stage(three)
  dialTo(s, '10.0.0.2').connection.close(Faults.ORIGIN_REFUSED)
  s.clock.advance(300)
  const { connection } = dialTo(s, '10.0.0.2')
  assert.equal(s.server(1).isAvailable, false)
  assert.ok(!hostsOf(s, 12).includes('2'))
  connection.connect()
  assert.equal(s.server(1).isAvailable, true)
  connection.release()
  assert.ok(hostsOf(s, 3).includes('2'))
})

test('a trial whose client leaves is still decided by its connection', () => {
  const s = stage(three)
  dialTo(s, '10.0.0.2').connection.close(Faults.ORIGIN_REFUSED)
  s.clock.advance(300)
  const { x, connection } = dialTo(s, '10.0.0.2')
  s.origin.cancelWait(x)
  assert.equal(s.server(1).isAvailable, false)
  connection.connect()
  assert.equal(s.server(1).isAvailable, true)
  assert.equal(s.server(1).idle, 1)
})

test('those that wait for a server that faults go elsewhere at once, if they can', () => {
  const s = stage(three)
  const waiting: Exchange[] = []
  for (let i = 0; i < 9; i++) waiting.push(s.open().x)
  const dials = s.dial.connecting.filter(({ target }) => target.address.host === '10.0.0.3')
  assert.equal(dials.length, 3)
  dials[0]?.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  assert.equal(s.waiters.failed.length, 3)
  assert.equal(s.server(2).inFlight, 0)
  for (const { x } of s.waiters.failed) assert.equal(s.origin.open(x, s.waiters), WAIT)
  assert.equal(s.server(0).inFlight + s.server(1).inFlight, 9)
})

test('one that has tried the others already waits for the connections that are under way', () => {
  const s = stage(['http://10.0.0.1', 'http://10.0.0.2'])
  const { x } = s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  s.origin.open(x, s.waiters)
  const { x: other } = s.open()
  s.clock.advance(300)
  // Server 1 is available again: x has been there, the other has not.
  assert.equal(s.server(0).isAvailable, true)
  s.dial.all[2]?.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  assert.deepEqual(
    s.waiters.failed.slice(1).map((failed) => failed.x),
    [other],
  )
  s.dial.all[1]?.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
})

test('when all are passed over the least recently faulted one is tried at once', () => {
  const s = stage(three)
  for (let i = 0; i < 3; i++) s.open()
  for (const i of [2, 0, 1]) {
    s.clock.advance(10)
    s.dial.all[i]?.close(Faults.ORIGIN_REFUSED)
  }
  assert.ok(s.origin.snapshot().servers.every(({ isAvailable }) => !isAvailable))
  const { x } = s.open()
  assert.equal(x.tried.at(-1)?.name, three[2])
  assert.equal(s.dial.last.target.address.host, '10.0.0.3')
  s.clock.advance(1)
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  s.origin.open(x, s.waiters)
  assert.equal(x.tried.at(-1)?.name, three[0])
  s.dial.last.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
  assert.equal(s.server(0).isAvailable, true)
})

test('an origin of one server is tried by every request, however often it faulted', () => {
  const s = stage(undefined, { knockMs: 0 })
  for (let i = 0; i < 50; i++) {
    const { result } = s.open()
    assert.equal(result, WAIT)
    s.dial.last.close(Faults.ORIGIN_REFUSED)
    assert.equal(s.waiters.failed.length, i + 1)
    s.clock.advance(7)
  }
  assert.equal(s.dial.all.length, 50)
  s.open()
  s.dial.last.connect()
  assert.equal(s.waiters.opened.length, 1)
  assert.equal(s.server().isAvailable, true)
})

test('a server in doubt is not hammered: a thousand requests share one attempt, and its outcome', () => {
  const s = stage()
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  for (let i = 0; i < 1000; i++) assert.equal(s.open().result, WAIT)
  assert.equal(s.dial.all.length, 2)
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.waiters.failed.length, 1001)
  assert.equal(s.server().inFlight, 0)
  assert.equal(s.dial.all.length, 2)
})

test('when the shared attempt succeeds all that wait are connected', () => {
  const s = stage()
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  for (let i = 0; i < 100; i++) s.open()
  s.dial.last.connect()
  assert.equal(s.dial.connecting.length, 99)
  for (const connection of s.dial.connecting) connection.connect()
  assert.equal(s.waiters.opened.length, 100)
})

test('a server whose packets are lost gets a new attempt each 250 ms while requests come', () => {
  const s = stage()
  s.open()
  s.dial.last.close(Faults.ORIGIN_CONNECT_TIMEOUT)
  for (let ms = 0; ms < 2000; ms += 10) {
    s.open()
    s.clock.advance(10)
  }
  const attempts = s.dial.all.length - 1
  assert.ok(attempts >= 7 && attempts <= 11, `${attempts}`)
})

test('a single refusal among busy connections fails one request, and the rest wait for their turn', () => {
  const s = stage(undefined, { connectionsMax: 2 })
  s.open()
  const busy = s.dial.last
  busy.connect()
  for (let i = 0; i < 5; i++) s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.waiters.failed.length, 1)
  assert.equal(s.server().waiting, 4)
  busy.release()
  assert.equal(s.waiters.opened.length, 2)
})

for (const fault of [Faults.EDGE_EXHAUSTED, Faults.ORIGIN_FULL]) {
  const { name } = faultRow(fault)

  test(`${name} fails the request and says nothing against the server`, () => {
    const s = stage(three)
    for (let i = 0; i < 3; i++) {
      s.open()
      s.dial.last.close(fault)
      assert.equal(s.waiters.failed[i]?.fault, fault)
    }
    assert.ok(s.origin.snapshot().servers.every(({ isAvailable }) => isAvailable))
    assert.equal(s.events.length, 0)
  })

  test(`${name} in the trial of a server makes its while no longer: the next request is the trial`, () => {
    const s = stage()
    s.open()
    s.dial.last.close(Faults.ORIGIN_REFUSED)
    assert.equal(s.server().isAvailable, false)
    s.clock.advance(300)
    s.open()
    const dials = s.dial.all.length
    s.dial.last.close(fault)
    assert.equal(s.server().isAvailable, true)
    s.open()
    assert.equal(s.dial.all.length, dials + 1)
  })

  test(`${name} of an attempt says nothing against the server`, () => {
    const s = stage()
    const { x } = s.open()
    s.dial.last.connect()
    s.origin.onAttemptFault(x, s.dial.last, fault)
    assert.equal(s.server().isAvailable, true)
  })
}

test('a reused connection that was closed early says nothing against the server, and it is tried again', () => {
  const s = stage()
  s.open()
  s.dial.last.connect()
  s.dial.last.release()
  const { x, result } = s.open()
  assert.equal(result, s.dial.last)
  s.origin.onAttemptFault(x, s.dial.last, Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(s.server().isAvailable, true)
  assert.equal(s.origin.open(x, s.waiters), WAIT)
  s.dial.all[0]?.close(Faults.ORIGIN_CLOSED_EARLY)
  s.dial.last.connect()
  assert.equal(s.waiters.opened.at(-1)?.x, x)
})

test('a fresh connection that was closed before its answer speaks against the server', () => {
  const s = stage(three)
  s.open()
  s.dial.last.connect()
  const { x } = s.waiters.opened[0] as { x: Exchange }
  s.origin.onAttemptFault(x, s.dial.last, Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(s.server(0).isAvailable, false)
})

for (const fault of [
  Faults.ORIGIN_TRUNCATED,
  Faults.ORIGIN_BETWEEN_BYTES_TIMEOUT,
  Faults.STATUS_LINE_BAD,
  Faults.CLIENT_GONE,
  NONE,
]) {
  test(`fault ${fault} of an answer says nothing against the server`, () => {
    const s = stage(three)
    const { x } = s.open()
    s.dial.last.connect()
    s.origin.onAttemptFault(x, s.dial.last, fault)
    assert.equal(s.server(0).isAvailable, true)
  })
}

test('while a server is passed over the policy is told, and told when it is back', () => {
  const s = stage(three)
  dialTo(s, '10.0.0.1').connection.close(Faults.ORIGIN_REFUSED)
  assert.deepEqual(
    s.events.map(({ level }) => level),
    ['warn'],
  )
  assert.match(
    s.events[0]?.message ?? '',
    /^http:\/\/10\.0\.0\.1 of origin app is passed over for 250 ms: The origin refused/,
  )
  s.clock.advance(300)
  dialTo(s, '10.0.0.1').connection.connect()
  assert.equal(s.events.at(-1)?.level, 'info')
  assert.match(s.events.at(-1)?.message ?? '', /is in order again/)
})

test('peek names the server that open would take, and changes nothing', () => {
  const s = stage(three)
  const x = s.exchange()
  const before = JSON.stringify(s.origin.snapshot())
  assert.equal(s.origin.peek(x)?.name, three[0])
  assert.equal(JSON.stringify(s.origin.snapshot()), before)
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(s.origin.peek(s.exchange())?.name, three[1])
})

test('the fault of an only server is told as such, since it goes on being tried', () => {
  const s = stage()
  s.open()
  s.dial.last.close(Faults.ORIGIN_REFUSED)
  assert.equal(
    s.events[0]?.message,
    'http://10.0.0.1:80 of origin app faults: The origin refused the connection.',
  )
})
