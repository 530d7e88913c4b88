import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lookup, patienceMs } from '../../../../src/cache/disk/lookup.ts'
import type { Entry } from '../../../../src/cache/store/entry.ts'
import { tickMs, Timers } from '../../../../src/core/timers.ts'
import { WAIT, type Exchange } from '../../../../src/http/exchange.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

const found = { key: 'found' } as Entry
const other = { key: 'other' } as Entry

/** An exchange that looks, and the turns by which it was entered again. */
function looking() {
  const clock = new ManualClock()
  const timers = new Timers(clock)
  const entered: number[] = []
  const x = { beginWait: () => 7, reenter: (turn: number) => void entered.push(turn) }
  return { clock, timers, entered, lookup: new Lookup(x as unknown as Exchange, 'key', timers) }
}

test('who waits is entered again once, with what was found', () => {
  const { lookup, entered, timers } = looking()
  assert.equal(lookup.park(), WAIT)
  lookup.tell(found)
  lookup.tell(other)
  assert.deepEqual(entered, [7])
  assert.equal(lookup.entry, found, 'what comes second is too late')
  assert.equal(timers.hanging, 0)
})

test('who is told at once does not wait', () => {
  const { lookup, entered } = looking()
  lookup.tell(found)
  assert.equal(lookup.isOver, true)
  assert.deepEqual(entered, [])
})

test('a disk that does not answer costs a hit when patience is over, and what it says then is of no use', () => {
  const { lookup, entered, clock } = looking()
  lookup.park()
  clock.advance(patienceMs - 1)
  assert.equal(lookup.isOver, false)
  clock.advance(1 + tickMs)
  assert.deepEqual(entered, [7])
  assert.equal(lookup.entry, null)
  lookup.tell(found)
  assert.deepEqual(entered, [7])
  assert.equal(lookup.entry, null)
})

test('an exchange that is abandoned while it looks is not entered again, by the disk or by the clock', () => {
  const { lookup, entered, clock, timers } = looking()
  lookup.park()
  lookup.leave()
  lookup.tell(found)
  clock.advance(2 * patienceMs)
  assert.deepEqual(entered, [])
  assert.equal(lookup.isOver, true)
  assert.equal(timers.hanging, 0)
})
