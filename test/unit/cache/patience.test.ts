import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Growth, type Follower } from '../../../src/cache/store/growth.ts'
import { Patience } from '../../../src/cache/fill/patience.ts'
import { ManualClock } from '../../story/manual-clock.ts'

const windowBytes = 1000

class Reading implements Follower {
  position = 0
  previous: Follower | null = null
  next: Follower | null = null
  list: object | null = null
  onGrown(): void {}
  onBroken(): void {}
  onLeftBehind(): void {}
}

function waiting(count: number) {
  const clock = new ManualClock()
  const growth = new Growth({ onAdvance: () => {}, onDeserted: () => {} })
  const readers = Array.from({ length: count }, () => new Reading())
  for (const reader of readers) growth.follow(reader)
  let ends = 0
  const patience = new Patience(clock, growth, windowBytes, () => ends++)
  const readTo = (position: number, from: number): void => {
    for (const reader of readers.slice(from)) reader.position = position
  }
  return { clock, patience, readTo, ends: () => ends }
}

describe('the patience with readers of what no store takes', () => {
  it('waits for most of them until they have caught up to half of the window, and tells once', () => {
    const { clock, patience, readTo, ends } = waiting(10)
    readTo(2000, 5)
    patience.look(2000)
    assert.ok(patience.isWaiting)
    clock.advance(500)
    assert.ok(patience.isWaiting)
    readTo(1500, 0)
    clock.advance(2)
    assert.deepEqual([patience.isWaiting, ends()], [false, 1])
  })

  it('waits a second for many that do not move, then not again before the window has moved', () => {
    const { clock, patience, ends } = waiting(2)
    patience.look(2000)
    clock.advance(990)
    assert.ok(patience.isWaiting)
    clock.advance(20)
    assert.deepEqual([patience.isWaiting, ends()], [false, 1])
    patience.look(2400)
    assert.ok(!patience.isWaiting)
    patience.look(2500)
    assert.ok(patience.isWaiting)
  })

  it('waits for a few a quarter of a second and a fifth of the time, taken together', () => {
    const { clock, patience, readTo } = waiting(16)
    let waited = 0
    for (let length = 2000; length < 22_000; length += 1000) {
      readTo(length, 1)
      patience.look(length)
      while (patience.isWaiting) {
        clock.advance(2)
        waited += 2
      }
      clock.advance(100)
    }
    const all = waited + 20 * 100
    assert.ok(waited >= 250 && waited <= 250 + all / 5 + 20 * 4, `${waited} of ${all} ms`)
  })

  it('does not wait for those who are near enough, and not when it is closed', () => {
    const { clock, patience, readTo, ends } = waiting(4)
    readTo(1300, 0)
    patience.look(2000)
    assert.ok(!patience.isWaiting)
    readTo(1200, 0)
    patience.look(2000)
    assert.ok(patience.isWaiting)
    patience.close()
    clock.advance(5000)
    assert.deepEqual([patience.isWaiting, ends()], [false, 0])
  })
})
