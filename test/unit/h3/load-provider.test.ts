import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadProvider } from '../../../src/h3/load-provider.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a package that is missing is told of with what to install', (t) => {
  const place = join(folderOf(t), 'headgate.js')
  assert.throws(() => loadProvider([place]), /not installed: npm install @currentspace\/http3@0\.9$/)
})

test('a version that was never tried is not used', (t) => {
  const folder = folderOf(t)
  const inside = join(folder, 'node_modules/@currentspace/http3')
  mkdirSync(join(inside, 'dist'), { recursive: true })
  writeFileSync(join(inside, 'package.json'), '{ "version": "1.0.0", "main": "dist/index.js" }')
  writeFileSync(join(inside, 'dist/index.js'), '')
  assert.throws(
    () => loadProvider([join(folder, 'headgate.js')]),
    /made for .* 0\.9, and 1\.0\.0 is installed/,
  )
})
