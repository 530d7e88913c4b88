/** `headgate warm`: a sitemap, an index of them in gzip, a list; in one process and in workers. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { WarmProgress } from '../../src/admin/warm-body.ts'
import { get } from './cache-origin.ts'
import { EdgeProcess, headgate } from './edge-process.ts'
import { until } from './supervised.ts'

const site = 'http://www.example.com'

function list(name: string, urls: readonly string[]): string {
  return `<${name}>${urls.map((url) => `<url><loc>${site}${url}</loc></url>`).join('')}</${name}>`
}

async function world(t: TestContext, workers: number): Promise<{ edge: EdgeProcess; asked: string[] }> {
  const asked: string[] = []
  const origin = createServer((incoming, answer) => {
    const { url = '' } = incoming
    asked.push(url)
    if (url === '/sitemap.xml') answer.end(list('sitemapindex', ['/one.xml.gz', '/two.xml']))
    else if (url === '/one.xml.gz') answer.end(gzipSync(list('urlset', ['/a', '/b', '/gone'])))
    else if (url === '/two.xml') answer.end(list('urlset', ['/b', '/c', '/private']))
    else {
      answer.statusCode = url === '/gone' ? 404 : 200
      answer.setHeader('cache-control', url === '/private' ? 'private' : 'max-age=600')
      answer.end(url === '/slow' ? undefined : 'x'.repeat(1000))
    }
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    origin.close()
    origin.closeAllConnections()
  })
  const { port } = origin.address() as AddressInfo
  const edge = new EdgeProcess(t)
  edge.write({
    workers,
    origins: { app: `http://127.0.0.1:${port}` },
    sites: { 'www.example.com': [{ cache: true, origin: 'app' }] },
  })
  await edge.start()
  return { edge, asked }
}

/** The command blocks this process, which is the origin too: so it does not wait for the end. */
async function warmed(edge: EdgeProcess, args: readonly string[]): Promise<WarmProgress> {
  const begun = headgate(['warm', ...args, '--no-wait', '--json', '--admin', edge.admin])
  assert.equal(begun.stderr, '')
  let progress: WarmProgress | null = null
  await until('the end of the warming', () => {
    progress = JSON.parse(headgate(['warm', '--progress', '--json', '--admin', edge.admin]).stdout)
    return progress?.isRunning === false
  })
  return progress as unknown as WarmProgress
}

for (const workers of [1, 2]) {
  test(`a sitemap index is read and all that it names is fetched once (workers: ${workers})`, async (t) => {
    const { edge, asked } = await world(t, workers)
    const progress = await warmed(edge, ['--sitemap', `${site}/sitemap.xml`])
    const { total, done, fetched, hits, passed, failed, sitemaps, failures } = progress
    assert.deepEqual(
      { total, done, both: fetched + hits, passed, failed, sitemaps },
      {
        total: 5 * workers,
        done: 5 * workers,
        both: 3 * workers,
        passed: workers,
        failed: workers,
        sitemaps: 3 * workers,
      },
    )
    assert.deepEqual(failures[0], { url: `${site}/gone`, reason: 'status 404' })
    const before = asked.length
    for (const path of ['/a', '/b', '/c']) {
      const { cache } = await get(edge.port, path, { host: 'www.example.com' })
      assert.match(cache, /^hit/)
    }
    assert.equal(asked.length, before)
    // No line of the warming: three of the clients.
    await until('the access log', () => edge.accessLines().length === 3)
    const again = await warmed(edge, [`${site}/a`, `${site}/b`])
    assert.equal(again.hits, 2 * workers)
  })
}

test('a list is read from a file, and what no site takes is told', async (t) => {
  const { edge } = await world(t, 1)
  const file = join(edge.folder, 'urls.txt')
  writeFileSync(file, `# mine\n${site}/a\n\nhttp://elsewhere.example/a\n`)
  const { done, fetched, failed, failures } = await warmed(edge, ['--list', file])
  assert.deepEqual({ done, fetched, failed }, { done: 2, fetched: 1, failed: 1 })
  assert.match(failures[0]?.url ?? '', /elsewhere/)
  const wrong = headgate(['warm', 'nonsense', '--admin', edge.admin])
  assert.equal(wrong.status, 64)
})
