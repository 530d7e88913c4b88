/**
 * A memory store with a million small objects: what an object costs beside its own bytes, how long a lookup takes, what a
 * purge of 100,000 objects by tag costs and whether it delays anybody, and what 10,000 purges by prefix a minute leave
 * behind. Run with `node --expose-gc bench/cache/million.ts [objects]`.
 */
import { Entry, noTags } from '../../src/cache/store/entry.ts'
import { CacheKey, keyHost } from '../../src/cache/keys/key.ts'
import { MemoryBody } from '../../src/cache/store/memory-body.ts'
import { MemoryStore } from '../../src/cache/memory/memory-store.ts'
import { Fields } from '../../src/http/fields.ts'
import { RequestHead } from '../../src/http/message.ts'
import { StoredFields } from '../../src/http/stored-fields.ts'
import { readTarget } from '../../src/http/target.ts'
import { machinePauseMs, Pauses, type PauseReport } from './pauses.ts'

const objects = Number(process.argv[2] ?? 1_000_000)
const bodyBytes = 500
const collectGarbage = (globalThis as { gc?: () => void }).gc ?? (() => {})
const keys = new CacheKey('www.example.com', 'app')
const pauses = new Pauses()
const store = new MemoryStore({ clock: pauses.clock, bytesMax: 2 ** 36 })
const body = Buffer.alloc(bodyBytes, 'x')
const request = new RequestHead()
request.method = 'GET'
request.scheme = 'https'
request.host = request.authority = 'www.example.com'

function target(i: number): string {
  return `/catalogue/${i % 100}/products/${i}/picture-${(i * 7919) % 1000}.jpg`
}

function ask(i: number): RequestHead {
  readTarget(target(i), request)
  return request
}

const etags = new Fields()

function headOf(i: number): StoredFields {
  etags.clear()
  etags.add('Date', 'Sun, 06 Nov 1994 08:49:37 GMT')
  etags.add('Content-Type', 'image/jpeg')
  etags.add('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT')
  etags.add('ETag', `"5f3a-${i}"`)
  etags.add('Cache-Control', 'public, max-age=86400')
  etags.add('X-Content-Type-Options', 'nosniff')
  etags.add('Via', '1.1 headgate')
  return StoredFields.of(etags)
}

let ownBytes = 0

function put(i: number, tags: readonly string[]): Entry {
  const head = ask(i)
  const entry = new Entry({
    key: keys.of(head),
    bornAt: store.generation,
    site: 'www.example.com',
    host: keyHost(head),
    head: { status: 200, reason: '', fields: headOf(i) },
    statedLength: bodyBytes,
    vary: null,
    variant: '',
    tags,
    body: new MemoryBody(bodyBytes),
  })
  // What a policy writes: fractions of milliseconds and long times, which engines keep outside of the object.
  entry.responseMs = performance.now()
  entry.dateMs = Date.now()
  entry.freshnessMs = 86_400_000
  entry.freshUntilMs = entry.responseMs + entry.freshnessMs
  entry.etag = `"5f3a-${i}"`
  entry.lastModifiedMs = 784_111_777_000
  if (!store.begin(entry) || !store.append(entry, body, 0, bodyBytes) || !store.complete(entry)) {
    throw new Error('not stored')
  }
  ownBytes += entry.key.length + entry.head.fields.text.length + bodyBytes + entry.etag.length
  return entry
}

function held(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function tell(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(64)} ${value.toFixed(value < 10 ? 2 : 0).padStart(10)} ${unit}`)
}

/** Lookups of random objects, in nanoseconds each. */
function lookup(isKeyMade: boolean): number {
  const count = 500_000
  const ready = Array.from({ length: 1000 }, () => keys.of(ask(Math.floor(Math.random() * objects))))
  let found = 0
  const begin = cpuMs()
  for (let n = 0; n < count; n++) {
    const key = isKeyMade ? (ready[n % 1000] as string) : keys.of(ask(Math.floor(Math.random() * objects)))
    if (store.find(key, request) !== null) found++
  }
  const time = cpuMs() - begin
  if (found < count * 0.5) throw new Error('too few found')
  return (time * 1e6) / count
}

/** CPU time of this thread in milliseconds: what others on the machine take does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** A request's part: one lookup. */
function lookOnce(): void {
  store.find(keys.of(ask(Math.floor(Math.random() * objects))), request)
}

function tellPauses(what: string, report: PauseReport): void {
  tell(`longest pause ${what}`, report.longestMs, 'ms')
  tell('    without the collector', report.longestOwnMs, 'ms')
  tell('    the longest of the collector', report.longestGcMs, 'ms')
  if (report.slices === 0) return
  tell("    the store's own slices: how many", report.slices, '')
  tell('    half of them within', report.sliceMedianMs, 'ms')
  tell('    99 of 100 within', report.sliceP99Ms, 'ms')
  tell('    the longest', report.sliceLongestMs, 'ms')
}

const before = held()
const rssBefore = process.memoryUsage().rss
let slowest = 0
const fillBegin = cpuMs()
for (let i = 0; i < objects; i++) {
  const begin = cpuMs()
  put(i, i % 10 === 0 ? ['promoted', 'all'] : noTags)
  slowest = Math.max(slowest, cpuMs() - begin)
}
const fillMs = cpuMs() - fillBegin
const after = held()
tell('objects', objects, '')
tell('storing one', (fillMs * 1e6) / objects, 'ns')
tell('the slowest one, garbage collection included', slowest, 'ms')
tell('memory for each, of the heap and outside', (after - before) / objects, 'bytes')
tell('of that its own: key, fields, body', ownBytes / objects, 'bytes')
tell('overhead', (after - before - ownBytes) / objects, 'bytes')
tell('what the store counts beside them', (store.bytes - ownBytes) / objects, 'bytes')
tell('resident set for each', (process.memoryUsage().rss - rssBefore) / objects, 'bytes')
for (let n = 0; n < 3; n++) lookup(true)
tell('find, key at hand, objects of 1,000', lookup(true), 'ns')
tell('target read, key made, found; random of all', lookup(false), 'ns')

tell('longest pause of a loop that does nothing, by other programs', machinePauseMs(2000), 'ms')
tellPauses('of 2 s at rest', await pauses.watch(2000, lookOnce))
const purgeBegin = performance.now()
const report = store.purge({ target: { kind: 'tag', tag: 'promoted' } })
tell(`purge of a tag with ${report.count} objects`, performance.now() - purgeBegin, 'ms')
tellPauses('of the 4 s that it is swept in', await pauses.watch(4000, lookOnce))
tell('purges still to sweep', store.snapshot().pendingPurges, '')

const seconds = Number(process.argv[3] ?? 20)
const heapBefore = held()
let purges = 0
const purgingBegin = performance.now()
const purging = await pauses.watch(seconds * 1000, () => {
  const due = ((performance.now() - purgingBegin) / 60_000) * 10_000
  for (; purges < due; purges++)
    store.purge({ target: { kind: 'prefix', host: 'www.example.com', target: target(purges * 97) } })
  lookOnce()
})
tell(`prefix purges, 10,000 a minute for ${seconds} s`, purges, '')
tellPauses('meanwhile', purging)
tell('find meanwhile', lookup(false), 'ns')
tell('purges remembered at the end', store.snapshot().purgeMarks, '')
tell('memory grown by', (held() - heapBefore) / 1024, 'KiB')
store.close()
