/** What `headgate explain --live` tells of an answer that is on disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../sim/random.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { Reasons, reasonRow } from '../../src/cache/rules/reasons.ts'
import { cacheStatusOf, CacheWorld } from './cache-world.ts'
import { get } from './proxy-world.ts'

const url = 'http://www.example.com/a'
const answer = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 5\r\n\r\nhello'

async function worldOver(disk: SimDisk): Promise<CacheWorld> {
  const world = new CacheWorld({}, {}, { memory: '8MiB', disk: '/cache' }, disk)
  await settle(disk)
  return world
}

async function settle(disk: SimDisk): Promise<void> {
  for (let i = 0; i < 20 || disk.underWay > 0; i++) await new Promise((resolve) => setImmediate(resolve))
}

function placeIn(said: readonly string[]): string {
  return said.find((sentence) => sentence.startsWith('it is ')) ?? 'nowhere'
}

test('explain tells whether an answer is in memory, on disk, or both, and leaves no trace', async () => {
  const disk = new SimDisk({ random: new Random(5) })
  const world = await worldOver(disk)
  assert.equal(placeIn(world.explain(url)), 'nowhere')
  const client = world.client()
  client.say(get('/a'))
  world.latest.say(answer)
  assert.match(client.take(), /hello$/)
  assert.equal(placeIn(world.explain(url)), 'it is in memory and on disk', 'also when it is about to be')
  await settle(disk)
  assert.equal(placeIn(world.explain(url)), 'it is in memory and on disk')
  world.cache.close()
  await settle(disk)
  const next = await worldOver(disk)
  next.pass(5000)
  const said = next.explain(url)
  assert.equal(placeIn(said), 'it is on disk, and not in memory')
  assert.ok(said.some((sentence) => sentence.startsWith('stored: 200, 5 bytes')))
  assert.equal(placeIn(next.explain(url)), 'it is on disk, and not in memory')
  assert.equal(next.cache.disk?.snapshot().hits, 0)
  for (const path of disk.paths().filter((each) => /\/[0-9a-f]{32}$/.test(each))) await disk.remove(path)
  assert.equal(placeIn(next.explain(url)), 'nowhere')
})

test('a variant that only others can have is no answer of another URL, in memory and on disk', async () => {
  const disk = new SimDisk({ random: new Random(5) })
  const world = await worldOver(disk)
  const client = world.client()
  client.say(get('/a', 'V: x\r\n'))
  world.latest.say(answer.replace('Content-Length', 'Vary: v\r\nContent-Length'))
  assert.equal(cacheStatusOf(client.take()), 'fwd=uri-miss; stored')
  assert.ok(world.explain(url).includes(reasonRow(Reasons.VARY_MISS).sentence))
  await settle(disk)
  world.cache.close()
  await settle(disk)
  const next = await worldOver(disk)
  const other = next.client()
  other.say(get('/a', 'V: y\r\n'))
  await settle(disk)
  next.latest.say(answer)
  assert.equal(cacheStatusOf(other.take()), 'fwd=miss; stored')
})

test('without a disk nothing is said of it', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a'))
  world.latest.say(answer)
  client.take()
  assert.equal(placeIn(world.explain(url)), 'nowhere')
})
