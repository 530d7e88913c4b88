/**
 * Servers that are stopped (SIGSTOP) under load: the kernel goes on accepting for them, so that only a deadline tells.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CheckedLoad, shareBackMs, shares } from '../checked-load.ts'
import { EdgeProcess, readAccessLine } from '../edge-process.ts'
import { countIds, OriginProcess } from '../origin-process.ts'
import { until } from '../supervised.ts'

async function makeWorld(
  t: TestContext,
  origin: object = {},
): Promise<{ edge: EdgeProcess; servers: OriginProcess[]; journal: string }> {
  const edge = new EdgeProcess(t)
  const journal = join(edge.folder, 'posts')
  const servers = ['a', 'b', 'c'].map((name) => new OriginProcess(t, name, { journal }))
  await Promise.all(servers.map((server) => server.start()))
  edge.write({
    origins: { app: { servers: servers.map(({ url }) => url), timeouts: { firstByte: '1s' }, ...origin } },
    sites: { '*': [{ origin: 'app' }] },
  })
  await edge.start()
  t.after(() => servers.forEach((server) => server.signal('SIGCONT')))
  return { edge, servers, journal }
}

for (const [stoppedMs, passOver] of [
  [2000, {}],
  // As after a minute: its while has grown long.
  [1500, { min: '10s' }],
] as const) {
  test(`one of three stopped for ${stoppedMs} ms (passOver ${JSON.stringify(passOver)}): no request fails, and its share is back in 2 s`, async (t) => {
    const { edge, servers } = await makeWorld(t, { passOver })
    const stopped = servers[1] as OriginProcess
    const load = new CheckedLoad({ port: edge.port })
    await sleep(500)
    stopped.signal('SIGSTOP')
    await sleep(stoppedMs)
    stopped.signal('SIGCONT')
    const backAtMs = Date.now()
    await sleep(2300)
    const samples = await load.stop()
    const bad = samples.filter(({ status, isWhole, isRight }) => status !== 200 || !isWhole || !isRight)
    assert.deepEqual(bad, [])
    const slow = samples.filter(({ startedMs, endedMs }) => endedMs - startedMs > 900)
    const backMs = shareBackMs(samples, 'b', backAtMs, 0.2)
    t.diagnostic(
      `${samples.length} requests, ${slow.length} waited for the deadline; share back after ${backMs} ms; per 250 ms: ` +
        shares(samples, 'b', backAtMs, 250)
          .map((share) => share.toFixed(2))
          .join(' '),
    )
    assert.ok(backMs <= 2000, `${backMs} ms`)
    // One of the 12 clients each time that it is tried again, beside those of the first moment.
    assert.ok(slow.length <= 12 + 8, `${slow.length} waited`)
  })
}

test('POSTs that a stopped server holds are answered 504 and never sent twice', async (t) => {
  const { edge, servers, journal } = await makeWorld(t)
  const stopped = servers[0] as OriginProcess
  const load = new CheckedLoad({ port: edge.port, method: 'POST', path: '/post' })
  await sleep(400)
  stopped.signal('SIGSTOP')
  await sleep(1500)
  stopped.signal('SIGCONT')
  await sleep(1200)
  const samples = await load.stop()
  const bad = samples.filter(({ status, isWhole }) => status !== 200 || !isWhole)
  assert.ok(bad.length > 0 && bad.every(({ status }) => status === 504))
  await until('all lines', () => edge.accessLines().length === samples.length)
  const late = edge
    .accessLines()
    .map(readAccessLine)
    .filter(({ status }) => status === 504)
  assert.equal(late.length, bad.length)
  assert.ok(late.every(({ fault, attempts }) => fault === 'http_response_timeout' && attempts === 1))
  assert.deepEqual(
    [...countIds(journal)].filter(([, count]) => count > 1),
    [],
  )
  t.diagnostic(`${samples.length} POSTs, ${bad.length} answered 504`)
})
