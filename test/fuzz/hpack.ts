/**
 * Fuzz target: HPACK.
 *
 * Invariants: the decoder never throws and never looks beyond the block; the verdict does not depend on whether the sink
 * still listens; a block that was decoded is decoded the same again by a fresh decoder; what was decoded and is encoded again, over two blocks of
 * one connection, is decoded with an equal meaning; names and values that were not marked as bad are good.
 */
import assert from 'node:assert/strict'
import { Faults, NONE } from '../../src/core/faults.ts'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackDecoder } from '../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { isFieldName, isFieldValue } from '../../src/http/fields.ts'
import { ListSink } from '../unit/h2/header-list.ts'
import type { FuzzTarget } from './mutate.ts'

function decode(decoder: HpackDecoder, bytes: Buffer, behind: number, linesMax: number): [number, ListSink] {
  const sink = new ListSink(linesMax)
  const buffer = Buffer.concat([Buffer.of(0x82), bytes, Buffer.alloc(40, behind)])
  return [decoder.decode(buffer, 1, 1 + bytes.length, sink), sink]
}

function checkSink(sink: ListSink): void {
  for (const [i, [name, value]] of sink.lines.entries()) {
    if ((sink.known[i] as number) < 0) continue
    assert.ok(isFieldName(name.replace(/^:/, '')) && name === name.toLowerCase(), 'a good name')
    assert.ok(isFieldValue(value), 'a good value')
  }
}

function checkAgain(sink: ListSink): void {
  const block = new HeaderBlock()
  const encoder = new HpackEncoder(block)
  const decoder = new HpackDecoder()
  for (let round = 0; round < 2; round++) {
    encoder.begin(0)
    for (const [i, [name, value]] of sink.lines.entries()) {
      const known = Math.max(0, sink.known[i] as number)
      encoder.field(known, name.toLowerCase(), value, sink.secrets.includes(name))
    }
    const [fault, again] = decode(decoder, Buffer.from(block.buffer.subarray(0, block.end)), 0, Infinity)
    assert.equal(fault, NONE)
    assert.deepEqual(
      again.lines,
      sink.lines.map(([name, value]) => [name.toLowerCase(), value]),
      'with the same meaning',
    )
  }
}

export const hpack: FuzzTarget = {
  corpus: [
    '\x82\x86\x84\x41\x0fwww.example.com',
    '\x82\x86\x84\xbe\x58\x08no-cache',
    '\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value',
    '\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff',
    '\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf\xbe',
    '\x3f\xe1\x01\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44',
    '\x10\x08password\x06secret\x00\x01a\x01b\x40\x01c\x01d\xbe\x20\x3f\xe1\x1f',
    '\x20\x3f\xe1\x1f\x7f\x80\x01\x01x\xff\x80\x01',
  ],
  words: [
    '\x40\x01a\x01b',
    '\xbe',
    '\xff',
    '\x80',
    '\x20',
    '\x3f\xe1\x1f',
    '\x3f\xff\xff\xff\x7f',
    '\xff'.repeat(9),
  ],
  run(bytes) {
    const [fault, sink] = decode(new HpackDecoder(), bytes, 0x82, Infinity)
    const [deaf] = decode(new HpackDecoder(), bytes, 0xff, 1)
    assert.equal(deaf, fault, 'the same verdict')
    assert.ok(fault === NONE || fault === Faults.H2_COMPRESSION_ERROR)
    checkSink(sink)
    checkAgain(sink)
  },
}
