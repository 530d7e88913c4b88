import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { loadConfig, readConfig } from '../../../src/config/load.ts'
import { Faults, NONE } from '../../../src/core/faults.ts'
import type { Plan } from '../../../src/engine/plan.ts'
import { defaultExchangeLimits, defaultLimits } from '../../../src/http/limits.ts'
import type { Origin } from '../../../src/origin/origin.ts'
import { planOf } from './planning.ts'

const config: HeadgateConfig = { origins: { app: '127.0.0.1:3000' }, sites: { '*': [{ origin: 'app' }] } }

function stepsOf(plan: Plan, name: string): string[] {
  return plan.routes.find((route) => route.name === name)?.handlers.map((handler) => handler.name) ?? []
}

/** Counts how often an origin is closed. */
function countCloses(origin: Origin | undefined): () => number {
  assert.notEqual(origin, undefined)
  let count = 0
  const close = (origin as Origin).close.bind(origin)
  Object.defineProperty(origin, 'close', {
    value: () => {
      count++
      close()
    },
  })
  return () => count
}

test('what the config leaves out is what the rooms have as default', () => {
  const plan = planOf(config)
  assert.deepEqual(plan.clientLimits, defaultLimits)
  assert.deepEqual(plan.routes[0]?.limits, defaultExchangeLimits)
  assert.equal(plan.workers, 0)
  assert.equal(plan.maintenance, NONE)
  assert.equal(plan.drainMs, 30_000)
  assert.deepEqual(plan.admin, { listen: '' })
  plan.close()
})

test('a plan with every bound set has every bound', () => {
  const plan = planOf({
    ...config,
    timeouts: { head: '1s', idle: '2s', rateWindow: '3s', drain: '4s' },
    limits: {
      requestsPerConnectionMax: 5,
      headBytesMax: '64KiB',
      startLineBytesMax: '32KiB',
      connectionsMax: 7,
    },
    halfClose: true,
    maintenance: true,
    workers: 3,
  })
  const { headMs, idleMs, rateWindowMs, drainMs, requestsMax, headBytesMax, startLineBytesMax, halfClose } =
    plan.clientLimits
  assert.deepEqual(
    [headMs, idleMs, rateWindowMs, drainMs, requestsMax, headBytesMax, startLineBytesMax, halfClose],
    [1000, 2000, 3000, 4000, 5, 65_536, 32_768, true],
  )
  assert.deepEqual([plan.connectionsMax, plan.maintenance, plan.workers], [7, Faults.MAINTENANCE, 3])
  plan.close()
})

test('deadlines of a route go over those of its origin, and these over those at the top', () => {
  const plan = planOf({
    timeouts: { firstByte: '1s', betweenBytes: '1s', tunnelIdle: '1s' },
    limits: { bodyBytesMax: '1MiB' },
    origins: { app: { servers: 'a:1', timeouts: { firstByte: '2s', betweenBytes: '2s', connect: '2s' } } },
    sites: {
      '*': [
        { match: '/a', origin: 'app', timeouts: { firstByte: '3s' }, limits: { bodyBytesMax: 'unlimited' } },
        { origin: 'app' },
      ],
    },
  })
  const [first, second] = plan.routes.map((route) => route.limits)
  assert.deepEqual(
    [
      first?.firstByteMs,
      first?.betweenBytesMs,
      first?.tunnelIdleMs,
      first?.connectMs,
      first?.requestBodyBytesMax,
    ],
    [3000, 2000, 1000, 2000, Infinity],
  )
  assert.deepEqual([second?.firstByteMs, second?.requestBodyBytesMax], [2000, 1_048_576])
  assert.equal(plan.origins.get('app')?.options.connectMs, 2000)
  plan.close()
})

test('steps run in one order, however they are written', () => {
  const headers = { response: { set: { 'X-A': 'b' } } }
  const plan = planOf({
    sites: {
      '*': [
        { match: '/a', origin: 'a:1', headers, rewrite: '/b' },
        { match: '/b', respond: 404, headers },
        { match: '/c', redirect: '/x' },
        { match: '/d', maintenance: true, origin: 'a:1' },
        { match: '/e', maintenance: false, origin: 'a:1' },
      ],
    },
  })
  assert.deepEqual(stepsOf(plan, '*[0]'), ['rewrite', 'headers', 'origin'])
  assert.deepEqual(stepsOf(plan, '*[1]'), ['headers', 'respond'])
  assert.deepEqual(stepsOf(plan, '*[2]'), ['redirect'])
  assert.deepEqual(stepsOf(plan, '*[3]'), ['maintenance'])
  assert.deepEqual(stepsOf(plan, '*[4]'), ['origin'])
  plan.close()
})

test('the same address in two routes is one origin', () => {
  const plan = planOf({ sites: { 'a.example': 'a:1', 'b.example': [{ origin: 'a:1' }] } })
  assert.deepEqual([...plan.origins.keys()], ['a:1'])
  plan.close()
})

test('an origin that has not changed is carried over, and closed by the last plan that holds it', () => {
  const first = planOf(config)
  const closes = countCloses(first.origins.get('app'))
  const second = planOf(
    { ...config, log: { level: 'warn' }, sites: { '*': [{ match: '/a', origin: 'app' }] } },
    first,
  )
  assert.equal(second.origins.get('app'), first.origins.get('app'))
  first.close()
  first.close()
  assert.equal(closes(), 0)
  second.close()
  assert.equal(closes(), 1)
})

test('a plan that was refused gives back what it was carried', () => {
  const first = planOf(config)
  const closes = countCloses(first.origins.get('app'))
  planOf(config, first).close()
  assert.equal(closes(), 0)
  first.close()
  assert.equal(closes(), 1)
})

test('an origin that has changed, or whose bounds have, is a new one', () => {
  const first = planOf(config)
  const others: HeadgateConfig[] = [
    { ...config, origins: { app: '127.0.0.1:3001' } },
    { ...config, origins: { app: { servers: '127.0.0.1:3000', balance: 'least-requests' } } },
    { ...config, timeouts: { connect: '1s' } },
    { ...config, limits: { fieldsMax: 50 } },
  ]
  for (const other of others) {
    const second = planOf(other, first)
    assert.notEqual(second.origins.get('app'), first.origins.get('app'))
    second.close()
  }
  first.close()
})

test('two spellings of one config have one hash, and what is served decides it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-hash-'))
  try {
    const page = join(folder, 'sorry.html')
    const yaml = join(folder, 'a.yaml')
    const json = join(folder, 'a.json')
    writeFileSync(page, 'one')
    writeFileSync(
      yaml,
      "# a comment\nerrorPages: { 5xx: sorry.html }\ndrainTimeout: 1m\nsites: { '*': 'a:1' }\n",
    )
    writeFileSync(
      json,
      '{"sites":{"*":[{"origin":"a:1"}]},"drainTimeout":60000,"errorPages":{"5xx":"sorry.html"}}',
    )
    const hash = async (file: string): Promise<string> => hashOf(planOf(await loadConfig(file)))
    const first = await hash(yaml)
    assert.equal(await hash(json), first)
    writeFileSync(page, 'two')
    assert.notEqual(await hash(yaml), first)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function hashOf(plan: Plan): string {
  plan.close()
  return plan.hash
}

function hashWith(more: HeadgateConfig): string {
  return hashOf(planOf({ ...config, ...more }))
}

test('the order of routes and an unlimited size are part of the hash', () => {
  const route = { match: '/a', origin: 'a:1' }
  assert.notEqual(
    hashWith({ sites: { '*': [route, { origin: 'a:1' }] } }),
    hashWith({ sites: { '*': [{ origin: 'a:1' }, route] } }),
  )
  assert.notEqual(
    hashWith({ limits: { bodyBytesMax: 'unlimited' } }),
    hashWith({ limits: { bodyBytesMax: 0 } }),
  )
})

function viaName(more: HeadgateConfig): string {
  const plan = planOf({ ...config, ...more })
  plan.close()
  return plan.forwarding.viaName
}

test('our name in Via is the same for the same config and another for another origin', () => {
  assert.equal(viaName({}), viaName({ drainTimeout: '1s' }))
  assert.notEqual(viaName({}), viaName({ origins: { app: '127.0.0.1:3001' } }))
  assert.notEqual(viaName({}), viaName({ listeners: [1] }))
  assert.equal(viaName({ forwarding: { name: 'edge-1' } }), 'edge-1')
})

test('error pages: a status goes over its class', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-pages-'))
  try {
    writeFileSync(join(folder, '502.html'), 'bad gateway')
    writeFileSync(join(folder, 'any.txt'), 'sorry')
    const loaded = readConfig({ ...config, errorPages: { 502: '502.html', '5xx': 'any.txt' } }, folder)
    const plan = planOf(loaded)
    assert.equal(plan.errorPages.find(502)?.body.toString(), 'bad gateway')
    assert.equal(plan.errorPages.find(502)?.contentType, 'text/html; charset=utf-8')
    assert.equal(plan.errorPages.find(503)?.body.toString(), 'sorry')
    assert.equal(plan.errorPages.find(404), null)
    plan.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('proxies that are trusted are those of the networks', () => {
  const plan = planOf({ ...config, trustedProxies: '10.0.0.0/8' })
  assert.equal(plan.forwarding.isTrusted('10.1.2.3'), true)
  assert.equal(plan.forwarding.isTrusted('::ffff:10.1.2.3'), true)
  assert.equal(plan.forwarding.isTrusted('11.0.0.1'), false)
  assert.equal(plan.forwarding.isTrusted(''), false)
  plan.close()
})
