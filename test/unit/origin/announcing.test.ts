/** Connections of servers that are told of clients by a PROXY protocol header. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { nobody, WAIT, type Exchange, type Upstream } from '../../../src/http/exchange.ts'
import { BareSounding } from '../../../src/http/sounding.ts'
import type { Connector, TransportAddress, TransportEvents } from '../../../src/net/transport.ts'
import { ManualClock, stage, type Stage } from './fakes.ts'

const local = Buffer.from([...Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), 0x20, 0, 0, 0])

function openFor(
  s: Stage,
  remoteAddress: string,
  remotePort = 50_000,
): { x: Exchange; result: Upstream | number } {
  const x = s.exchange()
  x.down = { ...nobody, remoteAddress, remotePort, localAddress: '192.0.2.9', localPort: 80 }
  return { x, result: s.origin.open(x, s.waiters) }
}

test('an idle connection is leased to the client whom it announced and to nobody else', () => {
  const s = stage(undefined, { proxyProtocol: 'v1' })
  openFor(s, '192.0.2.1')
  const first = s.dial.last
  assert.equal(first.target.opening?.toString(), 'PROXY TCP4 192.0.2.1 192.0.2.9 50000 80\r\n')
  first.connect()
  first.release()
  assert.equal(openFor(s, '192.0.2.2').result, WAIT)
  // Another connection of the same address is another client, as far as anybody knows.
  assert.equal(openFor(s, '192.0.2.1', 50_001).result, WAIT)
  assert.equal(openFor(s, '192.0.2.1').result, first)
  assert.equal(s.dial.all.length, 3)
})

test('each that waits has a connection made, also where one could carry all of them', () => {
  const s = stage(['h2c://10.0.0.1:80'], { proxyProtocol: 'v2' })
  s.dial.streams = 100
  const clients = ['192.0.2.1', '192.0.2.2', '192.0.2.1'].map((from) => openFor(s, from).x)
  assert.equal(s.dial.all.length, 3)
  const [first, second] = s.dial.all
  second?.connect()
  assert.deepEqual(
    s.waiters.opened.map(({ x }) => x),
    [clients[1]],
  )
  // Its session carries whatever else this client asks for.
  first?.connect()
  assert.deepEqual(
    s.waiters.opened.map(({ x, upstream }) => [x, upstream]),
    [
      [clients[1], second],
      [clients[0], first],
      [clients[2], first],
    ],
  )
})

test('one that cannot be made is the bad luck of the client whose it was', () => {
  const s = stage(undefined, { proxyProtocol: 'v2' })
  openFor(s, '192.0.2.1')
  const { x } = openFor(s, '192.0.2.2')
  const [first, second] = s.dial.all
  second?.close(Faults.ORIGIN_REFUSED)
  assert.deepEqual(
    s.waiters.failed.map(({ x: failed, fault }) => [failed, fault]),
    [[x, Faults.ORIGIN_REFUSED]],
  )
  first?.connect()
  assert.equal(s.waiters.opened.length, 1)
})

test('at the bound of connections, an idle one of another client makes room', () => {
  const s = stage(undefined, { proxyProtocol: 'v2', connectionsMax: 1 })
  openFor(s, '192.0.2.1')
  const first = s.dial.last
  first.connect()
  assert.equal(openFor(s, '192.0.2.2').result, WAIT)
  assert.equal(s.dial.all.length, 1)
  first.release()
  assert.equal(first.isDestroyed, true)
  assert.equal(s.dial.all.length, 2)
})

test('a connection that is tried for nobody says so, and serves nobody', () => {
  const s = stage(['http://10.0.0.1:80', 'http://10.0.0.2:80'], { proxyProtocol: 'v2', knockMs: 500 })
  for (let i = 0; i < 6; i++) {
    openFor(s, '192.0.2.1')
    for (const connection of s.dial.connecting)
      if (connection.target.addressText === '10.0.0.1:80') connection.close(Faults.ORIGIN_REFUSED)
      else connection.connect()
    s.clock.advance(600)
  }
  const knocks = s.dial.all.filter(({ target }) => target.opening?.equals(local))
  assert.ok(knocks.length > 0, 'it was knocked')
  const last = knocks.at(-1)
  if (last?.state === 'connecting') {
    last.connect()
    assert.equal(last.isDestroyed, true)
    assert.equal(last.leases, 0)
  }
})

test('who is only sounded is told that by LOCAL', () => {
  let said: Buffer | null | undefined = null
  const connector: Connector = {
    connect(_address: TransportAddress, _events: TransportEvents, _onConnect, _security, opening) {
      said = opening
      return null as never
    },
  }
  const s = stage(undefined, { proxyProtocol: 'v2' })
  openFor(s, '')
  const target = { ...s.dial.last.target, opening: local }
  const sounding = new BareSounding(target, connector, new ManualClock(), () => {})
  assert.ok(sounding)
  assert.equal(said, local)
})
