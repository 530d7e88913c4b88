import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Faults, NONE, type Fault } from '../../../src/core/faults.ts'
import { mergeSnapshots, metricRows, type MetricsSnapshot } from '../../../src/engine/metrics.ts'
import { Observe, serverSeriesMax } from '../../../src/engine/observe.ts'
import type { LogPlan, Plan } from '../../../src/engine/plan.ts'
import { CacheResult } from '../../../src/http/cache-result.ts'
import { Exchange, type RouteInfo, type UpstreamServer } from '../../../src/http/exchange.ts'

const noLog: LogPlan = {
  access: false,
  level: 'error',
  accessPath: '',
  errorPath: '/dev/null',
  redactQuery: [],
  redactFields: [],
  queueBytesMax: 1 << 20,
}

const routeOf = (name: string): RouteInfo => ({ name, site: 'site' }) as RouteInfo

function planOf(routes: readonly RouteInfo[], log: Partial<LogPlan> = {}): Plan {
  return { routes, origins: new Map(), log: { ...noLog, ...log } } as unknown as Plan
}

function observing(t: TestContext, plan: Plan): Observe {
  const observe = new Observe()
  observe.prepare(plan)
  observe.use(plan)
  t.after(() => observe.close(100))
  return observe
}

interface Over {
  method?: string
  status?: number
  fault?: Fault
  tookMs?: number
  servers?: readonly UpstreamServer[]
}

function finish(observe: Observe, route: RouteInfo | null, over: Over = {}): void {
  const x = new Exchange()
  x.route = route
  x.request.method = over.method ?? 'GET'
  x.response.status = over.status ?? 200
  x.isHeadSent = over.status !== 0
  x.fault = over.fault ?? NONE
  x.tried.push(...(over.servers ?? []))
  x.attempts = x.tried.length
  x.firstByteMs = x.attempts > 0 ? 3 : -1
  x.bytesSent = 10
  x.startMs = 1000
  observe.onFinish(x, 1000 + (over.tookMs ?? 4))
}

test('what the cache did is counted by site, over its routes', (t) => {
  const routes = [routeOf('a'), routeOf('b')]
  const observe = observing(t, planOf(routes))
  const cached = (route: RouteInfo, result: CacheResult): void => {
    const x = new Exchange()
    x.route = route
    x.cacheResult = result
    x.bytesSent = 10
    observe.onFinish(x, 1)
  }
  for (const route of routes) cached(route, CacheResult.HIT)
  cached(routes[0] as RouteInfo, CacheResult.MISS)
  const snapshot = observe.snapshot()
  assert.deepEqual(snapshot['headgate_cache_requests_total'], {
    '{site="site",status="hit"}': 2,
    '{site="site",status="miss"}': 1,
  })
  assert.deepEqual(snapshot['headgate_cache_sent_bytes_total'], { '{site="site"}': 20 })
  assert.equal(snapshot['headgate_cache_entries'], undefined)
  finish(observe, null)
  assert.equal(observe.snapshot()['headgate_cache_requests_total']?.['{site="site",status="hit"}'], 2)
})

const value = (snapshot: MetricsSnapshot, name: string, key: string): number | undefined =>
  snapshot[name]?.[key]

test('requests are counted by site, route, method and exact code; no answer is code 0', (t) => {
  const route = routeOf('r')
  const observe = observing(t, planOf([route]))
  for (const over of [
    {},
    {},
    { method: 'POST', status: 418 },
    { status: 0 },
    { method: 'X-SECRET' },
    { status: 999 },
  ])
    finish(observe, route, over)
  assert.deepEqual(observe.snapshot()['headgate_http_requests_total'], {
    '{site="site",route="r",method="GET",code="0"}': 1,
    '{site="site",route="r",method="GET",code="200"}': 2,
    '{site="site",route="r",method="OTHER",code="200"}': 1,
    '{site="site",route="r",method="POST",code="418"}': 1,
    '{site="site",route="r",method="GET",code="other"}': 1,
  })
})

test('durations fall into cumulative buckets; tunnels are left out', (t) => {
  const route = routeOf('r')
  const observe = observing(t, planOf([route]))
  for (const tookMs of [0.5, 1, 4, 40, 20_000]) finish(observe, route, { tookMs })
  finish(observe, route, { status: 101, tookMs: 3_600_000 })
  const family = observe.snapshot()['headgate_http_request_duration_seconds'] ?? {}
  const bucket = (le: string): number | undefined => family[`_bucket{site="site",route="r",le="${le}"}`]
  assert.deepEqual(['0.001', '0.0025', '0.005', '0.05', '10', '+Inf'].map(bucket), [2, 2, 3, 4, 4, 5])
  assert.equal(family['_count{site="site",route="r"}'], 5)
  assert.ok(Math.abs((family['_sum{site="site",route="r"}'] ?? 0) - 20.0455) < 1e-9)
})

test('faults: those that ended a request, those of all attempts, and those of each server', (t) => {
  const route = routeOf('r')
  const observe = observing(t, planOf([route]))
  const server = { name: 'http://a' }
  const x = new Exchange()
  x.tried.push(server)
  x.attempts = 1
  observe.onFault(x, Faults.ORIGIN_REFUSED)
  finish(observe, route, { servers: [server, { name: 'http://b' }] })
  x.reset()
  observe.onFault(x, Faults.CLIENT_GONE)
  finish(observe, route, { status: 0, fault: Faults.CLIENT_GONE })
  const snapshot = observe.snapshot()
  assert.deepEqual(snapshot['headgate_faults_total'], {
    '{fault="client_gone",side="client"}': 1,
    '{fault="connection_refused",side="origin"}': 1,
  })
  assert.deepEqual(snapshot['headgate_http_request_faults_total'], {
    '{fault="client_gone",side="client"}': 1,
  })
  assert.deepEqual(snapshot['headgate_upstream_faults_total'], {
    '{upstream="http://a",fault="connection_refused"}': 1,
  })
  assert.deepEqual(snapshot['headgate_upstream_requests_total'], { '{upstream="http://b",code="200"}': 1 })
  assert.equal(value(snapshot, 'headgate_http_request_retries_total', ''), 1)
})

test('a refused head is counted without a route, by the status of its fault', (t) => {
  const observe = observing(t, planOf([]))
  const x = new Exchange()
  x.request.method = 'GET'
  observe.onRefuse(x, Faults.HOST_MISSING, 0)
  const snapshot = observe.snapshot()
  assert.equal(
    value(snapshot, 'headgate_http_requests_total', '{site="",route="",method="GET",code="400"}'),
    1,
  )
  assert.equal(value(snapshot, 'headgate_faults_total', '{fault="host_missing",side="client"}'), 1)
})

test('after a reload routes of the same name go on counting, and those that are gone stay in the sum', (t) => {
  const [kept, gone] = [routeOf('kept'), routeOf('gone')]
  const observe = observing(t, planOf([kept, gone]))
  finish(observe, kept)
  finish(observe, gone)
  const next = planOf([routeOf('kept'), routeOf('new')])
  observe.prepare(next)
  observe.use(next)
  finish(observe, next.routes[0] as RouteInfo)
  finish(observe, gone)
  assert.deepEqual(observe.snapshot()['headgate_http_requests_total'], {
    '{site="site",route="kept",method="GET",code="200"}': 2,
    '{site="",route="removed",method="GET",code="200"}': 2,
  })
})

test('servers beyond the bound are counted together', (t) => {
  const observe = observing(t, planOf([]))
  for (let i = 0; i < serverSeriesMax + 5; i++) finish(observe, null, { servers: [{ name: 's' + i }] })
  const family = observe.snapshot()['headgate_upstream_requests_total'] ?? {}
  assert.equal(Object.keys(family).length, serverSeriesMax + 1)
  assert.equal(family['{upstream="other",code="200"}'], 5)
})

test('each exchange has exactly one line in the access log, refused ones too', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-observe-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const accessPath = join(folder, 'access.log')
  const plan = planOf([], { access: 'combined', accessPath })
  const observe = new Observe()
  observe.prepare(plan)
  observe.use(plan)
  for (let i = 0; i < 1000; i++) finish(observe, null)
  const x = new Exchange()
  observe.onRefuse(x, Faults.HEAD_TIMEOUT, 0)
  assert.equal(value(observe.snapshot(), 'headgate_log_lines_total', '{log="access"}'), 1001)
  await observe.close(1000)
  const lines = fs.readFileSync(accessPath, 'latin1').trimEnd().split('\n')
  assert.equal(lines.length, 1001)
  assert.match(lines[1000] ?? '', / 408 .* head_timeout$/)
})

test('a plan whose log cannot be opened is refused, and the old logs go on', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-observe-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const plan = planOf([], { access: 'json', accessPath: join(folder, 'a.log') })
  const observe = new Observe()
  observe.prepare(plan)
  observe.use(plan)
  assert.throws(
    () => observe.prepare(planOf([], { access: 'json', accessPath: join(folder, 'none', 'a.log') })),
    /the access log cannot be opened: its folder does not exist; make it \(mkdir -p .*none\)/,
  )
  finish(observe, null)
  const moved = planOf([], { access: 'json', accessPath: join(folder, 'b.log') })
  observe.prepare(moved)
  observe.discard()
  observe.prepare(moved)
  observe.use(moved)
  // Nothing that was counted is forgotten while the old log is still being written.
  assert.equal(value(observe.snapshot(), 'headgate_log_lines_total', '{log="access"}'), 1)
  finish(observe, null)
  await observe.close(1000)
  const count = (name: string): number => fs.readFileSync(join(folder, name), 'latin1').split('\n').length - 1
  assert.deepEqual([count('a.log'), count('b.log')], [1, 1])
  assert.equal(value(observe.snapshot(), 'headgate_log_lines_total', '{log="access"}'), 2)
})

test('snapshots of workers are merged: sums, and for some gauges the worst', () => {
  const one = {
    headgate_http_requests_total: { '{a="1"}': 2 },
    headgate_upstream_healthy: { x: 1 },
    process_start_time_seconds: { '': 5 },
  }
  const two = {
    headgate_http_requests_total: { '{a="1"}': 3, '{a="2"}': 1 },
    headgate_upstream_healthy: { x: 0 },
    process_start_time_seconds: { '': 4 },
  }
  assert.deepEqual(mergeSnapshots([one, two]), {
    headgate_http_requests_total: { '{a="1"}': 5, '{a="2"}': 1 },
    headgate_upstream_healthy: { x: 0 },
    process_start_time_seconds: { '': 4 },
  })
  assert.equal(one.headgate_http_requests_total['{a="1"}'], 2)
})

test('names follow the rules of Prometheus: counters end in _total, units are base units, each once', () => {
  assert.equal(new Set(metricRows.map((row) => row.name)).size, metricRows.length)
  for (const { name, type, help } of metricRows) {
    assert.match(name, /^(headgate|process|nodejs)_[a-z0-9_]+$/)
    assert.equal(type === 'counter', name.endsWith('_total'), name)
    assert.doesNotMatch(name, /_(ms|kb|mb|milliseconds)(_|$)/)
    assert.ok(help.endsWith('.'), name)
  }
})

test('every sample has the labels of the table, and no others', (t) => {
  const route = routeOf('r')
  const observe = observing(t, {
    ...planOf([route]),
    origins: new Map([
      [
        'o',
        {
          name: 'o',
          snapshot: () => ({ servers: [{ name: 's', isAvailable: true, connections: 1, inFlight: 0 }] }),
        },
      ],
    ]),
  } as unknown as Plan)
  const x = new Exchange()
  x.tried.push({ name: 's' })
  observe.onFault(x, Faults.ORIGIN_REFUSED)
  finish(observe, route, { servers: [{ name: 's' }], fault: Faults.ORIGIN_TRUNCATED })
  const labels = new Map(metricRows.map((row) => [row.name, row.labels]))
  for (const [name, family] of Object.entries(observe.snapshot())) {
    for (const key of Object.keys(family)) {
      const found = [...key.matchAll(/(\w+)="/g)].map((match) => match[1]).filter((label) => label !== 'le')
      assert.deepEqual(found, labels.get(name), name + key)
    }
  }
})

test('what failed in a fill is told once, with the server, and not by each client that waited for it', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-observe-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const errorPath = join(folder, 'errors.log')
  const observe = new Observe()
  const plan = planOf([], { errorPath, level: 'info' })
  observe.prepare(plan)
  observe.use(plan)
  const [fill, client] = [new Exchange(), new Exchange()]
  fill.requestId = 'fill'
  fill.tried.push({ name: 'http://127.0.0.1:1' })
  client.requestId = 'client'
  fill.attempts = client.attempts = 1
  observe.onFault(fill, Faults.ORIGIN_REFUSED)
  observe.onFault(client, Faults.ORIGIN_REFUSED)
  observe.onFault(client, Faults.CLIENT_GONE)
  await observe.close(10_000)
  const lines = fs.readFileSync(errorPath, 'utf8').trim().split('\n')
  assert.deepEqual(
    lines.map((line) => / fault=(\S+) id=(\S+)/.exec(line)?.slice(1)),
    [
      ['connection_refused', 'fill'],
      ['client_gone', 'client'],
    ],
  )
})
