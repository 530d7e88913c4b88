import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheSettings } from '../../../src/cache/shared-cache.ts'
import { settingsOf } from '../../../src/config/caches.ts'

const MiB = 1024 * 1024
const folder = { path: '/dev/shm/headgate-1', bytesMax: 1024 * MiB }
const top = { memory: 256 * MiB, abandoned: 'auto' as const, purge: [] }

function settings(more: object, workers = 2, shared: typeof folder | null = folder): CacheSettings {
  return settingsOf({ cache: { ...top, ...more }, workers }, '/etc', shared)
}

test('several workers share half of the memory as a folder, and have equal parts of the other half', () => {
  const { bytesMax, disk } = settings({})
  assert.equal(bytesMax, 64 * MiB)
  assert.deepEqual([disk?.path, disk?.bytesMax], [folder.path, 128 * MiB])
})

test('what the folder cannot hold is left to the workers', () => {
  const { bytesMax, disk } = settings({}, 2, { ...folder, bytesMax: 32 * MiB })
  assert.deepEqual([bytesMax, disk?.bytesMax], [112 * MiB, 32 * MiB])
})

test('one worker alone, a folder on disk, `disk: false` and a machine without one: nothing is shared in memory', () => {
  assert.deepEqual([settings({}, 1).bytesMax, settings({}, 1).disk], [256 * MiB, null])
  const own = settings({ disk: { path: 'cache', size: 10 * MiB } })
  assert.deepEqual([own.bytesMax, own.disk], [128 * MiB, { path: '/etc/cache', bytesMax: 10 * MiB }])
  assert.deepEqual([settings({ disk: false }).bytesMax, settings({ disk: false }).disk], [128 * MiB, null])
  assert.deepEqual([settings({}, 2, null).bytesMax, settings({}, 2, null).disk], [128 * MiB, null])
})
