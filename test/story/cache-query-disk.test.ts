/** Answers to QUERY on disk: what is found of them after a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../sim/random.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { cacheStatusOf, CacheWorld } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

function query(content: string): string {
  return `QUERY /search HTTP/1.1\r\nHost: www.example.com\r\nContent-Type: text/plain\r\nContent-Length: ${content.length}\r\n\r\n${content}`
}

async function settle(disk: SimDisk, world: CacheWorld | null = null): Promise<void> {
  for (let i = 0; i < 60 || disk.underWay > 0; i++) await new Promise((resolve) => setImmediate(resolve))
  world?.pass(1)
}

async function worldOver(disk: SimDisk, atMs = 0): Promise<CacheWorld> {
  const world = new CacheWorld({ storeQuery: true }, {}, { memory: '8MiB', disk: '/cache' }, disk)
  await settle(disk)
  // Its clock must not be behind the moment when what is stored arrived.
  world.pass(atMs)
  return world
}

for (const isRemote of [false, true]) {
  const how = isRemote ? 'through the pool' : 'at once'

  test(`the answer to a QUERY is found on disk after a restart, by what it encloses, read ${how}`, async () => {
    const disk = new SimDisk({ random: new Random(5), isRemote })
    const ask = async (world: CacheWorld, request: string, answer: string): Promise<string> => {
      const client = world.client()
      client.say(request)
      await settle(disk, world)
      const asked = world.asked()
      for (const text of asked) assert.match(text, /^QUERY \/search HTTP\/1\.1\r\n/)
      if (asked.length > 0) world.latest.say(ok(answer, 'Cache-Control: max-age=600\r\n'))
      await settle(disk)
      const said = client.take()
      client.end.end()
      return said
    }
    const before = await worldOver(disk)
    for (const each of ['one', 'two']) assert.equal(bodyOf(await ask(before, query(each), each)), each)
    before.cache.close()
    await settle(disk)
    const after = await worldOver(disk, 5000)
    for (const each of ['one', 'two']) {
      const said = await ask(after, query(each), 'another')
      assert.equal(bodyOf(said), each)
      assert.match(cacheStatusOf(said), /^hit/)
    }
    // What is asked of the origin after a look at the disk has its content still.
    const client = after.client()
    client.say(query('three'))
    await settle(disk, after)
    assert.equal(bodyOf(after.asked().join('')), 'three')
    after.latest.say(ok('3', 'Cache-Control: max-age=600\r\n'))
    assert.equal(bodyOf(client.take()), '3')
    client.end.end()
    await after.cache.purge([{ target: { kind: 'url', host: 'www.example.com', target: '/search' } }])
    await settle(disk)
    for (const each of ['one', 'three']) {
      const again = await ask(after, query(each), 'new')
      assert.equal(bodyOf(again), 'new', 'a purge of the URL reaches what was enclosed')
    }
    await after.cache.purge([{ target: { kind: 'all' } }])
  })
}

test('a GET of the same URL is no QUERY, on disk neither', async () => {
  const disk = new SimDisk({ random: new Random(5) })
  const world = await worldOver(disk)
  const client = world.client()
  client.say(query('one'))
  world.asked()
  world.latest.say(ok('one', 'Cache-Control: max-age=600\r\n'))
  assert.equal(bodyOf(client.take()), 'one')
  await settle(disk)
  world.cache.store.resize(0)
  world.cache.store.resize(8_000_000)
  client.say(get('/search'))
  assert.match(world.asked().join(''), /^GET \/search/)
})
