import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedCache, type CacheSettings } from '../../../src/cache/shared-cache.ts'
import { Timers } from '../../../src/core/timers.ts'
import { CacheKey } from '../../../src/cache/keys/key.ts'
import { put, requestFor } from './store-world.ts'
import { ManualClock } from '../../story/manual-clock.ts'

const settings: CacheSettings = { bytesMax: 8_000_000, entryBytesMax: 0, whenDeserted: 'auto' }

function made(): SharedCache {
  const clock = new ManualClock()
  return new SharedCache({ clock, timers: new Timers(clock), settings, peers: null })
}

test('other settings change the limits of the store at once', () => {
  const cache = made()
  assert.equal(cache.store.entryBytesMax, 1_000_000)
  cache.configure({ ...settings, bytesMax: 4_000_000 })
  assert.equal(cache.snapshot().bytesMax, 4_000_000)
  assert.equal(cache.store.entryBytesMax, 500_000)
  cache.configure({ ...settings, entryBytesMax: 10_000 })
  assert.equal(cache.store.entryBytesMax, 10_000)
  cache.configure(settings)
  assert.equal(cache.store.entryBytesMax, 1_000_000)
  cache.close()
})

test('a plan without a cache leaves no memory to it, and a later one gives it back', () => {
  const cache = made()
  cache.configure(null)
  assert.equal(cache.snapshot().bytesMax, 0)
  cache.configure(settings)
  assert.equal(cache.snapshot().bytesMax, 8_000_000)
  cache.close()
})

test('what is under way is asked for by new rules from the next on', () => {
  const cache = made()
  const { fills } = cache
  cache.configure({ ...settings, bytesMax: 1_000_000 })
  assert.equal(cache.fills, fills)
  cache.configure({ ...settings, whenDeserted: 'abort' })
  assert.notEqual(cache.fills, fills)
  assert.equal(cache.fills.limits.whenDeserted, 'abort')
  assert.equal(cache.snapshot().fills, 0)
  cache.close()
})

test('a purge of a URL reaches what routes store for it under fewer or sorted parameters, and counts it once', async () => {
  const cache = made()
  const keys = [
    new CacheKey('site', 'zone'),
    new CacheKey('site', 'zone', { query: { without: ['utm_*'] }, sortQuery: true }),
    new CacheKey('site', 'zone', { query: 'none' }),
  ]
  for (const key of keys) cache.spellings.note(key)
  const url = 'https://a.example/p?b=2&utm_x=1&a=1'
  const target = { kind: 'url', host: 'a.example', target: '/p?utm_y=2&b=2&a=1' } as const
  const request = requestFor(url)
  for (const key of keys) assert.ok(put(cache.store, request, { keys: key }))
  for (const isDry of [true, false]) {
    const { count } = await cache.purgeAndCount([{ target, isDry }])
    assert.equal(count, 2, 'not what is stored for other parameters')
  }
  const left = keys.map((key) => cache.store.find(key.of(request), request) !== null)
  assert.deepEqual(left, [true, false, false])
  cache.close()
})

test('a purge of several targets is told as one sum, when it is counted', async () => {
  const clock = new ManualClock()
  const cache = new SharedCache({ clock, timers: new Timers(clock), settings, peers: null })
  const purge = cache.purgeAndCount([{ target: { kind: 'all' } }, { target: { kind: 'tag', tag: 'a' } }])
  for (let i = 0; i < 10; i++) {
    clock.advance(10)
    await Promise.resolve()
  }
  const { id, ...total } = await purge
  assert.deepEqual(total, {
    count: 0,
    bytes: 0,
    isCounted: true,
    stores: 1,
    sharing: 0,
    keeping: 0,
    missing: 0,
  })
  assert.deepEqual(cache.purgeTotal(id), { ...total, id })
  assert.equal(cache.purgeTotal('another'), null)
  cache.close()
})
