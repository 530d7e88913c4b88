import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { createServer } from '../../../src/server.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function config(reloads: number): HeadgateConfig {
  return {
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { app: { servers: ['127.0.0.1:9'] } },
    sites: { '*': [{ match: `/never-${reloads}`, respond: 204 }, { origin: 'app' }] },
    log: { access: false, level: 'error' },
  }
}

test('a plan that was replaced is let go of: reloads do not pile up in memory', async () => {
  const server = await createServer(config(0))
  await server.listen()
  const plans = [new WeakRef(server.plan)]
  for (let i = 1; i <= 5; i++) {
    await server.reload(config(i))
    plans.push(new WeakRef(server.plan))
  }
  await sleep(20)
  collectGarbage()
  const alive = plans.filter((plan) => plan.deref() !== undefined).length
  await server.close({ drainMs: 0 })
  assert.ok(alive <= 2, `${alive} of ${plans.length} plans are alive`)
})
