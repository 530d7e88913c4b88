/**
 * The suite that every Transport must pass, whatever it is made of: src/net/transport.ts promises, this asks.
 * An implementation is plugged in as a `TransportWorld`, which makes connected pairs and lets their time pass.
 */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { call, Recorder } from './recorder.ts'
import { closeTests } from './transport-suite-close.ts'
import { flowTests } from './transport-suite-flow.ts'
import { onPairOf, type TransportWorld } from './transport-world.ts'

export function transportSuite(world: TransportWorld): void {
  const onPair = onPairOf(world)
  const { until } = world
  describe(`transport: ${world.name}`, () => {
    flowTests(world, onPair)
    closeTests(world, onPair)
    describe('events', () => {
      onPair('who is told can be changed at any time', async ({ a, b, atB }) => {
        const next = new Recorder()
        atB.onRead = () => {
          b.events = next
        }
        call(() => a.writeText('first'))
        await until(() => atB.bytes > 0, 'the first')
        call(() => a.writeText('second'))
        await until(() => atB.text + next.text === 'firstsecond', 'the second')
        assert.ok(atB.reads === 1)
        b.events = atB
      })

      onPair('a transport knows who is at both its ends', async ({ a, b }) => {
        if (world.addresses === 'none') assert.deepEqual([a.remoteAddress, a.remotePort], ['', 0])
        if (world.addresses === 'real') {
          assert.deepEqual([a.remoteAddress, a.remotePort], [b.localAddress, b.localPort])
          assert.deepEqual([b.remoteAddress, b.remotePort], [a.localAddress, a.localPort])
        }
        assert.equal(a.encrypted, world.isEncrypted === true)
        assert.equal(a.isOpen, true)
        assert.equal(a.isPaused, false)
        assert.equal(a.unsentBytes, 0)
      })
    })
  })
}
