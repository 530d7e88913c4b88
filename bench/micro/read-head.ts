/**
 * `node bench/micro/read-head.ts [name]`: what reading and writing heads costs, against other ways to walk the same
 * bytes. The least of several rounds, in nanoseconds for one head.
 *
 * Measured with Node 26.10 on a shared virtual machine (Xeon), the least of five runs:
 *
 *     readRequestHead, wrk's head of 50 bytes            159   of these the string of the whole head 42
 *     readRequestHead, a browser's: 15 fields, 690 bytes 793   of these the string of the whole head 57
 *     readResponseHead, 12 fields                        562
 *     requestHead, a browser's                            67   (its row less the reading)
 *     responseHead, 12 fields                             62   (its row less the reading)
 *     ChunkedReader, one chunk of 1 KiB                   60
 *
 * Ways to find names and values, and nothing else; short head, browser's head:
 *
 *     walk of bytes with class tables                     19   261   checks every byte
 *     latin1 string, indexOf for lines and colons         66   314   checks nothing
 *     the same, and a table for every byte                93   793
 *
 * So bytes are walked, and the string is cut once at the end. Tried and left out, each for under a tenth of a browser's
 * head: four bytes at a time through a DataView for values and known names (which costs the short head as much), a
 * regular expression over the whole string, spans written past `addSpan`.
 */
import { tokenClass, valueClass } from '../../src/core/bytes.ts'
import { ChunkedReader } from '../../src/h1/read-chunked.ts'
import { HeadProgress, readRequestHead, readResponseHead } from '../../src/h1/read-head.ts'
import { requestHead, responseHead } from '../../src/h1/write-head.ts'
import { Exchange } from '../../src/http/exchange.ts'
import { defaultLimits } from '../../src/http/limits.ts'
import { RequestHead, ResponseHead } from '../../src/http/message.ts'

const rounds = 9
const heads = 200_000

const short = 'GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\n\r\n'
const browser =
  'GET /assets/app/main.4f3a9c.js?v=20240611 HTTP/1.1\r\n' +
  'Host: www.example.com\r\n' +
  'Connection: keep-alive\r\n' +
  'sec-ch-ua: "Chromium";v="126", "Google Chrome";v="126", "Not-A.Brand";v="8"\r\n' +
  'sec-ch-ua-mobile: ?0\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n' +
  'sec-ch-ua-platform: "Linux"\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n' +
  'Sec-Fetch-Site: same-origin\r\n' +
  'Sec-Fetch-Mode: no-cors\r\n' +
  'Sec-Fetch-Dest: script\r\n' +
  'Referer: https://www.example.com/\r\n' +
  'Accept-Encoding: gzip, deflate, br, zstd\r\n' +
  'Accept-Language: en-US,en;q=0.9\r\n' +
  'Cookie: sid=6f1c2a9b7e; theme=dark\r\n' +
  'If-None-Match: "5f3c-61a2b"\r\n\r\n'
const answer =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n' +
  'Content-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n' +
  'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: "5f3c-61a2b"\r\nVary: Accept-Encoding\r\n' +
  'Cache-Control: public, max-age=3600\r\nX-Frame-Options: SAMEORIGIN\r\n' +
  'X-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\n\r\n'

/** As in a worker: one buffer of 64 KiB for all reads. */
const buffer = Buffer.alloc(65_536)
let end = 0

function measure(name: string, text: string, once: () => number): void {
  if (process.argv[2] !== undefined && !name.includes(process.argv[2])) return
  end = buffer.write(text, 0, 'latin1')
  let sum = 0
  let bestNs = Infinity
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now()
    for (let i = 0; i < heads; i++) sum += once()
    bestNs = Math.min(bestNs, ((performance.now() - startMs) * 1e6) / heads)
  }
  if (sum < 0) throw new Error(`${name} refused its input`)
  console.log(`${bestNs.toFixed(0).padStart(6)} ns  ${name}`)
}

const request = new RequestHead()
const response = new ResponseHead()
const progress = new HeadProgress()

function readRequest(): number {
  request.reset()
  progress.reset()
  return readRequestHead(buffer, 0, end, request, progress, defaultLimits)
}

function readResponse(): number {
  response.reset()
  progress.reset()
  return readResponseHead(buffer, 0, end, response, 'GET', progress, defaultLimits)
}

const alternatives: [string, () => number][] = [
  ['walk of bytes alone', walkBytes],
  ['latin1 string, indexOf for lines and colons', walkString],
  ['latin1 string, indexOf, and a table for every byte', walkHybrid],
]

/** Finds names and values, and checks every byte: the least that a walk does. */
function walkBytes(): number {
  let i = 0
  let fields = 0
  while (valueClass[buffer[i] as number] === 1) i++
  i += 2
  while (buffer[i] !== 0x0d) {
    while (tokenClass[buffer[i] as number] === 1) i++
    if (buffer[i] !== 0x3a) return -1e9
    i++
    while (valueClass[buffer[i] as number] === 1) i++
    if (buffer[i] !== 0x0d || buffer[i + 1] !== 0x0a) return -1e9
    i += 2
    fields++
  }
  return fields
}

/** Checks nothing. */
function walkString(): number {
  const text = buffer.toString('latin1', 0, end)
  let at = text.indexOf('\r\n') + 2
  let fields = 0
  while (text.charCodeAt(at) !== 0x0d) {
    const colon = text.indexOf(':', at)
    at = text.indexOf('\r\n', colon) + 2
    fields++
  }
  return fields
}

function walkHybrid(): number {
  const text = buffer.toString('latin1', 0, end)
  let at = text.indexOf('\r\n') + 2
  let fields = 0
  while (text.charCodeAt(at) !== 0x0d) {
    const colon = text.indexOf(':', at)
    const lineEnd = text.indexOf('\r\n', colon)
    for (let i = at; i < colon; i++) if (tokenClass[buffer[i] as number] !== 1) return -1e9
    for (let i = colon; i < lineEnd; i++) if (valueClass[buffer[i] as number] !== 1) return -1e9
    at = lineEnd + 2
    fields++
  }
  return fields
}

measure('readRequestHead, short head', short, readRequest)
measure('readRequestHead, browser head', browser, readRequest)
measure('readResponseHead, 12 fields', answer, readResponse)
for (const [name, walk] of alternatives) {
  measure(`short head: ${name}`, short, walk)
  measure(`browser head: ${name}`, browser, walk)
}
measure('string of a short head', short, () => buffer.toString('latin1', 0, end).length)
measure('string of a browser head', browser, () => buffer.toString('latin1', 0, end).length)

const x = new Exchange()
Object.assign(x.outgoing, { method: 'GET', target: '/index.html', host: 'www.example.com' })
measure('requestHead, browser head', browser, () => {
  x.request.reset()
  progress.reset()
  readRequestHead(buffer, 0, end, x.request, progress, defaultLimits)
  return requestHead(x, true).length
})
measure(
  'responseHead, 12 fields',
  answer,
  () => readResponse() + responseHead(response, request, true, '').length,
)

const reader = new ChunkedReader()
measure('ChunkedReader, one chunk of 1 KiB', `400\r\n${'x'.repeat(1024)}\r\n0\r\n\r\n`, () => {
  reader.reset(defaultLimits)
  reader.next(buffer, 0, end)
  return reader.next(buffer, reader.position, end)
})
