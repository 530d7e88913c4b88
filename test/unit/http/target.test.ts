import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultRow, Faults, NONE } from '../../../src/core/faults.ts'
import {
  FORM_ABSOLUTE,
  FORM_ASTERISK,
  FORM_AUTHORITY,
  FORM_ORIGIN,
  RequestHead,
} from '../../../src/http/message.ts'
import { normalPath, parseAuthority, readAuthority, readTarget } from '../../../src/http/target.ts'

describe('the path to route on', () => {
  const paths: [string, string, string][] = [
    ['/', '/', 'the root'],
    ['/a/b.c', '/a/b.c', 'a path that is normal'],
    ['/a/b/', '/a/b/', 'a slash at the end is kept'],
    ['/%61dmin', '/admin', 'unreserved characters are decoded'],
    ['/%41%2D%2e%5f%7E', '/A-._~', 'all kinds of them, whatever the case of the digits'],
    ['/a%2fb', '/a%2Fb', 'an encoded slash stays data, its digits in upper case'],
    ['/a%20b%c3%a9', '/a%20b%C3%A9', 'reserved and other characters stay encoded'],
    ['/%2561dmin', '/%2561dmin', 'decoding happens once'],
    ['/./admin', '/admin', 'a dot segment is nothing'],
    ['/a/./b', '/a/b', 'within a path, too'],
    ['/x/../admin', '/admin', 'two dots take the segment before them'],
    ['/a/b/c/../../d', '/a/d', 'as often as they come'],
    ['/%2e/admin', '/admin', 'an encoded dot is a dot'],
    ['/x/%2E%2e/admin', '/admin', 'two encoded dots are two dots'],
    ['/x/.%2e/admin', '/admin', 'half encoded as well'],
    ['/a/.', '/a/', 'a dot at the end leaves the slash'],
    ['/a/b/..', '/a/', 'two dots at the end leave the slash'],
    ['/a/..', '/', 'and may leave nothing but the root'],
    ['/.', '/', 'a dot alone is the root'],
    ['//admin', '/admin', 'empty segments are merged'],
    ['/a///b', '/a/b', 'however many'],
    ['/a//', '/a/', 'at the end, too'],
    ['//', '/', 'slashes alone are the root'],
    ['/a/..//b', '/b', 'an empty segment behind two dots does no harm'],
    ['/.well-known/acme', '/.well-known/acme', 'a name that begins with a dot is a name'],
    ['/...', '/...', 'three dots are a name'],
    ['/..a/.b', '/..a/.b', 'so are dots with letters'],
    ['/@scope%2fname', '/@scope%2Fname', 'a package name with a slash in it'],
    ['/a;b=1/c', '/a;b=1/c', 'parameters are kept'],
    ['/a|b^c{d}"<>`', '/a|b^c{d}"<>`', 'characters that browsers send raw are kept'],
  ]
  for (const [path, normal, why] of paths) {
    test(`${path} is ${normal}: ${why}`, () => assert.equal(normalPath(path), normal))
  }

  const refused: [string, string][] = [
    ['/..', 'two dots above the root'],
    ['/../admin', 'above the root'],
    ['/a/../../admin', 'above the root, later'],
    ['/%2e%2e/admin', 'encoded above the root'],
    ['/a//../admin', 'two dots behind an empty segment: who merges first reads another path'],
    ['/a//b/../../admin', 'an empty segment anywhere before two dots'],
    ['/a\\b', 'a backslash'],
    ['/..\\admin', 'a backslash with dots'],
    ['/%', 'a percent sign alone'],
    ['/%4', 'one digit'],
    ['/%zz', 'no digits'],
    ['/a%2', 'one digit at the end'],
    ['/%+1', 'a sign for a digit'],
    ['/%00', 'NUL'],
    ['/a%00.jpg', 'NUL within'],
    ['/x/..%2fadmin', 'two dots and an encoded slash'],
    ['/x%2f..%2fadmin', 'two dots between encoded slashes'],
    ['/x%2F../admin', 'an encoded slash and two dots'],
    ['/admin%2fx/../secret', 'two dots behind a segment that some servers see as two'],
    ['/admin%5cx/%2e%2e/secret', 'two dots behind a segment that others see as two'],
    ['/a/;/../admin', 'two dots behind a segment that is empty without its parameter'],
    ['/x/..%5cadmin', 'two dots and an encoded backslash'],
    ['/x/%2e%2e%5Cadmin', 'the same, encoded'],
    ['/.%2fadmin', 'one dot and an encoded slash'],
    ['/x/..;/admin', 'two dots with a parameter'],
    ['/x/..;a=b/admin', 'with a longer one'],
    ['/x/..%3b/admin', 'with an encoded one'],
    ['/.;/admin', 'one dot with a parameter'],
  ]
  for (const [path, why] of refused) {
    test(`${path} is refused: ${why}`, () => assert.equal(normalPath(path), ''))
  }

  test('a normal path is normal again', () => {
    for (const [, normal] of paths) assert.equal(normalPath(normal), normal)
  })

  test('a path of 16 KiB of dots and slashes is done in a moment', () => {
    const beganMs = performance.now()
    normalPath('/./'.repeat(5461))
    normalPath('/a/..'.repeat(3276))
    normalPath('/%2e'.repeat(4096))
    assert.ok(performance.now() - beganMs < 200)
  })
})

describe('an authority', () => {
  const right: [string, string, number, string][] = [
    ['example.com', 'example.com', -1, 'example.com'],
    ['EXAMPLE.com', 'example.com', -1, 'example.com'],
    ['example.com:8080', 'example.com', 8080, 'example.com:8080'],
    ['example.com:0', 'example.com', 0, 'example.com:0'],
    ['example.com:65535', 'example.com', 65_535, 'example.com:65535'],
    ['example.com:00080', 'example.com', 80, 'example.com:80'],
    ['example.com:', 'example.com', -1, 'example.com'],
    ['example.com.', 'example.com', -1, 'example.com.'],
    ['example.com.:80', 'example.com', 80, 'example.com.:80'],
    ['localhost', 'localhost', -1, 'localhost'],
    ['a_b-c~d.e', 'a_b-c~d.e', -1, 'a_b-c~d.e'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', -1, 'xn--bcher-kva.example'],
    ['127.0.0.1:80', '127.0.0.1', 80, '127.0.0.1:80'],
    ['[::1]', '[::1]', -1, '[::1]'],
    ['[::1]:8080', '[::1]', 8080, '[::1]:8080'],
    ['[2001:DB8:0:0:0:0:0:1]', '[2001:db8::1]', -1, '[2001:db8:0:0:0:0:0:1]'],
    ['[::ffff:1.2.3.4]', '[::ffff:102:304]', -1, '[::ffff:1.2.3.4]'],
    ['', '', -1, ''],
    [`${'a'.repeat(63)}.${'b'.repeat(63)}.c`, `${'a'.repeat(63)}.${'b'.repeat(63)}.c`, -1, ''],
  ]
  for (const [text, host, port, written] of right) {
    test(`'${text.slice(0, 40)}' is host '${host.slice(0, 40)}' and port ${port}`, () => {
      const authority = parseAuthority(text)
      assert.ok(authority !== null)
      assert.equal(authority.host, host)
      assert.equal(authority.port, port)
      if (written !== '') assert.equal(authority.text, written)
    })
  }

  const wrong = [
    ':80',
    ':',
    '.',
    '..',
    '.example.com',
    'a..b',
    'a b',
    ' a',
    'a,b',
    'a, b',
    'a;b',
    'user@host',
    'user:pass@host',
    'host/path',
    '/',
    'host?x',
    'host#x',
    'host\\x',
    'a%41b',
    '%',
    '%00',
    'host:80:80',
    'host:8a',
    'host:-1',
    'host:+80',
    'host: 80',
    'host:65536',
    'host:000080',
    'host:99999999999999999999',
    '::1',
    '[::1',
    '::1]',
    '[::1]x',
    '[::1]80',
    '[::1]:x',
    '[]',
    '[',
    ']',
    '[::g]',
    '[1.2.3.4]',
    '[fe80::1%eth0]',
    '[fe80::1%25eth0]',
    '[v1.x]',
    '[::1]]',
    '[[::1]]',
    'http://host',
    'host<script>',
    'a!b',
    "a'b",
    'a$b',
    'a*b',
    '*',
    'büro',
    'a\0b',
    'a\tb',
    'a'.repeat(256),
  ]
  for (const text of wrong) {
    test(`${JSON.stringify(text.slice(0, 40))} is none`, () => {
      assert.equal(parseAuthority(text), null)
      assert.equal(readAuthority(text, new RequestHead()), Faults.HOST_BAD)
    })
  }

  test('is written into the head', () => {
    const head = new RequestHead()
    assert.equal(readAuthority('Example.com.:8080', head), NONE)
    assert.deepEqual([head.host, head.port, head.authority], ['example.com', 8080, 'example.com.:8080'])
  })
})

function read(target: string, method = 'GET'): { fault: string; head: RequestHead } {
  const head = new RequestHead()
  head.method = method
  head.host = 'from-host-field'
  return { fault: faultRow(readTarget(target, head)).name, head }
}

describe('a request target', () => {
  test('in origin form keeps target and query as they came', () => {
    const { fault, head } = read('/a%20/%41?q=/../%zz\\&r=?')
    assert.equal(fault, 'none')
    assert.equal(head.form, FORM_ORIGIN)
    assert.equal(head.target, '/a%20/%41?q=/../%zz\\&r=?')
    assert.equal(head.path, '/a%20/A')
    assert.equal(head.query, '?q=/../%zz\\&r=?')
    assert.equal(head.host, 'from-host-field')
  })

  test('without a query has its end for the start of the query', () => {
    const { head } = read('/abc')
    assert.equal(head.queryStart, 4)
    assert.equal(head.query, '')
  })

  test('may have an empty query', () => {
    const { head } = read('/?')
    assert.deepEqual([head.target, head.path, head.query], ['/?', '/', '?'])
  })

  const absolute: [string, string, string, string, number][] = [
    ['http://example.com/a?b', '/a?b', '/a', 'example.com', -1],
    ['HTTP://EXAMPLE.com:81/a', '/a', '/a', 'example.com', 81],
    ['https://example.com/', '/', '/', 'example.com', -1],
    ['http://example.com', '/', '/', 'example.com', -1],
    ['http://example.com?q', '/?q', '/', 'example.com', -1],
    ['http://[::1]:80//x/', '//x/', '/x/', '[::1]', 80],
    ['http://example.com/?a=http://other/', '/?a=http://other/', '/', 'example.com', -1],
  ]
  for (const [target, forwarded, path, host, port] of absolute) {
    test(`'${target}' is ${forwarded} at ${host} (RFC 9112 §3.2.2)`, () => {
      const { fault, head } = read(target)
      assert.equal(fault, 'none')
      assert.deepEqual(
        [head.form, head.target, head.path, head.host, head.port],
        [FORM_ABSOLUTE, forwarded, path, host, port],
      )
    })
  }

  test("'*' is taken with OPTIONS, and with nothing else (RFC 9112 §3.2.4)", () => {
    const { fault, head } = read('*', 'OPTIONS')
    assert.equal(fault, 'none')
    assert.deepEqual([head.form, head.target, head.path, head.query], [FORM_ASTERISK, '*', '*', ''])
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE'])
      assert.equal(read('*', method).fault, 'target_bad')
  })

  test("OPTIONS for an absolute target without path asks for '*' (RFC 9112 §3.2.4)", () => {
    const { fault, head } = read('http://example.com:8001', 'OPTIONS')
    assert.equal(fault, 'none')
    assert.deepEqual([head.form, head.target, head.host], [FORM_ABSOLUTE, '*', 'example.com'])
    assert.equal(read('http://example.com/', 'OPTIONS').head.target, '/')
    assert.equal(read('http://example.com?x', 'OPTIONS').head.target, '/?x')
  })

  test('in authority form is that of CONNECT, which is not served', () => {
    const { fault, head } = read('example.com:443', 'CONNECT')
    assert.equal(fault, 'method_not_served')
    assert.deepEqual([head.form, head.host, head.port], [FORM_AUTHORITY, 'example.com', 443])
    for (const target of ['example.com', '/', '*', 'http://example.com/', ':443', 'a@b:1'])
      assert.equal(read(target, 'CONNECT').fault, 'target_bad', target)
  })

  const wrong: [string, string][] = [
    ['', 'nothing'],
    ['example.com', 'a name alone'],
    ['example.com:80', 'authority form without CONNECT'],
    ['a/b', 'a path without its slash'],
    ['?q', 'a query alone'],
    ['/a b', 'a space'],
    ['/a\tb', 'a tab'],
    ['/a\r\nb', 'a line end'],
    ['/a\0', 'NUL'],
    ['/a\x7f', 'DEL'],
    ['/é', 'a character beyond ASCII'],
    ['/a#b', 'a fragment'],
    ['/?a#b', 'a fragment behind a query'],
    ['http://example.com/#', 'an empty fragment'],
    ['http:///path', 'an absolute target without a host'],
    ['http://', 'a scheme alone'],
    ['http:/example.com/', 'one slash'],
    ['http:example.com', 'no slash'],
    ['http://user@example.com/', 'user information'],
    ['http://user:pass@example.com/', 'user information with a password'],
    ['http://example.com:99999/', 'a port out of range'],
    ['http://exa%6dple.com/', 'an encoded host'],
    ['http://a,b/', 'a comma in the host'],
    ['ftp://example.com/', 'another scheme'],
    ['ws://example.com/', 'a scheme of another protocol'],
    ['javascript:alert(1)', 'no hierarchy'],
    ['//example.com:a/%', 'a bad triplet'],
    ['**', 'two asterisks'],
    ['http://example.com\\@evil/', 'a backslash in the authority'],
  ]
  for (const [target, why] of wrong) {
    test(`${JSON.stringify(target)} is refused: ${why}`, () => {
      assert.equal(read(target).fault, 'target_bad')
    })
  }
})
