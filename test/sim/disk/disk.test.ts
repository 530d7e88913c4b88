/** The cache on disk over a disk that forgets, tears, fills up and fails. `HEADGATE_SEEDS` raises the number of worlds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedCache } from '../../../src/cache/shared-cache.ts'
import { simulateDisk, type DiskSimOptions } from './simulate.ts'

const seeds = Number(process.env['HEADGATE_SEEDS'] ?? 1000)

test(`${seeds} worlds: every hit from disk is whole, and nothing comes back that was purged and acknowledged`, async () => {
  let [hits, diskHits, ruledHits] = [0, 0, 0]
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await simulateDisk(seed)
    assert.deepEqual(result.problems, [], `seed ${seed}`)
    hits += result.hits
    diskHits += result.diskHits
    ruledHits += result.ruledHits
  }
  // The worlds are not empty: some of what is found comes from disk, after all that happens.
  assert.ok(diskHits > seeds, `${diskHits} of ${hits} hits were from disk`)
  assert.ok(
    ruledHits > seeds / 4,
    `${ruledHits} of ${diskHits} hits from disk were found by a rule for parameters`,
  )
})

// What is planted in the store as a whole; a line of it at a time is changed by test/sim/mutants.

/** Files are not compared with the purges. */
function blind({ disk }: SharedCache): void {
  if (disk !== null) disk.marks.compare = () => 0
}

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

/** A purge reaches what is stored under a rule for parameters only by what it is stored under. */
function literal({ disk }: SharedCache): void {
  if (disk === null) return
  const { marks } = disk
  const compare = marks.compare.bind(marks)
  marks.compare = (facts, since) => compare({ ...facts, key: facts.key.replace(/\nsearch .*/, '') }, since)
}

interface Planted {
  readonly what: string
  readonly options: DiskSimOptions
  /** Within so many worlds it must be found. */
  readonly seedsMax: number
}

const planted: readonly Planted[] = [
  { what: 'a disk whose syncs do nothing', options: { forgetsSync: true }, seedsMax: 60 },
  { what: 'a store that is blind to purges', options: { sabotage: blind }, seedsMax: 60 },
  { what: 'a store that is careless with purges', options: { sabotage: careless }, seedsMax: 60 },
  { what: 'a store that is hasty with purges', options: { sabotage: hasty }, seedsMax: 60 },
  {
    what: 'workers that are hurried in what they show their clients',
    options: { sabotage: hurried, isCrowded: true },
    seedsMax: 200,
  },
  {
    what: 'workers that are disorderly in what they show their clients',
    options: { sabotage: disorderly, isCrowded: true },
    seedsMax: 200,
  },
  {
    what: 'a store whose purges by URL take no account of how it may be spelled',
    options: { sabotage: literal, isSpelled: true },
    seedsMax: 300,
  },
]

for (const { what, options, seedsMax } of planted) {
  test(`the worlds find ${what}`, async () => {
    assert.ok((await firstFinding(options, seedsMax)) > 0)
  })
}

/** The first seed that finds something; 0: none does. */
async function firstFinding(options: DiskSimOptions, seedsMax: number): Promise<number> {
  for (let seed = 1; seed <= seedsMax; seed++)
    if ((await simulateDisk(seed, options)).problems.length > 0) return seed
  return 0
}
