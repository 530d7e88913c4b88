/** The tunnel: both ways at once, back-pressure, half-close, and death of either side at each phase. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../src/core/clock.ts'
import { faultRow, Faults, NONE } from '../../../src/core/faults.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Timers } from '../../../src/core/timers.ts'
import { joinTunnel, type Tunnel, type TunnelOptions } from '../../../src/net/tunnel.ts'
import type { Transport } from '../../../src/net/transport.ts'
import { socketPair, until } from './pairs.ts'
import { pattern, Recorder, sha256 } from './recorder.ts'

/** client ↔ a … b ↔ origin, joined between a and b. */
interface Joined {
  client: Transport
  a: Transport
  b: Transport
  origin: Transport
  atClient: Recorder
  atOrigin: Recorder
  tunnel: Tunnel
  timers: Timers
  /** [name of the fault, bytes from a, bytes from b] of each `onClosed`. */
  closed: [string, number, number][]
  finish: () => Promise<void>
}

async function joined(more: Partial<TunnelOptions> = {}, clock: Clock = systemClock): Promise<Joined> {
  const down = await socketPair('handle')
  const up = await socketPair('handle')
  const atClient = new Recorder()
  const atOrigin = new Recorder()
  down.a.events = atClient
  up.b.events = atOrigin
  const closed: [string, number, number][] = []
  const timers = more.timers ?? new Timers(clock)
  const tunnel = joinTunnel(down.b, up.a, {
    timers,
    idleMs: 60_000,
    onClosed: (fault, fromA, fromB) => closed.push([faultRow(fault).name, fromA, fromB]),
    ...more,
  })
  return {
    client: down.a,
    a: down.b,
    b: up.a,
    origin: up.b,
    atClient,
    atOrigin,
    tunnel,
    timers,
    closed,
    async finish() {
      down.a.destroy()
      up.b.destroy()
      await until(() => closed.length === 1, 'the tunnel to close')
      await until(() => atClient.closes.length === 1 && atOrigin.closes.length === 1, 'the ends to close')
      down.release()
      up.release()
      assert.deepEqual([down.b.isOpen, up.a.isOpen], [false, false])
      assert.equal(timers.hanging, 0)
      await sleep(5)
      assert.equal(closed.length, 1)
    },
  }
}

test('bytes pass both ways, and a FIN is passed on as a FIN', async () => {
  const { client, origin, atClient, atOrigin, closed, finish } = await joined()
  client.writeText('question')
  await until(() => atOrigin.text === 'question', 'the question')
  client.end()
  await until(() => atOrigin.ends === 1, 'the FIN')
  assert.equal(atClient.ends, 0)
  origin.writeText('the answer')
  origin.end()
  await until(() => closed.length === 1 && atClient.closes.length === 1, 'the close')
  assert.equal(atClient.text, 'the answer')
  assert.deepEqual([atClient.ends, atClient.closes, atOrigin.closes], [1, [''], ['']])
  assert.deepEqual(closed, [['none', 8, 10]])
  await finish()
})

for (const slow of ['client', 'origin'] as const) {
  test(`a slow ${slow} holds the other side back, and every byte arrives`, async () => {
    const { client, origin, a, b, atClient, atOrigin, finish } = await joined()
    const [reader, atReader, writer, source, target] =
      slow === 'client' ? [client, atClient, origin, b, a] : [origin, atOrigin, client, a, b]
    atReader.keepsText = false
    reader.pause()
    const bytes = pattern(20_000_000, 6)
    writer.writeBytes(bytes, 0, bytes.length)
    await until(() => source.isPaused, 'the source to be paused')
    await sleep(20)
    // One read of 256 KiB above the mark of 64 KiB at most.
    assert.ok(target.unsentBytes < 400_000, `${target.unsentBytes} bytes are held`)
    const held = source.bytesRead
    await sleep(20)
    assert.equal(source.bytesRead, held)
    reader.resume()
    await until(() => atReader.bytes === bytes.length, 'all bytes')
    assert.equal(atReader.hash.digest('hex'), sha256(bytes))
    await finish()
  })
}

/** Phases of a tunnel's life, and how to bring one there. */
const phases: Record<string, (joined: Joined) => Promise<void>> = {
  'at once': () => Promise.resolve(),
  'while idle': async ({ client, atOrigin }) => {
    client.writeText('x')
    await until(() => atOrigin.bytes === 1, 'the byte')
  },
  'while bytes flow to the client': async ({ origin, client, atClient }) => {
    atClient.keepsText = false
    const bytes = pattern(8_000_000)
    origin.writeBytes(bytes, 0, bytes.length)
    await until(() => atClient.bytes > 0, 'the first bytes')
    assert.ok(client.isOpen)
  },
  'while the origin is held back': async ({ origin, client, b }) => {
    client.pause()
    const bytes = pattern(20_000_000)
    origin.writeBytes(bytes, 0, bytes.length)
    await until(() => b.isPaused, 'the pause')
  },
  'while the client is held back': async ({ origin, client, a }) => {
    origin.pause()
    const bytes = pattern(20_000_000)
    client.writeBytes(bytes, 0, bytes.length)
    await until(() => a.isPaused, 'the pause')
  },
  'after the FIN of the client': async ({ client, atOrigin }) => {
    client.end()
    await until(() => atOrigin.ends === 1, 'the FIN')
  },
  'after the FIN of the origin': async ({ origin, atClient }) => {
    origin.end()
    await until(() => atClient.ends === 1, 'the FIN')
  },
}

for (const [phase, bring] of Object.entries(phases)) {
  for (const side of ['a', 'b'] as const) {
    test(`side ${side} destroyed ${phase}: both are gone at once and nothing is left`, async () => {
      const tunnel = await joined()
      await bring(tunnel)
      tunnel[side].destroy()
      await until(() => tunnel.closed.length === 1, 'the close')
      assert.equal(tunnel.closed[0]?.[0], 'none')
      await tunnel.finish()
    })
  }

  for (const way of ['destroy', 'closeGracefully'] as const) {
    test(`${way} ${phase}: nothing is left`, async () => {
      const tunnel = await joined({ halfClosedMs: 50 })
      await bring(tunnel)
      if (way === 'destroy') tunnel.tunnel.destroy(Faults.DRAINING)
      else tunnel.tunnel.closeGracefully()
      await until(() => tunnel.closed.length === 1, 'the close')
      assert.match(tunnel.closed[0]?.[0] ?? '', /^(draining|none)$/)
      await tunnel.finish()
    })
  }
}

for (const phase of [
  'at once',
  'while idle',
  'after the FIN of the client',
  'while the origin is held back',
]) {
  test(`the origin resets ${phase}: the client sees a reset, and it is called its fault`, async () => {
    const tunnel = await joined()
    await phases[phase]?.(tunnel)
    tunnel.origin.reset()
    // While it is paused for back-pressure its reset cannot be seen: the client goes on reading first.
    tunnel.client.resume()
    await until(() => tunnel.closed.length === 1, 'the close')
    assert.equal(tunnel.closed[0]?.[0], 'http_response_incomplete')
    await until(() => tunnel.atClient.closes.length === 1, 'the client')
    assert.deepEqual(tunnel.atClient.closes, ['ECONNRESET'])
    await tunnel.finish()
  })
}

test('the client resets: the origin sees a reset, and it is called the fault of the client', async () => {
  const tunnel = await joined()
  await phases['while idle']?.(tunnel)
  tunnel.client.reset()
  await until(() => tunnel.closed.length === 1, 'the close')
  assert.deepEqual(tunnel.closed, [['client_gone', 1, 0]])
  await until(() => tunnel.atOrigin.closes.length === 1, 'the origin')
  assert.deepEqual(tunnel.atOrigin.closes, ['ECONNRESET'])
  await tunnel.finish()
})

test('without a byte for idleMs it is closed; bytes in either direction put that off', async () => {
  const tunnel = await joined({ idleMs: 200 })
  for (const writer of [tunnel.client, tunnel.origin, tunnel.client]) {
    await sleep(120)
    writer.writeText('.')
  }
  assert.deepEqual(tunnel.closed, [])
  await until(() => tunnel.closed.length === 1, 'the close')
  assert.deepEqual(tunnel.closed, [['tunnel_idle', 2, 1]])
  await tunnel.finish()
})

test('a reader that takes nothing for idleMs is idle too', async () => {
  const tunnel = await joined({ idleMs: 150 })
  await phases['while the origin is held back']?.(tunnel)
  await until(() => tunnel.closed.length === 1, 'the close')
  assert.equal(tunnel.closed[0]?.[0], 'tunnel_idle')
  await tunnel.finish()
})

test('after one FIN the other direction has halfClosedMs from byte to byte, then both are closed', async () => {
  const tunnel = await joined({ idleMs: 60_000, halfClosedMs: 150 })
  tunnel.client.end()
  for (let i = 0; i < 4; i++) {
    await sleep(80)
    tunnel.origin.writeText('.')
  }
  assert.deepEqual(tunnel.closed, [])
  await until(() => tunnel.closed.length === 1, 'the close')
  assert.deepEqual(tunnel.closed, [['tunnel_idle', 0, 4]])
  await tunnel.finish()
})

test('closeGracefully sends FIN both ways after what was on its way, and waits for theirs', async () => {
  const tunnel = await joined()
  tunnel.origin.writeText('last')
  await until(() => tunnel.atClient.text === 'last', 'the last')
  tunnel.tunnel.closeGracefully()
  await until(() => tunnel.atClient.ends === 1 && tunnel.atOrigin.ends === 1, 'both FINs')
  assert.deepEqual(tunnel.closed, [])
  tunnel.client.end()
  await sleep(10)
  assert.deepEqual(tunnel.closed, [])
  tunnel.origin.end()
  await until(() => tunnel.closed.length === 1, 'the close')
  assert.deepEqual(tunnel.closed, [['none', 0, 4]])
  await tunnel.finish()
})

test('a client that had left before the join is noticed', async () => {
  const down = await socketPair('handle')
  const up = await socketPair('handle')
  down.b.pause()
  down.a.writeText('bye')
  down.a.end()
  await sleep(10)
  const atOrigin = new Recorder()
  up.b.events = atOrigin
  let fault = -1
  joinTunnel(down.b, up.a, {
    timers: new Timers(systemClock),
    idleMs: 60_000,
    onClosed: (why) => (fault = why),
  })
  await until(() => atOrigin.ends === 1, 'the FIN')
  assert.equal(atOrigin.text, 'bye')
  up.b.end()
  await until(() => fault !== -1, 'the close')
  assert.equal(fault, NONE)
  down.a.destroy()
  down.release()
  up.release()
})

test('one side closed before the join: the other is closed, and onClosed still comes once', async () => {
  const down = await socketPair('handle')
  const up = await socketPair('handle')
  const atOrigin = new Recorder()
  up.b.events = atOrigin
  const faults: number[] = []
  // Destroyed in the same turn; its close is still to come.
  down.b.destroy()
  joinTunnel(down.b, up.a, {
    timers: new Timers(systemClock),
    idleMs: 60_000,
    onClosed: (why) => faults.push(why),
  })
  await until(() => faults.length === 1, 'the close')
  await until(() => atOrigin.ends + atOrigin.closes.length > 0, 'the origin')
  up.b.destroy()
  down.a.destroy()
  down.release()
  up.release()
})
