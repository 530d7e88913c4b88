/**
 * What a hit costs at least in this runtime: our own transport, and behind it nothing but a look at the target of the request
 * line. It answers with bytes that were made beforehand, and knows neither HTTP nor deadlines, so it is no server to
 * run: the distance of Headgate from it is what HTTP, routing and the cache cost.
 *
 *     node bench/floor-server.ts PORT
 */
import { Listener } from '../src/net/listener.ts'
import type { Transport, TransportEvents } from '../src/net/transport.ts'
import { bodyOf, bodySizes } from './origin.ts'

/** As many fields and bytes as Headgate's answer to a hit has. */
function answerWith(body: Buffer): Buffer {
  const lines = [
    'HTTP/1.1 200 OK',
    'Date: Mon, 23 Nov 2026 12:00:00 GMT',
    'Content-Type: application/octet-stream',
    `Content-Length: ${body.length}`,
    'Last-Modified: Mon, 23 Nov 2026 11:00:00 GMT',
    'ETag: "6562f0a0-400"',
    'Cache-Control: max-age=3600',
    'Accept-Ranges: bytes',
    'Via: 1.1 headgate',
    'Age: 10',
    'Cache-Status: headgate; hit; ttl=3590',
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

const answers = new Map(
  [...Object.keys(bodySizes), '/kept/now'].map((path) => [path, answerWith(bodyOf(path))]),
)
const nothing = answerWith(Buffer.alloc(0))
const methodBytes = 'GET '.length
const space = 0x20

class FixedAnswers implements TransportEvents {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const from = start + methodBytes
    const path = buffer.toString('latin1', from, Math.min(buffer.indexOf(space, from), end))
    const answer = answers.get(path) ?? nothing
    this.#transport.writeBytes(answer, 0, answer.length)
  }

  onDrain(): void {}

  onEnd(): void {
    this.#transport.end()
  }

  onClose(): void {}
}

const listener = new Listener({
  onTransport(transport) {
    transport.events = new FixedAnswers(transport)
  },
})
await listener.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? '0'), path: '' })
