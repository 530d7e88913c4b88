/** What the folder of a real cache has of answers that are found by more, or by less, than their URLs. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CacheOrigin, get } from './cache-origin.ts'
import { EdgeProcess, makeFolder } from './edge-process.ts'
import { until } from './supervised.ts'

test('an answer with No-Vary-Search and one to QUERY are found on disk by both workers, and after a restart', async (t) => {
  const path = join(makeFolder(t), 'cache')
  const origin = await CacheOrigin.start(t)
  const documentOf = (workers: number): object => ({
    origins: { app: origin.url },
    sites: { '*': [{ cache: { storeQuery: true }, origin: 'app' }] },
    cache: { disk: path },
    workers,
  })
  const edge = new EdgeProcess(t)
  edge.write(documentOf(2))
  await edge.start()
  const files = (): number =>
    readdirSync(path, { recursive: true }).filter((name) => /[0-9a-f]{32}$/.test(String(name))).length
  const paths = Array.from({ length: 10 }, (_, i) => `/a${i}?cc=max-age=600&nvs=params%3D(%22utm%22)`)
  const askAll = async (utm: string, port = edge.port): Promise<void> => {
    for (const each of paths) await get(port, `${each}&utm=${utm}`)
    for (let i = 0; i < 10; i++) {
      const headers = { 'Content-Type': 'text/plain', 'Content-Length': '2' }
      await get(port, '/q?cc=max-age=600', headers, 'QUERY', `q${i}`)
    }
  }
  await askAll('first')
  await until('all of it is on disk', () => files() >= 30)
  const stored = origin.count
  for (let i = 0; i < 6; i++) await askAll(`again${i}`)
  // Each on a connection of its own: they come to both. A few more for a machine that is too busy to hear of something within a second.
  assert.ok(origin.count - stored <= 4, `${origin.count - stored} requests for what is stored`)
  edge.child?.kill('SIGTERM')
  await edge.exit
  const second = new EdgeProcess(t)
  second.write(documentOf(1))
  await second.start()
  await until('the folder is in use', async () => (await second.metric('headgate_cache_disk_files')) >= 30)
  const kept = origin.count
  for (let i = 0; i < 2; i++) await askAll(`later${i}`, second.port)
  assert.equal(origin.count, kept)
})
