/** Answers in slices, of several workers over a disk that forgets, tears, fills up and fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedCache } from '../../../src/cache/shared-cache.ts'
import { amounts } from '../../length.ts'
import { simulateSliced } from './simulate.ts'

// A world costs several times one without a disk.
const seeds = Math.ceil(amounts.seeds / 4)

test(`${seeds} worlds of slices: no client gets bytes of two versions, and nothing comes back that was purged and acknowledged`, async () => {
  let exchanges = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await simulateSliced(seed)
    exchanges += result.exchanges
    const how = `seed ${seed}: node test/sim/run.ts --only sliced --seed ${seed} --trace`
    assert.deepEqual(result.failures, [], how)
  }
  assert.ok(exchanges > seeds, 'the worlds are not empty')
})

/** Files are not compared with the purges. */
function blind({ disk }: SharedCache): void {
  if (disk !== null) disk.marks.compare = () => 0
}

/** What is in memory is not, either. */
function forgetful({ store }: SharedCache): void {
  const purge = store.purge.bind(store)
  store.purge = (request) => purge({ ...request, isDry: true })
}

for (const [name, sabotage] of Object.entries({ blind, forgetful })) {
  test(`the worlds of slices find a cache that is ${name} as to purges`, async () => {
    let failures: readonly string[] = []
    for (let seed = 1; seed <= 200 && failures.length === 0; seed++)
      ({ failures } = await simulateSliced(seed, { sabotage }))
    assert.match(failures.join(), /purged|wrong/)
  })
}
