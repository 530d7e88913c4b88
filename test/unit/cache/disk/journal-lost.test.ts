/** A journal whose file system goes away while it is used: nobody who asks whether all is read hears of an error. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Journal } from '../../../../src/cache/disk/journal.ts'
import { Marks } from '../../../../src/cache/disk/marks.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { root } from './disk-world.ts'

test('a journal of which not even the size can be had is not current, and cannot be caught up with', async () => {
  const disk = new SimDisk({ random: new Random(3) })
  await disk.makeFolder(root)
  const place = { disk, root, marks: new Marks(), writer: 'w', isAlone: false, onForeign: () => {} }
  const journal = new Journal(place)
  await journal.open()
  assert.equal(journal.isCurrent, true)
  disk.kill()
  assert.equal(journal.isCurrent, false)
  await assert.rejects(journal.catchUp())
})
