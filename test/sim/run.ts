/**
 * Runs seeds of the simulation: `node test/sim/run.ts [--seeds 1000] [--from 1] [--seed 42] [--only h2]`. Each seed is a
 * world without a cache, one with (cached), one whose clients speak HTTP/2 (h2), and one whose origins do (h2-origins);
 * those over a disk run alone, by `--only disk` (the
 * store) and `--only sliced` (workers with slices). One that fails is printed with what went wrong, and fails again when it is given alone by `--seed` (`--trace` shows what passes
 * the wires). `--first` is a seed that is tried before the others.
 */
import { parseArgs } from 'node:util'
import { simulateCached } from './cached/simulate.ts'
import { simulateDisk } from './disk/simulate.ts'
import { simulateSliced } from './sliced/simulate.ts'
import { simulate, simulateH2, simulateH2Origins, type SimulationResult } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    first: { type: 'string' },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
let failed = 0
let exchanges = 0
const startedMs = performance.now()
type Trace = ((line: string) => void) | null

async function disk(seed: number): Promise<Pick<SimulationResult, 'exchanges' | 'failures'>> {
  const { problems, hits } = await simulateDisk(seed)
  return { exchanges: hits, failures: problems }
}

const kinds = [
  { name: 'plain', run: simulate },
  { name: 'cached', run: simulateCached },
  { name: 'h2', run: simulateH2 },
  { name: 'h2-origins', run: simulateH2Origins },
  { name: 'disk', run: disk, isAlone: true },
  { name: 'sliced', run: (seed: number, trace: Trace) => simulateSliced(seed, { trace }), isAlone: true },
].filter(({ name, isAlone = false }) => (values.only === '' ? !isAlone : values.only === name))
if (kinds.length === 0) throw new Error(`no worlds are called '${values.only}'`)

async function runSeed(seed: number): Promise<boolean> {
  let isGood = true
  const trace: Trace = values.trace ? console.log : null
  for (const { name, run } of kinds) {
    const result = await run(seed, trace)
    exchanges += result.exchanges
    if (result.failures.length === 0) continue
    isGood = false
    console.log(`seed ${seed} failed (${name}):`)
    for (const failure of result.failures) console.log(`  ${failure}`)
  }
  return isGood
}

const seeds = Array.from({ length: count }, (_, index) => from + index)
if (values.first !== undefined) seeds.unshift(Number(values.first))
for (const seed of seeds) {
  if (await runSeed(seed)) continue
  failed++
  if (!values.keep) break
}
const seconds = (performance.now() - startedMs) / 1000
console.log(`${count} seeds, ${exchanges} exchanges, ${failed} failed, ${seconds.toFixed(1)} s`)
process.exitCode = failed === 0 ? 0 : 1
