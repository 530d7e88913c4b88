/**
 * Many clients for one cold object through a route with `cache`: what the origin is asked, what each client gets and when,
 * and what memory it takes. Smaller than life unless HEADGATE_COLLAPSE=full: then 200 clients for 100 MB, of which twenty
 * read 1 MB/s, and 1,000 for 1 MB; the bounds of time hold on a machine that does nothing else.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EdgeProcess, makeFolder } from '../edge-process.ts'
import { objectOf } from '../object-body.ts'
import { ObjectClient, type ClientOptions } from '../object-client.ts'
import { ObjectOrigin } from '../object-origin.ts'

const isFull = process.env['HEADGATE_COLLAPSE'] === 'full'
const megabyte = 1_000_000
const objectBytes = isFull ? 100 * megabyte : 16 * megabyte
/** Of the slow ones, of those who leave, and of those who ask for ranges. */
const few = isFull ? 20 : 4
const fastCount = isFull ? 140 : 28
const slowBytesPerSecond = isFull ? megabyte : 4 * megabyte
const rangeBytes = 100_000
/** So long that everybody has asked before there is an answer. */
const headDelayMs = 500
const perClientBytes = 256 * 1024
/** Other tests run meanwhile, unless this is asked for by itself. */
const slowdownMax = 1.3
const unsteadyMs = isFull ? 0 : 3000
const firstByteMsMax = isFull ? 50 : 1000
/** What the runtime's young generation takes once there is much to do: a small crowd's bytes do not hide it. */
const youngBytes = isFull ? 0 : 16 * megabyte

/** Above what it takes at rest. */
const growthBytesMax = objectBytes + (fastCount + 3 * few) * perClientBytes + youngBytes

const object = objectOf(objectBytes)
let origin: ObjectOrigin

before(async () => {
  origin = await ObjectOrigin.start(objectBytes, headDelayMs)
})
after(() => origin.stop())

async function startEdge(t: TestContext, cache: object): Promise<EdgeProcess> {
  const edge = new EdgeProcess(t)
  edge.write({
    cache,
    origins: { app: `http://127.0.0.1:${origin.port}` },
    sites: { '*': [{ origin: 'app', cache: true }] },
    log: { access: false, errorFile: edge.errorsPath },
  })
  await edge.start()
  // What it takes to serve at all is not counted.
  const warm = { port: edge.port, path: '/warm', object, range: [0, 999] } as const
  for (let i = 0; i < 20; i++) await new ObjectClient({ ...warm, path: `/warm/${i}` }).done
  return edge
}

function memoryBytes(edge: EdgeProcess, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${edge.pid}/status`, 'latin1')
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** Each time it is another cold object. */
let keptCount = 0

interface Crowd {
  readonly fast: ObjectClient[]
  readonly slow: ObjectClient[]
  readonly leaving: ObjectClient[]
  readonly ranges: ObjectClient[]
  readonly path: string
}

function many(count: number, options: (index: number) => ClientOptions): ObjectClient[] {
  return Array.from({ length: count }, (_, index) => new ObjectClient(options(index)))
}

/** One who will leave asks first. */
async function sendCrowd(edge: EdgeProcess, path: string, slowCount: number): Promise<Crowd> {
  const plain = { port: edge.port, path, object }
  const leaves = { ...plain, leavesAfterBytes: objectBytes / 2 }
  const leaving = many(1, () => leaves)
  await sleep(50)
  const fast = many(fastCount, () => plain)
  const slow = many(slowCount, () => ({ ...plain, bytesPerSecond: slowBytesPerSecond }))
  leaving.push(...many(few - 1, () => leaves))
  const ranges = many(few, (index) => {
    const first = Math.floor((objectBytes / few) * index)
    return { ...plain, range: [first, first + rangeBytes - 1] }
  })
  return { fast, slow, leaving, ranges, path }
}

function everybody({ fast, slow, leaving, ranges }: Crowd): ObjectClient[] {
  return [...fast, ...slow, ...leaving, ...ranges]
}

async function ended(clients: readonly ObjectClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.done))
}

/** From the origin's head to the last byte of the last fast one. */
function fastMs(path: string, { fast }: Crowd): number {
  const asked = origin.asked(path).find((one) => one.range === '')
  return Math.max(...fast.map((client) => client.endedMs)) - (asked?.atMs ?? 0)
}

function firstByteP99Ms(path: string, crowd: Crowd): number {
  const asked = origin.asked(path).find((one) => one.range === '')
  const whole = [...crowd.fast, ...crowd.slow, ...crowd.leaving]
  const delays = whole.map((client) => client.firstByteMs - (asked?.atMs ?? 0)).toSorted((a, b) => a - b)
  return delays[Math.ceil(delays.length * 0.99) - 1] ?? NaN
}

/** Where nothing is kept, those who are left behind together have the rest fetched for them once: in one group, or two. */
function checkCrowd(path: string, crowd: Crowd, isKept: boolean): void {
  const asked = origin.asked(path)
  assert.equal(
    asked.filter((one) => one.range === '').length,
    1,
    'requests for the whole: ' + JSON.stringify(asked),
  )
  const most = 1 + few + (isKept || crowd.slow.length === 0 ? 0 : 2)
  assert.ok(asked.length <= most, `${asked.length} requests at the origin`)
  for (const client of everybody(crowd)) assert.ok(client.isRight, 'a byte out of place')
  const cut = crowd.fast.filter((client) => !client.isWhole || client.received !== objectBytes)
  const lengths = Array.from(new Set(cut.map((client) => client.received))).slice(0, 5)
  assert.deepEqual(lengths, [], `${cut.length} fast ones were cut`)
  for (const client of crowd.leaving) assert.ok(client.received >= objectBytes / 2)
  for (const client of crowd.ranges) assert.deepEqual([client.status, client.received], [206, rangeBytes])
}

/** Until it is gone another cannot have its folder. */
function kill(edge: EdgeProcess): Promise<string> {
  edge.signal('SIGKILL')
  return edge.exit
}

/** The crowd with the slow ones, and before without them and by another process. */
async function compareCrowds(t: TestContext, cache: object, isKept: boolean): Promise<Crowd> {
  const place = isKept ? `/kept${keptCount++}` : '/passed'
  const [alonePath, path] = [place + '/alone', place + '/crowd']
  const other = await startEdge(t, cache)
  const alone = await sendCrowd(other, alonePath, 0)
  await ended(everybody(alone))
  await kill(other)
  checkCrowd(alonePath, alone, isKept)
  const edge = await startEdge(t, cache)
  const base = memoryBytes(edge, 'VmRSS')
  writeFileSync(`/proc/${edge.pid}/clear_refs`, '5')
  const crowd = await sendCrowd(edge, path, few)
  await ended(crowd.fast)
  const tookMs = fastMs(path, crowd)
  await ended(everybody(crowd))
  checkCrowd(path, crowd, isKept)
  const grown = memoryBytes(edge, 'VmHWM') - base
  const aloneMs = fastMs(alonePath, alone)
  const firstMs = firstByteP99Ms(path, crowd)
  await kill(edge)
  t.diagnostic(
    `fast ones ${tookMs} ms, without the slow ones ${aloneMs}; first byte p99 ${firstMs} ms after the origin's; ` +
      `memory ${(base / megabyte).toFixed(0)} MB and ${(grown / megabyte).toFixed(0)} more; ` +
      `origin asked ${origin.asked(path).length} times`,
  )
  assert.ok(tookMs <= slowdownMax * aloneMs + unsteadyMs, `${tookMs} ms instead of ${aloneMs}`)
  assert.ok(firstMs <= firstByteMsMax, `first byte p99 ${firstMs} ms`)
  assert.ok(grown <= growthBytesMax, `${(grown / megabyte).toFixed(0)} MB more`)
  return crowd
}

describe(`many clients for one cold object of ${objectBytes / megabyte} MB`, { timeout: 400_000 }, () => {
  it('make one request, and nobody waits for the slow ones', async (t) => {
    const cache = { memory: '1GiB', entryMax: '200MiB' }
    const crowd = await compareCrowds(t, cache, true)
    for (const client of crowd.slow) assert.ok(client.isWhole, `a slow one got ${client.received}`)
  })

  it('make one request where no store can hold it; the slow ones get it whole or see that they do not', async (t) => {
    const cache = { memory: '8MiB' }
    const crowd = await compareCrowds(t, cache, false)
    const whole = crowd.slow.filter((client) => client.isWhole)
    t.diagnostic(`${whole.length} of ${crowd.slow.length} slow ones got the whole`)
  })

  it('make one request where only the disk can hold it, and then none', async (t) => {
    const folder = makeFolder(t)
    const cache = { memory: '1MiB', disk: { path: folder, size: '1GiB' } }
    const crowd = await compareCrowds(t, cache, true)
    for (const client of crowd.slow) assert.ok(client.isWhole, `a slow one got ${client.received}`)
    // It was killed.
    const edge = await startEdge(t, cache)
    const again = many(few, () => ({ port: edge.port, path: crowd.path, object }))
    await ended(again)
    for (const client of again) assert.ok(client.isWhole && client.isRight)
    assert.equal(origin.asked(crowd.path).filter((one) => one.range === '').length, 1)
  })
})

describe('a burst for one cold object of 1 MB', { timeout: 60_000 }, () => {
  it('makes one request, and all get the same bytes', async (t) => {
    const small = objectOf(megabyte)
    const smallOrigin = await ObjectOrigin.start(megabyte, headDelayMs)
    t.after(() => smallOrigin.stop())
    const edge = new EdgeProcess(t)
    edge.write({
      origins: { app: `http://127.0.0.1:${smallOrigin.port}` },
      sites: { '*': [{ origin: 'app', cache: true }] },
      log: { access: false, errorFile: edge.errorsPath },
    })
    await edge.start()
    const clients = many(isFull ? 1000 : 200, () => ({ port: edge.port, path: '/burst', object: small }))
    await ended(clients)
    assert.equal(smallOrigin.asked('/burst').length, 1)
    for (const client of clients) {
      assert.deepEqual([client.status, client.received, client.isRight], [200, megabyte, true])
    }
  })
})
