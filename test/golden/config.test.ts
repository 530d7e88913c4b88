/**
 * Configs by example: each file in test/golden/config beside a .txt of the same name, which holds what it compiles to, or
 * every mistake as people read it. `UPDATE_GOLDEN=1 node --test test/golden/config.test.ts` writes the .txt files anew;
 * look at the difference before you commit it.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../src/config/load.ts'
import { problemsText } from '../../src/config/problem-text.ts'
import { planOf } from '../unit/config/planning.ts'
import { summaryOf } from './plan-summary.ts'

const folder = fileURLToPath(new URL('config', import.meta.url))
const update = process.env['UPDATE_GOLDEN'] === '1'

async function outcome(name: string): Promise<string> {
  const loaded = await loadConfig(join(folder, name))
  const problems = problemsText(loaded, undefined, name)
  const told = problems === '' ? '' : `${problems}\n`
  if (loaded.document === null) return told
  const plan = planOf(loaded)
  try {
    return told + summaryOf(plan)
  } finally {
    plan.close()
  }
}

const names = readdirSync(folder).filter(
  (name) => /\.(yaml|json|ts|mjs)$/.test(name) && !name.startsWith('_'),
)

for (const name of names) {
  const expectedFile = join(folder, `${name}.txt`)
  test(`${name} gives what ${name}.txt says`, async () => {
    const text = (await outcome(name)).replaceAll(folder, 'FOLDER')
    if (update) writeFileSync(expectedFile, text)
    assert.ok(existsSync(expectedFile), `${name}.txt is missing; UPDATE_GOLDEN=1 writes it`)
    assert.equal(text, readFileSync(expectedFile, 'utf8'))
  })
}

test('no .txt stands without its config', () => {
  const orphans = readdirSync(folder).filter(
    (name) => name.endsWith('.txt') && !names.includes(name.slice(0, -4)),
  )
  assert.deepEqual(orphans, [])
})
