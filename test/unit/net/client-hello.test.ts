/** The reader of ClientHellos, over those that OpenSSL writes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { before, describe, it } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import {
  ClientHello,
  clientHelloBytesMax,
  HELLO_INCOMPLETE,
  HELLO_NONE,
  HELLO_READ,
  readClientHello,
} from '../../../src/net/client-hello.ts'
import { clientHello } from '../../fuzz/client-hello.ts'
import { inputOf } from '../../fuzz/mutate.ts'

/** What a client of Node's says first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ ...options, port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}

function read(bytes: Buffer): { result: number; hello: ClientHello } {
  const hello = new ClientHello()
  // In the middle of a buffer, so that offsets are tested too.
  const buffer = Buffer.concat([Buffer.from('\x16\x03', 'latin1'), bytes, Buffer.from('\xff\xff', 'latin1')])
  return { result: readClientHello(buffer, 2, 2 + bytes.length, hello), hello }
}

/** The same hello in records of so many bytes. */
function inRecords(hello: Buffer, recordBytes: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += recordBytes) {
    const piece = message.subarray(at, at + recordBytes)
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 0xff]), piece)
  }
  return Buffer.concat(records)
}

describe('a ClientHello', () => {
  let named: Buffer
  let nameless: Buffer
  before(async () => {
    named = await helloOf({ servername: 'WWW.Example.COM', ALPNProtocols: ['h2', 'http/1.1'] })
    nameless = await helloOf({ maxVersion: 'TLSv1.2' })
  })

  it('tells its name in lower case, and its protocols in their order', () => {
    const { result, hello } = read(named)
    assert.equal(result, HELLO_READ)
    assert.equal(hello.serverName, 'www.example.com')
    assert.deepEqual(hello.protocols, ['h2', 'http/1.1'])
  })

  it('may name nobody', () => {
    const { result, hello } = read(nameless)
    assert.deepEqual([result, hello.serverName, hello.protocols], [HELLO_READ, '', []])
  })

  for (const recordBytes of [1, 7, 100]) {
    it(`is read over records of ${recordBytes} bytes`, () => {
      const { result, hello } = read(inRecords(named, recordBytes))
      assert.deepEqual([result, hello.serverName], [HELLO_READ, 'www.example.com'])
    })
  }

  it('is not whole before its last byte', () => {
    for (const bytes of [named, inRecords(named, 50)])
      for (let end = 0; end < bytes.length; end++)
        assert.equal(read(bytes.subarray(0, end)).result, HELLO_INCOMPLETE, `${end} bytes`)
  })

  it('tells how much is missing at least, so that one in segments of one byte is not read again with each', () => {
    for (const bytes of [named, inRecords(named, 1), inRecords(named, 50)]) {
      let reads = 0
      let end = 1
      for (;;) {
        const { result, hello } = read(bytes.subarray(0, end))
        reads++
        if (result === HELLO_READ) break
        assert.equal(result, HELLO_INCOMPLETE)
        end += hello.missingBytes
        assert.ok(hello.missingBytes > 0 && end <= bytes.length, 'no more than is missing')
      }
      assert.ok(reads < 200, `read ${reads} times, of ${bytes.length} bytes`)
    }
  })

  it(`one that is not whole after ${clientHelloBytesMax} bytes is none, wherever they end`, () => {
    const message = Buffer.concat([Buffer.from([22, 3, 1, 0, 0, 1, 0, 0x3f, 0]), Buffer.alloc(0x3f00)])
    const bytes = inRecords(message, 1)
    for (let end = clientHelloBytesMax; end < clientHelloBytesMax + 12; end++)
      assert.equal(read(bytes.subarray(0, end)).result, HELLO_NONE)
  })

  it('what is no TLS is told at its first bytes', () => {
    for (const text of ['G', 'SSH-2.0', '\x16\x02', '\x80\x2e\x01', '\x17\x03\x03', 'PROXY '])
      assert.equal(read(Buffer.from(text, 'latin1')).result, HELLO_NONE)
    // A record of nothing, one that is too long, another message than ClientHello.
    assert.equal(read(Buffer.from([22, 3, 1, 0, 0])).result, HELLO_NONE)
    assert.equal(read(Buffer.from([22, 3, 1, 0x40, 1])).result, HELLO_NONE)
    assert.equal(read(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])).result, HELLO_NONE)
  })

  it(`one that announces more than ${clientHelloBytesMax} bytes is none`, () => {
    assert.equal(read(Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])).result, HELLO_NONE)
  })

  it('a length that points past its end makes it none', () => {
    const spoilt = Buffer.from(named)
    // The session id's.
    spoilt[5 + 4 + 34] = 255
    const { result, hello } = read(spoilt)
    assert.ok(result === HELLO_NONE || hello.serverName === '')
  })

  it('a name that is none of a host is none', () => {
    const at = named.indexOf('WWW.Example.COM')
    for (const name of ['WWW/Example.COM', 'WWW..xample.COM', '.WW.Example.COM', 'WWW\0Example.COM']) {
      const spoilt = Buffer.from(named)
      spoilt.write(name, at, 'latin1')
      assert.equal(read(spoilt).hello.serverName, '', name)
    }
    const dotted = Buffer.from(named)
    dotted.write('WWW.Example.CO.', at, 'latin1')
    assert.equal(read(dotted).hello.serverName, 'www.example.co')
  })

  it('the invariants hold for 4000 damaged inputs', () => {
    for (let seed = 1; seed <= 4000; seed++) {
      const input = inputOf(
        { ...clientHello, corpus: [named, nameless].map((b) => b.toString('latin1')) },
        seed,
      )
      try {
        clientHello.run(input)
      } catch (error) {
        assert.fail(`seed ${seed}: ${input.toString('hex')}\n${String(error)}`)
      }
    }
  })
})
