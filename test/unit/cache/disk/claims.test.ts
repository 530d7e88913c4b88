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
  claims.asked('b', 2)
  assert.equal(claims.wait('a'), null)
})

test('who waits for what is asked for waits 50 ms from when he comes, and no longer than it takes', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a', 2)
  clock.advance(300)
  const wait = claims.wait('a')
  clock.advance(49)
  assert.equal(await isOver(wait), false)
  clock.advance(1)
  assert.equal(await isOver(wait), true)
  const other = claims.wait('a')
  claims.settle('a', 2)
  assert.equal(await isOver(other), true)
  assert.equal(claims.has('a'), false)
})

test('for what is about to be on disk he waits a second more, for a long answer he does not', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a', 2)
  const wait = claims.wait('a')
  claims.answered('a', 2, true)
  clock.advance(50)
  clock.advance(999)
  assert.equal(await isOver(wait), false)
  clock.advance(1)
  assert.equal(await isOver(wait), true)
  claims.answered('b', 2, false)
  const long = claims.wait('b')
  clock.advance(50)
  assert.equal(await isOver(long), true)
})

test('what is on disk is out of date from when another worker was answered until he says that it is settled', () => {
  const claims = new Claims(new ManualClock())
  claims.asked('a', 2)
  assert.equal(claims.isAnswered('a'), false)
  claims.answered('a', 2, true)
  claims.asked('a', 2)
  assert.equal(claims.isAnswered('a'), true)
  claims.asked('a', 3)
  claims.settle('a', 3)
  assert.equal(claims.isAnswered('a'), true)
  claims.settle('a', 2)
  assert.equal(claims.has('a'), false)
})

test('what a worker that leaves had claimed is waited for no longer', async () => {
  const claims = new Claims(new ManualClock())
  claims.answered('a', 2, true)
  claims.asked('a', 3)
  const wait = claims.wait('a')
  claims.leave(2)
  assert.equal(await isOver(wait), true)
  assert.deepEqual([claims.has('a'), claims.isAnswered('a')], [true, false])
})

test('a claim that nothing came of is forgotten after ten seconds, and those beyond ten thousand too', async () => {
  const clock = new ManualClock()
  const claims = new Claims(clock)
  claims.asked('a', 2)
  clock.advance(10_000)
  claims.asked('b', 2)
  assert.deepEqual([claims.has('a'), claims.has('b')], [false, true])
  for (let i = 0; i < 10_000; i++) claims.asked(String(i), 2)
  assert.equal(claims.has('b'), false)
  assert.equal(claims.has('9999'), true)
})
