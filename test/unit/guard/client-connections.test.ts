/** How many connections a client holds, and which of them makes room. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientConnections, idleLookMax } from '../../../src/guard/client-connections.ts'
import type { ServerConnection } from '../../../src/http/serving.ts'
import { ManualClock } from '../../story/manual-clock.ts'

class Connection implements ServerConnection {
  isIdle = false
  isDestroyed = false
  readonly remoteAddress: string

  constructor(remoteAddress = '') {
    this.remoteAddress = remoteAddress
  }

  drain(): void {}

  destroy(): void {
    this.isDestroyed = true
  }
}

function counting(most: number, exempt = '') {
  const clock = new ManualClock()
  const notes: string[] = []
  const clients = new ClientConnections({
    clock,
    note: (_, message) => notes.push(message),
    isExempt: (address) => address === exempt,
  })
  clients.configure(most, [])
  /** One more from there, if it is let in. */
  const come = (address: string): Connection | null => {
    if (clients.isFull(address)) return null
    const connection = new Connection(address)
    clients.hold(connection, address)
    return connection
  }
  return { clock, notes, clients, come }
}

test('a client gets as many as he may have, and one more when one is gone', () => {
  const { clients, come } = counting(2)
  const first = come('192.0.2.1') as Connection
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), null)
  assert.ok(come('192.0.2.2'))
  clients.release(first)
  clients.release(first)
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), null)
  assert.equal(clients.refusedCount, 2)
})

test('an IPv6 network of 64 bits is one client, its neighbour another; mapped addresses are IPv4', () => {
  const { come } = counting(2)
  assert.ok(come('2001:db8:0:1::1'))
  assert.ok(come('2001:db8:0:1:ffff::2'))
  assert.equal(come('2001:db8:0:1::3'), null)
  assert.ok(come('2001:db8:0:2::1'))
  assert.ok(come('192.0.2.1'))
  assert.ok(come('::ffff:192.0.2.1'))
  assert.equal(come('192.0.2.1'), null)
})

test('an idle connection of the same client makes room, the oldest first; one of another does not', () => {
  const { come } = counting(2)
  const idle = [come('192.0.2.1') as Connection, come('192.0.2.1') as Connection]
  const other = come('192.0.2.2') as Connection
  for (const connection of [...idle, other]) connection.isIdle = true
  assert.ok(come('192.0.2.1'))
  assert.deepEqual(
    idle.map(({ isDestroyed }) => isDestroyed),
    [true, false],
  )
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), null)
  assert.equal(other.isDestroyed, false)
})

test(`an idle one behind ${idleLookMax} that are busy is not looked for: to be refused must cost little`, () => {
  const { come } = counting(idleLookMax + 1)
  for (let i = 0; i < idleLookMax; i++) come('192.0.2.1')
  const idle = come('192.0.2.1') as Connection
  idle.isIdle = true
  assert.equal(come('192.0.2.1'), null)
  assert.equal(idle.isDestroyed, false)
})

test('a connection that takes the place of another counts once', () => {
  const { clients, come } = counting(1)
  const before = come('192.0.2.1') as Connection
  const after = new Connection('192.0.2.1')
  clients.replace(before, after)
  assert.equal(come('192.0.2.1'), null)
  clients.release(before)
  assert.equal(come('192.0.2.1'), null)
  clients.release(after)
  assert.ok(come('192.0.2.1'))
})

test('who is exempt, and who has no address, is not bounded', () => {
  const { come } = counting(1, '192.0.2.1')
  for (let i = 0; i < 10; i++) assert.ok(come('192.0.2.1'))
  for (let i = 0; i < 10; i++) assert.ok(come(''))
})

test('connections that are open count when a bound is set, and none when it is taken away', () => {
  const { clients, come } = counting(0)
  const open = [new Connection('192.0.2.1'), new Connection('192.0.2.1'), new Connection()]
  assert.equal(clients.isBounded, false)
  clients.configure(2, open)
  assert.equal(come('192.0.2.1'), null)
  clients.configure(3, open)
  assert.ok(come('192.0.2.1'))
  assert.equal(come('192.0.2.1'), null)
  clients.configure(0, open)
  for (let i = 0; i < 10; i++) assert.ok(come('192.0.2.1'))
})

test('refusals are told at most once in ten seconds, with their number', () => {
  const { clock, notes, come } = counting(1)
  come('192.0.2.1')
  for (let i = 0; i < 1000; i++) assert.equal(come('192.0.2.1'), null)
  assert.equal(notes.length, 1)
  assert.match(notes[0] as string, /^192\.0\.2\.1 holds 1 connections, .*: another was refused; raise it/)
  clock.advance(10_000)
  come('192.0.2.1')
  assert.equal(notes.length, 2)
  assert.match(notes[1] as string, /refused since the last such line: 1000/)
})
