/** The bugs that the simulation must find are planted by text: a change that moves the text must move the bug with it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { mutants } from '../sim/mutants/mutants.ts'

const root = join(import.meta.dirname, '../..')

it('each planted bug has exactly one place in the source', () => {
  const astray = mutants.filter(({ file, find }) => {
    const text = readFileSync(join(root, file), 'utf8')
    return text.split(find).length !== 2
  })
  assert.deepEqual(
    astray.map(({ name }) => name),
    [],
  )
})
