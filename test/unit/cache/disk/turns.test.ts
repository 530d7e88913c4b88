import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sharing } from '../../../../src/cache/disk/sharing.ts'
import { Turns } from '../../../../src/cache/disk/turns.ts'
import { joinLocal } from '../../../../src/core/local-peers.ts'
import { PeerHub } from '../../../../src/core/peer-hub.ts'
import { ManualClock } from '../../../story/manual-clock.ts'

test('of two answers to one key the one with the lower ticket comes first, else that of the lower worker', () => {
  const turns = new Turns(2)
  const mine = turns.begin('k', () => {})
  assert.equal(turns.before('k', 7, 1).length, 0, 'before it is told it has no place yet')
  mine.ticket = 5
  assert.equal(turns.before('k', 4, 3).length, 0)
  assert.equal(turns.before('k', 5, 1).length, 0)
  assert.equal(turns.before('k', 5, 3).length, 1)
  assert.equal(turns.before('k', 6, 1).length, 1)
  assert.equal(turns.before('other', 6, 1).length, 0)
})

test('who waits for a turn is told after it was shown, and then there is nothing more to wait for', async () => {
  const said: string[] = []
  const turns = new Turns(1)
  const mine = turns.begin('k', () => void said.push('shown'))
  mine.ticket = 1
  const [before] = turns.before('k', 2, 2)
  void before?.then(() => void said.push('next'))
  mine.show()
  await before
  assert.deepEqual(said, ['shown', 'next'])
  assert.deepEqual(turns.before('k', 2, 2), [])
})

/** Workers whose messages are delivered when `deliver` is called, and what each of them shows, writes and forgets. */
class Workers {
  readonly said: string[] = []
  readonly sharing: Sharing[] = []
  readonly writing: Promise<void>[] = []
  frames: (() => void)[] = []

  constructor(count: number) {
    const clock = new ManualClock()
    const hub = new PeerHub()
    for (let i = 0; i < count; i++) {
      const peers = joinLocal(hub, { later: (deliver) => void this.frames.push(deliver) })
      const owner = {
        clock,
        onElected() {},
        onAdded() {},
        onGone() {},
        onEvicted() {},
        onUsed() {},
        onForeign() {},
        onMissed() {},
        onOutdated: (key: string) => void this.said.push(`${i} gives way for ${key}`),
        written: () => this.writing[i] ?? null,
      }
      this.sharing.push(new Sharing(peers, owner))
    }
  }

  announce(worker: number, key: string): void {
    this.sharing[worker]?.announce(key, true, () => void this.said.push(`${worker} shows ${key}`))
  }

  async deliver(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      for (const frame of this.frames.splice(0)) frame()
    }
  }
}

for (const count of [2, 3]) {
  test(`${count} workers that are answered at one moment show one after the other, and the last stays`, async () => {
    const workers = new Workers(count)
    await workers.deliver()
    for (let i = 0; i < count; i++) workers.announce(i, 'k')
    const { promise, resolve } = Promise.withResolvers<void>()
    workers.writing[0] = promise
    await workers.deliver()
    const shown = (): string[] => workers.said.filter((each) => each.includes('shows'))
    assert.deepEqual(shown(), ['0 shows k'], 'what the first has shown is still to be written')
    workers.writing.length = 0
    resolve()
    await workers.deliver()
    assert.deepEqual(
      shown(),
      Array.from({ length: count }, (_, i) => `${i} shows k`),
    )
    assert.equal(workers.said.at(-1), `${count - 1} shows k`)
    for (let i = 0; i < count - 1; i++) {
      const last = workers.said.lastIndexOf(`${i} gives way for k`)
      assert.ok(last > workers.said.indexOf(`${i} shows k`), 'each gives way after it was shown')
    }
  })
}

test('who has heard of an answer before it announces its own comes after it, whatever its number', async () => {
  const workers = new Workers(2)
  await workers.deliver()
  workers.announce(1, 'k')
  await Promise.resolve()
  for (const frame of workers.frames.splice(0)) frame()
  workers.announce(0, 'k')
  await workers.deliver()
  assert.deepEqual(
    workers.said.filter((each) => each.includes('shows')),
    ['1 shows k', '0 shows k'],
  )
})

test('who has another answer still to show gives way with what it has shown already', async () => {
  const workers = new Workers(2)
  await workers.deliver()
  for (const worker of [0, 1]) workers.announce(worker, 'k')
  await workers.deliver()
  assert.deepEqual(workers.said, ['1 gives way for k', '0 shows k', '0 gives way for k', '1 shows k'])
})
