/**
 * Several workers, as `headgate run` starts them: what a crash of one costs, and that nothing is counted twice or never.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CheckedLoad } from './checked-load.ts'
import { EdgeProcess } from './edge-process.ts'
import { OriginProcess } from './origin-process.ts'
import { until } from './supervised.ts'

test('a worker killed under load: its own connections break, the others never, and it is replaced', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({ workers: 2, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
  await edge.start()
  const clients = 12
  const load = new CheckedLoad({ port: edge.port, clients })
  await sleep(400)
  const kills = 2
  for (let i = 0; i < kills; i++) {
    const [pid] = edge.workerPids()
    process.kill(pid as number, 'SIGKILL')
    await until('a replacement', () => edge.errors().match(/worker \d \(pid \d+\) serves/g)?.length === i + 1)
    await sleep(300)
  }
  const samples = await load.stop()
  const bad = samples.filter(({ status, isWhole, isRight }) => status !== 200 || !isWhole || !isRight)
  t.diagnostic(`${samples.length} requests, ${bad.length} broken by ${kills} crashes`)
  assert.ok(bad.every(({ isRight, status }) => isRight && (status === 0 || status === 200)))
  // At most what was under way on its connections.
  assert.ok(bad.length <= kills * clients, `${bad.length} broke`)
  assert.equal(await edge.metric('headgate_workers'), 2)
  assert.equal(await edge.metric('headgate_worker_crashes_total'), kills)
})

test('the numbers of all workers are summed, and each request is in them once', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({ workers: 2, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
  await edge.start()
  const load = new CheckedLoad({ port: edge.port, clients: 16, pauseMs: 0 })
  const seen: number[] = []
  for (let i = 0; i < 8; i++) {
    await sleep(100)
    seen.push(await edge.metric('headgate_http_requests_total'))
  }
  const samples = await load.stop()
  const name = 'headgate_http_requests_total'
  await until('all', async () => (await edge.metric(name)) === samples.length)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    'a counter never falls',
  )
  await until('all lines', () => edge.accessLines().length === samples.length)
  assert.equal(await edge.metric('headgate_http_request_duration_seconds_count'), samples.length)
  assert.equal(await edge.metric('headgate_upstream_requests_total'), samples.length)
  assert.equal(await edge.metric('headgate_http_requests_in_flight'), 0)
  const { workers } = JSON.parse((await edge.ask('GET', '/status')).text) as { workers: { pid: number }[] }
  assert.deepEqual(
    workers.map(({ pid }) => pid).toSorted((a, b) => a - b),
    edge.workerPids().toSorted((a, b) => a - b),
  )
})

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

test('a supervisor that is killed: its workers finish what is under way, and go', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({ workers: 2, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
  await edge.start()
  const pids = edge.workerPids()
  // So slow that none is over before it is known that all are under way.
  const headers = { 'X-Ms': '4000' }
  const load = new CheckedLoad({ port: edge.port, clients: 4, path: '/slow', headers })
  await until('four', async () => (await edge.metric('headgate_http_requests_in_flight')) === 4)
  const stopping = load.stop()
  edge.signal('SIGKILL')
  assert.equal(await edge.exit, 'SIGKILL')
  assert.equal((await stopping).length, 4)
  assert.ok(load.samples.every(({ status, isWhole, isRight }) => status === 200 && isWhole && isRight))
  await until('no worker is left', () => pids.every(isGone))
})

test('workers take the code that an earlier start has compiled', async (t) => {
  const edge = new EdgeProcess(t)
  const before = `export NODE_COMPILE_CACHE=${join(edge.folder, 'compiled')} NODE_DEBUG_NATIVE=COMPILE_CACHE`
  const verdicts = (): string[] => edge.stderr.match(/(?<=was )(?:accepted|rejected)/g) ?? []
  const sites = { '*': [{ respond: { status: 200, body: 'here' } }] }
  edge.write({ workers: 1, sites })
  await edge.start({ before })
  assert.deepEqual(verdicts(), [])
  edge.signal('SIGTERM')
  assert.equal(await edge.exit, '0')
  edge.write({ workers: 2, sites })
  await edge.start({ before })
  await edge.logged(/serves on .* with 2 workers/)
  const taken = verdicts()
  assert.ok(!taken.includes('rejected'), 'V8 refuses what was compiled with other flags')
  // Far more than the supervisor can have taken by itself.
  assert.ok(taken.length > 1000, `${taken.length} files were compiled already`)
})
