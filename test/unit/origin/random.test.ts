/** Thousands of events in an order that seeds decide; the invariants of pool.ts hold after each. */
import { test } from 'node:test'
import { Schedule } from './random-schedule.ts'
import { Seeded } from './random.ts'

const seeds = Number(process.env['ORIGIN_SEEDS'] ?? 60)
const first = Number(process.env['ORIGIN_FIRST_SEED'] ?? 1)

for (let seed = first; seed < first + seeds; seed++) {
  test(`an origin keeps its invariants through a schedule of 1,500 events (seed ${seed})`, async () => {
    await new Schedule(new Seeded(seed)).run(1500)
  })
}
