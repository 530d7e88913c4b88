/** Where the program keeps compiled code, which is run at the next start. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../../bin/headgate.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-compiled-'))
after(() => rmSync(folder, { recursive: true }))

/** What is in the folder of compiled code below that of this name after a start; `variable` names it to the program. */
function keptIn(name: string, variable: (base: string) => NodeJS.ProcessEnv): readonly string[] {
  const { NODE_COMPILE_CACHE: _, CACHE_DIRECTORY: __, ...env } = process.env
  const base = join(folder, name)
  const { status } = spawnSync(process.execPath, [bin, 'version'], { env: { ...env, ...variable(base) } })
  assert.equal(status, 0)
  return readdirSync(join(base, 'headgate-compiled'))
}

const byUser = (base: string): NodeJS.ProcessEnv => ({ XDG_CACHE_HOME: base })
const bySystemd = (base: string): NodeJS.ProcessEnv => ({
  CACHE_DIRECTORY: `${base}/headgate:${base}/headgate-compiled`,
})

test('compiled code is kept in a folder of the user’s own', () => {
  assert.equal(keptIn('own', byUser).length, 1)
  assert.equal(keptIn('service', bySystemd).length, 1)
})

test('it is neither read from nor written to a folder that others can write to', () => {
  const open = join(folder, 'open', 'headgate-compiled')
  mkdirSync(open, { recursive: true })
  chmodSync(open, 0o777)
  assert.deepEqual(keptIn('open', byUser), [])
})
