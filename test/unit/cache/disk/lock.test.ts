import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeFolder } from '../../../../src/cache/disk/lock.ts'
import { processOwner } from '../../../../src/cache/disk/process-owner.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'

const root = '/cache'

async function folder(): Promise<SimDisk> {
  const disk = new SimDisk({ random: new Random(1) })
  await disk.makeFolder(root)
  return disk
}

function owner(mark: string, living: readonly string[]) {
  return { mark, isAlive: (other: string) => living.includes(other) }
}

test('a folder belongs to whoever took it first, and to all of his workers', async () => {
  const disk = await folder()
  assert.equal(await takeFolder(disk, root, owner('1 a', ['1 a']), root + '/d1'), '')
  assert.equal(await takeFolder(disk, root, owner('1 a', ['1 a']), root + '/d2'), '')
  assert.equal(await takeFolder(disk, root, owner('2 b', ['1 a']), root + '/d3'), '1 a')
  assert.deepEqual(disk.paths(), [root + '/lock'])
})

test('it is taken over from one who is dead, by one of those who try at the same moment', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimDisk({ random: new Random(seed) })
    await disk.makeFolder(root)
    assert.equal(await takeFolder(disk, root, owner('1 a', []), root + '/d1'), '')
    const living = ['2 b', '3 c']
    const [b, c] = await Promise.all([
      takeFolder(disk, root, owner('2 b', living), root + '/d2'),
      takeFolder(disk, root, owner('3 c', living), root + '/d3'),
    ])
    assert.ok(b === '' || c === '', `seed ${seed}: nobody has it`)
    assert.ok(b !== '' || c !== '', `seed ${seed}: both have it`)
  }
})

test('this process lives, and one of its number that was started at another time does not', () => {
  assert.equal(processOwner.isAlive(processOwner.mark), true)
  assert.equal(processOwner.isAlive(`${process.pid} 1`), false)
  assert.equal(processOwner.isAlive(''), false)
})
