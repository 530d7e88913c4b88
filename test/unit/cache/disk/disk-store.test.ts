import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../../../src/cache/store/entry.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { bodyOf, put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const page = 'https://www.example.com/page'

async function opened(world: DiskWorld = new DiskWorld()): Promise<DiskWorld> {
  await world.settle()
  return world
}

function keep(world: DiskWorld, url: string, how: Parameters<typeof put>[2] = {}, fields = {}): Entry {
  const entry = put(world.cache.store, requestFor(url, fields), how)
  assert.ok(entry !== null)
  entry.freshUntilMs = 1e9
  return entry
}

test('what is stored is found after a restart, with head, body, tags and times', async () => {
  const world = await opened()
  const body = Buffer.from('hello')
  const entry = keep(world, page, { body, fields: { etag: '"a"', 'surrogate-key': 'One two' } })
  entry.etag = '"a"'
  entry.responseMs = world.clock.nowMs()
  await world.settle()
  await world.restart()
  world.clock.advance(10_000)
  const found = await world.find(page)
  assert.ok(found !== null)
  assert.deepEqual(bodyOf(found), body)
  assert.deepEqual(found.head.fields.toArray(), entry.head.fields.toArray())
  assert.deepEqual(found.tagNames, ['one', 'two'])
  assert.equal(found.etag, '"a"')
  assert.equal(found.responseMs, entry.responseMs)
  assert.equal(found.freshUntilMs, 1e9)
  assert.equal(found.isStored, true, 'it is in memory again')
  assert.equal(world.store.snapshot().writes, 0, 'and is not written a second time')
})

test('what is stored before the folder can be used is written then, in the place of what was there', async () => {
  const world = await opened()
  keep(world, page, { body: Buffer.from('old') })
  await world.settle()
  await world.restart(false, () => void keep(world, page, { body: Buffer.from('new') }))
  world.cache.store.resize(0)
  world.cache.store.resize(8_000_000)
  const found = await world.find(page)
  assert.equal(found === null ? '' : String(bodyOf(found)), 'new')
})

test('where the folder cannot be used, of what was stored meanwhile the answer before does not come back', async () => {
  const world = await opened()
  keep(world, page, { body: Buffer.from('old') })
  await world.settle()
  world.disk.failures = 100
  await world.restart(false, () => void keep(world, page, { body: Buffer.from('new') }))
  world.disk.failures = 0
  world.cache.store.resize(0)
  world.cache.store.resize(8_000_000)
  world.clock.advance(10_000)
  await world.settle()
  assert.equal(world.store.isServing, true)
  assert.equal(await world.find(page), null)
})

test('each variant has a file, and the file of the key tells by what they vary', async () => {
  const world = await opened()
  const fields = { vary: 'accept-language' }
  keep(world, page, { body: Buffer.from('hello'), fields }, { 'accept-language': 'en' })
  keep(world, page, { body: Buffer.from('hallo'), fields }, { 'accept-language': 'de' })
  await world.settle()
  assert.equal(world.files().length, 3)
  await world.restart()
  const english = await world.find(page, { 'accept-language': 'en' })
  assert.equal(english === null ? '' : String(bodyOf(english)), 'hello')
  const german = await world.find(page, { 'accept-language': 'de' })
  assert.equal(german === null ? '' : String(bodyOf(german)), 'hallo')
  assert.equal(await world.find(page, { 'accept-language': 'fr' }), null)
})

test('a body too large for memory is read block by block, each compared with its checksum', async () => {
  const world = await opened()
  const body = Buffer.alloc(700_000, 'abcdefg')
  keep(world, page, { body })
  await world.settle()
  await world.restart()
  const found = await world.find(page)
  assert.ok(found !== null && found.body.backing !== null)
  assert.equal(found.body.heldBytes, 0)
  for (let i = 0; i < found.body.blocks.length; i++) await found.body.backing?.load(i)
  assert.deepEqual(bodyOf(found), body)
  assert.equal(found.isStored, true, 'once it was read it is in memory, which has room for it')
})

test('a damaged file is no answer, and goes', async () => {
  for (const at of [3, 20, 60, 150, -1, -6]) {
    const world = await opened()
    keep(world, page, { body: Buffer.alloc(1000, 'x') })
    await world.settle()
    await world.restart()
    const content = world.disk.contentOf(world.files()[0] ?? '') as Buffer
    const place = at < 0 ? content.length + at : at
    content[place] = (content[place] as number) ^ 1
    assert.equal(await world.find(page), null, `byte ${at}`)
    assert.equal(world.store.snapshot().damaged, 1)
    assert.deepEqual(world.files(), [])
  }
})

test('a purge lasts over a restart: by URL, prefix, host, tag and all, in this site and in all', async () => {
  const host = 'www.example.com'
  const targets = [
    { kind: 'url', host, target: '/page' },
    { kind: 'prefix', host, target: '/pa', site: 'site' },
    { kind: 'host', host },
    { kind: 'tag', tag: 'ONE', site: 'site' },
    { kind: 'all' },
    { kind: 'all', site: 'site' },
    { kind: 'key', key: `${page}\nsite\nzone` },
  ] as const
  for (const target of targets) {
    const world = await opened()
    keep(world, page, { fields: { 'surrogate-key': 'one' } })
    keep(world, 'https://other.example/x')
    await world.settle()
    // It was written, and the purge finds it no more in memory.
    world.cache.store.resize(0)
    world.cache.store.resize(8_000_000)
    const purged = world.cache.purge([{ target }])
    await world.settle()
    assert.equal((await purged).missing, 0)
    assert.equal(await world.find(page), null, target.kind)
    keep(world, 'https://late.example/')
    await world.settle()
    await world.restart(true)
    assert.equal(await world.find(page), null, target.kind)
    if (target.kind !== 'all') assert.notEqual(await world.find('https://late.example/'), undefined)
  }
})

test('a soft purge makes it stale, also after a restart and when the purge is forgotten', async () => {
  const world = await opened()
  // Read at once, in two pieces, and block by block.
  const lengths = [10, 100_000, 300_000]
  const foundSoft = async (): Promise<boolean[]> => {
    const entries = await Promise.all(lengths.map((length) => world.find(`${page}/${length}`)))
    return entries.map((entry) => entry?.isSoftPurged === true)
  }
  for (const length of lengths) keep(world, `${page}/${length}`, { body: Buffer.alloc(length) })
  await world.settle()
  const purged = world.cache.purge([{ target: { kind: 'all' }, isSoft: true }])
  await world.settle()
  await purged
  await world.restart()
  assert.deepEqual(await foundSoft(), [true, true, true])
  const swept = world.store.keeper?.sweep(0)
  for (let i = 0; i < 20; i++) await world.settle()
  await swept
  assert.equal(world.store.snapshot().purgeMarks, 0)
  await world.restart()
  assert.deepEqual(await foundSoft(), [true, true, true])
})

test('a walk over the files takes out what was purged, and then the purge is forgotten', async () => {
  const world = await opened()
  for (let i = 0; i < 20; i++) keep(world, `${page}/${i}`)
  await world.settle()
  const purged = world.cache.purge([
    { target: { kind: 'prefix', host: 'www.example.com', target: '/page/1' } },
  ])
  await world.settle()
  await purged
  const swept = world.store.keeper?.sweep(0)
  for (let i = 0; i < 20; i++) await world.settle()
  await swept
  assert.equal(world.files().length, 9)
  assert.equal(world.store.snapshot().entries, 9)
  assert.equal(world.store.snapshot().purgeMarks, 0)
})

test('what has no room goes, and the bytes accounted are those of the files', async () => {
  const world = await opened(new DiskWorld(100_000))
  for (let i = 0; i < 50; i++) keep(world, `${page}/${i}`, { body: Buffer.alloc(5000) })
  for (let i = 0; i < 5; i++) await world.settle()
  const { bytes, entries, evictions } = world.store.snapshot()
  assert.ok(bytes <= 100_000 && entries >= 15, `${entries} files, ${bytes} bytes`)
  assert.equal(evictions, 50 - entries)
  assert.equal(world.files().length, entries)
  await world.restart()
  assert.equal(world.store.snapshot().entries, entries)
  assert.equal(world.store.snapshot().bytes, bytes)
})

test('a full disk costs writes, and nothing else; what it had of an older answer goes', async () => {
  const world = await opened(new DiskWorld(1e9, new SimDisk({ random: new Random(3), bytesMax: 30_000 })))
  for (let i = 0; i < 20; i++) {
    const entry = keep(world, `${page}/${i}`, { body: Buffer.alloc(5000) })
    assert.equal(entry.isStored, true)
    await world.settle()
  }
  const { writes, writeFailures, writesDropped } = world.store.snapshot()
  assert.ok(
    writes < 7 && writeFailures > 0 && writesDropped > 0,
    `${writes} ${writeFailures} ${writesDropped}`,
  )
})

test('a folder that cannot be used serves nothing and acknowledges no purge; it is tried again', async () => {
  const disk = new SimDisk({ random: new Random(3), failures: 100 })
  const world = await opened(new DiskWorld(1e9, disk))
  keep(world, page)
  await world.settle()
  assert.match(world.warnings[0] ?? '', /folder \/cache cannot be used/)
  const refused = world.cache.purge([{ target: { kind: 'all' } }])
  await world.settle()
  assert.equal((await refused).missing, 1)
  assert.equal(world.cache.store.snapshot().entries, 0, 'it was purged from memory all the same')
  disk.failures = 0
  for (let i = 0; i < 12; i++) {
    world.clock.advance(1000)
    await world.settle()
  }
  assert.equal(world.store.isServing, true)
  keep(world, page)
  await world.settle()
  assert.equal(world.files().length, 1)
})

test('10,000 purges by prefix leave a small journal when it is written anew, which still holds them', async () => {
  const world = await opened()
  keep(world, 'https://www.example.com/p/7777/x')
  await world.settle()
  const host = 'www.example.com'
  const requests = Array.from({ length: 10_000 }, (_, i) => ({
    target: { kind: 'prefix', host, target: `/p/${i % 5000}${i % 5000 === 2777 ? '' : '/none'}` } as const,
  }))
  requests.push({ target: { kind: 'prefix', host, target: '/p/7777' } })
  const purged = world.cache.purge(requests)
  await world.settle()
  await purged
  const before = world.store.journal.bytes
  const done = world.store.journal.rewrite()
  await world.settle()
  await done
  assert.ok(world.store.journal.bytes < before * 0.6, `${world.store.journal.bytes} of ${before}`)
  assert.equal(world.disk.paths().filter((path) => path.includes('/purges.')).length, 1)
  await world.restart(true)
  assert.equal(world.store.snapshot().purgeMarks, 5001)
  assert.equal(await world.find('https://www.example.com/p/7777/x'), null)
})

test('an answer asked for before a purge is not written after it', async () => {
  const world = await opened()
  const early = world.cache.store.generation
  const purged = world.cache.purge([{ target: { kind: 'host', host: 'other.example' } }])
  await world.settle()
  await purged
  const entry = put(world.cache.store, requestFor('https://other.example/a'), { bornAt: early })
  assert.equal(entry, null)
  keep(world, 'https://other.example/b')
  await world.settle()
  await world.restart()
  assert.notEqual(await world.find('https://other.example/b'), null)
})

test('an answer asked for between two purges that are written together is concerned by the later one alone', async () => {
  const world = await opened()
  const host = 'www.example.com'
  const first = world.cache.purge([{ target: { kind: 'url', host, target: '/page' } }])
  keep(world, page)
  keep(world, 'https://other.example/')
  const second = world.cache.purge([{ target: { kind: 'host', host: 'other.example' } }])
  await world.settle()
  await Promise.all([first, second])
  await world.restart()
  assert.notEqual(await world.find(page), null)
  assert.equal(await world.find('https://other.example/'), null)
})

test('an answer that has left memory and waits to be written is still concerned by purges, however often it is asked', async () => {
  const world = await opened()
  const entry = keep(world, page)
  world.cache.store.resize(0)
  world.cache.store.resize(8_000_000)
  const purged = world.cache.purge([{ target: { kind: 'host', host: 'www.example.com' } }])
  assert.equal(world.store.wasPurged(entry), true)
  assert.equal(world.store.wasPurged(entry), true)
  await world.settle()
  await purged
  assert.equal(await world.find(page), null)
  assert.deepEqual(world.files(), [])
})

test('a purge of something else while a file is read costs no hit, one of it does', async () => {
  for (const path of ['/page', '/other']) {
    const world = await opened()
    keep(world, page)
    await world.settle()
    await world.restart()
    const found = world.find(page)
    await Promise.resolve()
    const purged = world.cache.purge([{ target: { kind: 'url', host: 'www.example.com', target: path } }])
    assert.equal((await found) !== null, path === '/other')
    await purged
  }
})

test('of an answer that a tag purges before it is written the one before does not come back', async () => {
  const world = await opened()
  keep(world, page, { fields: { 'surrogate-key': 'old' } })
  await world.settle()
  keep(world, page, { fields: { 'surrogate-key': 'new' } })
  await world.cache.purge([{ target: { kind: 'tag', tag: 'new' } }])
  await world.settle()
  assert.equal(await world.find(page), null)
  await world.restart()
  assert.equal(await world.find(page), null)
})

test('purges last in a journal whose maker died before its name was sure to', async () => {
  // Each seed loses other names.
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new SimDisk({ random: new Random(seed) })
    await disk.makeFolder('/cache')
    const file = await disk.create('/cache/draft')
    await file.write(Buffer.from('\n'), 0)
    await file.sync()
    file.close()
    await disk.link('/cache/draft', '/cache/purges.1')
    const world = await opened(new DiskWorld(100_000_000, disk))
    keep(world, page)
    await world.settle()
    await disk.syncFolder(folderOfFile(world.files()[0] ?? ''))
    const purged = world.cache.purge([{ target: { kind: 'all' } }])
    await world.settle()
    assert.equal((await purged).missing, 0)
    await world.restart(true)
    assert.equal(await world.find(page), null, `seed ${seed}`)
  }
})

function folderOfFile(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
