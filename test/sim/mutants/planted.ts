/**
 * The simulation with one bug of mutants.ts in it: `node test/sim/mutants/planted.ts 'NAME' [what run.ts takes]`. The bug is planted
 * while its file is loaded; no file is changed.
 */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mutants, type Mutant } from './mutants.ts'

const root = join(import.meta.dirname, '../../..')

/** Throws where the text to change is not there exactly once. */
function planted({ name, file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(`${name}: the text to change stands ${parts.length - 1} times in ${file}, not once`)
}

// run.ts reads what is left.
const [name] = process.argv.splice(2, 1)
const mutant = mutants.find((each) => each.name === name)
if (mutant === undefined) throw new Error(`no bug is called '${name}'`)
const mutantUrl = pathToFileURL(join(root, mutant.file)).href
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (url !== mutantUrl || loaded.source === undefined) return loaded
    return { ...loaded, source: planted(mutant, Buffer.from(loaded.source as Uint8Array).toString()) }
  },
})
await import('../run.ts')
