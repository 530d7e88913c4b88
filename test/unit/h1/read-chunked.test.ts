import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultRow, Faults } from '../../../src/core/faults.ts'
import {
  answerFault,
  CHUNK_DATA,
  CHUNK_END,
  CHUNK_MORE,
  ChunkedReader,
} from '../../../src/h1/read-chunked.ts'
import { defaultLimits } from '../../../src/http/limits.ts'
import { chunked } from './reading.ts'

const end = '0\r\n\r\n'

describe('a chunked body', () => {
  const right: [string, string, string][] = [
    [end, '', 'nothing'],
    ['5\r\nhello\r\n' + end, 'hello', 'one chunk'],
    ['5\r\nhello\r\n6\r\n world\r\n' + end, 'hello world', 'two chunks'],
    ['a\r\n0123456789\r\n' + end, '0123456789', 'a size in lower case'],
    ['A\r\n0123456789\r\n' + end, '0123456789', 'a size in upper case'],
    ['0000000000000005\r\nhello\r\n' + end, 'hello', 'a size of 16 digits'],
    ['0000000000000000\r\n\r\n', '', 'an end of 16 digits'],
    ['4\r\n\r\n\r\n\r\n' + end, '\r\n\r\n', 'data that looks like line ends'],
    ['7\r\n0\r\n\r\nab\r\n' + end, '0\r\n\r\nab', 'data that looks like the end'],
    ['3;a\r\nabc\r\n' + end, 'abc', 'an extension'],
    ['3;a=b\r\nabc\r\n' + end, 'abc', 'an extension with a value'],
    ['3;a="b;\\"c\\\\\\\td"\r\nabc\r\n' + end, 'abc', 'an extension in quotes'],
    ['3;a=b;c;d="e"\r\nabc\r\n' + end, 'abc', 'several extensions'],
    ['3 ; a = b \t;\tc\r\nabc\r\n' + end, 'abc', 'space before and after signs (RFC 9112 §7.1.1)'],
    ['3;a="\xe4"\r\nabc\r\n' + end, 'abc', 'obs-text in quotes'],
    ['0;a=b\r\n\r\n', '', 'an extension of the last chunk'],
  ]
  for (const [text, body, why] of right) {
    test(`of ${why} is read`, () => {
      const reading = chunked(text + 'GET / ')
      assert.equal(reading.verdict, 'whole')
      assert.equal(reading.body, body)
      assert.equal(reading.consumed, text.length)
    })
  }

  const wrong: [string, string][] = [
    ['\r\n', 'no size'],
    ['g\r\n', 'a letter that is no digit'],
    [' 5\r\nhello', 'a space before the size'],
    ['\t5\r\nhello', 'a tab before the size'],
    ['+5\r\nhello', 'a sign'],
    ['-5\r\nhello', 'a negative size'],
    ['0x5\r\nhello', 'a prefix'],
    ['5h\r\nhello', 'a letter behind the size'],
    ['5 \r\nhello', 'a space at the end of the line'],
    ['5\t\r\nhello', 'a tab at the end of the line'],
    ['5 5\r\nhello', 'two sizes'],
    ['5,\r\nhello', 'a comma'],
    ['5.0\r\nhello', 'a point'],
    ['5\nhello\r\n', 'a bare LF behind the size'],
    ['5\rhello\r\n', 'a bare CR behind the size'],
    ['5\r\r\nhello', 'two CR'],
    ['5\0\r\nhello', 'NUL behind the size'],
    ['\xb5\r\nhello', 'a byte beyond ASCII'],
    ['00000000000000005\r\nhello', 'a size of 17 digits'],
    ['20000000000000\r\n', 'a size of 2^53'],
    ['ffffffffffffffff\r\n', 'a size of 2^64 - 1'],
    ['10000000000000005\r\nhello', 'a size that wraps around'],
    ['5\r\nhelloX\r\n', 'data longer than the size'],
    ['5\r\nhell\r\n' + end, 'data shorter than the size'],
    ['5\r\nhello\n0\r\n', 'a bare LF behind the data'],
    ['5\r\nhello\rX', 'a bare CR behind the data'],
    ['5\r\nhello0\r\n\r\n', 'no line end behind the data'],
    ['5\r\nhello\r\n\r\n', 'an empty line between chunks'],
    ['5;\r\nhello', 'a semicolon alone'],
    ['5;;a\r\nhello', 'two semicolons'],
    ['5;=b\r\nhello', 'a value without a name'],
    ['5;a=\r\nhello', 'a name without its value'],
    ['5;a b\r\nhello', 'two names'],
    ['5;a=b c\r\nhello', 'two values'],
    ['5;a="b\r\nhello', 'an open quote at the end of the line'],
    ['5;a="b\nc"\r\nhello', 'LF in quotes'],
    ['5;a="b\r\nc"\r\nhello', 'CR LF in quotes'],
    ['5;a="\\\r\n"\r\nhello', 'an escaped line end'],
    ['5;a="\0"\r\nhello', 'NUL in quotes'],
    ['5;a="b"c\r\nhello', 'text behind quotes'],
    ['5;a\nhello\r\n', 'a bare LF behind an extension'],
    ['5;a\rX\r\nhello', 'a bare CR in an extension'],
    ['5;a \r\nhello', 'a space behind an extension'],
    ['5;\xe4\r\nhello', 'a name beyond ASCII'],
    ['5;a="b" \r\nhello', 'a space behind quotes'],
  ]
  for (const [text, why] of wrong) {
    test(`with ${why} is refused (RFC 9112 §7.1)`, () => assert.equal(chunked(text).verdict, 'chunk_bad'))
  }

  test('that is not whole asks for more, whatever is missing', () => {
    const text = '5;a="b"\r\nhello\r\n0\r\nA: b\r\n\r\n'
    for (let length = 1; length < text.length; length++)
      assert.equal(chunked(text.slice(0, length)).verdict, 'more', `${length} bytes`)
  })

  test('of the largest size is given piece by piece', () => {
    const { verdict, body } = chunked('1fffffffffffff\r\nhello')
    assert.deepEqual([verdict, body], ['more', 'hello'])
  })
})

describe('chunk extensions', () => {
  test('may have exactly as many bytes as the limit', () => {
    const extension = ';a=' + 'b'.repeat(61)
    const text = '3' + extension + '\r\nabc\r\n' + end
    assert.equal(chunked(text, { chunkExtensionBytesMax: 64 }).verdict, 'whole')
    assert.equal(chunked(text, { chunkExtensionBytesMax: 63 }).verdict, 'chunk_extension_too_long')
  })

  test('are refused before their line is whole', () => {
    const text = '3;a=' + 'b'.repeat(5000)
    assert.equal(chunked(text).verdict, 'chunk_extension_too_long')
    assert.equal(chunked('3' + ' '.repeat(5000)).verdict, 'chunk_extension_too_long')
  })

  test('are bounded for each chunk', () => {
    const text = ('1;a=' + 'b'.repeat(50) + '\r\nX\r\n').repeat(10) + end
    assert.equal(chunked(text, { chunkExtensionBytesMax: 64 }).verdict, 'whole')
  })

  test('may be forbidden', () => {
    const limits = { chunkExtensionBytesMax: 0 }
    assert.equal(chunked('3\r\nabc\r\n' + end, limits).verdict, 'whole')
    assert.equal(chunked('3;a\r\nabc\r\n' + end, limits).verdict, 'chunk_extension_too_long')
  })
})

describe('trailers', () => {
  test('are read like fields', () => {
    const text = '3\r\nabc\r\n0\r\nX-Sum:  12 \r\nETag: "a"\r\n\r\n'
    const reading = chunked(text + 'rest')
    assert.equal(reading.verdict, 'whole')
    assert.equal(reading.consumed, text.length)
    assert.deepEqual(reading.trailers, ['X-Sum', '12', 'ETag', '"a"'])
  })

  test('that must not be there are left out (RFC 9110 §6.5.1)', () => {
    const names = [
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      'TE',
      'Trailer',
      'Authorization',
      'Set-Cookie',
      'Cache-Control',
      'Content-Type',
      'Content-Encoding',
      'Content-Range',
      'Expect',
      'Upgrade',
      'Keep-Alive',
      'Proxy-Connection',
      'X_Forwarded_For',
    ]
    const lines = names.map((name) => `${name}: x\r\n`).join('')
    const reading = chunked(`0\r\nA: 1\r\n${lines}B: 2\r\n\r\n`)
    assert.equal(reading.verdict, 'whole')
    assert.deepEqual(reading.trailers, ['A', '1', 'B', '2'])
  })

  const wrong = [
    ' A: b\r\n',
    'A: b\r\n c\r\n',
    'A : b\r\n',
    ': b\r\n',
    'A\r\n',
    'A: \0\r\n',
    'A: b\n',
    'A: b\rC: d\r\n',
    '\n',
    '\rX',
    'Content-Length: 1\r\nContent-Length: 2\r\n',
    'GET / HTTP/1.1\r\n',
  ]
  for (const lines of wrong) {
    test(`${JSON.stringify(lines)} are refused`, () => {
      assert.equal(chunked('0\r\n' + lines + '\r\n').verdict, 'trailer_bad')
    })
  }

  test('may have exactly as many bytes as the limit', () => {
    const line = 'A: ' + 'b'.repeat(95) + '\r\n'
    assert.equal(chunked('0\r\n' + line + '\r\n', { trailerBytesMax: 100 }).verdict, 'whole')
    assert.equal(chunked('0\r\n' + line + '\r\n', { trailerBytesMax: 99 }).verdict, 'trailer_too_large')
  })

  test('are refused before they are whole', () => {
    assert.equal(chunked('0\r\nA: ' + 'b'.repeat(9000)).verdict, 'trailer_too_large')
    assert.equal(chunked('0\r\n' + 'A: b\r\n'.repeat(101)).verdict, 'trailer_too_large')
    assert.equal(chunked('0\r\n' + 'A: b\r\n'.repeat(100) + '\r\n').verdict, 'whole')
  })

  test('may be forbidden', () => {
    assert.equal(chunked(end, { trailerBytesMax: 0 }).verdict, 'whole')
    assert.equal(chunked('0\r\nA:\r\n\r\n', { trailerBytesMax: 0 }).verdict, 'trailer_too_large')
  })
})

describe('the reader', () => {
  test('gives a large chunk as spans of the input, without a copy', () => {
    const reader = new ChunkedReader()
    reader.reset(defaultLimits)
    const buffer = Buffer.concat([
      Buffer.from('10000\r\n'),
      Buffer.alloc(65_536, 0x61),
      Buffer.from('\r\n' + end),
    ])
    assert.equal(reader.next(buffer, 0, buffer.length), CHUNK_DATA)
    assert.deepEqual([reader.dataStart, reader.dataEnd], [7, 7 + 65_536])
    assert.equal(reader.next(buffer, reader.position, buffer.length), CHUNK_END)
    assert.equal(reader.position, buffer.length)
  })

  test('stays at the end when asked again, and begins anew after reset', () => {
    const reader = new ChunkedReader()
    for (let round = 0; round < 3; round++) {
      reader.reset(defaultLimits)
      const buffer = Buffer.from(`1\r\nX\r\n0\r\nA: ${round}\r\n\r\n`)
      assert.equal(reader.next(buffer, 0, buffer.length), CHUNK_DATA)
      assert.equal(reader.next(buffer, reader.position, buffer.length), CHUNK_END)
      assert.deepEqual(reader.trailers.toArray(), ['A', String(round)])
      assert.equal(reader.next(buffer, reader.position, buffer.length), CHUNK_END)
      assert.equal(reader.position, buffer.length)
    }
  })

  test('given nothing asks for more', () => {
    const reader = new ChunkedReader()
    reader.reset(defaultLimits)
    assert.equal(reader.next(Buffer.alloc(0), 0, 0), CHUNK_MORE)
  })
})

describe('faults of answers', () => {
  test('every fault that a reader shares has its name when an origin commits it', () => {
    const shared = [
      Faults.HEAD_TOO_LARGE,
      Faults.FIELDS_TOO_MANY,
      Faults.FIELD_NAME_BAD,
      Faults.FIELD_VALUE_BAD,
      Faults.FIELD_FOLDED,
      Faults.LINE_END_BAD,
      Faults.HOST_REPEATED,
      Faults.LENGTH_REPEATED,
      Faults.CHUNK_BAD,
      Faults.CHUNK_EXTENSION_TOO_LONG,
      Faults.TRAILER_BAD,
      Faults.TRAILER_TOO_LARGE,
    ]
    for (const fault of shared) {
      const row = faultRow(answerFault(fault))
      assert.equal(row.side, 'origin', faultRow(fault).name)
      assert.equal(row.status, 502)
    }
  })

  test('others stay what they are', () => {
    for (const fault of [Faults.ORIGIN_REFUSED, Faults.CLIENT_GONE, 0])
      assert.equal(answerFault(fault), fault)
  })
})
