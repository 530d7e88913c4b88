/** Messages of DNS, octet by octet as RFC 1035 and RFC 2136 have them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  nameBytes,
  Opcode,
  readMessage,
  readName,
  RecordType,
  txtToAdd,
  txtToDelete,
  writeMessage,
} from '../../../../../src/tls/acme/dns/message.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

test('a name is labels with their lengths, in lower case, and the root (RFC 1035 §3.1, RFC 4034 §6.2)', () => {
  assert.deepEqual(nameBytes('Ab.example.'), hex('02 6162 07 6578616d706c65 00'))
})

test('labels have 1 to 63 octets and names 255 (RFC 1035 §3.1)', () => {
  assert.equal(nameBytes('a'.repeat(63)).length, 65)
  assert.throws(() => nameBytes('a'.repeat(64)), /no name/)
  assert.throws(() => nameBytes('a..b'), /no name/)
  assert.throws(() => nameBytes(''), /no name/)
  const longest = `${`${'a'.repeat(63)}.`.repeat(3)}${'b'.repeat(61)}`
  assert.equal(nameBytes(longest).length, 255)
  assert.throws(() => nameBytes(`${longest}b`), /longer/)
})

test('an update has the zone, no prerequisites, and the record to add (RFC 2136 §2)', () => {
  const updates = [txtToAdd('_a.example', 'value', 60)]
  assert.deepEqual(
    writeMessage({ id: 0x1234, opcode: Opcode.UPDATE, name: 'example', type: RecordType.SOA, updates }),
    hex(`1234 2800 0001 0000 0001 0000
      07 6578616d706c65 00 0006 0001
      02 5f61 07 6578616d706c65 00 0010 0001 0000003c 0006 05 76616c7565`),
  )
})

test('a record is taken out with class NONE, TTL 0 and its data (RFC 2136 §2.5.4)', () => {
  assert.deepEqual(
    txtToDelete('_a.example', 'value'),
    hex('02 5f61 07 6578616d706c65 00 0010 00fe 00000000 0006 05 76616c7565'),
  )
})

test('a question has no bit set but what it is', () => {
  assert.deepEqual(
    writeMessage({ id: 1, opcode: Opcode.QUERY, name: 'example', type: RecordType.SOA }),
    hex('0001 0000 0001 0000 0000 0000 07 6578616d706c65 00 0006 0001'),
  )
})

/** An answer with a CNAME and, in the authority section, an NS, all by pointers. */
const answer = hex(`0001 8403 0001 0001 0001 0000
  01 61 07 6578616d706c65 00 0006 0001
  c00c 0005 0001 0000003c 0004 01 62 c00e
  c00e 0002 0001 0000003c 0002 c00c`)

test('records are read with their places, names through pointers (RFC 1035 §4.1.4)', () => {
  const message = readMessage(answer)
  assert.equal(message?.id, 1)
  assert.equal(message?.isResponse, true)
  assert.equal(message?.code, 3)
  assert.equal(message?.isTruncated, false)
  const [alias, server] = message?.records ?? []
  assert.deepEqual([alias?.section, alias?.name, alias?.type], [1, 'a.example', RecordType.CNAME])
  assert.equal(readName(answer, alias?.dataStart ?? 0)?.name, 'b.example')
  assert.deepEqual([server?.section, server?.name, server?.type], [2, 'example', RecordType.NS])
  assert.equal(server?.dataEnd, answer.length)
})

test('a message that is cut anywhere, or longer than it says, is none', () => {
  for (let end = 0; end < answer.length; end++)
    assert.equal(readMessage(answer.subarray(0, end)), null, `${end} octets`)
  assert.equal(readMessage(Buffer.concat([answer, Buffer.of(0)])), null)
})

test('pointers that go forward, or round in circles, are no name', () => {
  assert.equal(readName(hex('c002 01 61 00'), 0), null)
  assert.equal(readName(hex('c000'), 0), null)
  assert.equal(readName(hex('01 61 c000'), 0), null)
  assert.equal(readName(hex('01 61 00 01 62 c000'), 3)?.name, 'b.a')
  assert.equal(readName(hex('40 61 00'), 0), null)
  const long = Buffer.concat([...Array.from({ length: 128 }, () => hex('01 61')), Buffer.of(0)])
  assert.equal(readName(long, 0), null)
  assert.equal(readName(long.subarray(2), 0)?.name.length, 253)
})

test('a dot within a label is told from one between labels', () => {
  assert.equal(readName(hex('03 612e62 00'), 0)?.name, 'a\\.b')
})

test('any octets are read to an end, without an exception', () => {
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(answer)
    for (let n = 0; n < 4; n++) bytes[random(bytes.length)] = random(256)
    readMessage(bytes)
  }
})
