/** The cache on disk over a disk that forgets, tears, fills up and fails. `HEADGATE_SEEDS` raises the number of worlds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedCache } from '../../../src/cache/shared-cache.ts'
import { simulateDisk } from './simulate.ts'

function blind({ disk }: SharedCache): void {
  if (disk !== null) disk.marks.compare = () => 0
}

const seeds = Number(process.env['HEADGATE_SEEDS'] ?? 1000)

test(`${seeds} worlds: every hit from disk is whole, and nothing comes back that was purged and acknowledged`, async () => {
  let [hits, diskHits] = [0, 0]
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await simulateDisk(seed)
    assert.deepEqual(result.problems, [], `seed ${seed}`)
    hits += result.hits
    diskHits += result.diskHits
  }
  // The worlds are not empty: some of what is found comes from disk, after all that happens.
  assert.ok(diskHits > seeds, `${diskHits} of ${hits} hits were from disk`)
})

test('the worlds find a disk whose syncs do nothing', async () => {
  let found = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { problems } = await simulateDisk(seed, { forgetsSync: true })
    if (problems.length > 0) found++
  }
  assert.ok(found > 0)
})

test('the worlds find a store that does not compare files with the purges', async () => {
  let found = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { problems } = await simulateDisk(seed, { sabotage: blind })
    if (problems.length > 0) found++
  }
  assert.ok(found > 0)
})

/** Files get their names without a look at what was purged meanwhile, as if their origins had been asked just now. */
function careless({ disk }: SharedCache): void {
  if (disk === null) return
  disk.bornPosition = () => disk.journal.synced
  disk.isPurged = async () => false
}

/** Purges are acknowledged before they are in the journal. */
function hasty({ disk }: SharedCache): void {
  if (disk !== null) disk.journal.append = async () => {}
}

/** What comes from an origin is sent to its client whether or not the other worker knows of it. */
function hurried({ disk }: SharedCache): void {
  if (disk !== null) disk.told.onAnswer = () => false
}

/** Of two answers to one key at one moment each worker shows its own when the other has heard of it, in any order. */
function disorderly({ disk }: SharedCache): void {
  if (disk !== null) disk.sharing.turns.before = () => []
}

for (const [name, sabotage] of Object.entries({ hurried, disorderly })) {
  test(`the worlds find workers that are ${name} in what they show their clients`, async () => {
    let found = 0
    for (let seed = 1; seed <= 200 && found === 0; seed++)
      found += (await simulateDisk(seed, { sabotage, isCrowded: true })).problems.length
    assert.ok(found > 0)
  })
}

for (const [name, sabotage] of Object.entries({ careless, hasty })) {
  test(`the worlds find a store that is ${name} with purges`, async () => {
    let found = 0
    for (let seed = 1; seed <= 60 && found === 0; seed++)
      found += (await simulateDisk(seed, { sabotage })).problems.length
    assert.ok(found > 0)
  })
}
