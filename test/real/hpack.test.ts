/**
 * HPACK in both directions against another implementation, nghttp2 within Node: its client sends random heads over one
 * connection, with tables of several sizes; we decode them, and answer with heads that it has to decode.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { test } from 'node:test'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackDecoder } from '../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { Pseudo } from '../../src/h2/static-table.ts'
import { Random } from '../sim/random.ts'
import { decoded, type Line } from '../unit/h2/header-list.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const SETTINGS = 4
const HEADERS = 1

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** As little of HTTP/2 as it takes: each request is told to `onHead`, which gives the answer's fields. */
function mirror(tableBytes: number, onHead: (lines: Line[]) => Line[]): net.Server {
  return net.createServer((socket) => {
    const decoder = new HpackDecoder(tableBytes)
    const block = new HeaderBlock()
    const encoder = new HpackEncoder(block, 16_384)
    const setting = Buffer.alloc(6)
    setting[1] = 1
    setting.writeUInt32BE(tableBytes, 2)
    socket.write(frame(SETTINGS, 0, 0, setting))
    let input = Buffer.alloc(0)
    let isBegun = false
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      input = Buffer.concat([input, data])
      if (!isBegun && input.length < preface.length) return
      if (!isBegun) input = input.subarray(preface.length)
      isBegun = true
      while (input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
        const payload = input.subarray(9, 9 + input.readUIntBE(0, 3))
        const [type, flags, stream] = [input[3], input[4] as number, input.readUInt32BE(5)]
        input = input.subarray(9 + payload.length)
        if (type === SETTINGS && flags === 0) {
          for (let at = 0; at < payload.length; at += 6)
            if (payload.readUInt16BE(at) === 1) encoder.allowTable(payload.readUInt32BE(at + 2))
          socket.write(frame(SETTINGS, 1, 0, Buffer.alloc(0)))
        }
        if (type !== HEADERS) continue
        const lines = decoded(decoder, (flags & 0x20) === 0 ? payload : payload.subarray(5))
        assert.notEqual(lines, 'bad')
        encoder.begin(0)
        encoder.pseudo(Pseudo.STATUS, '200')
        for (const [name, value] of onHead(lines as Line[])) encoder.field(0, name, value, false)
        socket.write(frame(HEADERS, 5, stream, Buffer.from(block.buffer.subarray(0, block.end))))
      }
    })
  })
}

/** Every visible character, and space within. */
function randomValue(random: Random): string {
  const length = random.skewed(200)
  const text = Array.from({ length }, () => String.fromCharCode(random.between(0x20, 0x7e))).join('')
  return text.trim()
}

for (const tableBytes of [0, 200, 4096, 16_384]) {
  test(`heads pass both ways between nghttp2 and us, with its table of ${tableBytes} bytes`, async (t) => {
    const random = new Random(tableBytes + 1)
    let received: Line[] = []
    let answer: Line[] = []
    const server = mirror(16_384, (lines) => {
      received = lines
      return answer
    })
    t.after(() => server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as net.AddressInfo
    const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { headerTableSize: tableBytes } })
    t.after(() => session.destroy())
    const names = ['x-one', 'x-two', 'etag', 'server', 'link', 'cookie', 'authorization', 'a']
    for (let n = 0; n < 200; n++) {
      const some = (): Line[] =>
        names
          .filter(() => random.chance(0.5))
          .map((name) => [name, random.chance(0.3) ? 'again' : randomValue(random)])
      const sent = some()
      answer = some()
      const stream = session.request(
        { ':path': `/${n % 7}`, ...Object.fromEntries(sent) },
        { endStream: true },
      )
      const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
      stream.resume()
      assert.deepEqual(new Map(received.filter(([name]) => !name.startsWith(':'))), new Map(sent))
      const got = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
      assert.deepEqual(
        new Map(got.filter(([name]) => name !== 'date').map(([name, value]) => [name, String(value)])),
        new Map(answer),
      )
    }
  })
}
