/**
 * Hostile and odd requests, each with the only verdict that leaves one reading.
 *
 * `status`: Headgate answers it itself with this status and closes; the origin sees nothing.
 * `forward`: the origin gets this many requests, and they read as `sees` says.
 */

export interface HostileRequest {
  readonly name: string
  readonly bytes: string
  /** The status with which it is refused. */
  readonly status?: number
  /** How many requests the origin must count. */
  readonly forward?: number
  /** What the recorder at the origin must (not) find in the text it got. */
  readonly sees?: RegExp
  readonly seesNot?: RegExp
  /** The connection may be closed without a word. */
  readonly silent?: boolean
}

const host = 'Host: a.example\r\n'
const get = (more: string): string => `GET / HTTP/1.1\r\n${host}${more}\r\n`
const post = (more: string, body: string): string => `POST / HTTP/1.1\r\n${host}${more}\r\n${body}`
const te = 'Transfer-Encoding: chunked\r\n'

function refused(status: number, cases: Record<string, string>): HostileRequest[] {
  return Object.entries(cases).map(([name, bytes]) => ({ name, bytes, status }))
}

const startLines = refused(400, {
  'no version': 'GET /\r\n\r\n',
  'two spaces after the method': `GET  / HTTP/1.1\r\n${host}\r\n`,
  'two spaces before the version': `GET /  HTTP/1.1\r\n${host}\r\n`,
  'a tab for a space': `GET\t/ HTTP/1.1\r\n${host}\r\n`,
  'a space behind the version': `GET / HTTP/1.1 \r\n${host}\r\n`,
  'a space before the method': ` GET / HTTP/1.1\r\n${host}\r\n`,
  'a lower-case version': `GET / http/1.1\r\n${host}\r\n`,
  'a version without minor': `GET / HTTP/1\r\n${host}\r\n`,
  'a version with letters': `GET / HTTP/1.x\r\n${host}\r\n`,
  'a version of three parts': `GET / HTTP/1.1.1\r\n${host}\r\n`,
  'a version with a two-digit minor': `GET / HTTP/1.10\r\n${host}\r\n`,
  'a version with a leading zero': `GET / HTTP/01.1\r\n${host}\r\n`,
  'another protocol': `GET / HTTPS/1.1\r\n${host}\r\n`,
  'a space in the target': `GET /a b HTTP/1.1\r\n${host}\r\n`,
  'a NUL in the target': `GET /a\0b HTTP/1.1\r\n${host}\r\n`,
  'a DEL in the target': `GET /a\x7fb HTTP/1.1\r\n${host}\r\n`,
  'a bare CR in the target': `GET /a\rb HTTP/1.1\r\n${host}\r\n`,
  'a byte above 127 in the target': `GET /\xe4 HTTP/1.1\r\n${host}\r\n`,
  'a fragment in the target': `GET /a#b HTTP/1.1\r\n${host}\r\n`,
  'a target without slash': `GET a HTTP/1.1\r\n${host}\r\n`,
  'a target of a bare query': `GET ?a HTTP/1.1\r\n${host}\r\n`,
  'an empty method': ` / HTTP/1.1\r\n${host}\r\n`,
  'a method with a colon': `GE:T / HTTP/1.1\r\n${host}\r\n`,
  'a method in brackets': `(GET) / HTTP/1.1\r\n${host}\r\n`,
  'an asterisk for another method than OPTIONS': `GET * HTTP/1.1\r\n${host}\r\n`,
  'a broken percent-encoding': `GET /%zz HTTP/1.1\r\n${host}\r\n`,
  'a percent-encoding cut short': `GET /a%2 HTTP/1.1\r\n${host}\r\n`,
  'an encoded NUL': `GET /a%00b HTTP/1.1\r\n${host}\r\n`,
  'an absolute target with userinfo': `GET http://u@a.example/ HTTP/1.1\r\n${host}\r\n`,
  'an absolute target without host': `GET http:///x HTTP/1.1\r\n${host}\r\n`,
  'an absolute target with a bad port': `GET http://a.example:99999/ HTTP/1.1\r\n${host}\r\n`,
  'a request line that ends in LF alone': `GET / HTTP/1.1\n${host}\r\n`,
  'a request line that ends in CR CR LF': `GET / HTTP/1.1\r\r\n${host}\r\n`,
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'binary noise': '\x00\x01\x02\x03\r\n\r\n',
  'an SMTP greeting': 'EHLO a.example\r\n\r\n',
  'an HTTP answer for a request': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
})

const fields = refused(400, {
  'a space before the colon': get('X-A : b\r\n'),
  'a tab before the colon': get('X-A\t: b\r\n'),
  'a space in a field name': get('X A: b\r\n'),
  'an empty field name': get(': b\r\n'),
  'a line without colon': get('X-A\r\n'),
  'a folded value': get('X-A: b\r\n c\r\n'),
  'a folded value by a tab': get('X-A: b\r\n\tc\r\n'),
  'a first line that begins with a space': `GET / HTTP/1.1\r\n ${host}\r\n`,
  'a line of a space alone': get(' \r\n'),
  'a NUL in a value': get('X-A: b\0c\r\n'),
  'a bare CR in a value': get('X-A: b\rc\r\n'),
  'a bare CR that hides a field': get('X-A: b\rTransfer-Encoding: chunked\r\n'),
  'a bell in a value': get('X-A: b\x07\r\n'),
  'a DEL in a value': get('X-A: b\x7f\r\n'),
  'an escape in a value': get('X-A: \x1b[2J\r\n'),
  'a line that ends in LF alone': get('X-A: b\n'),
  'a line end of LF that hides a field': get('X-A: b\nTransfer-Encoding: chunked\r\n'),
  'an empty line of LF alone': `GET / HTTP/1.1\r\n${host}\n`,
  'a NUL in a name': get('X\0A: b\r\n'),
  'a byte above 127 in a name': get('X-\xe4: b\r\n'),
  'a parenthesis in a name': get('X(A): b\r\n'),
  'a slash in a name': get('X/A: b\r\n'),
  'a quote in a name': get('"X": b\r\n'),
  'a CR before the colon': get('X-A\r: b\r\n'),
})

const hosts = refused(400, {
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  'two Hosts': get('Host: b.example\r\n'),
  'two equal Hosts': get(host),
  'two Hosts of another case': get('hOST: a.example\r\n'),
  'a Host list': 'GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n',
  'a Host with a path': 'GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n',
  'a Host with a query': 'GET / HTTP/1.1\r\nHost: a.example?x\r\n\r\n',
  'a Host with a fragment': 'GET / HTTP/1.1\r\nHost: a.example#x\r\n\r\n',
  'a Host with userinfo': 'GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n',
  'a Host with a space': 'GET / HTTP/1.1\r\nHost: a example\r\n\r\n',
  'a Host with a port of letters': 'GET / HTTP/1.1\r\nHost: a.example:x\r\n\r\n',
  'a Host with a port too large': 'GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n',
  'a Host with two ports': 'GET / HTTP/1.1\r\nHost: a.example:80:80\r\n\r\n',
  'a Host of an open bracket': 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n',
  'a Host of a bad IPv6 address': 'GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n',
  'a Host with text behind the bracket': 'GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n',
  'a Host in a scheme': 'GET / HTTP/1.1\r\nHost: http://a.example\r\n\r\n',
  'a Host with a backslash': 'GET / HTTP/1.1\r\nHost: a.example\\b\r\n\r\n',
  'a Host with a byte above 127': 'GET / HTTP/1.1\r\nHost: \xe4.example\r\n\r\n',
  'a Host with a quote': 'GET / HTTP/1.1\r\nHost: "a.example"\r\n\r\n',
  'a Host with angle brackets': 'GET / HTTP/1.1\r\nHost: <a>\r\n\r\n',
  'a bad Host behind an absolute target': 'GET http://a.example/ HTTP/1.1\r\nHost: a b\r\n\r\n',
  'no Host behind an absolute target': 'GET http://a.example/ HTTP/1.1\r\n\r\n',
})

const framing = refused(400, {
  'Content-Length and Transfer-Encoding': post(`Content-Length: 3\r\n${te}`, '0\r\n\r\n'),
  'Transfer-Encoding and Content-Length': post(`${te}Content-Length: 3\r\n`, '0\r\n\r\n'),
  'two Content-Lengths': post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'),
  'two equal Content-Lengths': post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'),
  'a Content-Length list': post('Content-Length: 3, 3\r\n', 'abc'),
  'a Content-Length with a plus': post('Content-Length: +3\r\n', 'abc'),
  'a Content-Length with a minus': post('Content-Length: -3\r\n', 'abc'),
  'a Content-Length in hex': post('Content-Length: 0x3\r\n', 'abc'),
  'a Content-Length with a fraction': post('Content-Length: 3.0\r\n', 'abc'),
  'a Content-Length with an exponent': post('Content-Length: 3e0\r\n', 'abc'),
  'a Content-Length with a space inside': post('Content-Length: 1 3\r\n', 'abc'),
  'a Content-Length of nothing': post('Content-Length: \r\n', ''),
  'a Content-Length in quotes': post('Content-Length: "3"\r\n', 'abc'),
  'a Content-Length with an underscore': post('Content-Length: 1_0\r\n', 'abc'),
  'a Content-Length beyond 2^53': post('Content-Length: 9007199254740993\r\n', 'abc'),
  'a Content-Length beyond 2^64': post('Content-Length: 18446744073709551619\r\n', 'abc'),
  'a Content-Length with a vertical tab': post('Content-Length: \x0b3\r\n', 'abc'),
  'chunked twice': post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
  'chunked twice in two fields': post(te + te, '0\r\n\r\n'),
  'an empty Transfer-Encoding': post('Transfer-Encoding: \r\n', 'abc'),
  'Transfer-Encoding identity': post('Transfer-Encoding: identity\r\n', 'abc'),
  'chunked not last': post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'),
  'chunked in quotes': post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'),
  'chunked with a vertical tab': post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
  'chunked with a trailing comma and junk': post('Transfer-Encoding: chunked, x\r\n', '0\r\n\r\n'),
  'chunked with a parameter': post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'),
  xchunked: post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  'chunked in HTTP/1.0': `POST / HTTP/1.0\r\n${host}${te}\r\n0\r\n\r\n`,
  'chunked behind a form feed': post('Transfer-Encoding:\x0cchunked\r\n', '0\r\n\r\n'),
})

const notServed: HostileRequest[] = [
  { name: 'gzip, chunked', bytes: post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), status: 501 },
  { name: 'CONNECT', bytes: `CONNECT a.example:443 HTTP/1.1\r\n${host}\r\n`, status: 501 },
  { name: 'HTTP/2.0 in the request line', bytes: `GET / HTTP/2.0\r\n${host}\r\n`, status: 505 },
  { name: 'HTTP/3.0 in the request line', bytes: `GET / HTTP/3.0\r\n${host}\r\n`, status: 505 },
  { name: 'HTTP/0.9 in the request line', bytes: `GET / HTTP/0.9\r\n${host}\r\n`, status: 505 },
  { name: 'an expectation of its own', bytes: get('Expect: 200-maybe\r\n'), status: 417 },
]

const tooLarge: HostileRequest[] = [
  { name: 'a target of 20 KiB', bytes: `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, status: 414 },
  { name: 'a target of 20 KiB without end', bytes: `GET /${'a'.repeat(20_000)}`, status: 414 },
  { name: 'a method of 1 KiB', bytes: `${'A'.repeat(1024)} / HTTP/1.1\r\n${host}\r\n`, status: 501 },
  { name: 'a field of 40 KiB', bytes: get(`X-A: ${'b'.repeat(40_000)}\r\n`), status: 431 },
  {
    name: 'a field of 40 KiB without end',
    bytes: `GET / HTTP/1.1\r\n${host}X-A: ${'b'.repeat(40_000)}`,
    status: 431,
  },
  { name: 'a field name of 40 KiB', bytes: get(`${'b'.repeat(40_000)}: a\r\n`), status: 431 },
  { name: '101 fields', bytes: get('X-A: b\r\n'.repeat(100)), status: 431 },
  { name: '5,000 fields', bytes: get('a:\r\n'.repeat(5000)), status: 431 },
]

/** The head is good; the body is not. The origin may see a head, but never a whole request. */
const bodies: HostileRequest[] = Object.entries({
  'a chunk size of nothing': '\r\nabc\r\n0\r\n\r\n',
  'a chunk size with a plus': '+3\r\nabc\r\n0\r\n\r\n',
  'a chunk size with a minus': '-3\r\nabc\r\n0\r\n\r\n',
  'a chunk size with 0x': '0x3\r\nabc\r\n0\r\n\r\n',
  'a chunk size of 17 digits': '00000000000000003\r\nabc\r\n0\r\n\r\n',
  'a chunk size beyond 2^53': '20000000000001\r\nabc\r\n0\r\n\r\n',
  'a chunk size beyond 2^64': 'ffffffffffffffff\r\nabc\r\n0\r\n\r\n',
  'a chunk size with a space before': ' 3\r\nabc\r\n0\r\n\r\n',
  'a chunk size with an underscore': '3_0\r\nabc\r\n0\r\n\r\n',
  'a chunk size that ends in LF alone': '3\nabc\r\n0\r\n\r\n',
  'a chunk size that ends in CR alone': '3\rabc\r\n0\r\n\r\n',
  'a chunk size in letters': 'xyz\r\nabc\r\n0\r\n\r\n',
  'a chunk that is longer than its size': '3\r\nabcd\r\n0\r\n\r\n',
  'a chunk without its CR LF': '3\r\nabc0\r\n\r\n',
  'a chunk that ends in LF alone': '3\r\nabc\n0\r\n\r\n',
  'a chunk that ends in CR alone': '3\r\nabc\r0\r\n\r\n',
  'an extension with a bare LF': '3;a\nb\r\nabc\r\n0\r\n\r\n',
  'an extension with a bare CR': '3;a\rb\r\nabc\r\n0\r\n\r\n',
  'an extension with a NUL': '3;a\0b\r\nabc\r\n0\r\n\r\n',
  'an extension of 2 KiB': `3;a=${'b'.repeat(2048)}\r\nabc\r\n0\r\n\r\n`,
  'a last chunk that ends in LF alone': '3\r\nabc\r\n0\n\r\n',
  'a trailer without colon': '3\r\nabc\r\n0\r\nX-A\r\n\r\n',
  'a trailer with a space before the colon': '3\r\nabc\r\n0\r\nX-A : b\r\n\r\n',
  'a folded trailer': '3\r\nabc\r\n0\r\nX-A: b\r\n c\r\n\r\n',
  'a trailer that ends in LF alone': '3\r\nabc\r\n0\r\nX-A: b\n\r\n',
  'a trailer section of 9 KiB': `3\r\nabc\r\n0\r\nX-A: ${'b'.repeat(9000)}\r\n\r\n`,
}).map(([name, body]) => ({ name, bytes: post(te, body), status: /9 KiB/.test(name) ? 431 : 400 }))

/** Odd, but with one reading: they are forwarded, cleaned. */
const forwarded: HostileRequest[] = [
  { name: 'a plain request', bytes: get(''), forward: 1, sees: /^GET \/ HTTP\/1\.1\r\n/m },
  { name: 'an empty line before the request', bytes: '\r\n' + get(''), forward: 1 },
  { name: 'a field without value', bytes: get('X-A:\r\n'), forward: 1 },
  { name: 'tabs around a value', bytes: get('X-A:\t b \t\r\n'), forward: 1 },
  { name: 'bytes above 127 in a value', bytes: get('X-A: \xe4\xff\r\n'), forward: 1 },
  {
    name: 'chunked in capitals',
    bytes: post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'),
    forward: 1,
    sees: /transfer-encoding: chunked\r\n/i,
  },
  {
    name: 'a chunk with extensions',
    bytes: post(te, '3;a=b;c="d"\r\nabc\r\n0\r\n\r\n'),
    forward: 1,
    seesNot: /a=b/,
  },
  { name: 'a chunk size with leading zeros', bytes: post(te, '0003\r\nabc\r\n0\r\n\r\n'), forward: 1 },
  {
    name: 'a trailer that would be a framing field',
    bytes: post(te, '3\r\nabc\r\n0\r\nContent-Length: 99\r\n\r\n'),
    forward: 1,
    seesNot: /content-length: 99/i,
  },
  {
    name: 'a trailer that would be a Host',
    bytes: post(te, '3\r\nabc\r\n0\r\nHost: evil\r\n\r\n'),
    forward: 1,
    seesNot: /evil/,
  },
  {
    name: 'a trailer that a CGI-like origin would take for a claim about the client',
    bytes: post(te, '3\r\nabc\r\n0\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-User: evil\r\n\r\n'),
    forward: 1,
    seesNot: /6\.6\.6\.6|evil/,
  },
  { name: 'two pipelined requests', bytes: get('') + get(''), forward: 2 },
  {
    name: 'a body that looks like a request',
    bytes: post('Content-Length: 27\r\n', 'GET /evil HTTP/1.1\r\nA: b\r\n\r') + '',
    forward: 1,
  },
  {
    name: 'an absolute target with another Host',
    bytes: 'GET http://b.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n',
    forward: 1,
    sees: /host: b\.example\r\n/i,
    seesNot: /a\.example\r\n/,
  },
  {
    name: 'OPTIONS *',
    bytes: `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
    forward: 1,
    sees: /^OPTIONS \* HTTP\/1\.1/m,
  },
  { name: 'HTTP/1.0 without Host', bytes: 'GET / HTTP/1.0\r\n\r\n', forward: 1 },
  {
    name: 'a Connection that nominates a field',
    bytes: get('Connection: x-secret\r\nX-Secret: 1\r\n'),
    forward: 1,
    seesNot: /secret/i,
  },
  {
    name: 'a Connection that nominates Host',
    bytes: get('Connection: host\r\n'),
    forward: 1,
    sees: /host: a\.example/i,
  },
  {
    name: 'a Connection that nominates X-Forwarded-For',
    bytes: get('Connection: x-forwarded-for\r\n'),
    forward: 1,
    sees: /x-forwarded-for: /i,
  },
  {
    name: 'a Connection that nominates Content-Length',
    bytes: post('Connection: content-length\r\nContent-Length: 3\r\n', 'abc'),
    forward: 1,
    sees: /content-length: 3/i,
  },
  {
    name: 'a Connection that nominates Authorization',
    bytes: get('Connection: authorization\r\nAuthorization: Basic x\r\n'),
    forward: 1,
    sees: /authorization: /i,
  },
  {
    name: 'Keep-Alive and Proxy-Connection',
    bytes: get('Keep-Alive: 9\r\nProxy-Connection: keep-alive\r\n'),
    forward: 1,
    seesNot: /keep-alive|proxy-connection/i,
  },
  {
    name: 'an X-Forwarded-For of its own',
    bytes: get('X-Forwarded-For: 6.6.6.6\r\n'),
    forward: 1,
    seesNot: /6\.6\.6\.6/,
  },
  {
    name: 'a Forwarded of its own',
    bytes: get('Forwarded: for=6.6.6.6\r\n'),
    forward: 1,
    seesNot: /6\.6\.6\.6/,
  },
  {
    name: 'an X-Real-IP of its own',
    bytes: get('X-Real-IP: 6.6.6.6\r\n'),
    forward: 1,
    seesNot: /6\.6\.6\.6/,
  },
  { name: 'Transfer_Encoding is another field', bytes: get('Transfer_Encoding: chunked\r\n'), forward: 1 },
  { name: 'dots in the path', bytes: `GET /a/../b HTTP/1.1\r\n${host}\r\n`, forward: 1 },
  {
    name: 'a GET with a body',
    bytes: `GET / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`,
    forward: 1,
    sees: /content-length: 3/i,
  },
  { name: 'an unknown method', bytes: `FROB / HTTP/1.1\r\n${host}\r\n`, forward: 1, sees: /^FROB /m },
  {
    name: 'Upgrade without Connection',
    bytes: get('Upgrade: websocket\r\n'),
    forward: 1,
    seesNot: /upgrade/i,
  },
  {
    name: 'HTTP2-Settings',
    bytes: get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
    forward: 1,
    seesNot: /http2-settings/i,
  },
]

export const hostileRequests: readonly HostileRequest[] = [
  ...startLines,
  ...fields,
  ...hosts,
  ...framing,
  ...notServed,
  ...tooLarge,
  ...bodies,
  ...forwarded,
]
