import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Acknowledgements } from '../../../../src/cache/disk/acknowledgements.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

function made(): {
  clock: ManualClock
  asks: Acknowledgements
  said: string[]
  ask: (name: string) => number
} {
  const clock = new ManualClock()
  const asks = new Acknowledgements(clock)
  const said: string[] = []
  return { clock, asks, said, ask: (name) => asks.ask([() => void said.push(name)]) }
}

test('a call is answered when every worker has heard it, and those before it first', () => {
  const { asks, said, ask } = made()
  asks.meet(2)
  asks.meet(3)
  const a = ask('a')
  const b = ask('b')
  asks.hear(2, b)
  assert.deepEqual(said, [])
  asks.hear(3, a)
  assert.deepEqual(said, ['a'])
  asks.hear(3, b)
  assert.deepEqual(said, ['a', 'b'])
})

test('who leaves is not waited for, nor who came after it was told', () => {
  const { asks, said, ask } = made()
  asks.meet(2)
  asks.meet(3)
  const a = ask('a')
  asks.meet(4)
  asks.hear(2, a)
  asks.leave(3)
  assert.deepEqual(said, ['a'])
})

test('who is silent for a second holds nobody up again until he is heard of', () => {
  const { clock, asks, said, ask } = made()
  asks.meet(2)
  asks.meet(3)
  const a = ask('a')
  asks.hear(3, a)
  clock.advance(999)
  assert.deepEqual(said, [])
  clock.advance(1)
  assert.deepEqual(said, ['a'])
  const b = ask('b')
  asks.hear(3, b)
  assert.deepEqual(said, ['a', 'b'])
  asks.hear(2, b)
  ask('c')
  asks.hear(3, b + 1)
  assert.deepEqual(said, ['a', 'b'])
  asks.hear(2, b + 1)
  assert.deepEqual(said, ['a', 'b', 'c'])
})

test('where all are silent there is nobody to wait for', () => {
  const { clock, asks, ask } = made()
  assert.equal(asks.hasListeners, false)
  asks.meet(2)
  assert.equal(asks.hasListeners, true)
  ask('a')
  clock.advance(1000)
  assert.equal(asks.hasListeners, false)
  asks.meet(2)
  assert.equal(asks.hasListeners, true)
})
