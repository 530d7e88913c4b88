/** A cache folder that becomes unusable while it is used costs hits, never an answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { bodyOf, put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const page = 'https://www.example.com/page'

/** A page is on disk, and nothing of it in memory. */
async function kept(): Promise<DiskWorld> {
  const world = new DiskWorld(undefined, new SimDisk({ random: new Random(7) }))
  await world.settle()
  const entry = put(world.cache.store, requestFor(page), { body: Buffer.from('hello') })
  assert.ok(entry !== null)
  entry.freshUntilMs = 1e9
  await world.settle()
  forget(world)
  return world
}

function forget({ cache }: DiskWorld): void {
  cache.store.resize(0)
  cache.store.resize(8_000_000)
}

test('where every call fails, nothing is found and memory serves on; when the folder is back, so are the hits', async () => {
  const world = await kept()
  world.disk.failures = 100
  assert.equal(await world.find(page), null)
  const request = requestFor('https://www.example.com/new')
  assert.ok(put(world.cache.store, request, { body: Buffer.from('new') }) !== null)
  await world.settle()
  const served = world.cache.store.find([...world.cache.store.topEntries(1)][0]?.key ?? '', request)
  assert.equal(served === null ? '' : String(bodyOf(served)), 'new')
  world.disk.failures = 0
  world.clock.advance(10_000)
  await world.settle()
  const found = await world.find(page)
  assert.equal(found === null ? '' : String(bodyOf(found)), 'hello')
})

test('a purge that cannot be written is carried out in memory and not acknowledged', async () => {
  const world = await kept()
  assert.ok((await world.find(page)) !== null)
  world.disk.failures = 100
  const purged = world.cache.purge([{ target: { kind: 'all' } }])
  await world.settle()
  assert.equal((await purged).missing, 1)
  world.disk.failures = 0
  assert.equal(await world.find(page), null, 'nor is it found on disk while the process lives')
})
