import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer } from '../../../src/index.ts'

test('a server that only compiles does not open the folder of its cache; one that listens does', async () => {
  const root = mkdtempSync(join(tmpdir(), 'headgate-cache-folder-'))
  const path = join(root, 'cache')
  const server = await createServer({
    listeners: '127.0.0.1:0',
    log: { access: false, level: 'error' },
    admin: false,
    workers: 1,
    cache: { memory: '8MiB', disk: { path, size: '8MiB' } },
    origins: { app: '127.0.0.1:9' },
    sites: { '*': [{ cache: true, origin: 'app' }] },
  })
  try {
    // Time in which it would be made.
    await new Promise<void>((resolve) => void setTimeout(resolve, 200))
    assert.equal(existsSync(path), false)
    await server.listen()
    while (!existsSync(path)) await new Promise<void>((resolve) => void setTimeout(resolve, 10))
  } finally {
    await server.close({ drainMs: 0 })
    rmSync(root, { recursive: true, force: true })
  }
})
