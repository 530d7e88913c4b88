import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BODY_NONE, BODY_UNKNOWN, BODY_UNTIL_CLOSE, HTTP_1_0, HTTP_1_1 } from '../../../src/http/message.ts'
import { response } from './reading.ts'

const ok = 'HTTP/1.1 200 OK\r\n'

describe('an answer head', () => {
  test('fills everything that a plain answer says', () => {
    const text = ok + 'Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n'
    const { verdict, consumed, head } = response(text + 'hello')
    assert.equal(verdict, 'whole')
    assert.equal(consumed, text.length)
    assert.deepEqual(
      [head.version, head.status, head.reason, head.bodyLength, head.statedLength, head.persistent],
      [HTTP_1_1, 200, '', 5, 5, true],
    )
    assert.equal(head.fields.toWire(), 'Content-Type: text/plain\r\n')
  })

  test('that is not whole asks for more, whatever is missing', () => {
    const text = ok + 'A: b\r\nContent-Length: 0\r\n\r\n'
    for (let length = 1; length < text.length; length++)
      assert.equal(response(text.slice(0, length)).verdict, 'more', `${length} bytes`)
  })

  test('may have no field at all', () => assert.equal(response(ok + '\r\n').verdict, 'whole'))
})

describe('a status line', () => {
  const right: [string, number, string, number][] = [
    ['HTTP/1.1 200 OK', 200, '', HTTP_1_1],
    ['HTTP/1.0 404 Not Found', 404, '', HTTP_1_0],
    ['HTTP/1.1 200 ', 200, '', HTTP_1_1],
    ['HTTP/1.1 200', 200, '', HTTP_1_1],
    ['HTTP/1.1 200 Fine', 200, 'Fine', HTTP_1_1],
    ['HTTP/1.1 200  OK', 200, ' OK', HTTP_1_1],
    ['HTTP/1.1 200 ok', 200, 'ok', HTTP_1_1],
    ['HTTP/1.1 299 \t\xe4', 299, '\t\xe4', HTTP_1_1],
    ['HTTP/1.9 599 X', 599, 'X', HTTP_1_1],
    ['HTTP/1.1 103 Early Hints', 103, '', HTTP_1_1],
  ]
  for (const [line, status, reason, version] of right) {
    test(`${JSON.stringify(line)} is read`, () => {
      const { verdict, head } = response(line + '\r\nContent-Length: 0\r\n\r\n')
      assert.equal(verdict, 'whole')
      assert.deepEqual([head.status, head.reason, head.version], [status, reason, version])
    })
  }

  const wrong: [string, string, string][] = [
    ['HTTP/1.1 600 X\r\n', 'status_line_bad', 'a status above 599'],
    ['HTTP/1.1 999 X\r\n', 'status_line_bad', 'a status of 999'],
    ['HTTP/1.1 099 X\r\n', 'status_line_bad', 'a status below 100'],
    ['HTTP/1.1 000 X\r\n', 'status_line_bad', 'a status of 0'],
    ['HTTP/1.1 20 X\r\n', 'status_line_bad', 'two digits'],
    ['HTTP/1.1 2000 X\r\n', 'status_line_bad', 'four digits'],
    ['HTTP/1.1 20x X\r\n', 'status_line_bad', 'a letter'],
    ['HTTP/1.1 -20 X\r\n', 'status_line_bad', 'a sign'],
    ['HTTP/1.1 OK\r\n', 'status_line_bad', 'no status'],
    ['HTTP/1.1\r\n', 'status_line_bad', 'a version alone'],
    ['HTTP/1.1 \r\n', 'status_line_bad', 'a version and a space'],
    ['HTTP/\r\n', 'status_line_bad', 'a name alone'],
    ['HTTP/1.1  200 OK\r\n', 'status_line_bad', 'two spaces'],
    ['HTTP/1.1\t200 OK\r\n', 'status_line_bad', 'a tab'],
    ['HTTP/1.1 200\tOK\r\n', 'status_line_bad', 'a tab behind the status'],
    ['HTTP/1.1200 OK\r\n', 'status_line_bad', 'no space'],
    [' HTTP/1.1 200 OK\r\n', 'status_line_bad', 'a space in front'],
    ['\r\nHTTP/1.1 200 OK\r\n', 'status_line_bad', 'an empty line in front'],
    ['http/1.1 200 OK\r\n', 'status_line_bad', 'lower case'],
    ['HTTP/1.10 200 OK\r\n', 'status_line_bad', 'a minor version of two digits'],
    ['HTTP/2 200\r\n', 'status_line_bad', 'no minor version'],
    ['HTTP/1.1 200 O\0K\r\n', 'status_line_bad', 'NUL in the phrase'],
    ['HTTP/1.1 200 \x1b[0m\r\n', 'status_line_bad', 'an escape sequence in the phrase'],
    ['ICY 200 OK\r\n', 'status_line_bad', 'another protocol'],
    ['<html>\n', 'status_line_bad', 'HTTP/0.9'],
    ['SSH-2.0-x\r\n', 'status_line_bad', 'SSH'],
    ['\x15\x03\x03', 'status_line_bad', 'a TLS alert'],
    ['HTTP/2.0 200 OK\r\n', 'answer_version_bad', 'HTTP/2.0'],
    ['HTTP/0.9 200 OK\r\n', 'answer_version_bad', 'HTTP/0.9 by name'],
    ['HTTP/1.1 200 OK\n', 'answer_line_end_bad', 'a bare LF'],
    ['HTTP/1.1 200 O\rK\r\n', 'answer_line_end_bad', 'a bare CR'],
    ['HTTP/1.1 200 OK\r\r\n', 'answer_line_end_bad', 'two CR'],
  ]
  for (const [line, fault, why] of wrong) {
    test(`with ${why} is refused as ${fault}`, () => assert.equal(response(line + '\r\n').verdict, fault))
  }
})

describe('fields of an answer', () => {
  const wrong: [string, string][] = [
    [' A: b\r\n', 'answer_field_folded'],
    ['A: b\r\n c\r\n', 'answer_field_folded'],
    ['A : b\r\n', 'answer_field_bad'],
    [': b\r\n', 'answer_field_bad'],
    ['A\r\n', 'answer_field_bad'],
    ['A: \0\r\n', 'answer_field_bad'],
    ['A: b\n', 'answer_line_end_bad'],
    ['A: b\rSet-Cookie: c\r\n', 'answer_line_end_bad'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', 'answer_length_bad'],
    ['Content-Length: 5, 5\r\n', 'answer_length_bad'],
    ['Content-Length: -1\r\n', 'answer_length_bad'],
    ['Content-Length: 1 1\r\n', 'answer_length_bad'],
    ['Content-Length:\r\n', 'answer_length_bad'],
    ['Content-Length: 9007199254740992\r\n', 'answer_length_bad'],
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'answer_length_and_chunked'],
    ['Transfer-Encoding: gzip, chunked\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: gzip\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: identity\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: X-Compress\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: xchunked\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: binary, chunked\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: chunked, binary\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: binary\r\nTransfer-Encoding: binary\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: binary;a=b\r\n', 'http_response_transfer_coding'],
    ['Content-Length: 5\r\nTransfer-Encoding: binary\r\n', 'answer_length_and_chunked'],
    ['Transfer-Encoding: chunked, chunked\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding:\r\n', 'http_response_transfer_coding'],
    ['Transfer-Encoding: \x0bchunked\r\n', 'answer_field_bad'],
  ]
  for (const [lines, fault] of wrong) {
    test(`${JSON.stringify(lines)} are refused as ${fault}, whatever is asked`, () => {
      assert.equal(response(ok + lines + '\r\n').verdict, fault)
      assert.equal(response(ok + lines + '\r\n', 'HEAD').verdict, fault)
      assert.equal(response('HTTP/1.1 304 Not Modified\r\n' + lines + '\r\n').verdict, fault)
    })
  }

  test('chunked in HTTP/1.0 is refused', () => {
    const text = 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    assert.equal(response(text).verdict, 'http_response_transfer_coding')
  })
})

describe('the length of an answer (RFC 9112 §6.3)', () => {
  const length = 'Content-Length: 5\r\n'
  const chunked = 'Transfer-Encoding: chunked\r\n'
  // status, fields, method, body length, stated length, persistent
  const cases: [number, string, string, number, number, boolean][] = [
    [200, length, 'GET', 5, 5, true],
    [200, 'Content-Length: 0\r\n', 'GET', BODY_NONE, 0, true],
    [200, chunked, 'GET', BODY_UNKNOWN, -1, true],
    [200, 'Transfer-Encoding: binary\r\n', 'GET', BODY_UNTIL_CLOSE, -1, false],
    [200, 'Transfer-Encoding: binary\r\n', 'HEAD', BODY_NONE, -1, false],
    [204, 'Transfer-Encoding: binary\r\n', 'GET', BODY_NONE, -1, false],
    [304, 'Transfer-Encoding: binary\r\n', 'GET', BODY_NONE, -1, false],
    [200, '', 'GET', BODY_UNTIL_CLOSE, -1, false],
    [200, 'Connection: keep-alive\r\n', 'GET', BODY_UNTIL_CLOSE, -1, false],
    [500, length, 'POST', 5, 5, true],
    [200, length, 'HEAD', BODY_NONE, 5, true],
    [200, chunked, 'HEAD', BODY_NONE, -1, true],
    [200, '', 'HEAD', BODY_NONE, -1, true],
    [304, length, 'GET', BODY_NONE, 5, true],
    [304, '', 'GET', BODY_NONE, -1, true],
    [304, chunked, 'GET', BODY_NONE, -1, true],
    [204, '', 'GET', BODY_NONE, -1, true],
    [204, 'Content-Length: 0\r\n', 'GET', BODY_NONE, 0, true],
    [204, length, 'GET', BODY_NONE, 5, false],
    [204, chunked, 'GET', BODY_NONE, -1, false],
    [100, '', 'POST', BODY_NONE, -1, true],
    [103, 'Link: </a>\r\n', 'GET', BODY_NONE, -1, true],
    [103, length, 'GET', BODY_NONE, 5, false],
    [205, length, 'GET', 5, 5, true],
    [200, length + 'Connection: close\r\n', 'GET', 5, 5, false],
  ]
  for (const [status, lines, method, bodyLength, statedLength, persistent] of cases) {
    test(`${status} to ${method} with ${JSON.stringify(lines)}`, () => {
      const { verdict, head } = response(`HTTP/1.1 ${status} X\r\n${lines}\r\n`, method)
      assert.equal(verdict, 'whole')
      assert.deepEqual(
        [head.bodyLength, head.statedLength, head.persistent],
        [bodyLength, statedLength, persistent],
      )
    })
  }

  test('HTTP/1.0 persists only when it says keep-alive and how long the body is', () => {
    for (const [lines, persistent] of [
      [length, false],
      [length + 'Connection: keep-alive\r\n', true],
      ['Connection: keep-alive\r\n', false],
    ] as const)
      assert.equal(response(`HTTP/1.0 200 OK\r\n${lines}\r\n`).head.persistent, persistent, lines)
  })
})

describe('101', () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\n'

  test('tells the protocol, lower case', () => {
    const { head } = response(switching + 'Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n\x81\x05hello')
    assert.deepEqual([head.status, head.upgrade, head.bodyLength], [101, 'websocket', BODY_NONE])
  })

  test('tells none without Connection: upgrade, or without Upgrade', () => {
    for (const lines of ['Upgrade: websocket\r\n', 'Connection: upgrade\r\n', ''])
      assert.equal(response(switching + lines + '\r\n').head.upgrade, '', lines)
  })

  test('has no body whatever it announces', () => {
    const lines = 'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n'
    assert.equal(response(switching + lines).head.bodyLength, BODY_NONE)
  })

  test('another status switches nothing', () => {
    const lines = 'Connection: upgrade\r\nUpgrade: h2c, websocket\r\nContent-Length: 0\r\n\r\n'
    assert.equal(response('HTTP/1.1 426 Upgrade Required\r\n' + lines).head.upgrade, '')
  })
})

describe('limits of an answer', () => {
  test('a status line beyond the limit is refused before it is whole', () => {
    const limits = { startLineBytesMax: 64 }
    assert.equal(response('HTTP/1.1 200 ' + 'x'.repeat(50), 'GET', limits).verdict, 'more')
    assert.equal(
      response('HTTP/1.1 200 ' + 'x'.repeat(51), 'GET', limits).verdict,
      'http_response_header_section_size',
    )
  })

  test('so is a head, and one of too many fields', () => {
    const limits = { headBytesMax: 1000 }
    assert.equal(
      response(ok + 'A: ' + 'b'.repeat(2000), 'GET', limits).verdict,
      'http_response_header_section_size',
    )
    assert.equal(response(ok + 'A: b\r\n'.repeat(101) + '\r\n').verdict, 'http_response_header_section_size')
    assert.equal(response(ok + 'A: b\r\n'.repeat(100) + '\r\n').verdict, 'whole')
  })

  test('a head of exactly the limit is read', () => {
    const text = ok + 'A: b\r\nContent-Length: 0\r\n\r\n'
    assert.equal(response(text, 'GET', { headBytesMax: text.length }).verdict, 'whole')
    assert.equal(
      response(text, 'GET', { headBytesMax: text.length - 1 }).verdict,
      'http_response_header_section_size',
    )
  })
})
