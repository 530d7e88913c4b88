import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Claims } from '../../../../src/cache/disk/claims.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

async function isOver(wait: Promise<void> | null): Promise<boolean> {
  let over = false
  void wait?.then(() => (over = true))
  for (let i = 0; i < 5; i++) await Promise.resolve()
  return over
}

test('nobody waits for what nobody else asks for', () => {
  const claims = new Claims(new ManualClock())
  assert.equal(claims.wait('a'), null)
  claims.asked('b')
  assert.equal(claims.wait('a'), null)
})

test('who waits for what is asked for waits 50 ms from when he comes, and no longer than it takes', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a')
  clock.advance(300)
  const wait = claims.wait('a')
  clock.advance(49)
  assert.equal(await isOver(wait), false)
  clock.advance(1)
  assert.equal(await isOver(wait), true)
  const other = claims.wait('a')
  claims.settle('a')
  assert.equal(await isOver(other), true)
  assert.equal(claims.has('a'), false)
})

test('for what is being written he waits a second more', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a')
  const wait = claims.wait('a')
  claims.writing('a')
  clock.advance(50)
  clock.advance(999)
  assert.equal(await isOver(wait), false)
  clock.advance(1)
  assert.equal(await isOver(wait), true)
})

test('a claim that nothing came of is forgotten after ten seconds, and those beyond ten thousand too', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a')
  clock.advance(10_000)
  claims.asked('b')
  assert.deepEqual([claims.has('a'), claims.has('b')], [false, true])
  for (let i = 0; i < 10_000; i++) claims.asked(String(i))
  assert.equal(claims.has('b'), false)
  assert.equal(claims.has('9999'), true)
})
