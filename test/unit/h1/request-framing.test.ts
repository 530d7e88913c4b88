import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BODY_NONE, BODY_UNKNOWN } from '../../../src/http/message.ts'
import { request } from './reading.ts'

const host = 'Host: example.com\r\n'
const get = 'GET / HTTP/1.1\r\n' + host

describe('the length of a request body', () => {
  const read: [string, number, string][] = [
    ['', BODY_NONE, 'nothing said'],
    ['Content-Length: 0\r\n', BODY_NONE, 'a length of 0'],
    ['Content-Length: 5\r\n', 5, 'a length'],
    ['content-length:5\r\n', 5, 'a length without space'],
    ['Content-Length: \t 5 \t\r\n', 5, 'a length with space around it'],
    ['Content-Length: 0005\r\n', 5, 'a length with zeros'],
    ['Content-Length: 9007199254740991\r\n', Number.MAX_SAFE_INTEGER, 'the largest length'],
    ['Transfer-Encoding: chunked\r\n', BODY_UNKNOWN, 'chunked'],
    ['transfer-encoding:  CHUNKED \r\n', BODY_UNKNOWN, 'chunked in capitals'],
  ]
  for (const [lines, length, why] of read) {
    test(`${why}: ${length}`, () => {
      const { verdict, head } = request('POST / HTTP/1.1\r\n' + host + lines + '\r\n')
      assert.equal(verdict, 'whole')
      assert.equal(head.bodyLength, length)
    })
  }

  const wrong: [string, string][] = [
    ['Content-Length:\r\n', 'length_bad'],
    ['Content-Length: -5\r\n', 'length_bad'],
    ['Content-Length: +5\r\n', 'length_bad'],
    ['Content-Length: 5 5\r\n', 'length_bad'],
    ['Content-Length: 5\t5\r\n', 'length_bad'],
    ['Content-Length: 0x5\r\n', 'length_bad'],
    ['Content-Length: 5.0\r\n', 'length_bad'],
    ['Content-Length: 5e1\r\n', 'length_bad'],
    ['Content-Length: "5"\r\n', 'length_bad'],
    ['Content-Length: 5;\r\n', 'length_bad'],
    ['Content-Length: five\r\n', 'length_bad'],
    ['Content-Length: \xb2\r\n', 'length_bad'],
    ['Content-Length: 9007199254740992\r\n', 'length_bad'],
    ['Content-Length: 18446744073709551621\r\n', 'length_bad'],
    ['Content-Length: 00000000000000005\r\n', 'length_bad'],
    ['Content-Length: 5, 5\r\n', 'length_repeated'],
    ['Content-Length: 5,6\r\n', 'length_repeated'],
    ['Content-Length: 5,\r\n', 'length_repeated'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', 'length_repeated'],
    ['Content-Length: 5\r\ncontent-length: 6\r\n', 'length_repeated'],
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'length_and_chunked'],
    ['Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', 'length_and_chunked'],
    ['Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', 'length_and_chunked'],
    ['Transfer-Encoding: identity\r\nContent-Length: 5\r\n', 'length_and_chunked'],
    ['Transfer-Encoding: x\r\nContent-Length: 5\r\n', 'length_and_chunked'],
    ['Transfer-Encoding:\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: identity\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: gzip\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked, identity\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked, gzip\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked, chunked\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked,\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: ,chunked\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked;q=1\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked; foo=bar\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: xchunked\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: "chunked"\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunk\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked x\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked\xa0\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'transfer_coding_bad'],
    ['Transfer-Encoding: gzip, chunked\r\n', 'transfer_coding_not_served'],
    ['Transfer-Encoding: x, chunked\r\n', 'transfer_coding_not_served'],
    ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', 'transfer_coding_not_served'],
  ]
  for (const [lines, fault] of wrong) {
    test(`${JSON.stringify(lines)} is refused as ${fault}`, () => {
      assert.equal(request('POST / HTTP/1.1\r\n' + host + lines + '\r\n').verdict, fault)
    })
  }

  test('cannot be chunked in HTTP/1.0 (RFC 9112 §6.1)', () => {
    const text = 'POST / HTTP/1.0\r\n' + host + 'Transfer-Encoding: chunked\r\n\r\n'
    assert.equal(request(text).verdict, 'transfer_coding_http10')
  })
})

describe('whether the connection serves on', () => {
  const cases: [string, string, boolean][] = [
    ['1.1', '', true],
    ['1.1', 'Connection: keep-alive\r\n', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'Connection: Close\r\n', false],
    ['1.1', 'connection: foo, CLOSE ,bar\r\n', false],
    ['1.1', 'Connection: foo\r\nConnection: close\r\n', false],
    ['1.1', 'Connection: keep-alive, close\r\n', false],
    ['1.1', 'Connection: closed\r\n', true],
    ['1.1', 'Connection: "close"\r\n', true],
    ['1.1', 'Proxy-Connection: close\r\n', true],
    ['1.0', '', false],
    ['1.0', 'Connection: keep-alive\r\n', true],
    ['1.0', 'Connection: Keep-Alive\r\n', true],
    ['1.0', 'Connection: foo, keep-alive\r\n', true],
    ['1.0', 'Connection: keep-alive, close\r\n', false],
    ['1.0', 'Connection: foo\r\n', false],
  ]
  for (const [version, lines, persistent] of cases) {
    test(`HTTP/${version} ${JSON.stringify(lines)}: ${persistent}`, () => {
      const { verdict, head } = request(`GET / HTTP/${version}\r\n${host}${lines}\r\n`)
      assert.equal(verdict, 'whole')
      assert.equal(head.persistent, persistent)
    })
  }
})

describe('Upgrade', () => {
  const upgrade = 'Connection: Upgrade\r\n'
  const cases: [string, string, string][] = [
    [upgrade + 'Upgrade: websocket\r\n', 'websocket', 'is taken with Connection: upgrade'],
    [upgrade + 'Upgrade: WebSocket\r\n', 'websocket', 'is lower-cased'],
    [
      'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n',
      'websocket',
      'may stand among other options',
    ],
    [upgrade + 'Upgrade: foo/2, Bar\r\n', 'foo/2, bar', 'may list several, in order'],
    [upgrade + 'Upgrade: a\r\nUpgrade: b\r\n', 'a, b', 'may come in several lines'],
    ['Upgrade: websocket\r\n', '', 'is ignored without Connection: upgrade'],
    ['Connection: keep-alive\r\nUpgrade: websocket\r\n', '', 'is ignored with another option'],
    [upgrade, '', 'is nothing without the field'],
    [upgrade + 'Upgrade:\r\n', '', 'is nothing when empty'],
    [upgrade + 'Upgrade: h2c\r\n', '', 'to HTTP/2 would be a tunnel past every guard: ignored'],
    [upgrade + 'Upgrade: h2c, websocket\r\n', 'websocket', 'loses what is HTTP and keeps the rest'],
    [upgrade + 'Upgrade: HTTP/2.0\r\n', '', 'to HTTP by name is ignored'],
    [upgrade + 'Upgrade: TLS/1.0\r\n', '', 'to TLS is ignored'],
    [upgrade + 'Upgrade: web socket\r\n', '', 'that is no protocol is ignored'],
    [upgrade + 'Upgrade: a/b/c\r\n', '', 'with two slashes is ignored'],
    [upgrade + 'Upgrade: "websocket"\r\n', '', 'in quotes is ignored'],
    [upgrade + 'Upgrade: websocket\r\nContent-Length: 5\r\n', '', 'is ignored with a body'],
    [upgrade + 'Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n', '', 'is ignored with a chunked body'],
    [upgrade + 'Upgrade: websocket\r\nContent-Length: 0\r\n', 'websocket', 'is taken with an empty body'],
  ]
  for (const [lines, expected, why] of cases) {
    test(why, () => {
      const { verdict, head } = request(get + lines + '\r\n')
      assert.equal(verdict, 'whole')
      assert.equal(head.upgrade, expected)
    })
  }

  test('is ignored in HTTP/1.0 (RFC 9110 §7.8)', () => {
    const text = 'GET / HTTP/1.0\r\n' + upgrade + 'Upgrade: websocket\r\n\r\n'
    assert.equal(request(text).head.upgrade, '')
  })
})

describe('Expect and TE', () => {
  const post = 'POST / HTTP/1.1\r\n' + host + 'Content-Length: 5\r\n'

  test('100-continue is noticed whatever its case', () => {
    for (const value of ['100-continue', '100-Continue', ' 100-CONTINUE\t'])
      assert.equal(request(post + `Expect: ${value}\r\n\r\n`).head.expectsContinue, true)
  })

  test('another expectation is not met (RFC 9110 §10.1.1)', () => {
    for (const value of ['', '100', '100-continue, x', '200-ok', '100-continue;q=1', '100 continue'])
      assert.equal(request(post + `Expect: ${value}\r\n\r\n`).verdict, 'expectation_not_met', value)
    assert.equal(request(post + 'Expect: 100-continue\r\n'.repeat(2) + '\r\n').verdict, 'expectation_not_met')
  })

  test('100-continue without a body, or from HTTP/1.0, is ignored', () => {
    assert.equal(request(get + 'Expect: 100-continue\r\n\r\n').head.expectsContinue, false)
    const { verdict, head } = request(post.replace('1.1', '1.0') + 'Expect: 100-continue\r\n\r\n')
    assert.deepEqual([verdict, head.expectsContinue], ['whole', false])
  })

  test('TE: trailers says that trailers are kept', () => {
    for (const [value, accepts] of [
      ['trailers', true],
      ['Trailers', true],
      ['gzip;q=0.5, trailers', true],
      ['gzip', false],
      ['', false],
      ['xtrailers', false],
    ] as const)
      assert.equal(request(get + `TE: ${value}\r\n\r\n`).head.acceptsTrailers, accepts, value)
  })
})
