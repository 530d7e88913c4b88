import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheResult } from '../../src/http/cache-result.ts'
import { cacheStatusOf, CacheWorld } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

const minute = 'Cache-Control: max-age=60\r\n'

/** Asks and has the origin answer `body` if it is asked. Gives Cache-Status and the body. */
function exchange(
  world: CacheWorld,
  client: ReturnType<CacheWorld['client']>,
  request: string,
  answer: string,
): { status: string; body: string; asked: string } {
  client.say(request)
  const asked = world.asked().join('')
  if (asked !== '') world.latest.say(answer)
  const text = client.take()
  return { status: cacheStatusOf(text), body: bodyOf(text), asked }
}

test('a method that changes something passes, and takes what is stored for its URLs out of the cache', () => {
  const world = new CacheWorld({ key: { query: { without: ['utm_*'] } } })
  const client = world.client()
  for (const path of ['/a?x=1', '/b', '/c', '/d'])
    exchange(
      world,
      client,
      get(path),
      ok(path, minute + 'Cache-Groups: "g"\r\n'.repeat(Number(path === '/d'))),
    )
  const post = get('/a?utm_source=s&x=1', 'Content-Length: 2\r\n').replace('GET', 'POST') + 'ab'
  const changed = ok('done', 'Location: /b\r\nCache-Group-Invalidation: "g"\r\n')
  const passed = exchange(world, client, post, changed)
  assert.equal(passed.status, 'fwd=method')
  assert.match(passed.asked, /^POST \/a\?utm_source=s&x=1 /)
  assert.equal(world.observer.finished.at(-1)?.cacheResult, CacheResult.BYPASS)
  const states = ['/a?x=1', '/b', '/c', '/d'].map(
    (path) => exchange(world, client, get(path), ok('new', minute)).body,
  )
  assert.deepEqual(states, ['new', 'new', '/c', 'new'])
  // One that failed has changed nothing.
  exchange(world, client, post, 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n')
  assert.match(exchange(world, client, get('/a?x=1'), ok('newer', minute)).status, /^hit/)
  client.end.end()
  world.checkAtRest(11)
})

test('an answer to POST that is what a GET would give answers later GETs (RFC 9110 §9.3.3)', () => {
  const world = new CacheWorld()
  const client = world.client()
  const post = get('/a', 'Content-Length: 2\r\n').replace('GET', 'POST') + 'ab'
  exchange(world, client, get('/a'), ok('old', minute))
  const kept = exchange(world, client, post, ok('posted', minute + 'Content-Location: /a\r\n'))
  assert.equal(kept.status, 'fwd=method; stored')
  assert.equal(kept.body, 'posted')
  assert.equal(exchange(world, client, get('/a'), ok('new')).body, 'posted')
  // Each POST goes to the origin, and without Content-Location nothing is kept.
  assert.match(exchange(world, client, post, ok('again', minute)).asked, /^POST /)
  assert.equal(exchange(world, client, get('/a'), ok('new', minute)).body, 'new')
  // Others were purged while it was under way.
  client.say(post)
  world.asked()
  const other = { kind: 'url', host: 'www.example.com', target: '/other' } as const
  void world.cache.purgeHere([{ target: other }])
  world.latest.say(ok('busy', minute + 'Content-Location: /a\r\n'))
  assert.equal(cacheStatusOf(client.take()), 'fwd=method; stored')
  // Purged while it was under way.
  client.say(post)
  world.asked()
  void world.cache.purgeHere([{ target: { kind: 'all' } }])
  world.latest.say(ok('late', minute + 'Content-Location: /a\r\n'))
  assert.equal(bodyOf(client.take()), 'late')
  assert.equal(exchange(world, client, get('/a'), ok('newest', minute)).body, 'newest')
  client.end.end()
  world.checkAtRest(8)
})

test('a body, an If-Match and an Upgrade pass by what is stored', () => {
  const world = new CacheWorld()
  const client = world.client()
  exchange(world, client, get('/a'), ok('stored', minute + 'ETag: "a"\r\n'))
  const body = exchange(world, client, get('/a', 'Content-Length: 2\r\n') + 'ab', ok('1', minute))
  assert.equal(body.status, 'fwd=bypass; detail=body')
  const match = exchange(world, client, get('/a', 'If-Match: "b"\r\n'), ok('2', minute))
  assert.equal(match.status, 'fwd=bypass; detail=condition')
  assert.match(match.asked, /if-match: "b"/i)
  const upgrade = get('/a', 'Connection: upgrade\r\nUpgrade: websocket\r\n')
  assert.equal(exchange(world, client, upgrade, ok('3', minute)).status, 'fwd=bypass; detail=upgrade')
  assert.equal(exchange(world, client, get('/a'), ok('4', minute)).body, 'stored')
  client.end.end()
  world.checkAtRest(5)
})

test('what the config says passes by: any of its conditions is enough', () => {
  const bypass = {
    cookie: ['session', 'wp_*'],
    header: { 'X-Debug': 'on' },
    query: 'nocache',
    path: '/admin/*',
  }
  const world = new CacheWorld({ bypass })
  const client = world.client()
  exchange(world, client, get('/a'), ok('stored', minute))
  const passing = [
    get('/a', 'Cookie: x=1; session=\r\n'),
    get('/a', 'Cookie: x=1\r\nCookie: wp_user=2\r\n'),
    get('/a', 'X-Debug: on\r\n'),
    get('/a?nocache'),
    get('/admin'),
  ]
  for (const request of passing)
    assert.equal(exchange(world, client, request, ok('own', minute)).status, 'fwd=bypass', request)
  const kept = [get('/a', 'Cookie: mysession=1\r\n'), get('/a', 'X-Debug: off\r\n')]
  for (const request of kept) assert.equal(exchange(world, client, request, ok('own', minute)).body, 'stored')
  client.end.end()
  world.checkAtRest(8)
})

test('with minUses what is asked for seldom is not stored', () => {
  const world = new CacheWorld({ minUses: 3 })
  const client = world.client()
  const refused = exchange(world, client, get('/a', 'Cache-Control: only-if-cached\r\n'), ok('a', minute))
  assert.deepEqual([refused.asked, refused.status], ['', 'detail=only-if-cached'])
  const words = [1, 2, 3, 4].map(() => exchange(world, client, get('/a'), ok('a', minute)).status)
  assert.deepEqual(words.slice(0, 3), [
    'fwd=bypass; detail=min-uses',
    'fwd=bypass; detail=min-uses',
    'fwd=uri-miss; stored',
  ])
  assert.match(words[3] ?? '', /^hit/)
  client.end.end()
  world.checkAtRest(5)
})

test('two variants of a URL are told apart, and answers of another zone or site are never seen', () => {
  const world = new CacheWorld({ key: { headers: ['X-Tenant'] } })
  const client = world.client()
  for (const tenant of ['a', 'b'])
    exchange(world, client, get('/', `X-Tenant: ${tenant}\r\n`), ok(tenant, minute + 'Vary: X-Kind\r\n'))
  for (const tenant of ['a', 'b']) {
    const again = exchange(world, client, get('/', `X-Tenant: ${tenant}\r\n`), ok('wrong'))
    assert.equal(again.body, tenant)
  }
  const kind = exchange(world, client, get('/', 'X-Tenant: a\r\nX-Kind: k\r\n'), ok('a k', minute))
  assert.equal(kind.body, 'a k')
  assert.equal(kind.status, 'fwd=vary-miss; stored')
  // What was purged is there for nobody.
  void world.cache.purgeHere([{ target: { kind: 'all' } }])
  const gone = exchange(world, client, get('/', 'X-Tenant: a\r\nX-Kind: j\r\n'), ok('a j', minute))
  assert.equal(gone.status, 'fwd=uri-miss; stored')
  client.end.end()
  world.checkAtRest(6)
})

test('a range far ahead asks by itself, and its part answers the next who asks for it', () => {
  const world = new CacheWorld()
  const client = world.client()
  const range = get('/film', 'Range: bytes=9000000-9000004\r\n')
  const part =
    'HTTP/1.1 206 Partial Content\r\n' +
    minute +
    'ETag: "f"\r\nContent-Range: bytes 9000000-9000004/10000000\r\nContent-Length: 5\r\n\r\nabcde'
  const first = exchange(world, client, range, part)
  assert.match(first.asked, /range: bytes=9000000-9000004/i)
  assert.equal(first.body, 'abcde')
  assert.equal(first.status, 'fwd=uri-miss; stored')
  const again = exchange(world, client, get('/film', 'Range: bytes=9000001-9000002\r\n'), part)
  assert.equal(again.asked, '')
  assert.equal(again.body, 'bc')
  assert.match(again.status, /^hit/)
  const other = part.replaceAll('9000000-9000004', '8000000-8000004')
  const elsewhere = exchange(world, client, get('/film', 'Range: bytes=8000000-8000004\r\n'), other)
  assert.match(elsewhere.status, /^fwd=partial/)
  client.end.end()
  world.checkAtRest(3)
})

test('PURGE is a method as any other until a network may use it', () => {
  const world = new CacheWorld({}, {}, { purge: ['192.0.2.7'] })
  const client = world.client()
  exchange(world, client, get('/a'), ok('a', minute))
  const stranger = world.client('203.0.113.1')
  stranger.say(get('/a').replace('GET', 'PURGE'))
  assert.match(stranger.take(), /^HTTP\/1\.1 403 /)
  assert.equal(world.cache.snapshot().entries, 1)
  stranger.end.end()
  client.end.end()
  world.checkAtRest(2)
})

test('PURGE by who may takes all variants of the URL', async () => {
  const world = new CacheWorld({}, {}, { purge: ['192.0.2.7'] })
  const client = world.client()
  for (const kind of ['a', 'b'])
    exchange(world, client, get('/a', `X-Kind: ${kind}\r\n`), ok(kind, minute + 'Vary: X-Kind\r\n'))
  client.say(get('/a').replace('GET', 'PURGE'))
  await Promise.resolve()
  world.pass(0)
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.equal((JSON.parse(bodyOf(answer)) as { count: number }).count, 2)
  assert.equal(world.cache.snapshot().entries, 0)
  client.end.end()
  world.checkAtRest(3)
})
