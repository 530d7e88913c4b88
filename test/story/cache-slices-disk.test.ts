/** Slices on disk: what is found of them after a restart, and what is asked of the origin then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../sim/random.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SlicesWorld, sliceBytes, type SlicedObject } from './cache-slices-world.ts'
import { cacheStatusOf } from './cache-world.ts'
import { bodyOf, get } from './proxy-world.ts'

/** Worlds one after the other over one disk. */
class Lives {
  readonly disk: SimDisk
  world: SlicesWorld
  #restarts = 0

  constructor(disk: SimDisk, world: SlicesWorld) {
    this.disk = disk
    this.world = world
  }

  static async begin(object: Partial<SlicedObject> = {}, isRemote = false): Promise<Lives> {
    const disk = new SimDisk({ random: new Random(5), isRemote })
    const lives = new Lives(disk, new SlicesWorld(object, {}, {}, disk))
    await lives.settle()
    return lives
  }

  /** Whatever is under way on the disk ends. */
  async settle(): Promise<void> {
    for (let i = 0; i < 60; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (i > 10 && this.disk.underWay === 0 && (this.world.cache.disk?.snapshot().queued ?? 0) === 0) break
    }
    this.world.pass(1)
  }

  /** Another process, over the same disk. */
  async restart(object: Partial<SlicedObject> = {}, route: object = {}): Promise<void> {
    this.world.cache.close()
    await this.settle()
    this.world = new SlicesWorld(object, route, {}, this.disk)
    // Its clock begins anew, and must not be behind the moment when what is stored arrived.
    this.world.pass(2000 * ++this.#restarts)
    await this.settle()
  }

  async ask(fields = ''): Promise<{ answer: string; ranges: string[] }> {
    const { world } = this
    const client = world.client()
    client.say(get('/film', fields))
    const ranges = world.serve()
    // Each slice on a slow disk is waited for.
    for (let i = 0; i < 12; i++) {
      await this.settle()
      ranges.push(...world.serve())
    }
    const answer = client.take()
    client.end.end()
    world.serve()
    return { answer, ranges }
  }
}

test('with minUses what is on disk in slices is found by a process that has counted nothing', async () => {
  const lives = await Lives.begin()
  await lives.ask()
  await lives.restart({}, { minUses: 3 })
  const { answer, ranges } = await lives.ask()
  assert.match(cacheStatusOf(answer), /^hit; ttl=/)
  assert.deepEqual(ranges, [])
})

for (const isRemote of [false, true]) {
  const how = isRemote ? 'through the pool' : 'at once'

  test(`a film that is on disk in slices is served after a restart without the origin, read ${how}`, async () => {
    const lives = await Lives.begin({}, isRemote)
    const before = await lives.ask()
    assert.ok(bodyOf(before.answer) === lives.world.whole)
    await lives.restart()
    const { answer, ranges } = await lives.ask()
    assert.deepEqual(ranges, [])
    assert.ok(bodyOf(answer) === lives.world.whole)
    assert.match(cacheStatusOf(answer), /^hit; ttl=/)
    lives.world.checkAtRest(1)
  })

  test(`a seek reads the slices that it needs from disk, and fetches what is not there, read ${how}`, async () => {
    const lives = await Lives.begin({}, isRemote)
    const first = 2 * sliceBytes + 10
    await lives.ask(`Range: bytes=${first}-${first + 99}\r\n`)
    await lives.restart()
    const again = await lives.ask(`Range: bytes=${first}-${first + 199}\r\n`)
    assert.deepEqual(again.ranges, [])
    assert.ok(bodyOf(again.answer) === lives.world.whole.slice(first, first + 200))
    const over = await lives.ask(`Range: bytes=${3 * sliceBytes - 5}-${3 * sliceBytes + 4}\r\n`)
    assert.deepEqual(over.ranges, [`${3 * sliceBytes}-${4 * sliceBytes - 1}`])
    assert.ok(bodyOf(over.answer) === lives.world.whole.slice(3 * sliceBytes - 5, 3 * sliceBytes + 5))
  })

  test(`slices of a version that is no more are not served, read ${how}`, async () => {
    const lives = await Lives.begin({}, isRemote)
    const first = 2 * sliceBytes
    await lives.ask(`Range: bytes=${first}-${first + 9}\r\n`)
    const changed = { etag: '"v2 and longer"' }
    await lives.restart(changed)
    const { answer } = await lives.ask()
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.ok(bodyOf(answer) === lives.world.whole)
    await lives.restart(changed)
    const again = await lives.ask()
    assert.deepEqual(again.ranges, [])
    assert.ok(bodyOf(again.answer) === lives.world.whole)
  })
}

test('explain tells of an index and slices that are on disk', async () => {
  const lives = await Lives.begin()
  await lives.ask(`Range: bytes=${sliceBytes}-${sliceBytes + 9}\r\n`)
  await lives.restart()
  const said = lives.world.explain('http://www.example.com/film')
  assert.ok(
    said.some((sentence) => sentence.endsWith('1 of 6 slices are stored, 1 of them on disk')),
    said.join('\n'),
  )
  assert.equal(lives.world.cache.store.snapshot().entries, 0, 'and leaves no trace')
})

test('a damaged slice is fetched from the origin, and the rest is not', async () => {
  const lives = await Lives.begin()
  await lives.ask()
  const { disk } = lives
  const large = disk.paths().find((path) => (disk.contentOf(path)?.length ?? 0) > sliceBytes)
  const content = disk.contentOf(large ?? '') as Buffer
  content[content.length - 100] = (content[content.length - 100] as number) ^ 1
  await lives.restart()
  const { answer, ranges } = await lives.ask()
  assert.equal(ranges.length, 1)
  assert.ok(bodyOf(answer) === lives.world.whole)
})

test('a client who goes while a slice is read from disk leaves nothing behind', async () => {
  const lives = await Lives.begin({}, true)
  await lives.ask()
  await lives.restart()
  const { world } = lives
  const client = world.client()
  client.say(get('/film'))
  client.end.end()
  await lives.settle()
  world.serve()
  await lives.settle()
  world.checkAtRest(1)
})
