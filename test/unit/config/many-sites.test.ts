import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer, defineConfig } from '../../../src/index.ts'

/** With tables of its own for what is hit often each took 100 KB. */
const tableBytesMax = 4096

test('thousands of sites with a cache share the tables for what is hit often', async () => {
  const count = 2000
  const names = Array.from({ length: count }, (_, i) => `site${i}.example`)
  const config = defineConfig({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { app: 'http://127.0.0.1:1' },
    sites: Object.fromEntries(names.map((name) => [name, [{ origin: 'app', cache: true }]])),
  })
  const before = process.memoryUsage().arrayBuffers
  const server = await createServer(config)
  const perSite = (process.memoryUsage().arrayBuffers - before) / count
  await server.close()
  assert.ok(perSite < tableBytesMax, `${perSite} bytes a site`)
})
