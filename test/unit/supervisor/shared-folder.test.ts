import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { SharedFolder } from '../../../src/supervisor/shared-folder.ts'

test('the folder has a name of its own, and goes; what a process that is gone has left goes at the next start', (t) => {
  const folder = SharedFolder.find()
  if (folder === null) return t.skip('there is no /dev/shm')
  assert.ok(folder.bytesMax > 0)
  assert.notEqual(SharedFolder.find()?.path, folder.path)
  mkdirSync(folder.path)
  writeFileSync(folder.path + '/file', 'x')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const left = folder.path.replace(`-${process.pid}-`, `-${pid}-`)
  mkdirSync(left)
  SharedFolder.find()
  assert.deepEqual([existsSync(folder.path), existsSync(left)], [true, false])
  folder.remove()
  assert.equal(existsSync(folder.path), false)
  folder.remove()
})
