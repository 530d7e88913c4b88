/** Answers with No-Vary-Search on disk: found by every spelling, in this worker and others, and purged by every one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedCache } from '../../../../src/cache/shared-cache.ts'
import type { PurgeTarget } from '../../../../src/cache/store/purge-request.ts'
import { joinLocal } from '../../../../src/core/local-peers.ts'
import { PeerHub } from '../../../../src/core/peer-hub.ts'
import { Timers } from '../../../../src/core/timers.ts'
import type { Exchange } from '../../../../src/http/exchange.ts'
import { Random } from '../../../sim/random.ts'
import { SimDisk } from '../../../sim/sim-disk.ts'
import { ManualClock } from '../../../story/manual-clock.ts'
import { bodyOf, entryFor, plainKeys, put, requestFor } from '../store-world.ts'
import { DiskWorld } from './disk-world.ts'

const site = 'https://a.example'
const rule = { 'no-vary-search': 'params=("utm")' }

/** Stores an answer that stays fresh, as if it had come when this is called. */
function store(cache: SharedCache, path: string, text: string, fields: Record<string, string> = rule): void {
  const how = { fields, body: Buffer.from(text), bornAt: cache.store.generation }
  const entry = entryFor(cache.store, requestFor(site + path), how)
  entry.responseMs = cache.clock.nowMs()
  entry.freshUntilMs = entry.responseMs + 1e9
  assert.ok(cache.store.begin(entry))
  cache.store.append(entry, how.body, 0, how.body.length)
  assert.ok(cache.store.complete(entry))
}

/** What a request is answered from, in memory or on disk, as an exchange gets it. */
async function ask(cache: SharedCache, path: string, settle: () => Promise<void>): Promise<string | null> {
  const request = requestFor(site + path)
  const key = plainKeys.of(request)
  const { promise, resolve } = Promise.withResolvers<void>()
  const x = { request, step: 0, beginWait: () => 1, reenter: () => resolve() } as unknown as Exchange
  const inMemory = cache.store.find(key, request)
  if (inMemory !== null) return bodyOf(inMemory).toString()
  const lookup = cache.look(x, [key], null)
  if (lookup !== null && !lookup.isOver) {
    lookup.park()
    for (let i = 0; i < 3; i++) await settle()
    await promise
  }
  const entry = cache.store.peek(key, request) ?? lookup?.entry ?? null
  return entry === null ? null : bodyOf(entry).toString()
}

for (const isRemote of [false, true]) {
  const how = isRemote ? 'through the pool' : 'at once'

  test(`an answer with No-Vary-Search is found by every spelling after a restart, read ${how}`, async () => {
    const world = new DiskWorld(1e8, new SimDisk({ random: new Random(7), isRemote }))
    const asked = (path: string): Promise<string | null> => ask(world.cache, path, () => world.settle())
    await world.settle()
    store(world.cache, '/p?a=1&utm=x', 'one')
    store(world.cache, '/p?utm=x', 'none')
    await world.settle()
    await world.restart()
    assert.equal(await asked('/p?a=1'), 'one')
    assert.equal(await asked('/p?utm=y&a=1'), 'one')
    assert.equal(await asked('/p'), 'none')
    assert.equal(await asked('/p?a=2&utm=x'), null)
    assert.equal(await asked('/q?a=1'), null)
    store(world.cache, '/p?a=1&utm=z', 'two')
    await world.settle()
    await world.restart()
    assert.equal(
      await asked('/p?a=1&utm=x'),
      'two',
      'a newer answer takes its place, whichever way it was asked for',
    )
    assert.equal(world.files().length, 3, 'two answers, and the rules of their path')
  })
}

test('where no answer ever had such a rule no file of rules is looked for', async () => {
  const disk = new SimDisk({ random: new Random(7) })
  const opened: string[] = []
  const openNow = disk.openNow.bind(disk)
  disk.openNow = (path) => {
    opened.push(path)
    return openNow(path)
  }
  const world = new DiskWorld(1e8, disk)
  const asked = (path: string): Promise<string | null> => ask(world.cache, path, () => world.settle())
  await world.settle()
  store(world.cache, '/plain', 'plain', {})
  await world.settle()
  opened.length = 0
  assert.equal(await asked('/missing'), null)
  assert.equal(opened.length, 1, 'the file of the key')
  await world.restart()
  opened.length = 0
  assert.equal(await asked('/missing'), null)
  assert.equal(opened.length, 1, 'nor after a restart')
  store(world.cache, '/p?a=1&utm=x', 'one')
  await world.settle()
  await world.restart(true)
  opened.length = 0
  assert.equal(await asked('/missing'), null)
  assert.equal(opened.length, 2, 'the file of its rules')
})

test('a rule that another worker stores by while this one has none is known at once', async () => {
  const disk = new SimDisk({ random: new Random(7) })
  const clock = new ManualClock()
  const hub = new PeerHub()
  const make = (): SharedCache =>
    new SharedCache({
      clock,
      timers: new Timers(clock),
      settings: {
        bytesMax: 8_000_000,
        entryBytesMax: 0,
        whenDeserted: 'auto',
        disk: { path: '/cache', bytesMax: 1e8 },
      },
      peers: joinLocal(hub),
      disk,
    })
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      clock.advance(5)
    }
  }
  const [one, two] = [make(), make()]
  await settle()
  assert.equal(await ask(two, '/p?a=1', settle), null)
  store(one, '/p?a=1&utm=1', 'one')
  await settle()
  assert.equal(await ask(two, '/p?a=1', settle), 'one')
  one.close()
  two.close()
})

test('what varies besides is found by the rule and then by what it varies by', async () => {
  const world = new DiskWorld()
  await world.settle()
  const fields = { ...rule, vary: 'v' }
  for (const v of ['x', 'y']) {
    const request = requestFor(site + '/p?a=1&utm=' + v, { v })
    assert.ok(put(world.cache.store, request, { fields, body: Buffer.from(v) }))
  }
  await world.settle()
  await world.restart()
  for (const v of ['x', 'y']) {
    const request = requestFor(site + '/p?utm=0&a=1', { v })
    const entry = world.cache.peekOnDisk(plainKeys.of(request), request, null)
    assert.equal(entry?.head.fields.getByName('vary'), 'v')
    assert.equal(entry?.variant, '1:' + v)
  }
})

test('a purge reaches it under every spelling, over a restart and when the purge is forgotten', async () => {
  const host = 'a.example'
  const key = plainKeys.of(requestFor(site + '/p?utm=5&a=1'))
  const targets: [PurgeTarget, boolean][] = [
    [{ kind: 'url', host, target: '/p?a=1&utm=other' }, true],
    [{ kind: 'url', host, target: '/p?a=1', site: 'site' }, true],
    [{ kind: 'key', key }, true],
    [{ kind: 'prefix', host, target: '/p?a' }, true],
    [{ kind: 'prefix', host, target: '/p' }, true],
    [{ kind: 'host', host }, true],
    [{ kind: 'url', host, target: '/q?a=1' }, false],
    [{ kind: 'url', host, target: '/p?a=1', site: 'another' }, false],
    [{ kind: 'prefix', host, target: '/q?a' }, false],
    [{ kind: 'url', host: 'b.example', target: '/p?a=1' }, false],
  ]
  for (const [target, isConcerned] of targets) {
    const world = new DiskWorld()
    await world.settle()
    store(world.cache, '/p?a=1&utm=x', 'one')
    await world.settle()
    // Nothing is in memory that could tell.
    await world.restart()
    const purge = world.cache.purge([{ target }])
    await world.settle()
    await purge
    await world.restart()
    const found = await ask(world.cache, '/p?a=1&utm=y', () => world.settle())
    assert.equal(found, isConcerned ? null : 'one', JSON.stringify(target))
    const swept = world.store.keeper?.sweep(0)
    await world.settle()
    await swept
    assert.equal(world.store.marks.size, 0)
    await world.restart()
    assert.equal(await ask(world.cache, '/p?a=1', () => world.settle()), isConcerned ? null : 'one')
  }
})

test('a purge counts those on disk that it reaches: by a URL all of its path that have a rule', async () => {
  const host = 'a.example'
  const counts: [PurgeTarget, number][] = [
    [{ kind: 'url', host, target: '/p?a=9&utm=9' }, 2],
    [{ kind: 'url', host, target: '/p' }, 2],
    [{ kind: 'url', host, target: '/q?a=1' }, 1],
    [{ kind: 'prefix', host, target: '/p' }, 2],
    [{ kind: 'host', host }, 3],
  ]
  for (const [target, count] of counts) {
    const world = new DiskWorld()
    await world.settle()
    store(world.cache, '/p?a=1&utm=x', 'one')
    store(world.cache, '/p?a=2&utm=x', 'two')
    store(world.cache, '/q?a=1', 'plain', {})
    await world.settle()
    await world.restart()
    const purge = world.cache.purgeAndCount([{ target }])
    await world.settle()
    assert.equal((await purge).count, count, JSON.stringify(target))
  }
})

test('an answer without a rule takes the place of one with it, and the other way round; neither comes back', async () => {
  const world = new DiskWorld()
  await world.settle()
  const asked = (path: string): Promise<string | null> => ask(world.cache, path, () => world.settle())
  for (const [text, fields] of [
    ['plain', {}],
    ['ruled', rule],
    ['plain again', {}],
    ['by another rule', { 'no-vary-search': 'params' }],
  ] as const) {
    store(world.cache, '/p?a=1', text, fields)
    await world.settle()
    assert.equal(await asked('/p?a=1'), text)
    await world.restart()
    assert.equal(await asked('/p?a=1'), text)
    assert.equal(world.files().length, text === 'plain' ? 1 : 2, 'the answer, and the rules of its path')
  }
})

test('of more than four rules for a path the last ones are found', async () => {
  const world = new DiskWorld()
  await world.settle()
  for (let i = 0; i < 6; i++)
    store(world.cache, `/p?n=${i}`, `${i}`, { 'no-vary-search': `params=("utm" "p${i}")` })
  await world.settle()
  await world.restart()
  const found: (string | null)[] = []
  for (let i = 0; i < 6; i++) found.push(await ask(world.cache, `/p?n=${i}&utm=1`, () => world.settle()))
  assert.deepEqual(found, [null, null, '2', '3', '4', '5'])
})

test('a damaged file of rules costs hits, and goes', async () => {
  const world = new DiskWorld()
  await world.settle()
  store(world.cache, '/p?a=1', 'one')
  await world.settle()
  const [first = '', second = ''] = world.files()
  const sizes = await Promise.all([first, second].map((path) => world.disk.sizeOf(path)))
  const rules = (sizes[0] as number) < (sizes[1] as number) ? first : second
  const file = await world.disk.open(rules)
  await file.write(Buffer.from('damage'), 44)
  file.close()
  await world.restart()
  assert.equal(await ask(world.cache, '/p?a=1&utm=1', () => world.settle()), null)
  await world.settle()
  assert.ok(!world.files().includes(rules))
  store(world.cache, '/p?a=1&utm=2', 'two')
  await world.settle()
  await world.restart()
  assert.equal(await ask(world.cache, '/p?a=1&utm=1', () => world.settle()), 'two')
})

test('what one worker has stored another finds by another spelling, and lets go of when there is a newer one', async () => {
  const clock = new ManualClock()
  const disk = new SimDisk({ random: new Random(7) })
  const hub = new PeerHub()
  const settings = { bytesMax: 8_000_000, entryBytesMax: 0, whenDeserted: 'auto' } as const
  const make = (): SharedCache =>
    new SharedCache({
      clock,
      timers: new Timers(clock),
      settings: { ...settings, disk: { path: '/cache', bytesMax: 1e8 } },
      peers: joinLocal(hub),
      disk,
    })
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      clock.advance(5)
    }
  }
  const [one, two] = [make(), make()]
  await settle()
  store(one, '/p?a=1&utm=1', 'old')
  await settle()
  for (let i = 2; i < 5; i++) assert.equal(await ask(two, `/p?a=1&utm=${i}`, settle), 'old')
  const request = requestFor(site + '/p?a=1&utm=6')
  const key = plainKeys.of(request)
  assert.notEqual(two.store.peek(key, request), null, 'it has been found more than once')
  // As a fill does whose answer has come.
  const entry = entryFor(one.store, request, { fields: rule })
  one.told.onAsked(key)
  const { promise, resolve } = Promise.withResolvers<void>()
  assert.ok(one.told.onAnswer(key, true, resolve, entry.key))
  await settle()
  await promise
  assert.equal(two.store.peek(key, request), null, 'the other has heard of it')
  store(one, '/p?a=1&utm=6', 'new')
  one.told.onAnswered(key, true)
  assert.equal(await ask(two, '/p?utm=7&a=1', settle), 'new')
  one.close()
  two.close()
})
