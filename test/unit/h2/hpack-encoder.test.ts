import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeaderBlock } from '../../../src/h2/header-block.ts'
import { HpackDecoder } from '../../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../../src/h2/hpack-encoder.ts'
import { Field } from '../../../src/http/known-fields.ts'
import { Random } from '../../sim/random.ts'
import { decoded, encoded, ListSink, type Line } from './header-list.ts'

/** An encoder, and a decoder that gets all it writes. */
class Pair {
  readonly block = new HeaderBlock()
  readonly decoder: HpackDecoder
  encoder: HpackEncoder

  constructor(decoderBytes?: number, encoderBytes?: number) {
    this.decoder = new HpackDecoder(decoderBytes)
    this.encoder = new HpackEncoder(this.block, encoderBytes)
  }

  /** Sends lines, sees to it that they arrive, and tells how many bytes it took. */
  send(...lines: Line[]): number {
    const bytes = encoded(this.encoder, this.block, lines)
    assert.deepEqual(
      decoded(this.decoder, bytes),
      lines.map(([name, value]) => [name.toLowerCase(), value]),
    )
    return bytes.length
  }
}

describe('a field takes one byte', () => {
  test('when it stands in the static table', () => {
    const pair = new Pair()
    assert.equal(pair.send([':method', 'POST'], [':status', '404'], ['accept-encoding', 'gzip, deflate']), 3)
  })

  test('from the second time on', () => {
    const pair = new Pair()
    const lines: Line[] = [
      [':authority', 'example.com'],
      [':protocol', 'websocket'],
      ['server', 'x'],
      ['X-Strange', 'y'],
      ['link', '</a>'],
    ]
    assert.ok(pair.send(...lines) > 30)
    assert.equal(pair.send(...lines), lines.length)
  })

  test('from the third time on where it mostly changes', () => {
    const pair = new Pair()
    const lines: Line[] = [
      [':path', '/a/b'],
      ['etag', '"abc"'],
      ['content-length', '1234'],
    ]
    assert.ok(pair.send(...lines) > 12)
    assert.ok(pair.send(...lines) > 12)
    assert.equal(pair.send(...lines), lines.length)
  })

  test('also when its value takes turns with another', () => {
    const pair = new Pair()
    for (const value of ['a', 'b', 'b']) pair.send(['cache-control', value])
    assert.equal(pair.send(['cache-control', 'a'], ['cache-control', 'b']), 2)
  })
})

test('what changes each time does not drive out what stays', () => {
  const pair = new Pair()
  pair.send(['server', 'stays'])
  for (let n = 0; n < 1000; n++) pair.send(['x-number', 'n'.repeat(50) + n], ['etag', 'e'.repeat(50) + n])
  assert.equal(pair.send(['server', 'stays']), 1)
})

describe('credentials', () => {
  const secrets: Line[] = [
    ['authorization', 'Basic abc'],
    ['proxy-authorization', 'x'],
    ['cookie', 'a=b'],
    ['set-cookie', 'c=d'],
    ['x-api-key', '123'],
    ['x-csrf-token', '123'],
    ['x-amz-security-token', 'y'],
  ]
  test('never enter the table and are marked, however often they come (RFC 7541 §7.1.3)', () => {
    const pair = new Pair()
    for (let n = 0; n < 5; n++) {
      const sink = new ListSink()
      const bytes = encoded(pair.encoder, pair.block, secrets)
      new HpackDecoder().decode(bytes, 0, bytes.length, sink)
      assert.deepEqual(sink.lines, secrets)
      assert.equal(sink.secrets.length, secrets.length)
    }
  })

  test('are what came as such, whatever the name (RFC 7541 §6.2.3)', () => {
    const { encoder, block } = new Pair()
    const sink = new ListSink()
    encoder.begin(0)
    for (let n = 0; n < 3; n++) {
      encoder.field(Field.SERVER, '', 'a', true)
      encoder.field(0, 'X-Mine', 'b', true)
    }
    new HpackDecoder().decode(block.buffer, 0, block.end, sink)
    assert.equal(sink.secrets.length, 6)
  })
})

describe('Huffman', () => {
  test('is used where it is shorter only', () => {
    const pair = new Pair()
    const long = '{}|'.repeat(20)
    assert.ok(pair.send(['a', 'www.example.com']) <= 16)
    assert.equal(pair.send(['a', long]), 2 + 1 + long.length)
  })
})

describe("the peer's table", () => {
  test('of no bytes is not used, and it is told so first (RFC 7541 §4.2)', () => {
    const pair = new Pair()
    pair.send(['server', 'x'])
    pair.encoder.allowTable(0)
    const first = pair.send(['server', 'x'])
    assert.ok(first > 3)
    assert.equal(pair.send(['server', 'x']), first - 1)
  })

  test('that shrank and grew between two blocks is emptied on both sides', () => {
    const pair = new Pair()
    pair.send(['server', 'x'])
    pair.encoder.allowTable(10)
    pair.encoder.allowTable(4096)
    assert.ok(pair.send(['server', 'x']) > 6)
    assert.equal(pair.send(['server', 'x']), 1)
  })

  test('that shrank and grew while nothing was there costs nothing when it is the same again and smaller', () => {
    const pair = new Pair()
    pair.encoder.allowTable(4096)
    assert.equal(pair.send([':method', 'GET']), 1)
  })

  test('is used up to the own limit', () => {
    const pair = new Pair(65_536, 8192)
    pair.encoder.allowTable(1_000_000)
    for (let n = 0; n < 100; n++) pair.send([`x-${n % 50}`, 'v'.repeat(100)])
    assert.equal(pair.send(['x-0', 'v'.repeat(100)]), 1)
  })

  test('smaller than 4096 by the own limit is told in the first block', () => {
    const pair = new Pair(4096, 100)
    pair.send(['server', 'x'])
    for (let n = 0; n < 20; n++) pair.send([`x-${n}`, 'v'])
  })
})

test('more names than are told apart start anew', () => {
  const pair = new Pair()
  for (let round = 0; round < 3; round++)
    for (let n = 0; n < 150; n++) pair.send([`x-${n}`, String(round)], ['x-0', 'z'])
})

test('a block larger than the buffer makes it grow', () => {
  const pair = new Pair()
  pair.send(['a', '{'.repeat(100_000)], ['b', 'c'.repeat(100_000)])
})

test('bytes are left free before the block', () => {
  const { encoder, block } = new Pair()
  encoder.allowTable(0)
  encoder.begin(9)
  encoder.field(Field.SERVER, '', 'x', false)
  assert.equal(block.buffer[9], 0x20)
})

test('whatever is sent arrives, whatever the tables do', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const pair = new Pair(16_384, random.pick([0, 64, 300, 4096, 16_384]))
    const names = [
      ':path',
      ':status',
      'server',
      'etag',
      'cookie',
      'date',
      'link',
      'via',
      'x-a',
      'x-b',
      'X-Key',
    ]
    for (let n = 0; n < 300; n++) {
      if (random.chance(0.1)) pair.encoder.allowTable(random.pick([0, 40, 150, 4096, 16_384]))
      const lines: Line[] = []
      for (let k = random.between(0, 8); k > 0; k--) {
        const name = random.chance(0.05) ? `x-${random.between(0, 99)}` : random.pick(names)
        lines.push([
          name,
          random.pick(['', '/', '200', 'short', 'v'.repeat(random.between(1, 120)), 'ü\u0000~']),
        ])
      }
      pair.send(...lines)
    }
  }
})
