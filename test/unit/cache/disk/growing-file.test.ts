/** Answers that memory has no room for, on their way to the disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Growing } from '../../../../src/cache/fill/growing.ts'
import type { Entry } from '../../../../src/cache/store/entry.ts'
import { defaultFillLimits } from '../../../../src/cache/fill/fill-limits.ts'
import { Faults } from '../../../../src/core/faults.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { bodyOf, entryFor, put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const url = 'https://www.example.com/film'
const mebibyte = 1024 * 1024
const owner = { onAdvance: () => {}, onDeserted: () => {} }

interface Arrival {
  readonly world: DiskWorld
  readonly growing: Growing
  readonly entry: Entry
}

async function begun(statedLength: number, world: DiskWorld = new DiskWorld()): Promise<Arrival> {
  await world.settle()
  const { clock, cache } = world
  const entry = entryFor(cache.store, requestFor(url), {
    statedLength,
    isStated: statedLength >= 0,
    fields: { etag: '"a"' },
  })
  entry.etag = '"a"'
  entry.freshUntilMs = 1e9
  const growing = new Growing(entry, { store: cache.store, clock, limits: defaultFillLimits }, owner, 1)
  return { world, growing, entry }
}

/** In pieces that fit no block. */
async function arrive({ world, growing }: Arrival, body: Buffer): Promise<void> {
  for (let at = 0; at < body.length; at += 50_001) {
    growing.append(body, at, Math.min(body.length, at + 50_001))
    if (at % 4 === 0) await world.settle()
  }
}

async function wholeOf(entry: Entry): Promise<Buffer> {
  const { backing, blocks } = entry.body
  if (backing === null) return bodyOf(entry)
  const pieces: Buffer[] = []
  for (const i of blocks.keys()) {
    const block = await backing.load(i)
    assert.ok(block !== null, `block ${i}`)
    pieces.push(block)
  }
  return Buffer.concat(pieces)
}

function filmOf(length: number): Buffer {
  const body = Buffer.alloc(length)
  for (let i = 0; i + 4 <= length; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, i)
  return body
}

test('what is too large for memory is on disk when it is whole, of a length that was stated or not', async () => {
  for (const statedLength of [3 * mebibyte + 17, -1]) {
    const arrival = await begun(statedLength)
    const { world, growing, entry } = arrival
    const film = filmOf(3 * mebibyte + 17)
    await arrive(arrival, film)
    assert.equal(growing.isStored, true)
    assert.equal(growing.complete(), true)
    // Found before it has its name, and after.
    assert.equal((await world.find(url))?.body.length, film.length)
    await world.settle()
    assert.ok(entry.body.heldBytes <= 2.1 * mebibyte, `${entry.body.heldBytes} bytes are held`)
    assert.deepEqual(await wholeOf(entry), film, 'who has begun reads on')
    assert.deepEqual([world.cache.store.snapshot().entries, world.cache.store.snapshot().growing], [0, 0])
    await world.restart()
    const found = await world.find(url)
    assert.ok(found !== null)
    assert.deepEqual(await wholeOf(found), film)
    assert.equal(found.etag, '"a"')
  }
})

test('a small one that memory has no room for is written too', async () => {
  const world = new DiskWorld()
  await world.settle()
  world.cache.store.resize(0)
  const arrival = await begun(1000, world)
  await arrive(arrival, filmOf(1000))
  assert.equal(arrival.growing.complete(), true)
  await world.settle()
  const found = await world.find(url)
  assert.deepEqual(found === null ? null : await wholeOf(found), filmOf(1000))
  assert.equal(found?.isStored, false)
})

test('what was purged while it arrived is not found, and leaves no file', async () => {
  const arrival = await begun(3 * mebibyte)
  const { world, growing } = arrival
  await arrive(arrival, filmOf(2 * mebibyte))
  const purged = world.cache.purge([{ target: { kind: 'host', host: 'www.example.com' } }])
  await world.settle()
  await purged
  await arrive(arrival, filmOf(mebibyte))
  assert.equal(growing.complete(), false)
  await world.settle()
  assert.equal(await world.find(url), null)
  assert.deepEqual(world.files(), [])
  assert.deepEqual(
    world.disk.paths().filter((path) => path.includes('/drafts/')),
    [],
  )
})

test('what breaks off leaves no file', async () => {
  const arrival = await begun(3 * mebibyte)
  await arrive(arrival, filmOf(mebibyte))
  arrival.growing.abandon(Faults.ORIGIN_TRUNCATED)
  await arrival.world.settle()
  assert.equal(await arrival.world.find(url), null)
  assert.deepEqual(
    arrival.world.disk.paths().filter((path) => /drafts.|film/.test(path)),
    [],
  )
})

test('a disk that is full costs the file and not the answer', async () => {
  const disk = new SimDisk({ random: new Random(3), bytesMax: mebibyte })
  const arrival = await begun(3 * mebibyte, new DiskWorld(100_000_000, disk))
  const { world, growing, entry } = arrival
  await arrive(arrival, filmOf(3 * mebibyte))
  assert.equal(growing.isStored, false)
  assert.equal(entry.body.length, 3 * mebibyte)
  assert.equal(growing.complete(), false)
  await world.settle()
  assert.deepEqual(world.files(), [])
})

test('one of more than half of what the folder may hold is not written', async () => {
  const arrival = await begun(3 * mebibyte, new DiskWorld(5 * mebibyte))
  assert.equal(arrival.growing.isStored, false)
  const endless = await begun(-1, new DiskWorld(4 * mebibyte))
  await arrive(endless, filmOf(3 * mebibyte))
  assert.equal(endless.growing.isStored, false)
})

test('a 304 gives a large file another head in place', async () => {
  const arrival = await begun(3 * mebibyte)
  const { world, growing } = arrival
  const film = filmOf(3 * mebibyte)
  await arrive(arrival, film)
  growing.complete()
  await world.settle()
  const old = await world.find(url)
  assert.ok(old !== null)
  const { store } = world.cache
  const fresh = entryFor(store, requestFor(url), {
    fields: { etag: '"a"', 'x-new': 'yes' },
    memoryBody: old.body,
  })
  fresh.etag = '"a"'
  fresh.freshUntilMs = 2e9
  assert.equal(store.replaceHead(old, fresh), true)
  await world.settle()
  await world.restart()
  const found = await world.find(url)
  assert.equal(found?.head.fields.getByName('x-new'), 'yes')
  assert.deepEqual(found === null ? null : await wholeOf(found), film)
})

test('when it is whole the smaller one before it is neither in memory any more nor written after it', async () => {
  const world = new DiskWorld()
  const arrival = await begun(3 * mebibyte, world)
  const film = filmOf(3 * mebibyte)
  await arrive(arrival, film)
  const before = put(world.cache.store, requestFor(url), { body: Buffer.from('before') })
  assert.ok(before !== null)
  arrival.growing.complete()
  assert.equal(world.cache.store.peek(before.key, requestFor(url)), null)
  await world.settle()
  assert.equal((await world.find(url))?.body.length, film.length)
  await world.restart()
  assert.equal((await world.find(url))?.body.length, film.length)
})

test('one that is whole and has no name yet does not come over what was stored since', async () => {
  // At each moment of its way to its name.
  for (const turns of [0, 3, 8, 15, 25, 40]) {
    const arrival = await begun(2 * mebibyte)
    const { world, growing } = arrival
    await arrive(arrival, filmOf(2 * mebibyte))
    growing.complete()
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    put(world.cache.store, requestFor(url), { body: Buffer.from('newer') })
    await world.settle()
    await world.restart()
    const found = await world.find(url)
    assert.equal(found?.body.length, 5, `after ${turns} turns`)
  }
})
