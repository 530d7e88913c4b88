/** What a purge counts of answers on disk, in memory, and in both. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toldOf, type PurgeTotal } from '../../../../src/cache/purge/purge-total.ts'
import type { PurgeRequest, PurgeTarget } from '../../../../src/cache/store/purge-request.ts'
import { CacheKey } from '../../../../src/cache/keys/key.ts'
import { put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const host = 'www.example.com'
const page = `https://${host}/page`

async function opened(world: DiskWorld = new DiskWorld()): Promise<DiskWorld> {
  await world.settle()
  return world
}

/** The words of an order, and what it concerns of what `fill` stores. */
const targets: readonly [PurgeTarget, number][] = [
  [{ kind: 'url', host, target: '/page/1' }, 4],
  [{ kind: 'url', host, target: '/page/1', site: 'two' }, 1],
  [{ kind: 'url', host, target: '/page/' }, 0],
  [{ kind: 'key', key: `${page}/1\nsite\nzone` }, 1],
  [{ kind: 'prefix', host, target: '/page/1' }, 5],
  [{ kind: 'tag', tag: 'ODD' }, 4],
  [{ kind: 'tag', tag: 'odd', site: 'site' }, 4],
  [{ kind: 'tag', tag: 'none' }, 0],
  [{ kind: 'host', host }, 13],
  [{ kind: 'host', host: 'other.example' }, 3],
  [{ kind: 'all', site: 'two' }, 1],
  [{ kind: 'all' }, 16],
]

/** 16 answers: four of one URL, two of them variants, nine other pages of that host, and three of another. */
async function fill(world: DiskWorld): Promise<void> {
  const { store } = world.cache
  for (let i = 2; i <= 9; i++)
    put(store, requestFor(`${page}/${i}`), { fields: i % 2 === 1 ? { xkey: 'odd' } : {} })
  put(store, requestFor(`${page}/10`))
  store.remove(put(store, requestFor(`${page}/gone`)) as never)
  for (let i = 0; i < 3; i++) put(store, requestFor(`https://other.example/${i}`))
  put(store, requestFor(`${page}/1`))
  put(store, requestFor(`${page}/1`), { site: 'two' })
  const keys = new CacheKey('site', 'zone', { headers: ['x-who'] })
  for (const language of ['en', 'de']) {
    const who = { 'x-who': 'me', 'accept-language': language }
    put(store, requestFor(`${page}/1`, who), { keys, fields: { vary: 'accept-language' } })
  }
  await world.settle()
}

function forget(world: DiskWorld): void {
  world.cache.store.resize(0)
  world.cache.store.resize(8_000_000)
}

async function purge(world: DiskWorld, ...requests: PurgeRequest[]): Promise<PurgeTotal> {
  const purging = world.cache.purgeAndCount(requests)
  for (let i = 0; i < 3; i++) await world.settle()
  return purging
}

const moments: readonly [string, (world: DiskWorld) => Promise<void> | void][] = [
  ['in memory and on disk', () => {}],
  ['on disk only, as memory had no room', (world) => forget(world)],
  ['on disk, after a restart', (world) => world.restart()],
  ['on disk, after a loss of power', (world) => world.restart(true)],
]

for (const [words, happen] of moments) {
  for (const [target, expected] of targets) {
    const what = JSON.stringify(target)
    test(`what is ${words} counts once: ${what}`, async () => {
      const world = await opened()
      await fill(world)
      await happen(world)
      // A loss of power may take what was not synced.
      const isWhole = !words.includes('power')
      const dry = toldOf(await purge(world, { target, isDry: true }))
      if (isWhole) assert.equal(dry.count, expected)
      assert.deepEqual([dry.isCounted, dry.missing, dry.stores], [true, 0, 1])
      const soft = await purge(world, { target, isSoft: true })
      const hard = await purge(world, { target })
      const again = await purge(world, { target })
      assert.deepEqual([soft.count, hard.count, again.count], [dry.count, dry.count, 0])
      assert.equal(hard.bytes > 0, dry.count > 0)
      const rest = await purge(world, { target: { kind: 'all' }, isDry: true })
      if (isWhole) assert.equal(rest.count, 16 - expected)
      await world.restart()
      const later = await purge(world, { target: { kind: 'all' }, isDry: true })
      assert.equal(later.count, rest.count, 'what was purged stays out of the count after a restart')
    })
  }
}

test('an answer that two purges concern is counted by the first, on disk as in memory', async () => {
  const world = await opened()
  put(world.cache.store, requestFor(page), { fields: { xkey: 'a b' } })
  await world.settle()
  await world.restart()
  const tags = ['a', 'b'].map((tag) => ({ target: { kind: 'tag', tag } as const }))
  assert.equal((await purge(world, ...tags)).count, 1)
  put(world.cache.store, requestFor(page), { fields: { xkey: 'a b' } })
  await world.settle()
  assert.equal((await purge(world, ...tags)).count, 1, 'a newer one under the same name counts again')
})

test('what has no room on disk any more and is in memory counts there', async () => {
  const world = await opened(new DiskWorld(30_000))
  for (let i = 0; i < 20; i++) {
    put(world.cache.store, requestFor(`${page}/${i}`), { body: Buffer.alloc(5000) })
    await world.settle()
  }
  assert.ok(world.files().length < 8)
  const all: PurgeTarget = { kind: 'all' }
  assert.equal((await purge(world, { target: all, isDry: true })).count, 20)
  forget(world)
  assert.equal((await purge(world, { target: all, isDry: true })).count, world.files().length)
})

test('a purge while the folder is still walked over counts what the walk finds, and says until then that it goes on', async () => {
  const world = await opened()
  for (let i = 0; i < 200; i++) put(world.cache.store, requestFor(`${page}/${i}`), { fields: { xkey: 't' } })
  await world.settle()
  await purge(world, { target: { kind: 'url', host, target: '/page/7' } })
  let purging: Promise<PurgeTotal> | null = null
  let wasCounted = true
  const purgeEarly = async (): Promise<void> => {
    while (world.store.keeper === null) await new Promise<void>((resolve) => void setImmediate(resolve))
    wasCounted = world.store.keeper.isCounted
    purging = world.cache.purgeAndCount([
      { target: { kind: 'tag', tag: 't' }, isDry: true },
      { target: { kind: 'url', host, target: '/page/8' } },
      { target: { kind: 'prefix', host, target: '/page/1' } },
      { target: { kind: 'all' } },
    ])
  }
  await world.restart(false, () => void purgeEarly())
  for (let i = 0; i < 50; i++) await world.settle()
  assert.equal(wasCounted, false)
  const total = await (purging as unknown as Promise<PurgeTotal>)
  const told = toldOf(world.cache.purgeTotal(total.id) ?? total)
  assert.deepEqual([told.count, told.isCounted], [199 + 199, true])
})
