/**
 * What the engine and the proxy step cost per request, without sockets, readers and writers: the head of a plain GET is
 * put on as spans, walked through engine and proxy to a made-up upstream, and a 200 with 1 KiB comes back.
 *
 *     node bench/micro/proxy-step.ts [requests]
 */
import { parseArgs } from 'node:util'
import { NONE, type Fault } from '../../src/core/faults.ts'
import { Claims } from '../../src/http/claims.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Timers } from '../../src/core/timers.ts'
import { Engine } from '../../src/engine/chain.ts'
import { silentObserver } from '../../src/engine/observer.ts'
import type { Plan } from '../../src/engine/plan.ts'
import { createProxy, defaultProxyOptions } from '../../src/handlers/proxy.ts'
import type { Downstream, Exchange, RouteInfo, Upstream, UpstreamReceiver } from '../../src/http/exchange.ts'
import type { Fields } from '../../src/http/fields.ts'
import { Field, fieldId } from '../../src/http/known-fields.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import type { Origin } from '../../src/origin/origin.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const requests = Number(positionals[0] ?? 1_000_000)

const server = { name: 'http://10.0.0.11:3000' }
const body = Buffer.alloc(1024, 'x')

const shortHead = ['Host', 'www.example.com', 'User-Agent', 'wrk', 'Accept', '*/*']
const browserHead = [
  'Host: www.example.com',
  'Connection: keep-alive',
  'Cache-Control: max-age=0',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site: none',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-User: ?1',
  'Sec-Fetch-Dest: document',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-US,en;q=0.9',
].flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])
const answerHead = [
  'Server',
  'nginx/1.22.1',
  'Content-Type',
  'text/html',
  'Last-Modified',
  'x',
  'ETag',
  '"a"',
]

interface WireHead {
  readonly text: string
  readonly spans: readonly number[]
}

/** A head as a reader finds it: text, and per field its number and four places. */
function wireHead(startLine: string, lines: readonly string[]): WireHead {
  let text = startLine + '\r\n'
  const spans: number[] = []
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string
    const start = text.length
    text += `${name}: ${lines[i + 1]}\r\n`
    spans.push(
      fieldId(name.toLowerCase()),
      start,
      start + name.length,
      start + name.length + 2,
      text.length - 2,
    )
  }
  return { text, spans }
}

function putOn(fields: Fields, { text, spans }: WireHead): void {
  for (let i = 0; i < spans.length; i += 5)
    fields.addSpan(
      spans[i] as number,
      spans[i + 1] as number,
      spans[i + 2] as number,
      spans[i + 3] as number,
      spans[i + 4] as number,
    )
  fields.text = text
  fields.wireEnd = text.length
}

let sentBytes = 0

class BenchUpstream implements Upstream {
  readonly server = server
  readonly address = '10.0.0.11:3000'
  readonly isReused = true
  readonly connectMs = 0
  hasAnswered = false
  readonly #answer = wireHead('HTTP/1.1 200 OK', answerHead)

  send(x: Exchange, receiver: UpstreamReceiver): void {
    sentBytes += x.request.fields.toWire().length
    const { response } = x
    putOn(response.fields, this.#answer)
    response.status = 200
    response.bodyLength = body.length
    receiver.onHead(x, this)
    receiver.onBody(x, this, body, 0, body.length)
    receiver.onEnd(x, this, null)
  }

  resume(): void {}
  cancel(_fault: Fault): void {}
  takeTransport(): null {
    return null
  }
  pushKept(): void {}
}

const upstream = new BenchUpstream()
const origin: Origin = {
  name: 'app',
  mayRefuseUnseen: false,
  options: { name: 'app', servers: [{ url: server.name }] },
  open(x) {
    x.attempts++
    x.tried.push(server)
    return upstream
  },
  cancelWait() {},
  onAttemptSuccess() {},
  onAttemptFault() {},
  peek: () => server,
  authorityOf: () => '10.0.0.11:3000',
  snapshot: () => ({ name: 'app', policy: '', waiting: 0, servers: [] }),
  close() {},
}

class BenchDown implements Downstream {
  readonly remoteAddress = '192.0.2.7'
  readonly remotePort = 40_000
  readonly localPort = 80
  readonly encrypted = false
  x: Exchange | null = null

  sendInformational(): void {}
  sendHead(x: Exchange): void {
    sentBytes += x.response.fields.toWire().length
  }
  sendWhole(): void {}
  upgrade(): null {
    return null
  }
  pushKept(): void {}
  refuseReuse(): void {}
  write(): boolean {
    return true
  }
  end(): void {
    engine.finish(this.x as Exchange)
  }
  abort(): void {}
}

const forwarding = {
  isTrusted: () => false,
  claims: new Claims('X-Request-Id'),
  sendForwarded: false,
  sendXForwarded: true,
  requestIdField: 'X-Request-Id',
  viaName: 'headgate',
  sendVia: true,
  sendProxyStatus: false,
}
const proxy = createProxy(
  { ...defaultProxyOptions, origin },
  { clock: systemClock, observer: silentObserver, forwarding },
)
const route: RouteInfo = {
  name: '*[0]',
  site: '*',
  handlers: [proxy],
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
  forwarding,
  maintenance: NONE,
  clientLimits: defaultLimits,
} as unknown as Plan
const timers = new Timers(systemClock)
const engine = new Engine({ clock: systemClock, timers, observer: silentObserver, plan })

function run(name: string, head: WireHead, count: number): void {
  const down = new BenchDown()
  // CPU and not wall: the machine may be shared.
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const x = engine.begin(down)
    down.x = x
    const { request } = x
    request.method = 'GET'
    request.target = request.path = '/'
    request.queryStart = 1
    request.host = request.authority = 'www.example.com'
    putOn(request.fields, head)
    engine.serve(x)
  }
  const { user, system } = process.cpuUsage(before)
  const us = (user + system) / count
  if (name !== '') console.log(`${name}: ${us.toFixed(3)} µs per request`)
}

const short = wireHead('GET / HTTP/1.1', shortHead)
const browser = wireHead('GET / HTTP/1.1', browserHead)
run('', short, 100_000)
run('', browser, 100_000)
for (let round = 0; round < 3; round++) {
  run('short head', short, requests)
  run('browser’s head', browser, requests)
}
if (sentBytes < requests || Field.HOST !== 1) throw new Error('nothing was sent')
