/**
 * Runs seeds of the simulation: `node test/sim/run.ts [--seeds 1000] [--from 1] [--seed 42]`. A seed that fails is
 * printed with what went wrong, and fails again when it is given alone by `--seed` (`--trace` shows what passes the wires).
 */
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
let failed = 0
let exchanges = 0
const startedMs = performance.now()
for (let seed = from; seed < from + count; seed++) {
  const result = simulate(seed, values.trace ? console.log : null)
  exchanges += result.exchanges
  if (result.failures.length === 0) continue
  failed++
  console.log(`seed ${seed} failed:`)
  for (const failure of result.failures) console.log(`  ${failure}`)
  if (!values.keep) break
}
const seconds = (performance.now() - startedMs) / 1000
console.log(`${count} seeds, ${exchanges} exchanges, ${failed} failed, ${seconds.toFixed(1)} s`)
process.exitCode = failed === 0 ? 0 : 1
