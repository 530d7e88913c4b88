import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheResult } from '../../src/http/cache-result.ts'
import { cacheStatusOf, CacheWorld, fieldOf } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

const tag = 'ETag: "v1"\r\n'
const tenSeconds = 'Cache-Control: max-age=10\r\n' + tag
const same = 'HTTP/1.1 304 Not Modified\r\n' + tenSeconds + 'X-New: yes\r\n\r\n'

/** A world in which /a is stored and `afterMs` have gone by since. */
function stored(
  route: ConstructorParameters<typeof CacheWorld>[0],
  afterMs: number,
  fields = tenSeconds,
): { world: CacheWorld; client: ReturnType<CacheWorld['client']> } {
  const world = new CacheWorld(route)
  const client = world.client()
  client.say(get('/a'))
  world.latest.say(ok('one', fields))
  assert.equal(bodyOf(client.take()), 'one')
  world.asked()
  world.pass(afterMs)
  return { world, client }
}

test('a stale answer is validated; a 304 renews its head and keeps its body', () => {
  const { world, client } = stored({}, 11_000)
  client.say(get('/a'))
  assert.match(world.asked()[0] ?? '', /if-none-match: "v1"/i)
  world.latest.say(same)
  const answer = client.take()
  assert.equal(bodyOf(answer), 'one')
  assert.equal(fieldOf(answer, 'x-new'), 'yes')
  assert.equal(cacheStatusOf(answer), 'fwd=stale; fwd-status=304; stored')
  assert.equal(world.observer.finished.at(-1)?.cacheResult, CacheResult.REVALIDATED)
  assert.match(cacheStatusOf(world.ask(client, get('/a'))), /^hit/)
  client.end.end()
  world.checkAtRest(3)
})

test('another answer takes the place of the stale one', () => {
  const { world, client } = stored({}, 11_000)
  client.say(get('/a'))
  world.latest.say(ok('two', tenSeconds))
  assert.equal(bodyOf(client.take()), 'two')
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'two')
  client.end.end()
  world.checkAtRest(3)
})

test('within its grace a stale answer is served at once, and validated for the next', () => {
  const { world, client } = stored({ grace: '5s' }, 11_000)
  const stale = world.ask(client, get('/a'))
  assert.equal(bodyOf(stale), 'one')
  assert.equal(cacheStatusOf(stale), 'hit; ttl=-1; detail=stale-while-revalidate')
  assert.equal(fieldOf(stale, 'age'), '11')
  assert.equal(world.observer.finished.at(-1)?.cacheResult, CacheResult.STALE)
  // Asked once, however many come meanwhile.
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'one')
  const asked = world.asked()
  assert.equal(asked.length, 1)
  assert.match(asked[0] ?? '', /if-none-match: "v1"/i)
  world.latest.say(ok('two', tenSeconds))
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'two')
  client.end.end()
  world.checkAtRest(4)
})

test('what must be validated is never served stale', () => {
  const { world, client } = stored({ grace: '5s' }, 11_000, 'Cache-Control: max-age=10, must-revalidate\r\n')
  client.say(get('/a'))
  assert.equal(client.take(), '')
  world.latest.say('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown')
  assert.match(client.take(), /^HTTP\/1\.1 503 /)
  client.end.end()
  world.checkAtRest(2)
})

test('when the origin fails the stale answer stands in, by its status or by its silence', () => {
  const { world, client } = stored({ errorGrace: '1h' }, 11_000)
  client.say(get('/a'))
  world.latest.say('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown')
  const answer = client.take()
  assert.equal(bodyOf(answer), 'one')
  assert.match(cacheStatusOf(answer), /^fwd=stale; fwd-status=503; ttl=-\d+; detail=stale-if-error$/)
  client.say(get('/a'))
  for (const server of world.accepted) server.end.reset()
  world.pass(0)
  for (const server of world.accepted) server.end.reset()
  world.pass(60_000)
  const silent = client.take()
  assert.equal(bodyOf(silent), 'one')
  assert.match(cacheStatusOf(silent), /^fwd=stale; ttl=-\d+; detail=stale-if-error$/)
  assert.equal(world.observer.finished.at(-1)?.cacheResult, CacheResult.STALE)
  client.end.end()
  world.checkAtRest(3)
})

test('a soft purge makes it stale, a hard one takes it away', () => {
  const { world, client } = stored({ grace: '5s' }, 0)
  void world.cache.purgeHere([{ target: { kind: 'all' }, isSoft: true }])
  assert.match(cacheStatusOf(world.ask(client, get('/a'))), /detail=stale-while-revalidate$/)
  world.latest.say(ok('two', tenSeconds))
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'two')
  void world.cache.purgeHere([{ target: { kind: 'all' } }])
  client.say(get('/a'))
  world.latest.say(ok('three', tenSeconds))
  assert.equal(bodyOf(client.take()), 'three')
  client.end.end()
  world.checkAtRest(4)
})

test('the operator’s times count where the origin says nothing, and where they override it', () => {
  const ttl = [
    { path: '/over/*', ttl: '1h', override: true },
    { status: 404, ttl: '5s' },
    { type: 'text/*', ttl: '1m' },
  ]
  const world = new CacheWorld({ ttl })
  const client = world.client()
  const seconds = (path: string, answer: string): string => {
    client.say(get(path))
    world.latest.say(answer)
    client.take()
    const status = cacheStatusOf(world.ask(client, get(path)))
    if (!status.startsWith('hit')) world.latest.say(ok('not stored'))
    client.take()
    return /ttl=(\d+)/.exec(status)?.[1] ?? 'none'
  }
  assert.equal(seconds('/a', ok('a', 'Content-Type: text/html; charset=utf-8\r\n')), '60')
  assert.equal(seconds('/b', ok('a', 'Content-Type: text/html\r\nCache-Control: max-age=7\r\n')), '7')
  assert.equal(seconds('/over/c', ok('a', 'Content-Type: text/html\r\nCache-Control: max-age=7\r\n')), '3600')
  assert.equal(seconds('/d', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'), '5')
  assert.equal(seconds('/e', ok('a', 'Content-Type: application/json\r\n')), 'none')
  assert.equal(seconds('/over/f', ok('a', 'Content-Type: text/html\r\nCache-Control: private\r\n')), 'none')
  client.end.end()
  world.checkAtRest(12)
})
