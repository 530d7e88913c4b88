/**
 * Runs the simulation with each bug of mutants.ts alone: the seeds must find it. A bug that they do not find means that the
 * simulation is blind there.
 *
 * `node test/sim/mutants/run.ts [--only NAME]`
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { mutants, type Mutant } from './mutants.ts'

const root = join(import.meta.dirname, '../../..')

/** Within so many each must be found. */
export const seedsMax = 1000
/** Longer than all seeds take on any machine. */
const hungMs = 900_000

export interface Verdict {
  readonly mutant: Mutant
  /** The first line of what the seeds said, '' when they found nothing. */
  readonly found: string
}

/** Throws when it neither finds the bug nor comes to an end. */
export async function tryMutant(mutant: Mutant): Promise<Verdict> {
  const args = ['test/sim/mutants/planted.ts', mutant.name, '--seeds', String(seedsMax)]
  if (mutant.seed !== undefined) args.push('--first', String(mutant.seed))
  if (mutant.worlds !== undefined) args.push('--only', mutant.worlds)
  const child = spawn(process.execPath, args, { cwd: root })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), hungMs)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  if (code === null) throw new Error(`${mutant.name}: it was killed\n${output}`)
  if (code === 0) return { mutant, found: '' }
  const found = output.trim().split('\n').slice(0, 2).join(' ').replace(/\s+/g, ' ').slice(0, 200)
  return { mutant, found: found || 'it crashed' }
}

export { mutants }

if (import.meta.main) {
  const at = process.argv.indexOf('--only')
  const only = at > 0 ? process.argv[at + 1] : undefined
  let missed = 0
  for (const mutant of mutants) {
    if (only !== undefined && mutant.name !== only) continue
    const verdict = await tryMutant(mutant)
    if (verdict.found === '') missed++
    console.log(`${verdict.found === '' ? 'MISSED' : 'found '} ${mutant.name}: ${verdict.found}`)
  }
  process.exitCode = missed === 0 ? 0 : 1
}
