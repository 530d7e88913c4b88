import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { engineFlags } from '../../../src/supervisor/engine-flags.ts'

test('this Node knows every flag that a serving process sets', () => {
  const { status, stderr } = spawnSync(process.execPath, [...engineFlags, '-e', ''], { encoding: 'utf8' })
  assert.equal(stderr, '')
  assert.equal(status, 0)
})
