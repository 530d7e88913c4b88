/**
 * What a hit costs inside: engine and EntryServer on made-up streams, a stored answer of 1 KiB with 10 fields, and the head
 * written as HTTP/1 would. Without lookup and verdict, which have benches of their own.
 *
 *     node bench/micro/cache-hit.ts [requests]
 */
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/core/clock.ts'
import { NONE } from '../../src/core/faults.ts'
import { Timers } from '../../src/core/timers.ts'
import { CacheStatus } from '../../src/cache/rules/cache-status.ts'
import { Entry, noTags } from '../../src/cache/store/entry.ts'
import { MemoryBody } from '../../src/cache/store/memory-body.ts'
import { EntryServer } from '../../src/cache/serve/serve.ts'
import { Engine } from '../../src/engine/chain.ts'
import { silentObserver } from '../../src/engine/observer.ts'
import type { Plan } from '../../src/engine/plan.ts'
import { responseHead } from '../../src/h1/write-head.ts'
import { Claims } from '../../src/http/claims.ts'
import { DONE, type Downstream, type Exchange, type Flow, type RouteInfo } from '../../src/http/exchange.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { StoredFields } from '../../src/http/stored-fields.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const requests = Number(positionals[0] ?? 2_000_000)

const stage = Buffer.alloc(64 * 1024)
let sentBytes = 0

class BenchDown implements Downstream {
  readonly remoteAddress = '192.0.2.7'
  readonly remotePort = 40_000
  readonly localPort = 80
  readonly encrypted = false

  sendInformational(): void {}
  sendHead(): void {}
  sendWhole(x: Exchange, body: Buffer | null): void {
    const text = responseHead(x.response, x.request, true, '')
    const length = stage.write(text, 0, 'latin1')
    body?.copy(stage, length)
    sentBytes += length + (body?.length ?? 0)
    x.isHeadSent = true
  }
  upgrade(): null {
    return null
  }
  pushKept(): void {}
  refuseReuse(): void {}
  write(): boolean {
    return true
  }
  end(): void {}
  abort(): void {}
}

function entryOf(serial: number): Entry {
  const head = {
    status: 200,
    reason: '',
    fields: StoredFields.from([
      'Server',
      'nginx',
      'Date',
      'Sat, 22 Nov 2025 09:00:00 GMT',
      'Content-Type',
      'text/html; charset=utf-8',
      'Last-Modified',
      'Sat, 22 Nov 2025 08:00:00 GMT',
      'ETag',
      `"6921a5b0-${serial}"`,
      'Cache-Control',
      'public, max-age=31536000',
      'Vary',
      'Accept-Encoding',
      'X-Content-Type-Options',
      'nosniff',
      'Accept-Ranges',
      'bytes',
      'via',
      '1.1 headgate-0123456789',
    ]),
  }
  const entry = new Entry({
    key: String(serial),
    bornAt: 1,
    site: '*',
    host: 'www.example.com',
    head,
    statedLength: 1024,
    vary: null,
    variant: '',
    tags: noTags,
    body: MemoryBody.of(Buffer.alloc(1024, 'x')),
  })
  entry.responseMs = systemClock.nowMs()
  entry.freshnessMs = 31_536_000_000
  return entry
}

const server = new EntryServer(systemClock, new CacheStatus('headgate'))
let entries: readonly Entry[] = []
let turn = 0
const cache = {
  name: 'cache',
  onRequest(x: Exchange): Flow {
    const entry = entries[turn++ % entries.length] as Entry
    server.hit(x, entry, systemClock.nowMs())
    return DONE
  },
}
const nothing = {
  name: 'nothing',
  onRequest(x: Exchange): Flow {
    systemClock.nowMs()
    x.response.status = 200
    x.answerWhole(null)
    return DONE
  },
}

function engineOf(handler: typeof cache): Engine {
  const route: RouteInfo = {
    name: '*[0]',
    site: '*',
    handlers: [handler],
    limits: {
      connectMs: 1000,
      firstByteMs: 1000,
      betweenBytesMs: 1000,
      originWriteMs: 1000,
      tunnelIdleMs: 1000,
      requestBodyBytesMax: Infinity,
    },
  }
  const plan = {
    router: { find: () => route, explain: () => route },
    forwarding: {
      isTrusted: () => false,
      claims: new Claims('X-Request-Id'),
      sendForwarded: false,
      sendXForwarded: true,
      requestIdField: 'X-Request-Id',
      viaName: 'headgate',
      sendVia: true,
      sendProxyStatus: false,
    },
    maintenance: NONE,
    clientLimits: defaultLimits,
  } as unknown as Plan
  const timers = new Timers(systemClock)
  return new Engine({ clock: systemClock, timers, observer: silentObserver, plan })
}

function run(name: string, engine: Engine, count: number): void {
  const down = new BenchDown()
  // CPU and not wall: the machine may be shared.
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const x = engine.begin(down)
    const { request } = x
    request.method = 'GET'
    request.target = request.path = '/'
    request.queryStart = 1
    request.host = request.authority = 'www.example.com'
    engine.serve(x)
    engine.finish(x)
  }
  const { user, system } = process.cpuUsage(before)
  const ns = ((user + system) / count) * 1000
  if (name !== '') console.log(`${name}: ${ns.toFixed(0)} ns per request`)
}

const hits = engineOf(cache)
const bare = engineOf(nothing)
const one = [entryOf(0)]
const many = Array.from({ length: 10_000 }, (_, serial) => entryOf(serial))
for (entries of [one, many]) run('', hits, 200_000)
run('', bare, 200_000)
for (let round = 0; round < 3; round++) {
  run('an empty answer', bare, requests)
  entries = one
  run('a hit, always the same', hits, requests)
  entries = many
  run('a hit, 10,000 in turn', hits, requests)
}
if (sentBytes < requests * 1024) throw new Error('nothing was sent')
