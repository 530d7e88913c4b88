/** The cache of the program as people run it: hits, validation, ranges, variants, purges, reloads, workers. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { askAdmin } from '../../src/admin/client.ts'
import { CacheOrigin, get } from './cache-origin.ts'
import { EdgeProcess, headgate, makeFolder } from './edge-process.ts'
import { until } from './supervised.ts'

interface World {
  readonly edge: EdgeProcess
  readonly origin: CacheOrigin
  readonly port: number
  /** The config; `route` is what a route has beside its origin. */
  readonly documentOf: (route: object, top?: object) => object
}

async function world(t: TestContext, route: object = { cache: true }, top: object = {}): Promise<World> {
  const origin = await CacheOrigin.start(t)
  const edge = new EdgeProcess(t)
  const documentOf = (each: object, more: object = {}): object => ({
    origins: { app: origin.url },
    sites: { '*': [{ ...each, origin: 'app' }] },
    ...top,
    ...more,
  })
  edge.write(documentOf(route))
  await edge.start()
  return { edge, origin, port: edge.port, documentOf }
}

/** How often the cache did what, by its metric. */
async function counted(edge: EdgeProcess, status: string): Promise<number> {
  return edge.metric(`headgate_cache_requests_total{site="*",status="${status}"}`)
}

test('the second who asks is answered from memory, with Age, Cache-Status and the same bytes', async (t) => {
  const { edge, origin, port } = await world(t)
  const first = await get(port, '/a?cc=max-age=60&size=100000')
  const second = await get(port, '/a?cc=max-age=60&size=100000')
  assert.equal(origin.count, 1)
  assert.equal(first.cache, 'fwd=uri-miss; stored')
  assert.match(second.cache, /^hit; ttl=(59|60)$/)
  assert.match(String(second.headers.age), /^[01]$/)
  assert.equal(second.body, first.body)
  assert.equal(second.body.length, 100_000)
  assert.equal(second.headers.date, first.headers.date)
  const head = await get(port, '/a?cc=max-age=60&size=100000', {}, 'HEAD')
  assert.equal(head.headers['content-length'], '100000')
  assert.match(head.cache, /^hit/)
  assert.equal(await counted(edge, 'hit'), 2)
  assert.equal(await counted(edge, 'miss'), 1)
  assert.equal(await edge.metric('headgate_cache_entries'), 1)
  assert.equal(await edge.metric('headgate_cache_sent_bytes_total{site="*"}'), 100_000)
  assert.equal(await edge.metric('headgate_cache_fetched_bytes_total{site="*"}'), 100_000)
  const { workers } = JSON.parse((await askAdmin(edge.admin, 'GET', '/status')).text)
  const { hit, miss } = workers[0].cache.sites['*'].requests
  assert.deepEqual([hit, miss, workers[0].cache.sites['*'].savedBytes], [2, 1, 100_000])
  await until('the access log', () => edge.accessLines().length === 3)
  // Address of the origin, times, attempts: of the request that a fill made for this one.
  assert.match(edge.accessLines()[0] ?? '', / 127\.0\.0\.1:\d+ [\d.]+ [\d.]+ [\d.]+ 1 - miss$/)
  assert.match(edge.accessLines()[1] ?? '', / - hit$/)
})

test('conditions and ranges are answered from what is stored', async (t) => {
  const { origin, port } = await world(t)
  const path = '/a?cc=max-age=60&etag="v1"'
  const { body } = await get(port, path)
  const same = await get(port, path, { 'If-None-Match': '"v1"' })
  assert.equal(same.status, 304)
  assert.equal(same.headers.etag, '"v1"')
  const part = await get(port, path, { Range: 'bytes=2-4' })
  assert.equal(part.status, 206)
  assert.equal(part.headers['content-range'], `bytes 2-4/${body.length}`)
  assert.equal(part.body, body.slice(2, 5))
  assert.equal((await get(port, path, { Range: 'bytes=900-' })).status, 416)
  assert.equal(origin.count, 1)
})

test('a stale answer is validated, and its body is not sent again', async (t) => {
  const { edge, origin, port } = await world(t)
  const path = '/a?cc=max-age=0&etag="v1"'
  const first = await get(port, path)
  const second = await get(port, path)
  assert.equal(origin.asked[1]?.headers['if-none-match'], '"v1"')
  assert.equal(second.body, first.body)
  assert.equal(second.cache, 'fwd=stale; fwd-status=304; stored')
  assert.equal(await counted(edge, 'revalidated'), 1)
})

test('variants are told apart by what Vary names, and folded by what the config says', async (t) => {
  const { origin, port } = await world(t, { cache: { vary: { encodings: ['br', 'gzip'] } } })
  const path = '/a?cc=max-age=60&vary=accept-encoding'
  const brotli = await get(port, path, { 'Accept-Encoding': 'gzip, deflate, br' })
  const gzip = await get(port, path, { 'Accept-Encoding': 'gzip' })
  assert.notEqual(brotli.body, gzip.body)
  const other = await get(port, path, { 'Accept-Encoding': 'br;q=0.9, zstd' })
  assert.equal(other.body, brotli.body)
  assert.equal(origin.count, 2)
})

test('what is on its way is asked for once, and those who waited are told as collapsed', async (t) => {
  const { edge, origin, port } = await world(t)
  const all = await Promise.all(Array.from({ length: 20 }, () => get(port, '/a?cc=max-age=60&delay=200')))
  assert.equal(origin.count, 1)
  assert.equal(new Set(all.map(({ body }) => body)).size, 1)
  assert.equal(await counted(edge, 'collapsed'), 19)
})

test('routes that ask for something else under one URL never share its answers, unless they name one zone', async (t) => {
  const origin = await CacheOrigin.start(t)
  const edge = new EdgeProcess(t)
  const beta = { header: { 'X-Beta': true } }
  const routes = [
    {
      match: { path: '/named/*', ...beta },
      cache: { zone: 'z' },
      rewrite: '/beta?cc=max-age=60',
      origin: 'app',
    },
    { match: '/named/*', cache: { zone: 'z' }, rewrite: '/plain?cc=max-age=60', origin: 'app' },
    { match: beta, cache: true, rewrite: '/beta?cc=max-age=60', origin: 'app' },
    { match: '/x', cache: true, rewrite: '/plain?cc=max-age=60', origin: 'app' },
    { match: '/y', cache: true, rewrite: '/plain?cc=max-age=60', origin: 'app' },
  ]
  const byCookie = { match: '/t/*', cache: true, rewrite: '/{cookie.tenant}/$1?cc=max-age=60', origin: 'app' }
  edge.write({ origins: { app: origin.url }, sites: { '*': [byCookie, ...routes] } })
  await edge.start()
  const bodyOf = async (path: string, headers = {}): Promise<string> =>
    (await get(edge.port, path, headers)).body
  const plain = await bodyOf('/x')
  const other = await bodyOf('/x', { 'X-Beta': '1' })
  assert.notEqual(plain, other)
  assert.equal(await bodyOf('/x'), plain)
  assert.equal(await bodyOf('/x', { 'X-Beta': '1' }), other)
  // Two URLs that are rewritten to one target are two.
  assert.notEqual(await bodyOf('/y'), plain)
  assert.equal(await bodyOf('/named/a'), await bodyOf('/named/a', { 'X-Beta': '1' }))
  assert.equal(origin.count, 4)
  // What a cookie makes of one URL is two answers; a purge of the URL takes both.
  const tenants = async (): Promise<string[]> => [
    await bodyOf('/t/a', { Cookie: 'tenant=x' }),
    await bodyOf('/t/a', { Cookie: 'tenant=y' }),
  ]
  const [x, y] = await tenants()
  assert.notEqual(x, y)
  assert.deepEqual(await tenants(), [x, y])
  const purged = headgate(['purge', 'http://a/t/a', '--admin', edge.admin])
  assert.match(purged.stdout, /^purged 2 answers/m)
})

test('an unsafe method takes the answer out of the cache, and what the config says passes it by', async (t) => {
  const { edge, origin, port } = await world(t, { cache: { bypass: { cookie: 'session' } } })
  const path = '/a?cc=max-age=60'
  await get(port, path)
  assert.equal((await get(port, path, { Cookie: 'a=b; session=1' })).cache, 'fwd=bypass')
  assert.equal(origin.count, 2)
  assert.equal((await get(port, path, {}, 'POST')).cache, 'fwd=method')
  assert.match((await get(port, path)).cache, /^fwd=uri-miss/)
  assert.equal(await counted(edge, 'bypass'), 2)
})

function explain(...args: string[]): string {
  const { status, stdout, stderr } = headgate(['explain', ...args])
  assert.equal(status, 0, stderr)
  return stdout
}

test('explain tells what is stored, how long it stays fresh, and what would be done', async (t) => {
  const { edge, port } = await world(t)
  const url = 'http://a/x?cc=max-age=60&etag="v"&tag=t'
  const live = ['--admin', edge.admin]
  assert.match(explain(url, '--config', edge.configPath), /key: URL http:\/\/a\/x\?cc=max-age=60/)
  assert.match(explain(url, ...live), /Nothing is stored for this URL/)
  await get(port, '/x?cc=max-age=60&etag="v"&tag=t')
  const told = explain(url, ...live)
  assert.match(told, /stored: 200, 9 bytes/)
  assert.match(told, /age 0 s when it came \+ \d s here = \d s; fresh for 60 s: \d+ s left/)
  assert.match(told, /tags t$/m)
  assert.match(told, /The stored answer is fresh\.$/m)
  assert.doesNotMatch(told, /sent +GET/)
  headgate(['purge', '--tag', 't', '--soft', '--admin', edge.admin])
  assert.match(explain(url, ...live), /purged softly/)
  assert.match(explain('POST', url, ...live), /passes the cache by/)
})

for (const workers of [1, 2]) {
  test(`a purge by tag, URL, prefix, host and all reaches every worker (workers: ${workers})`, async (t) => {
    // Each worker by itself: then it is known how many have what.
    const { edge, origin, port } = await world(t, { cache: true }, { workers, cache: { disk: false } })
    const paths = ['/x/a', '/x/b', '/y/c'].map((path) => `${path}?cc=max-age=60&tag=all+${path.slice(3)}`)
    /** Until each worker has each. */
    const warm = async (): Promise<void> => {
      await until('all are stored everywhere', async () => {
        const before = origin.count
        for (let i = 0; i < 8 * workers; i++) for (const path of paths) await get(port, path)
        return origin.count === before
      })
    }
    const purged = async (args: readonly string[], count: number): Promise<void> => {
      await warm()
      const result = headgate(['purge', ...args, '--admin', edge.admin, '--json'])
      assert.equal(result.status, 0, result.stderr)
      const report = JSON.parse(result.stdout) as Record<string, unknown>
      assert.equal(report['stores'], workers)
      assert.equal(report['missing'], 0)
      if (report['isCounted'] === true) assert.equal(report['count'], count * workers, args.join(' '))
      const before = origin.count
      for (const path of paths) await get(port, path)
      const isDry = args.includes('--dry-run')
      assert.ok(isDry ? origin.count === before : origin.count > before, args.join(' '))
    }
    await purged(['--tag', 'B'], 1)
    await purged(['--tag', 'all', '--dry-run'], 3)
    await purged([`http://a${paths[0]}`], 1)
    await purged(['--prefix', 'http://a/x/'], 2)
    await purged(['--host', 'a'], 3)
    await purged(['--all'], 3)
    const told = headgate(['purge', '--all', '--admin', edge.admin])
    assert.match(told.stdout, /^purged \d+ answers, \d+ bytes$/m)
  })
}

for (const workers of [1, 2]) {
  test(`a purge counts each answer once, in memory, on disk or in both, also after a restart (workers: ${workers})`, async (t) => {
    const cache = { memory: '64MiB', disk: { path: join(makeFolder(t), 'cache'), size: '64MiB' } }
    const { edge, origin } = await world(t, { cache: true }, { workers, cache })
    const paths = ['/x/a', '/x/b', '/y/c', '/y/d'].map(
      (path) => `${path}?cc=max-age=600&vary=accept-language&tag=all+${path.slice(3)}`,
    )
    const languages = ['en', 'de']
    /** Until all are stored, and no worker asks for more. */
    const warm = async (): Promise<void> => {
      await until('all are stored', async () => {
        const before = origin.count
        for (let i = 0; i < 2 * workers; i++)
          for (const path of paths)
            for (const language of languages) await get(edge.port, path, { 'Accept-Language': language })
        return origin.count === before
      })
    }
    const told = async (order: object): Promise<Record<string, unknown>> => {
      const { status, text } = await askAdmin(edge.admin, 'POST', '/purge', JSON.stringify(order))
      assert.equal(status, 200, text)
      return JSON.parse(text) as Record<string, unknown>
    }
    /** When what is on its way to the disk is there, and what a worker hears late is heard. */
    const counts = async (order: object, count: number): Promise<void> => {
      await until(`${JSON.stringify(order)} counts ${count}`, async () => {
        const { isCounted, count: found } = await told({ ...order, dryRun: true })
        return isCounted === true && found === count
      })
    }
    const purges = async (order: object, count: number): Promise<void> => {
      const { id } = await told(order)
      let report = ''
      await until(`the purge of ${JSON.stringify(order)} is counted`, () => {
        const { stdout } = headgate(['purge', '--report', String(id), '--admin', edge.admin])
        return stdout.startsWith('it concerned at least') ? false : (report = stdout)
      })
      assert.match(report, new RegExp(`^it concerned ${count} answers, \\d+ bytes$`, 'm'))
    }
    const restart = async (): Promise<void> => {
      edge.child?.kill('SIGTERM')
      await edge.exit
      rmSync(edge.errorsPath)
      await edge.start()
    }
    const all = { all: true }
    const orders: readonly [object, number][] = [
      [{ url: `http://a${paths[0]}` }, 2],
      [{ tag: 'B' }, 2],
      [{ prefix: 'http://a/y/' }, 4],
      [{ host: 'a' }, 8],
      [all, 8],
    ]
    await warm()
    for (const order of orders) await counts(...order)
    await restart()
    for (const order of orders) await counts(...order)
    for (const order of orders.slice(0, 3)) await purges(...order)
    await counts(all, 0)
    await restart()
    await counts(all, 0)
    await warm()
    for (const order of orders) await counts(...order)
    await purges({ host: 'a' }, 8)
    await counts(all, 0)
  })
}

test('a purge of the others is what PURGE asks for, from where it is allowed', async (t) => {
  const { edge, origin, port, documentOf } = await world(t, { cache: true }, { workers: 2 })
  const path = '/a?cc=max-age=60'
  // Nobody may: it is a method as any other.
  assert.equal((await get(port, path, {}, 'PURGE')).cache, 'fwd=method')
  edge.write(documentOf({ cache: true }, { cache: { disk: false, purge: ['10.0.0.0/8'] } }))
  assert.equal((await edge.ask('POST', '/reload')).status, 200)
  assert.equal((await get(port, path, {}, 'PURGE')).status, 403)
  // Each worker by itself: then it is known how many have what.
  edge.write(documentOf({ cache: true }, { cache: { disk: false, purge: ['127.0.0.1'] } }))
  assert.equal((await edge.ask('POST', '/reload')).status, 200)
  await until('both workers have it', async () => {
    const before = origin.count
    for (let i = 0; i < 16; i++) await get(port, path)
    return origin.count === before
  })
  const { status, body } = await get(port, path, {}, 'PURGE')
  assert.equal(status, 200)
  const { count, stores } = JSON.parse(body) as Record<string, number>
  assert.deepEqual({ count, stores }, { count: 2, stores: 2 })
  const before = origin.count
  for (let i = 0; i < 16; i++) await get(port, path)
  assert.equal(origin.count, before + 2)
})

for (const workers of [1, 2]) {
  test(`a reload keeps what is stored, and a change of size counts at once (workers: ${workers})`, async (t) => {
    const { edge, origin, port, documentOf } = await world(t, { cache: true }, { workers })
    const path = '/a?cc=max-age=60&size=50000'
    await until('all workers have it', async () => {
      const before = origin.count
      for (let i = 0; i < 8 * workers; i++) await get(port, path)
      return origin.count === before
    })
    const before = origin.count
    edge.write(documentOf({ cache: { ttl: '1h' }, headers: { response: { set: { 'X-New': 'yes' } } } }))
    assert.equal((await edge.ask('POST', '/reload')).status, 200)
    for (let i = 0; i < 8 * workers; i++) {
      const got = await get(port, path)
      assert.match(got.cache, /^hit/)
      assert.equal(got.headers['x-new'], 'yes')
    }
    assert.equal(origin.count, before)
    edge.write(documentOf({ cache: true }, { cache: { memory: '2MiB' } }))
    assert.equal((await edge.ask('POST', '/reload')).status, 200)
    // Half of it is the folder that the workers share.
    const limit = workers === 1 ? 2 * 1024 * 1024 : 1024 * 1024
    assert.equal(await edge.metric('headgate_cache_limit_bytes'), limit)
    edge.write(documentOf({}))
    assert.equal((await edge.ask('POST', '/reload')).status, 200)
    assert.equal((await get(port, path)).headers['cache-status'], undefined)
    assert.equal(await edge.metric('headgate_cache_entries'), 0)
  })
}

test('a folder that another Headgate uses is left alone, and used when that one is gone', async (t) => {
  const origin = await CacheOrigin.start(t)
  const path = join(makeFolder(t), 'cache')
  const edges = [new EdgeProcess(t), new EdgeProcess(t)] as const
  for (const edge of edges) {
    edge.write({
      cache: { disk: path },
      origins: { app: origin.url },
      sites: { '*': [{ origin: 'app', cache: true }] },
    })
    await edge.start()
  }
  const [first, second] = edges
  await second.logged(/the cache's folder \S+ cannot be used: another Headgate uses it \(process \d+\)/)
  assert.match(second.errors(), new RegExp(`process ${first.pid}\\)`))
  assert.equal((await get(second.port, '/a?cc=max-age=60')).status, 200)
  first.signal('SIGKILL')
  await first.exit
  const third = new EdgeProcess(t)
  third.write({
    cache: { disk: path },
    origins: { app: origin.url },
    sites: { '*': [{ origin: 'app', cache: true }] },
  })
  await third.start()
  assert.doesNotMatch(third.errors(), /cannot be used/)
})

test('workers without a folder on disk share one in memory: what one has stored the others answer, and it goes with them', async (t) => {
  if (!existsSync('/dev/shm')) return t.skip('there is no /dev/shm')
  const { edge, origin, port } = await world(t, { cache: true }, { workers: 2 })
  const folder = readdirSync('/dev/shm').find((name) => name.includes(`-${edge.child?.pid}-`))
  assert.ok(folder !== undefined)
  await until('the folder is in use', async () => {
    const before = origin.count
    for (let i = 0; i < 16; i++) await get(port, '/?cc=max-age=60')
    return origin.count === before
  })
  const before = origin.count
  // Each on a connection of its own: they come to both.
  for (let i = 0; i < 10; i++) for (let n = 0; n < 8; n++) await get(port, `/a${i}?cc=max-age=60`)
  // One each, and two more for a machine that is too busy to hear of something within a second.
  assert.ok(origin.count - before <= 12, `${origin.count - before} requests for 10 answers`)
  edge.child?.kill('SIGTERM')
  await edge.exit
  assert.equal(existsSync('/dev/shm/' + folder), false)
})
