import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BODY_NONE, FORM_ORIGIN, HTTP_1_0, HTTP_1_1 } from '../../../src/http/message.ts'
import { request } from './reading.ts'

const host = 'Host: example.com\r\n'
const get = 'GET / HTTP/1.1\r\n' + host

describe('a request head', () => {
  test('fills everything that a plain request says', () => {
    const text = 'GET /index.html?a=b HTTP/1.1\r\nHost: localhost:8080\r\n\r\n'
    const { verdict, consumed, head } = request(text)
    assert.equal(verdict, 'whole')
    assert.equal(consumed, text.length)
    assert.deepEqual(
      [head.method, head.version, head.form, head.target, head.path, head.query],
      ['GET', HTTP_1_1, FORM_ORIGIN, '/index.html?a=b', '/index.html', '?a=b'],
    )
    assert.deepEqual([head.host, head.port, head.authority], ['localhost', 8080, 'localhost:8080'])
    assert.deepEqual(
      [head.bodyLength, head.persistent, head.upgrade, head.expectsContinue, head.acceptsTrailers],
      [BODY_NONE, true, '', false, false],
    )
    assert.deepEqual(head.fields.toArray(), ['Host', 'localhost:8080'])
  })

  test('takes its own bytes only: a body or another request behind it stays', () => {
    const text = get + '\r\n'
    assert.equal(request(text + get + '\r\n').consumed, text.length)
    assert.equal(request(text + '\0\xff\n').consumed, text.length)
  })

  test('that is not whole asks for more, whatever is missing', () => {
    const text = get + 'A: b\r\n\r\n'
    for (let length = 1; length < text.length; length++)
      assert.equal(request(text.slice(0, length)).verdict, 'more', `${length} bytes`)
  })

  test('keeps the order, the case and the bytes of fields it does not know', () => {
    const { head } = request(
      get + 'X-Oné: \xe4\xff\r\nX-Two:\t a  b \t\r\nX-Empty:\r\nX-Space:  \r\n\r\n'.replace('é', 'e'),
    )
    assert.deepEqual(head.fields.toArray().slice(2), [
      'X-One',
      '\xe4\xff',
      'X-Two',
      'a  b',
      'X-Empty',
      '',
      'X-Space',
      '',
    ])
  })

  test('writes its fields again as they came, without those that delimit it', () => {
    const fields = 'Accept: */*\r\nX-a:   b\r\n'
    const { head } = request('POST / HTTP/1.1\r\n' + host + fields + 'Content-Length: 5\r\nx: y\r\n\r\n')
    assert.equal(head.fields.toWire(), fields + 'x: y\r\n')
  })

  test('may have no field but Host, or none in HTTP/1.0', () => {
    const { verdict, head } = request('GET / HTTP/1.0\r\n\r\n')
    assert.equal(verdict, 'whole')
    assert.deepEqual([head.version, head.host, head.persistent, head.fields.size], [HTTP_1_0, '', false, 0])
  })
})

describe('a request line', () => {
  for (const method of [
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'OPTIONS',
    'TRACE',
    'QUERY',
    'PROPFIND',
    'M-SEARCH',
    'X_1!',
    'G',
    'GEX',
    'HEAP',
  ]) {
    test(`with method ${method} is taken`, () => {
      const { verdict, head } = request(`${method} / HTTP/1.1\r\n${host}\r\n`)
      assert.equal(verdict, 'whole')
      assert.equal(head.method, method)
    })
  }

  const wrong: [string, string, string][] = [
    ['get / HTTP/1.1\r\n', 'method_not_served', 'a method in lower case'],
    ['Get / HTTP/1.1\r\n', 'method_not_served', 'a method in mixed case'],
    ['A'.repeat(33) + ' / HTTP/1.1\r\n', 'method_not_served', 'a method of 33 bytes'],
    ['CONNECT example.com:443 HTTP/1.1\r\n' + host + '\r\n', 'method_not_served', 'CONNECT'],
    ['CONNECT / HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'CONNECT with a path'],
    [' GET / HTTP/1.1\r\n', 'method_bad', 'a space in front'],
    ['\tGET / HTTP/1.1\r\n', 'method_bad', 'a tab in front'],
    ['G{T / HTTP/1.1\r\n', 'method_bad', 'a brace in the method'],
    ['GET\0 / HTTP/1.1\r\n', 'method_bad', 'NUL in the method'],
    ['GET\t/ HTTP/1.1\r\n', 'method_bad', 'a tab for a space'],
    ['"GET" / HTTP/1.1\r\n', 'method_bad', 'a quoted method'],
    ['\xffGET / HTTP/1.1\r\n', 'method_bad', 'a byte beyond ASCII'],
    [': GET / HTTP/1.1\r\n', 'method_bad', 'a colon'],
    ['\0', 'method_bad', 'a first byte that begins no method'],
    ['\x80\x2e\x01', 'method_bad', 'an SSLv2 record'],
    ['\x16\x03\x01\x02\x00\x01', 'tls_on_plain', 'a TLS record'],
    ['\x16\x02', 'method_bad', 'nearly a TLS record'],
    ['\n', 'request_line_bad', 'a bare LF in front'],
    ['\rGET / HTTP/1.1\r\n', 'request_line_bad', 'a bare CR in front'],
    ['GET\r\n', 'request_line_bad', 'a method alone'],
    ['GET \r\n', 'request_line_bad', 'a method and a space'],
    ['GET /\r\n', 'request_line_bad', 'HTTP/0.9'],
    ['GET / \r\n', 'request_line_bad', 'no version'],
    ['GET  / HTTP/1.1\r\n', 'request_line_bad', 'two spaces before the target'],
    ['GET /  HTTP/1.1\r\n', 'request_line_bad', 'two spaces before the version'],
    ['GET / HTTP/1.1 \r\n', 'request_line_bad', 'a space at the end'],
    ['GET / HTTP/1.1\t\r\n', 'request_line_bad', 'a tab at the end'],
    ['GET / HTTP/1.1 x\r\n', 'request_line_bad', 'a fourth part'],
    ['GET /a b HTTP/1.1\r\n', 'request_line_bad', 'a space in the target'],
    ['GET /\tHTTP/1.1\r\n', 'target_bad', 'a tab before the version'],
    ['GET /\x0bHTTP/1.1\r\n', 'target_bad', 'a vertical tab before the version'],
    ['GET / HTTP/1.1\n', 'line_end_bad', 'a bare LF at the end'],
    ['GET / HTTP/1.1\r\r\n', 'line_end_bad', 'two CR'],
    ['GET / HTTP/1.1\rX: y\r\n', 'line_end_bad', 'a bare CR'],
    ['GET /\n', 'request_line_bad', 'HTTP/0.9 with a bare LF'],
    ['GET /a#b HTTP/1.1\r\n', 'target_bad', 'a fragment'],
    ['GET /\xc3\xa9 HTTP/1.1\r\n', 'target_bad', 'UTF-8 in the target'],
    ['GET /\0 HTTP/1.1\r\n', 'target_bad', 'NUL in the target'],
    ['GET /\x7f HTTP/1.1\r\n', 'target_bad', 'DEL in the target'],
    ['GET example.com HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'a target without its slash'],
    ['GET * HTTP/1.1\r\n' + host + '\r\n', 'target_bad', "'*' with GET"],
    ['GET /%zz HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'bad percent-encoding'],
    ['GET /%00 HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'an encoded NUL'],
    ['GET /../x HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'a path above the root'],
    ['GET /a\\b HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'a backslash'],
    ['GET http://u@h/ HTTP/1.1\r\n' + host + '\r\n', 'target_bad', 'user information'],
    ['GET / HTTP/1.1x\r\n', 'version_bad', 'letters behind the version'],
    ['GET / HTTP/1.10\r\n', 'version_bad', 'two digits'],
    ['GET / HTTP/01.1\r\n', 'version_bad', 'a leading zero'],
    ['GET / HTTP/1\r\n', 'version_bad', 'no minor version'],
    ['GET / HTTP/1.\r\n', 'version_bad', 'no minor digit'],
    ['GET / HTTP/.1\r\n', 'version_bad', 'no major digit'],
    ['GET / HTTP/1,1\r\n', 'version_bad', 'a comma'],
    ['GET / http/1.1\r\n', 'version_bad', 'a version in lower case'],
    ['GET / Http/1.1\r\n', 'version_bad', 'a version in mixed case'],
    ['GET / HTTPS/1.1\r\n', 'version_bad', 'another name'],
    ['GET / ICY\r\n', 'version_bad', 'another protocol'],
    ['GET / HTTP/-1.1\r\n', 'version_bad', 'a sign'],
    ['GET / HTTP/2.0\r\n', 'version_not_served', 'HTTP/2.0'],
    ['GET / HTTP/0.9\r\n', 'version_not_served', 'HTTP/0.9 by name'],
    ['GET / HTTP/3.0\r\n', 'version_not_served', 'HTTP/3.0'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version_not_served', 'the preface of HTTP/2'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'method_not_served', 'SSH'],
  ]
  for (const [text, fault, why] of wrong) {
    test(`with ${why} is refused as ${fault}`, () => assert.equal(request(text).verdict, fault))
  }

  for (const version of ['1.2', '1.9']) {
    test(`of HTTP/${version} is read as HTTP/1.1 (RFC 9110 §2.5)`, () => {
      const { verdict, head } = request(`GET / HTTP/${version}\r\n${host}\r\n`)
      assert.equal(verdict, 'whole')
      assert.equal(head.version, HTTP_1_1)
    })
  }

  test('of TLS is not decided by its first byte', () => assert.equal(request('\x16').verdict, 'more'))

  test('may stand behind four empty lines (RFC 9112 §2.2), not behind five', () => {
    const { verdict, consumed, head } = request('\r\n'.repeat(4) + get + '\r\n')
    assert.equal(verdict, 'whole')
    assert.equal(consumed, 8 + get.length + 2)
    assert.deepEqual(head.fields.toArray(), ['Host', 'example.com'])
    assert.equal(request('\r\n'.repeat(5) + get + '\r\n').verdict, 'request_line_bad')
  })

  test('with a target in absolute form overrides Host (RFC 9112 §3.2.2)', () => {
    const { verdict, head } = request('GET http://Other.example:81/x?y HTTP/1.1\r\n' + host + '\r\n')
    assert.equal(verdict, 'whole')
    assert.deepEqual(
      [head.host, head.port, head.authority, head.target, head.path],
      ['other.example', 81, 'other.example:81', '/x?y', '/x'],
    )
  })

  test('that needs work has its path normalised and its target left alone', () => {
    for (const [target, path] of [
      ['//admin', '/admin'],
      ['/./admin', '/admin'],
      ['/%61dmin', '/admin'],
      ['/x/../admin', '/admin'],
      ['/a/.', '/a/'],
      ['/a//', '/a/'],
      ['//', '/'],
      ['/.', '/'],
      ['/?%zz', '/'],
      ['/a?//../%2e', '/a'],
      ['/.hidden', '/.hidden'],
    ] as const) {
      const { verdict, head } = request(`GET ${target} HTTP/1.1\r\n${host}\r\n`)
      assert.equal(verdict, 'whole', target)
      assert.deepEqual([head.target, head.path], [target, path])
    }
  })
})

describe('limits', () => {
  test('a request line may have exactly as many bytes as the limit, its CR LF included', () => {
    const line = `GET /${'a'.repeat(100)} HTTP/1.1\r\n`
    const at = { startLineBytesMax: line.length }
    assert.equal(request(line + host + '\r\n', at).verdict, 'whole')
    assert.equal(
      request(line + host + '\r\n', { startLineBytesMax: line.length - 1 }).verdict,
      'request_line_too_long',
    )
  })

  test('a request line is refused before it is whole', () => {
    const limits = { startLineBytesMax: 64 }
    assert.equal(request(`GET /${'a'.repeat(58)}`, limits).verdict, 'more')
    assert.equal(request(`GET /${'a'.repeat(59)}`, limits).verdict, 'request_line_too_long')
    assert.equal(request(`GET /${'a'.repeat(1000)}`, limits).verdict, 'request_line_too_long')
    assert.equal(request(`GET /?${'a'.repeat(1000)}`, limits).verdict, 'request_line_too_long')
  })

  test('by default 16 KiB of request line are taken, and not more', () => {
    const target = '/' + 'a'.repeat(16 * 1024 - 'GET  HTTP/1.1\r\n'.length - 1)
    assert.equal(request(`GET ${target} HTTP/1.1\r\n${host}\r\n`).verdict, 'whole')
    assert.equal(request(`GET ${target}a HTTP/1.1\r\n${host}\r\n`).verdict, 'request_line_too_long')
  })

  test('a wrong byte before the limit is told before the limit is', () => {
    assert.equal(request(`GET /\0${'a'.repeat(1000)}`, { startLineBytesMax: 64 }).verdict, 'target_bad')
    assert.equal(request(get + `A: \0${'a'.repeat(1000)}`, { headBytesMax: 128 }).verdict, 'field_value_bad')
  })

  test('a head may have exactly as many bytes as the limit', () => {
    const text = get + `A: ${'b'.repeat(200)}\r\n\r\n`
    assert.equal(request(text, { headBytesMax: text.length }).verdict, 'whole')
    assert.equal(request(text, { headBytesMax: text.length - 1 }).verdict, 'head_too_large')
    assert.equal(request('\r\n' + text, { headBytesMax: text.length }).verdict, 'whole')
  })

  test('a head is refused before it is whole', () => {
    assert.equal(request(get + 'A: ' + 'b'.repeat(5000), { headBytesMax: 1000 }).verdict, 'head_too_large')
    assert.equal(request(get + 'A'.repeat(5000), { headBytesMax: 1000 }).verdict, 'head_too_large')
    assert.equal(request(get + 'A: b\r\n'.repeat(900), { headBytesMax: 1000 }).verdict, 'fields_too_many')
    assert.equal(
      request(get + 'A: b\r\n'.repeat(900), { headBytesMax: 1000, fieldsMax: 900 }).verdict,
      'head_too_large',
    )
  })

  test('a head may have exactly as many fields as the limit', () => {
    assert.equal(request(get + 'A: b\r\n'.repeat(99) + '\r\n').verdict, 'whole')
    assert.equal(request(get + 'A: b\r\n'.repeat(100) + '\r\n').verdict, 'fields_too_many')
    const { head } = request(get + 'A: b\r\n'.repeat(299) + '\r\n', { fieldsMax: 300 })
    assert.equal(head.fields.toArray().length, 600)
  })
})
