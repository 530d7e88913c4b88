/**
 * Hostile and odd answers of an origin, each with what the client may get: a 502 when it has two readings or none, the
 * answer itself when it has one, or the beginning of one that is visibly cut.
 */

export interface HostileAnswer {
  readonly name: string
  readonly bytes: string
  /** The origin closes after these bytes (FIN); else the connection stays open. */
  readonly closes?: boolean
  readonly status: number
  /** The body that the client gets. */
  readonly body?: string
  /** The client must see that the answer is not whole. */
  readonly truncated?: boolean
  readonly seesNot?: RegExp
  /** Only the first of two requests gets this answer; a second request must not get its rest. */
  readonly poisons?: boolean
  readonly method?: string
}

const ok = (more: string, body = ''): string => `HTTP/1.1 200 OK\r\n${more}\r\n${body}`

const refused: HostileAnswer[] = Object.entries({
  'no status line': 'hello\r\n\r\n',
  'an HTTP/0.9 answer': '<html></html>',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of letters': 'HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
  'two spaces before the status': 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a lower-case protocol': 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ICY: 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a status line that ends in LF alone': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'a bare CR in the reason': 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n',
  'a NUL in the reason': 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
  'Content-Length and Transfer-Encoding': ok(
    'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ),
  'two Content-Lengths': ok('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'),
  'a Content-Length list': ok('Content-Length: 3, 4\r\n', 'abcd'),
  'a Content-Length with a plus': ok('Content-Length: +3\r\n', 'abc'),
  'a Content-Length with a minus': ok('Content-Length: -1\r\n', 'abc'),
  'a Content-Length of letters': ok('Content-Length: abc\r\n', 'abc'),
  'a Content-Length beyond 2^64': ok('Content-Length: 18446744073709551619\r\n', 'abc'),
  'an empty Content-Length': ok('Content-Length:\r\n', 'abc'),
  'chunked twice': ok('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
  'chunked in two fields': ok('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'gzip, chunked': ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  'Transfer-Encoding identity': ok('Transfer-Encoding: identity\r\n', 'abc'),
  xchunked: ok('Transfer-Encoding: xchunked\r\n', 'abc'),
  'a word and chunked': ok('Transfer-Encoding: binary, chunked\r\n', '0\r\n\r\n'),
  'a word in two fields': ok('Transfer-Encoding: binary\r\nTransfer-Encoding: binary\r\n', 'abc'),
  'a word and Content-Length': ok('Content-Length: 3\r\nTransfer-Encoding: binary\r\n', 'abc'),
  'the coding gzip': ok('Transfer-Encoding: gzip\r\n', 'abc'),
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a space before the colon': ok('X-A : b\r\nContent-Length: 0\r\n'),
  'a folded field': ok('X-A: b\r\n c\r\nContent-Length: 0\r\n'),
  'an empty field name': ok(': b\r\nContent-Length: 0\r\n'),
  'a line without colon': ok('X-A\r\nContent-Length: 0\r\n'),
  'a NUL in a value': ok('X-A: b\0\r\nContent-Length: 0\r\n'),
  'a bare CR in a value': ok('X-A: b\rSet-Cookie: a=b\r\nContent-Length: 0\r\n'),
  'a line that ends in LF alone': ok('X-A: b\nContent-Length: 0\r\n'),
  'an empty line of LF alone': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n',
  'a head of 40 KiB': ok(`X-A: ${'b'.repeat(40_000)}\r\nContent-Length: 0\r\n`),
  '101 fields': ok('X-A: b\r\n'.repeat(100) + 'Content-Length: 0\r\n'),
  '101 that was not asked for':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a thousand informational answers':
    'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000) + ok('Content-Length: 0\r\n'),
  'a 103 with a folded field':
    'HTTP/1.1 103 Early Hints\r\nX-A: b\r\n c\r\n\r\n' + ok('Content-Length: 0\r\n'),
}).map(([name, bytes]) => ({ name, bytes, status: 502 }))

const closedEarly: HostileAnswer[] = [
  { name: 'nothing', bytes: '', closes: true, status: 502 },
  { name: 'half a status line', bytes: 'HTTP/1.1 20', closes: true, status: 502 },
  { name: 'half a head', bytes: 'HTTP/1.1 200 OK\r\nContent-Le', closes: true, status: 502 },
  { name: 'a 100 and nothing more', bytes: 'HTTP/1.1 100 Continue\r\n\r\n', closes: true, status: 502 },
]

const cut: HostileAnswer[] = [
  {
    name: 'a body shorter than its Content-Length',
    bytes: ok('Content-Length: 10\r\n', 'abc'),
    closes: true,
    status: 200,
    truncated: true,
  },
  {
    name: 'a chunked body without last chunk',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n'),
    closes: true,
    status: 200,
    truncated: true,
  },
  {
    name: 'half a chunk',
    bytes: ok('Transfer-Encoding: chunked\r\n', '8\r\nabc'),
    closes: true,
    status: 200,
    truncated: true,
  },
  {
    name: 'a last chunk without its empty line',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n'),
    closes: true,
    status: 200,
    truncated: true,
  },
  {
    name: 'a chunk size with 0x',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0x3\r\nabc\r\n0\r\n\r\n'),
    status: 200,
    truncated: true,
  },
  {
    name: 'a chunk size of 17 digits',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n00000000000000003\r\nabc\r\n0\r\n\r\n'),
    status: 200,
    truncated: true,
  },
  {
    name: 'a chunk longer than its size',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabcd\r\n0\r\n\r\n'),
    status: 200,
    truncated: true,
  },
  {
    name: 'a chunk that ends in LF alone',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\n0\r\n\r\n'),
    status: 200,
    truncated: true,
  },
  {
    name: 'an extension with a bare LF',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3;a\nb\r\nabc\r\n0\r\n\r\n'),
    status: 200,
    truncated: true,
  },
  {
    name: 'a folded trailer',
    bytes: ok('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n'),
    status: 200,
    truncated: true,
  },
]

const poisoned: HostileAnswer[] = [
  {
    name: 'an answer to nobody behind the first',
    bytes: ok('Content-Length: 3\r\n', 'abc') + ok('Content-Length: 4\r\n', 'evil'),
    status: 200,
    body: 'abc',
    poisons: true,
  },
  {
    name: 'bytes behind a HEAD answer',
    bytes: ok('Content-Length: 4\r\n', 'evil'),
    status: 200,
    body: '',
    method: 'HEAD',
    poisons: true,
  },
  {
    name: 'a body behind a 204',
    bytes: 'HTTP/1.1 204 No Content\r\n\r\nevil',
    status: 204,
    body: '',
    poisons: true,
  },
  {
    name: 'a body behind a 304',
    bytes: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil',
    status: 304,
    body: '',
    poisons: true,
  },
  {
    name: 'bytes behind a chunked answer',
    bytes: ok(
      'Transfer-Encoding: chunked\r\n',
      '3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    ),
    status: 200,
    body: 'abc',
    poisons: true,
  },
  {
    name: 'a body longer than its Content-Length',
    bytes: ok('Content-Length: 3\r\n', 'abcevil'),
    status: 200,
    body: 'abc',
    poisons: true,
  },
]

const served: HostileAnswer[] = [
  {
    name: 'a word for Transfer-Encoding that names no coding',
    bytes: ok('Transfer-Encoding: binary\r\nConnection: keep-alive\r\n', 'abc'),
    closes: true,
    status: 200,
    body: 'abc',
    seesNot: /transfer-encoding: binary/i,
  },
  { name: 'a plain answer', bytes: ok('Content-Length: 3\r\n', 'abc'), status: 200, body: 'abc' },
  {
    name: 'no reason phrase',
    bytes: 'HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc',
    status: 200,
    body: 'abc',
  },
  {
    name: 'an unknown status',
    bytes: 'HTTP/1.1 299 Odd\r\nContent-Length: 3\r\n\r\nabc',
    status: 299,
    body: 'abc',
  },
  { name: 'a body until close', bytes: ok('', 'abc'), closes: true, status: 200, body: 'abc' },
  { name: 'HTTP/1.0', bytes: 'HTTP/1.0 200 OK\r\n\r\nabc', closes: true, status: 200, body: 'abc' },
  {
    name: 'chunked in capitals',
    bytes: ok('TRANSFER-ENCODING: CHUNKED\r\n', '3\r\nabc\r\n0\r\n\r\n'),
    status: 200,
    body: 'abc',
  },
  {
    name: 'a 100 that was not asked for',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\n' + ok('Content-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
  },
  {
    name: 'a 103 before',
    bytes: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' + ok('Content-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
  },
  {
    name: 'a Connection that nominates a field',
    bytes: ok('Connection: x-secret\r\nX-Secret: 1\r\nContent-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
    seesNot: /secret/i,
  },
  {
    name: 'a Connection that nominates Content-Length',
    bytes: ok('Connection: content-length\r\nContent-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
  },
  {
    name: 'Server and X-Powered-By',
    bytes: ok('Server: Secret/1.2\r\nX-Powered-By: PHP/5\r\nContent-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
    seesNot: /Secret|PHP/,
  },
  {
    name: 'Keep-Alive',
    bytes: ok('Keep-Alive: timeout=5\r\nContent-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
    seesNot: /timeout=5/,
  },
  {
    name: 'bytes above 127 in a value',
    bytes: ok('X-A: \xe4\xff\r\nContent-Length: 3\r\n', 'abc'),
    status: 200,
    body: 'abc',
  },
]

export const hostileAnswers: readonly HostileAnswer[] = [
  ...refused,
  ...closedEarly,
  ...cut,
  ...poisoned,
  ...served,
]
