import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../../../src/core/clock.ts'
import { Deadline, tickMs, Timers } from '../../../src/core/timers.ts'

/** A clock moved by hand; one call at a time is enough for a wheel. */
class HandClock implements Clock {
  ms = 1234.5
  #call: (() => void) | null = null
  #atMs = 0

  nowMs(): number {
    return this.ms
  }

  wallMs(): number {
    return this.ms
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    assert.equal(this.#call, null, 'the wheel has one timer')
    this.#call = callback
    this.#atMs = this.ms + delayMs
    return { cancel: () => (this.#call = null) }
  }

  get isRunning(): boolean {
    return this.#call !== null
  }

  /** Advances, waking the wheel whenever it asked to be woken. */
  advance(ms: number): void {
    const end = this.ms + ms
    while (this.#call !== null && this.#atMs <= end) {
      this.ms = this.#atMs
      const call = this.#call
      this.#call = null
      call()
    }
    this.ms = end
  }

  /** The event loop stood still: wakes the wheel once, late. */
  jump(ms: number): void {
    this.ms += ms
    const call = this.#call
    this.#call = null
    call?.()
  }
}

class Owner {
  readonly clock: HandClock
  firedMs: number[] = []
  onFire: (() => void) | null = null
  readonly deadline: Deadline = new Deadline(this)

  constructor(clock: HandClock) {
    this.clock = clock
  }

  onDeadline(deadline: Deadline): void {
    assert.equal(deadline, this.deadline)
    this.firedMs.push(this.clock.ms)
    this.onFire?.()
  }

  get fired(): number {
    return this.firedMs.length
  }
}

function wheel(): { clock: HandClock; timers: Timers; owner: () => Owner } {
  const clock = new HandClock()
  return { clock, timers: new Timers(clock), owner: () => new Owner(clock) }
}

describe('a deadline', () => {
  for (const delayMs of [0, 1, 49, 50, 51, 1000, 25_550, 25_600, 25_601, 60_000, 3_600_000]) {
    test(`of ${delayMs} ms fires once, not early and at most ${tickMs} ms late`, () => {
      const { clock, timers, owner } = wheel()
      const one = owner()
      const dueMs = clock.ms + delayMs
      timers.set(one.deadline, delayMs)
      assert.equal(one.deadline.isSet(), true)
      clock.advance(delayMs + 10 * tickMs)
      assert.equal(one.fired, 1)
      const lateMs = (one.firedMs[0] as number) - dueMs
      assert.ok(lateMs >= 0 && lateMs <= tickMs, `${lateMs} ms late`)
      assert.equal(one.deadline.isSet(), false)
      assert.equal(timers.hanging, 0)
      assert.equal(clock.isRunning, false)
    })
  }

  test('pushed out again and again fires after the last push only', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    for (let i = 0; i < 100; i++) {
      timers.set(one.deadline, 100)
      clock.advance(60)
    }
    assert.equal(one.fired, 0)
    clock.advance(100 + tickMs)
    assert.equal(one.fired, 1)
  })

  test('pulled in fires at the earlier time', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    timers.set(one.deadline, 60_000)
    clock.advance(500)
    timers.set(one.deadline, 100)
    clock.advance(100 + tickMs)
    assert.equal(one.fired, 1)
    clock.advance(120_000)
    assert.equal(one.fired, 1)
  })

  test('that was cleared does not fire, and leaves the wheel within a round', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    timers.set(one.deadline, 100)
    one.deadline.clear()
    clock.advance(30_000)
    assert.equal(one.fired, 0)
    assert.equal(timers.hanging, 0)
    assert.equal(clock.isRunning, false)
  })

  test('that was cleared and set again fires at its new time', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    timers.set(one.deadline, 100)
    one.deadline.clear()
    timers.set(one.deadline, 300)
    clock.advance(250)
    assert.equal(one.fired, 0)
    clock.advance(100)
    assert.equal(one.fired, 1)
  })

  test('that was removed hangs nowhere, and can be set again', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    timers.set(one.deadline, 100)
    timers.remove(one.deadline)
    timers.remove(one.deadline)
    assert.equal(timers.hanging, 0)
    clock.advance(1000)
    assert.equal(one.fired, 0)
    timers.set(one.deadline, 100)
    clock.advance(200)
    assert.equal(one.fired, 1)
  })

  test('of Infinity does not fire', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    timers.set(one.deadline, Infinity)
    assert.equal(timers.hanging, 0)
    timers.set(one.deadline, 100)
    timers.set(one.deadline, Infinity)
    clock.advance(60_000)
    assert.equal(one.fired, 0)
    assert.equal(timers.hanging, 0)
  })

  test('may be set again by its owner as it fires', () => {
    const { clock, timers, owner } = wheel()
    const one = owner()
    one.onFire = () => timers.set(one.deadline, 100)
    timers.set(one.deadline, 100)
    clock.advance(1000)
    assert.ok(one.fired >= 6 && one.fired <= 10, `${one.fired} times`)
    assert.equal(timers.hanging, 1)
  })
})

describe('owners that touch others while a slot is run', () => {
  const cases: [string, (timers: Timers, others: Owner[]) => void, number[]][] = [
    ['remove the next', (timers, others) => timers.remove((others[1] as Owner).deadline), [1, 0, 1]],
    [
      'remove all the others',
      (timers, others) => others.slice(1).forEach((other) => timers.remove(other.deadline)),
      [1, 0, 0],
    ],
    ['clear the last', (_, others) => (others[2] as Owner).deadline.clear(), [1, 1, 0]],
    ['push the next out', (timers, others) => timers.set((others[1] as Owner).deadline, 10_000), [1, 0, 1]],
  ]
  for (const [what, act, expected] of cases) {
    test(what, () => {
      const { clock, timers, owner } = wheel()
      // The last one hung in a slot is the first one run.
      const others = [owner(), owner(), owner()]
      for (const other of others.toReversed()) timers.set(other.deadline, 100)
      ;(others[0] as Owner).onFire = () => act(timers, others)
      clock.advance(200)
      assert.deepEqual(
        others.map((other) => other.fired),
        expected,
      )
      clock.advance(60_000)
      assert.equal(timers.hanging, 0)
    })
  }
})

describe('the wheel', () => {
  test('fires everything due after the event loop stood still for longer than a round', () => {
    const { clock, timers, owner } = wheel()
    const owners = [1, 30, 700, 20_000, 26_000, 90_000].map((delayMs) => {
      const one = owner()
      timers.set(one.deadline, delayMs)
      return one
    })
    const far = owner()
    timers.set(far.deadline, 900_000)
    clock.jump(100_000)
    assert.deepEqual(
      owners.map((one) => one.fired),
      [1, 1, 1, 1, 1, 1],
    )
    assert.equal(far.fired, 0)
    clock.advance(800_000 + tickMs)
    assert.equal(far.fired, 1)
  })

  test('sleeps while nothing hangs in it, and is right after a long sleep', () => {
    const { clock, timers, owner } = wheel()
    clock.advance(10_000_000)
    const one = owner()
    timers.set(one.deadline, 100)
    clock.advance(99)
    assert.equal(one.fired, 0)
    clock.advance(1 + tickMs)
    assert.equal(one.fired, 1)
  })

  test('holds any mixture: each of 2000 random settings fires once, in time, or not at all', () => {
    const { clock, timers, owner } = wheel()
    let seed = 7
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return (seed >>> 8) % below
    }
    const owners = Array.from({ length: 50 }, owner)
    const expected = new Map<Owner, number>()
    for (const one of owners) {
      one.onFire = () => {
        const dueMs = expected.get(one)
        assert.ok(dueMs !== undefined, 'it was set')
        const lateMs = clock.ms - dueMs
        assert.ok(lateMs >= 0 && lateMs <= tickMs, `${lateMs} ms late`)
        expected.delete(one)
      }
    }
    for (let i = 0; i < 2000; i++) {
      const one = owners[random(owners.length)] as Owner
      const act = random(10)
      if (act === 0) {
        timers.remove(one.deadline)
        expected.delete(one)
      } else if (act === 1) {
        one.deadline.clear()
        expected.delete(one)
      } else {
        const delayMs = random(act === 2 ? 60_000 : 500)
        timers.set(one.deadline, delayMs)
        expected.set(one, clock.ms + delayMs)
      }
      clock.advance(random(60))
    }
    clock.advance(120_000)
    assert.equal(expected.size, 0)
    assert.equal(timers.hanging, 0)
    assert.equal(clock.isRunning, false)
  })
})
