import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListenerPlan } from '../../../src/engine/plan.ts'
import { listenerText, within } from '../../../src/supervisor/fleet.ts'
import { ListeningSocket } from '../../../src/supervisor/listening-socket.ts'
import { RetiredCounters } from '../../../src/supervisor/retired-counters.ts'
import { backoffMostMs, provenMs, Slot } from '../../../src/supervisor/slot.ts'
import { Sockets } from '../../../src/supervisor/sockets.ts'
import { workerOptions } from '../../../src/supervisor/worker-process.ts'

const planOf = (name: string, more: Partial<ListenerPlan> = {}): ListenerPlan => ({
  name,
  host: '127.0.0.1',
  port: 0,
  path: '',
  backlog: 16,
  ...more,
})

test('the wait before a replacement doubles up to its bound, and begins anew after a long life', () => {
  const slot = new Slot(1)
  const waits = Array.from({ length: 9 }, () => slot.nextWaitMs(50))
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, backoffMostMs, backoffMostMs])
  assert.equal(slot.nextWaitMs(provenMs), 100)
})

test('a worker gets the options of Node, but for what to run and for debuggers', () => {
  const own = [
    '--max-old-space-size=64',
    '--input-type=module',
    '--eval',
    'code',
    '--inspect=9229',
    '--watch',
    '--test',
  ]
  assert.deepEqual(workerOptions(own), ['--max-old-space-size=64', '--disable-sigusr1'])
  assert.deepEqual(workerOptions(['--disable-sigusr1', '-p', '1']), ['--disable-sigusr1'])
})

test('of a worker that is gone the counters stay, and the gauges go', () => {
  const retired = new RetiredCounters()
  const [one, two] = [{}, {}]
  retired.keep(one, { headgate_connections_total: { '': 3 }, headgate_connections_open: { '': 2 } })
  retired.keep(one, { headgate_connections_total: { '': 5 }, headgate_connections_open: { '': 2 } })
  retired.keep(two, { headgate_connections_total: { '': 7 } })
  retired.retire(one)
  retired.retire(two)
  retired.retire(two)
  assert.deepEqual(retired.sum, { headgate_connections_total: { '': 12 } })
})

test('listeners are written as people write them', () => {
  assert.equal(listenerText(planOf('a', { host: '' }), 80), '*:80')
  assert.equal(listenerText(planOf('a', { host: '::1' }), 80), '[::1]:80')
  assert.equal(listenerText(planOf('a', { path: '/run/a' }), 0), 'unix:/run/a')
})

test('a port that is in use is seen when binding, and what was opened beside it is closed', async () => {
  const { createServer } = await import('node:net')
  const taken = createServer()
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve)
  })
  const { port } = taken.address() as { port: number }
  const sockets = new Sockets()
  await assert.rejects(sockets.prepare([planOf('free'), planOf('taken', { port })]), {
    message: new RegExp(`127\\.0\\.0\\.1:${port} is in use by another program`),
  })
  assert.deepEqual(sockets.all(), [])
  await assert.rejects(sockets.prepare([planOf('far', { host: '192.0.2.1' })]), /no such address/)
  taken.close()
})

test('a change keeps what stays, opens what is new, and closes what is gone', async () => {
  const sockets = new Sockets()
  sockets.commit(await sockets.prepare([planOf('a'), planOf('b')]))
  const [a] = sockets.all()
  const change = await sockets.prepare([planOf('a'), planOf('c')])
  assert.deepEqual(
    change.added.map(({ plan }) => plan.name),
    ['c'],
  )
  assert.deepEqual(
    change.removed.map(({ plan }) => plan.name),
    ['b'],
  )
  sockets.commit(change)
  assert.equal(sockets.all()[0], a)
  assert.deepEqual(
    sockets.all().map(({ plan }) => plan.name),
    ['a', 'c'],
  )
  sockets.close()
})

test('every interface is IPv6 and IPv4 at once', async () => {
  const socket = await ListeningSocket.open(planOf('all', { host: '' }))
  assert.ok(socket.port > 0)
  socket.close()
})

test('a wait that is too long gives null, and a failure is passed on', async () => {
  assert.equal(await within(new Promise(() => {}), 10), null)
  assert.equal(await within(Promise.resolve(1), 1000), 1)
  await assert.rejects(within(Promise.reject(new Error('x')), 1000), /x/)
})
