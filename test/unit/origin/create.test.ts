import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultTuning } from '../../../src/origin/options.ts'
import { weightMax } from '../../../src/origin/policy.ts'
import { stage } from './fakes.ts'

test('an origin tells what it is made of', () => {
  const s = stage(['10.0.0.1', { url: '10.0.0.2', weight: 2 }], { policy: 'least-requests' })
  assert.equal(s.origin.name, 'app')
  assert.equal(s.origin.options.policy, 'least-requests')
  const { name, policy, waiting, servers } = s.origin.snapshot()
  assert.deepEqual([name, policy, waiting], ['app', 'least-requests', 0])
  assert.deepEqual(servers[1], {
    name: '10.0.0.2',
    weight: 2,
    inFlight: 0,
    idle: 0,
    connecting: 0,
    connections: 0,
    waiting: 0,
    isAvailable: true,
    addresses: [
      {
        address: '10.0.0.2:80',
        idle: 0,
        connections: 0,
        faults: 0,
        fault: '',
        isAvailable: true,
        passedOverMs: 0,
      },
    ],
  })
})

test('round-robin is the default, and idle connections are kept for 4 s', () => {
  assert.equal(stage().origin.snapshot().policy, 'round-robin')
  assert.equal(defaultTuning.idleMs, 4000)
})

test('what config should have refused is an exception', () => {
  assert.throws(() => stage([]), /origin app has no server/)
  assert.throws(() => stage(['ftp://app']), /scheme ftp/)
  for (const weight of [0, -1, 1.5, Number.NaN, weightMax + 1]) {
    assert.throws(() => stage([{ url: '10.0.0.1', weight }]), /weight of 10\.0\.0\.1/)
  }
  assert.doesNotThrow(() => stage([{ url: '10.0.0.1', weight: weightMax }]))
})
