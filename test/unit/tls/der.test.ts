import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  DerError,
  bitString,
  boolean,
  explicit,
  integer,
  namedBits,
  octetString,
  oid,
  readDer,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../../src/tls/der.ts'
import { needs } from '../../programs.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a number is written in the fewest octets, with a zero before a first bit of one (X.690 §8.3.2)', () => {
  assert.equal(hex(integer(0)), '020100')
  assert.equal(hex(integer(127)), '02017f')
  assert.equal(hex(integer(128)), '02020080')
  assert.equal(hex(integer(65_537)), '0203010001')
  assert.equal(hex(integer(Buffer.from([0, 0, 1]))), '020101')
  assert.equal(hex(integer(Buffer.from([0xff]))), '020200ff')
})

test('a length has one octet up to 127 and then as many as it needs (X.690 §10.1)', () => {
  assert.equal(hex(octetString(Buffer.alloc(127))).slice(0, 4), '047f')
  assert.equal(hex(octetString(Buffer.alloc(128))).slice(0, 6), '048180')
  assert.equal(hex(octetString(Buffer.alloc(256))).slice(0, 8), '04820100')
})

test('an object identifier is written and read back', () => {
  assert.equal(hex(oid('1.2.840.113549')), '06062a864886f70d')
  for (const text of ['2.5.29.17', '1.3.6.1.5.5.7.1.31', '2.999.3', '1.2.840.10045.4.3.2'])
    assert.equal(readDer(oid(text)).oid(), text)
})

test('the elements of a set stand in the order of their encodings (X.690 §11.6)', () => {
  assert.equal(hex(setOf(integer(2), integer(1))), '3106020101020102')
})

test('named bits leave out trailing zeros (X.690 §11.2.2)', () => {
  assert.equal(hex(namedBits(0)), '03020780')
  assert.equal(hex(namedBits(5, 6)), '03020106')
})

test('a time is UTCTime until 2049 and GeneralizedTime after (RFC 5280 §4.1.2.5)', () => {
  assert.equal(time(Date.UTC(2026, 0, 2, 3, 4, 5)).toString('latin1', 2), '260102030405Z')
  assert.equal(time(Date.UTC(2049, 11, 31)).toString('latin1', 2), '491231000000Z')
  assert.equal(time(Date.UTC(2050, 0, 1)).toString('latin1', 2), '20500101000000Z')
})

test('what is not DER is refused: cut off, too long a length, bytes behind it', () => {
  for (const text of ['30', '30030201', '3080020100', '3081030201ff', '020100ff', '0284000000', '1f8101'])
    assert.throws(() => readDer(Buffer.from(text, 'hex')), DerError, text)
  assert.throws(() => readDer(Buffer.from('02010000', 'hex')), DerError)
})

test('no bytes make the reader throw anything but a DerError, or read beyond them', () => {
  const seed = sequence(integer(5), explicit(0, utf8String('a')), octetString(sequence(boolean(true))))
  for (let i = 0; i < seed.length; i++) {
    for (let value = 0; value < 256; value++) {
      const bytes = Buffer.from(seed)
      bytes[i] = value
      try {
        for (const part of readDer(bytes).parts()) if ((part.tag & 0x20) !== 0) part.parts()
      } catch (error) {
        assert.ok(error instanceof DerError)
      }
    }
  }
})

test('openssl reads the same values', { skip: needs('openssl') }, () => {
  const value = sequence(
    integer(65_537),
    oid('1.2.840.10045.4.3.2'),
    boolean(true),
    setOf(utf8String('straße')),
    time(Date.UTC(2026, 0, 2)),
    bitString(Buffer.from('ff', 'hex')),
    explicit(3, octetString(Buffer.from('0102', 'hex'))),
  )
  const { stdout, status } = spawnSync('openssl', ['asn1parse', '-inform', 'DER'], {
    input: value,
    encoding: 'utf8',
  })
  assert.equal(status, 0)
  for (const line of [
    'INTEGER           :010001',
    'ecdsa-with-SHA256',
    'BOOLEAN           :255',
    'straße',
    ':260102000000Z',
    'BIT STRING',
    'cont [ 3 ]',
    '[HEX DUMP]:0102',
  ])
    assert.ok(stdout.includes(line), `${line} in ${stdout}`)
})
