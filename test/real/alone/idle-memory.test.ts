/** What an idle kept-alive connection costs; `node bench/idle.ts` measures the same with 10,000. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { measureIdle, startHeadgate, startOrigin } from '../../../bench/idle-load.ts'

const connections = 2000
const bytesMax = 10 * 1024

test(`${connections} idle connections that have served two requests cost at most 10 KiB each`, async (t) => {
  const origin = await startOrigin()
  const headgate = await startHeadgate((origin.address() as AddressInfo).port)
  t.after(async () => {
    await headgate.stop()
    origin.closeAllConnections()
    origin.close()
  })
  const { bytesEach, alive } = await measureIdle(headgate, connections)
  t.diagnostic(`${(bytesEach / 1024).toFixed(2)} KiB each`)
  assert.equal(alive, connections)
  assert.ok(bytesEach <= bytesMax, `${bytesEach} bytes each`)
})
