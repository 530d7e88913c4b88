/**
 * Fuzz target: the reader of ClientHellos.
 *
 * Invariants: it never throws; a verdict that some bytes have is that of all that begin with them; a name that it gives is one
 * of a host, in lower case.
 */
import assert from 'node:assert/strict'
import { ClientHello, HELLO_INCOMPLETE, HELLO_READ, readClientHello } from '../../src/net/client-hello.ts'
import { cutsOf, type FuzzTarget } from './mutate.ts'

const uint16 = (n: number): number[] => [n >> 8, n & 0xff]

function helloFor(name: string): string {
  const bytes = Buffer.from(name)
  const list = [0, ...uint16(bytes.length), ...bytes]
  const serverName = [...uint16(0), ...uint16(list.length + 2), ...uint16(list.length), ...list]
  const alpn = [0, 16, 0, 5, 0, 3, 2, 0x68, 0x32]
  const extensions = [...serverName, ...alpn]
  const random = Array.from({ length: 32 }, (_, i) => i)
  const body = [3, 3, ...random, 0, 0, 2, 0x13, 1, 1, 0, ...uint16(extensions.length), ...extensions]
  const message = [1, 0, ...uint16(body.length), ...body]
  return Buffer.from([22, 3, 1, ...uint16(message.length), ...message]).toString('latin1')
}

export const clientHello: FuzzTarget = {
  corpus: [helloFor('www.example.com'), helloFor('a'), helloFor('A.Example.'), helloFor('')],
  words: ['\x16\x03\x01', '\x00\x00', '\x01\x00\x00', '\xff\xff', '\x00\x10', 'example.com', '\x00'],
  run(bytes) {
    const hello = new ClientHello()
    const result = readClientHello(bytes, 0, bytes.length, hello)
    for (const cut of cutsOf(bytes)) {
      const part = readClientHello(bytes.subarray(0, cut), 0, cut, new ClientHello())
      if (part !== HELLO_INCOMPLETE) assert.equal(part, result)
    }
    if (result !== HELLO_READ) return
    assert.match(hello.serverName, /^(?:[a-z0-9_.-]{1,253})?$/)
    assert.ok(hello.protocols.every((protocol) => protocol !== ''))
  },
}
