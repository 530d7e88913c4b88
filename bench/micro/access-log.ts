/**
 * What a line of the access log costs: `node bench/micro/access-log.ts`. The bound that the log is built for: under 1 µs
 * for the combined form, with a browser's Referer and User-Agent and a query that is looked through for secrets.
 */
import { systemClock } from '../../src/core/clock.ts'
import { NONE } from '../../src/core/faults.ts'
import { AccessLog } from '../../src/engine/access-log.ts'
import { defaultRedactQuery, Redaction } from '../../src/engine/redaction.ts'
import { Exchange, nobody, type RouteInfo } from '../../src/http/exchange.ts'
import { Field } from '../../src/http/known-fields.ts'

const lines = 300_000
const rounds = 5
const batchBytes = 64 * 1024

function exchangeOf(target: string): Exchange {
  const x = new Exchange()
  x.down = { ...nobody, remoteAddress: '198.51.100.9', remotePort: 4711 }
  x.request.method = 'GET'
  x.request.target = target
  x.request.queryStart = target.includes('?') ? target.indexOf('?') : target.length
  x.request.authority = 'www.example.com'
  const agent =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
  x.request.fields.addKnown(Field.USER_AGENT, agent)
  x.request.fields.addKnown(Field.REFERER, 'https://www.example.com/shop/list?page=2')
  x.clientAddress = '198.51.100.9'
  x.requestId = '0b2b326ea4a5-003'
  x.route = { name: 'www.example.com[2]', site: 'www.example.com' } as RouteInfo
  x.attempts = 1
  x.upstreamAddress = '10.0.0.1:3000'
  return x
}

let kept = 0

/** Nanoseconds of user time a line, making bytes of it included; the best of some rounds. */
function measure(format: 'combined' | 'json', target: string): number {
  const log = new AccessLog(format, new Redaction(defaultRedactQuery, []), systemClock)
  const x = exchangeOf(target)
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    let batch = ''
    const startMicros = process.cpuUsage().user
    for (let i = 0; i < lines; i++) {
      // Other numbers each time, as in life: their texts are not found in a cache.
      x.bytesSent = 1000 + i
      x.connectMs = (i % 700) / 1000
      x.firstByteMs = (i % 9000) / 1000
      // As LogQueue does: lines are put together, and become bytes a batch at a time.
      batch += log.line(x, 200, NONE, (i % 11_000) / 1000)
      if (batch.length > batchBytes) {
        kept += Buffer.from(batch, 'latin1').length
        batch = ''
      }
    }
    best = Math.min(best, ((process.cpuUsage().user - startMicros) * 1000) / lines)
  }
  return Math.round(best)
}

for (const format of ['combined', 'json'] as const) {
  for (const target of [
    '/assets/app.js',
    '/search?q=headgate&page=2&sort=new',
    '/login?token=abcdef&next=home',
  ]) {
    console.log(`${format.padEnd(9)} ${String(measure(format, target)).padStart(5)} ns  ${target}`)
  }
}
if (kept === 0) console.log('nothing was written')
