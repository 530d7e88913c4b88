/**
 * Plants each bug of mutants.ts alone in a copy of the source and runs the simulation on it: the seeds must find it.
 * A bug that they do not find means that the simulation is blind there.
 *
 * `node test/sim/mutants/run.ts [--only NAME] [--seeds 1000]`
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mutants, type Mutant } from './mutants.ts'

const root = join(import.meta.dirname, '../../..')

export interface Verdict {
  readonly mutant: Mutant
  /** The first line of what the seeds said, '' when they found nothing. */
  readonly found: string
}

/** Copies the source with one bug in it. Throws when the place is not there, or is there twice. */
async function plant(mutant: Mutant): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-mutant-'))
  await cp(join(root, 'src'), join(directory, 'src'), { recursive: true })
  await cp(join(root, 'test/sim'), join(directory, 'test/sim'), { recursive: true })
  await cp(join(root, 'package.json'), join(directory, 'package.json'))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  const file = join(directory, mutant.file)
  const text = await readFile(file, 'utf8')
  const parts = text.split(mutant.find)
  if (parts.length !== 2) {
    await rm(directory, { recursive: true, force: true })
    throw new Error(
      `${mutant.name}: the text to change stands ${parts.length - 1} times in ${mutant.file}, not once`,
    )
  }
  await writeFile(file, parts.join(mutant.replace))
  return directory
}

export async function tryMutant(mutant: Mutant, seeds: number): Promise<Verdict> {
  const directory = await plant(mutant)
  try {
    const child = spawn(process.execPath, ['test/sim/run.ts', '--seeds', String(seeds)], { cwd: directory })
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
    const timer = setTimeout(() => child.kill('SIGKILL'), 240_000)
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearTimeout(timer)
    const lines = output.trim().split('\n')
    if (code === 0) return { mutant, found: '' }
    return {
      mutant,
      found: lines.slice(0, 2).join(' ').replace(/\s+/g, ' ').slice(0, 200) || 'it hung or crashed',
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

export { mutants }

if (import.meta.main) {
  const at = process.argv.indexOf('--only')
  const only = at > 0 ? process.argv[at + 1] : undefined
  let missed = 0
  for (const mutant of mutants) {
    if (only !== undefined && mutant.name !== only) continue
    const verdict = await tryMutant(mutant, 1000)
    if (verdict.found === '') missed++
    console.log(`${verdict.found === '' ? 'MISSED' : 'found '} ${mutant.name}: ${verdict.found}`)
  }
  process.exitCode = missed === 0 ? 0 : 1
}
