import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Disk } from '../../../../src/cache/disk/disk.ts'
import { fileDisk } from '../../../../src/cache/disk/file-disk.ts'
import { load, loadHead, loadHeadNow, loadNow } from '../../../../src/cache/disk/load.ts'

function failing(code: string): Disk {
  const fail = (): never => {
    throw Object.assign(new Error(code), { code })
  }
  return { open: async () => fail(), openNow: fail } as unknown as Disk
}

test('a file that cannot be opened for want of descriptors is not taken for a damaged one', async () => {
  for (const [code, expected] of [
    ['EMFILE', 'busy'],
    ['ENFILE', 'busy'],
    ['ENOENT', 'absent'],
    ['EIO', 'damaged'],
  ]) {
    const disk = failing(code as string)
    assert.equal(await load(disk, '/x'), expected)
    assert.equal(loadNow(disk, '/x'), expected)
    assert.equal(await loadHead(disk, '/x'), expected)
    assert.equal(loadHeadNow(disk, '/x'), expected)
  }
})

test('a file is the same whether it is read through the pool or at once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-disk-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const path = join(folder, String(length))
    const content = Buffer.alloc(length, 'abcdefg')
    writeFileSync(path, content)
    const [later, now] = [await fileDisk.open(path), fileDisk.openNow(path)]
    for (const position of [0, 65_536]) {
      const [a, b] = [Buffer.alloc(70_000), Buffer.alloc(70_000)]
      const count = await later.read(a, position)
      assert.equal(now.readNow(b, position), count)
      assert.equal(count, Math.max(0, Math.min(70_000, length - position)))
      assert.ok(a.equals(b))
    }
    assert.equal(now.size(), length)
    assert.equal(await fileDisk.sizeOf(path), length)
    later.close()
    now.close()
  }
  assert.throws(() => fileDisk.openNow(join(folder, 'none')), { code: 'ENOENT' })
  const { isLocal } = await fileDisk.kindOf(folder)
  assert.equal(typeof isLocal, 'boolean')
})

test('what was opened at once is closed', () => {
  const probe = openSync('/dev/null', 'r')
  closeSync(probe)
  const path = join(import.meta.dirname, 'load.test.ts')
  assert.equal(loadNow(fileDisk, path), 'damaged')
  const again = openSync('/dev/null', 'r')
  closeSync(again)
  assert.equal(again, probe)
})
