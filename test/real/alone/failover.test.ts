/**
 * Servers that die under load, with real processes: kill -9, and back again.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CheckedLoad, shareBackMs, type Sample } from '../checked-load.ts'
import { EdgeProcess, readAccessLine } from '../edge-process.ts'
import { countIds, OriginProcess } from '../origin-process.ts'
import { until } from '../supervised.ts'

interface World {
  readonly edge: EdgeProcess
  readonly servers: readonly OriginProcess[]
  readonly journal: string
}

async function makeWorld(t: TestContext, names: readonly string[], origin: object = {}): Promise<World> {
  const edge = new EdgeProcess(t)
  const journal = join(edge.folder, 'posts')
  const servers = names.map((name) => new OriginProcess(t, name, { journal }))
  await Promise.all(servers.map((server) => server.start()))
  edge.write({
    origins: { app: { servers: servers.map((server) => server.url), ...origin } },
    sites: { '*': [{ origin: 'app' }] },
  })
  await edge.start()
  return { edge, servers, journal }
}

/** Fails when an answer was wrong, or broke off without its client seeing it. */
function assertNoneWrong(samples: readonly Sample[]): void {
  const wrong = samples.filter((sample) => sample.status === 200 && !sample.isRight)
  assert.deepEqual(wrong, [])
}

function failed(samples: readonly Sample[]): Sample[] {
  return samples.filter((sample) => sample.status !== 200 || !sample.isWhole)
}

/** The fault that the access log gives for each id. */
async function faultsById(edge: EdgeProcess, count: number): Promise<Map<string, string>> {
  await until('all lines', () => edge.accessLines().length >= count)
  const faults = new Map<string, string>()
  for (const line of edge.accessLines().map(readAccessLine)) {
    const id = /[?&]n=([^& ]+)/.exec(line.target)?.[1] ?? ''
    assert.ok(!faults.has(id), `one line for ${id}`)
    faults.set(id, `${line.status} ${line.fault}`)
  }
  assert.equal(faults.size, count)
  return faults
}

test('one server killed under load: 502s that say so, no wrong answer, and it serves again at once', async (t) => {
  const { edge, servers } = await makeWorld(t, ['a'])
  const server = servers[0] as OriginProcess
  const load = new CheckedLoad({ port: edge.port })
  await sleep(500)
  await server.kill()
  const killedMs = Date.now()
  await sleep(500)
  const listensMs = await server.start()
  await sleep(1200)
  const samples = await load.stop()

  assertNoneWrong(samples)
  const bad = failed(samples)
  assert.ok(bad.length > 0)
  const faults = await faultsById(edge, samples.length)
  for (const { id, status } of bad) {
    if (status === 200) assert.match(faults.get(id) ?? '', /^200 http_response_incomplete$/)
    else assert.match(faults.get(id) ?? '', /^502 (connection_refused|connection_terminated)$/)
    if (status !== 200) assert.equal(status, 502)
  }
  assert.match(edge.errors(), /The origin refused the connection\. fault=connection_refused id=\S+ client=/)
  const first = samples.find((sample) => sample.startedMs > killedMs && sample.status === 200)
  const backMs = (first?.endedMs ?? Infinity) - listensMs
  t.diagnostic(
    `${samples.length} requests, ${bad.length} failed; first success ${backMs} ms after it listened`,
  )
  assert.ok(backMs < 1000, `${backMs} ms`)
  const late = failed(samples.filter((sample) => sample.startedMs > (first?.endedMs ?? 0)))
  assert.deepEqual(late, [])
})

for (const balance of ['round-robin', 'least-requests']) {
  test(`three servers, one killed under load (${balance}): no request fails, and its share is back in 2 s`, async (t) => {
    const { edge, servers } = await makeWorld(t, ['a', 'b', 'c'], { balance })
    const server = servers[1] as OriginProcess
    const load = new CheckedLoad({ port: edge.port })
    await sleep(400)
    await server.kill()
    await sleep(1200)
    const listensMs = await server.start()
    await sleep(2400)
    const samples = await load.stop()

    assertNoneWrong(samples)
    const bad = failed(samples)
    // What had begun to be answered cannot be taken back.
    assert.deepEqual(
      bad.filter(({ status }) => status !== 200),
      [],
    )
    const backMs = shareBackMs(samples, 'b', listensMs, 0.2)
    t.diagnostic(`${samples.length} requests, ${bad.length} cut; share back after ${backMs} ms`)
    assert.ok(backMs <= 2000, `${backMs} ms`)
  })
}

test('POSTs while servers are killed: each is sent once, those that fail say so', async (t) => {
  const { edge, servers, journal } = await makeWorld(t, ['a', 'b', 'c'])
  const load = new CheckedLoad({ port: edge.port, method: 'POST', path: '/post' })
  for (let i = 0; i < 4; i++) {
    const server = servers[i % 3] as OriginProcess
    await sleep(250)
    await server.kill()
    await sleep(150)
    await server.start()
  }
  const samples = await load.stop()
  assertNoneWrong(samples)
  const counts = countIds(journal)
  assert.deepEqual(
    [...counts].filter(([, count]) => count > 1),
    [],
  )
  const faults = await faultsById(edge, samples.length)
  for (const { id, status } of failed(samples))
    assert.match(faults.get(id) ?? '', status === 200 ? /incomplete/ : /^502 connection_/)
  const lost = samples.filter(({ id, status }) => status === 200 && !counts.has(id))
  assert.deepEqual(lost, [])
  t.diagnostic(`${samples.length} POSTs, ${failed(samples).length} failed, none sent twice`)
})
