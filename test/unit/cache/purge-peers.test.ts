import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PurgePeers } from '../../../src/cache/purge/purge-peers.ts'
import { sumOf, type PurgeTotal } from '../../../src/cache/purge/purge-total.ts'
import type { PurgeRequest } from '../../../src/cache/store/store.ts'
import { joinLocal } from '../../../src/core/local-peers.ts'
import { PeerHub } from '../../../src/core/peer-hub.ts'
import type { PeerMember } from '../../../src/core/peer-member.ts'
import { ManualClock } from '../../story/manual-clock.ts'

interface Member {
  readonly peers: PeerMember
  readonly purging: PurgePeers
  readonly taken: (readonly PurgeRequest[])[]
}

const all: readonly PurgeRequest[] = [{ target: { kind: 'all' } }]

function members(count: number, clock: ManualClock, loses: () => boolean = () => false): Member[] {
  const hub = new PeerHub()
  return Array.from({ length: count }, (_, i) => {
    const peers = joinLocal(hub, { loses })
    const taken: (readonly PurgeRequest[])[] = []
    const purging = new PurgePeers(peers, clock, (requests, onCarriedOut) => {
      taken.push(requests)
      onCarriedOut?.()
      return {
        id: '',
        count: i + 1,
        bytes: 10,
        isCounted: i !== 2,
        stores: 1,
        sharing: 0,
        keeping: 0,
        missing: 0,
      }
    })
    return { peers, purging, taken }
  })
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('a purge is answered when all have acknowledged it, with the sum of their counts', async () => {
  const there = members(3, new ManualClock())
  await settled()
  const total = await (there[0] as Member).purging.purge(all)
  assert.deepEqual(total, {
    id: '',
    count: 6,
    bytes: 30,
    isCounted: false,
    stores: 3,
    sharing: 0,
    keeping: 0,
    missing: 0,
  })
  for (const { taken } of there) assert.deepEqual(taken, [all])
})

test('one who is alone answers at once', async () => {
  const [one] = members(1, new ManualClock())
  assert.equal((await one?.purging.purge(all))?.stores, 1)
})

test('who leaves meanwhile is not waited for', async () => {
  const there = members(3, new ManualClock(), () => true)
  await settled()
  let total: PurgeTotal | null = null
  void there[0]?.purging.purge(all).then((answer) => (total = answer))
  await settled()
  assert.equal(total, null)
  there[1]?.peers.close()
  await settled()
  assert.equal(total, null)
  there[2]?.peers.close()
  await settled()
  assert.deepEqual(total, {
    id: '',
    count: 1,
    bytes: 10,
    isCounted: true,
    stores: 1,
    sharing: 0,
    keeping: 0,
    missing: 0,
  })
})

test('who says nothing for five seconds is told as missing', async () => {
  const clock = new ManualClock()
  const there = members(3, clock, () => true)
  await settled()
  const answer = (there[0] as Member).purging.purge(all)
  clock.advance(5000)
  assert.deepEqual(await answer, {
    id: '',
    count: 1,
    bytes: 10,
    isCounted: true,
    stores: 1,
    sharing: 0,
    keeping: 0,
    missing: 2,
  })
})

test('a purge that need not last is waited for until all have carried it out, for a second at most', async () => {
  const clock = new ManualClock()
  const there = members(2, clock)
  await settled()
  await there[1]?.purging.carryOut(all)
  assert.deepEqual(there[0]?.taken, [all])
  assert.deepEqual(there[1]?.taken, [all])
  const silent = members(2, clock, () => true)
  await settled()
  const carriedOut = silent[0]?.purging.carryOut(all)
  clock.advance(1000)
  await carriedOut
})

test('who is alone waits for nobody', async () => {
  const [alone] = members(1, new ManualClock())
  await settled()
  assert.equal(alone?.purging.carryOut(all), null)
  assert.deepEqual(alone?.taken, [all])
})

test('two purges at the same time are told apart', async () => {
  const there = members(2, new ManualClock())
  await settled()
  const tag: readonly PurgeRequest[] = [{ target: { kind: 'tag', tag: 'a' } }]
  const totals = await Promise.all([
    (there[0] as Member).purging.purge(all),
    (there[0] as Member).purging.purge(tag),
    (there[1] as Member).purging.purge(all),
  ])
  for (const total of totals) assert.deepEqual([total.count, total.stores, total.missing], [3, 2, 0])
})

test('a sum of nothing is nothing', () => {
  assert.deepEqual(sumOf([]), {
    id: '',
    count: 0,
    bytes: 0,
    isCounted: true,
    stores: 0,
    sharing: 0,
    keeping: 0,
    missing: 0,
  })
})
