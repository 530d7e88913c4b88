import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  hexValue,
  isAllOf,
  readDecimal,
  readHexByte,
  tokenClass,
  unreservedClass,
  valueClass,
} from '../../../src/core/bytes.ts'

function bytesOf(table: Uint8Array): string {
  return String.fromCharCode(...[...table.keys()].filter((byte) => table[byte] === 1))
}

describe('class tables', () => {
  test('the token class holds the tchar of RFC 9110 §5.6.2 and nothing else', () => {
    assert.equal(
      bytesOf(tokenClass),
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    )
  })

  test('the value class holds HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5)', () => {
    for (let byte = 0; byte < 256; byte++) {
      const isAllowed = byte === 9 || (byte >= 32 && byte <= 126) || byte >= 128
      assert.equal(valueClass[byte], isAllowed ? 1 : 0, `byte ${byte}`)
    }
  })

  test('the unreserved class is that of RFC 3986 §2.3', () => {
    assert.equal(
      bytesOf(unreservedClass),
      '-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~',
    )
  })

  test('hexValue knows the 22 digits and gives -1 for the rest', () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte)
      assert.equal(hexValue[byte], /^[\dA-Fa-f]$/.test(character) ? parseInt(character, 16) : -1)
    }
  })

  test('isAllOf says no to the empty text and to characters beyond a byte', () => {
    assert.equal(isAllOf(tokenClass, 'abc'), true)
    assert.equal(isAllOf(tokenClass, ''), false)
    assert.equal(isAllOf(tokenClass, 'a b'), false)
    assert.equal(isAllOf(valueClass, 'ü'), true)
    assert.equal(isAllOf(valueClass, 'š'), false)
    assert.equal(isAllOf(valueClass, '😀'), false)
  })
})

describe('readDecimal', () => {
  const right: [string, number][] = [
    ['0', 0],
    ['7', 7],
    ['0042', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ]
  for (const [text, value] of right) {
    test(`'${text}' is ${value}`, () => assert.equal(readDecimal(text), value))
  }
  const wrong = [
    '',
    ' ',
    '+1',
    '-1',
    '1 ',
    ' 1',
    '1.0',
    '1e3',
    '0x10',
    '1_000',
    '١',
    '9007199254740992',
    '9999999999999999',
    '00000000000000001',
    '18446744073709551617',
    'Infinity',
  ]
  for (const text of wrong) {
    test(`'${text}' is no number`, () => assert.equal(readDecimal(text), -1))
  }

  test('a number above the bound given is none', () => {
    assert.equal(readDecimal('65535', 65_535), 65_535)
    assert.equal(readDecimal('65536', 65_535), -1)
  })
})

describe('readHexByte', () => {
  test('reads two digits of either case', () => {
    assert.equal(readHexByte('%2F', 1), 0x2f)
    assert.equal(readHexByte('aF', 0), 0xaf)
  })

  test('gives -1 where two digits are not there', () => {
    for (const text of ['', '2', '2g', 'g2', ' 2', '+2', '2š']) assert.equal(readHexByte(text, 0), -1, text)
  })
})
