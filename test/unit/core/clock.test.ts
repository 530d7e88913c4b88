import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { DateText, systemClock, type Clock } from '../../../src/core/clock.ts'

function wallClock(): Clock & { wall: number; asked: number } {
  return {
    wall: Date.UTC(1994, 10, 6, 8, 49, 37),
    asked: 0,
    nowMs: () => 0,
    wallMs() {
      this.asked++
      return this.wall
    },
    after: () => ({ cancel() {} }),
  }
}

test('DateText writes the preferred form of RFC 9110 §5.6.7', () => {
  assert.equal(new DateText(wallClock()).get(), 'Sun, 06 Nov 1994 08:49:37 GMT')
})

test('DateText gives the same text within a second, and another one in the next', () => {
  const clock = wallClock()
  const date = new DateText(clock)
  const text = date.get()
  clock.wall += 999
  assert.equal(date.get(), text)
  clock.wall += 1
  assert.equal(date.get(), 'Sun, 06 Nov 1994 08:49:38 GMT')
})

test('DateText follows a wall clock that is set back', () => {
  const clock = wallClock()
  const date = new DateText(clock)
  date.get()
  clock.wall -= 3600_000
  assert.equal(date.get(), 'Sun, 06 Nov 1994 07:49:37 GMT')
})

test('the system clock does not go back', () => {
  const before = systemClock.nowMs()
  assert.ok(systemClock.nowMs() >= before)
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 1000)
})

test('a cancelled call does not come', async () => {
  let calls = 0
  systemClock.after(1, () => calls++).cancel()
  systemClock.after(1, () => (calls += 10))
  await sleep(30)
  assert.equal(calls, 10)
})

test('within an event time stands still, and goes on behind it', async () => {
  systemClock.hold()
  const atFirst = systemClock.nowMs()
  const until = performance.now() + 3
  while (performance.now() < until);
  assert.equal(systemClock.nowMs(), atFirst)
  systemClock.release()
  assert.ok(systemClock.nowMs() >= until)
})

test('an event begins with the time that it is, not with that of the event before', () => {
  systemClock.hold()
  const before = systemClock.nowMs()
  systemClock.release()
  const until = performance.now() + 3
  while (performance.now() < until);
  systemClock.hold()
  assert.ok(systemClock.nowMs() >= before + 3)
  systemClock.release()
})
