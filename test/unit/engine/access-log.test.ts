import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { AccessLog } from '../../../src/engine/access-log.ts'
import {
  combinedTime,
  cutText,
  jsonText,
  msText,
  plainText,
  secondsText,
} from '../../../src/engine/log-text.ts'
import { defaultRedactQuery, Redaction } from '../../../src/engine/redaction.ts'
import { CacheResult } from '../../../src/http/cache-result.ts'
import { Exchange, nobody, type Downstream, type RouteInfo } from '../../../src/http/exchange.ts'
import { HandClock } from './fakes.ts'

const noRedaction = new Redaction([], [])

/** An exchange as it is when it is over. */
function finished(target = '/a?b=1', fields: Record<string, string> = {}): Exchange {
  const x = new Exchange()
  x.down = { ...nobody, remoteAddress: '192.0.2.7', remotePort: 4711 } satisfies Downstream
  x.request.method = 'GET'
  x.request.target = target
  x.request.queryStart = target.includes('?') ? target.indexOf('?') : target.length
  x.request.authority = 'www.example.com'
  for (const [name, value] of Object.entries(fields)) x.request.fields.add(name, value)
  x.clientAddress = '198.51.100.9'
  x.requestId = 'id-1'
  x.route = { name: 'www.example.com[2]', site: 'www.example.com' } as RouteInfo
  x.attempts = 2
  x.upstreamAddress = '10.0.0.1:3000'
  x.connectMs = 1.25
  x.firstByteMs = 12.5
  x.bytesSent = 1024
  return x
}

function lineOf(
  format: 'combined' | 'json',
  x: Exchange,
  redaction = noRedaction,
  lineBytesMax = Infinity,
): string {
  return new AccessLog(format, redaction, new HandClock(), lineBytesMax).line(x, 200, NONE, 20.0004)
}

test('combined is the line of Apache and nginx with ours behind it', () => {
  const x = finished('/a?b=1', { referer: 'http://r.example/', 'user-agent': 'curl/8' })
  const line = lineOf('combined', x)
  const time = combinedTime(new HandClock().wallMs())
  assert.equal(
    line,
    `198.51.100.9 - - [${time}] "GET /a?b=1 HTTP/1.1" 200 1024 "http://r.example/" "curl/8" ` +
      'id-1 "www.example.com[2]" 10.0.0.1:3000 1.250 12.500 20.000 2 -\n',
  )
})

test('what the cache did stands at the end of a line, where one was asked', () => {
  const x = finished()
  x.cacheResult = CacheResult.REVALIDATED
  assert.match(lineOf('combined', x), / 20\.000 2 - revalidated\n$/)
  assert.match(lineOf('json', x), /,"cache":"revalidated"\}\n$/)
})

test('what there is not is a dash, and no answer is 000', () => {
  const x = new Exchange()
  const line = new AccessLog('combined', noRedaction, new HandClock()).line(x, 0, Faults.CLIENT_GONE, 3)
  assert.match(line, /^- - - \[.*\] "-" 000 0 "-" "-" - "-" - - - 3\.000 0 client_gone\n$/)
})

test('json has the keys of Caddy where it has one', () => {
  const x = finished('/a?b=1', { 'user-agent': 'curl/8', referer: 'http://r/' })
  const entry = JSON.parse(lineOf('json', x)) as Record<string, unknown>
  assert.deepEqual(entry, {
    ts: new HandClock().wallMs() / 1000,
    level: 'info',
    logger: 'access',
    msg: 'handled request',
    id: 'id-1',
    request: {
      remote_ip: '192.0.2.7',
      remote_port: '4711',
      client_ip: '198.51.100.9',
      proto: 'HTTP/1.1',
      method: 'GET',
      host: 'www.example.com',
      uri: '/a?b=1',
      headers: { 'User-Agent': ['curl/8'], Referer: ['http://r/'] },
    },
    bytes_read: 0,
    duration: 0.02,
    size: 1024,
    status: 200,
    route: 'www.example.com[2]',
    upstream: { addr: '10.0.0.1:3000', attempts: 2, connect: 0.00125, ttfb: 0.0125 },
  })
})

test('json without fields, route and attempts is JSON too', () => {
  const x = new Exchange()
  const line = new AccessLog('json', noRedaction, new HandClock()).line(x, 0, Faults.CLIENT_GONE, 3)
  const entry = JSON.parse(line) as { fault: string; request: { headers: object }; status: number }
  assert.deepEqual([entry.fault, entry.request.headers, entry.status], ['client_gone', {}, 0])
})

test('no text of a client ends a line, a quoted string or a JSON value', () => {
  const evil = [
    '"',
    '\\',
    '\r\n',
    '\u0000',
    '\u001b[31m',
    '\u007f',
    '\u00e9\u0085',
    '\u2028',
    '" 200 0 "x',
  ].join('')
  for (const format of ['combined', 'json'] as const) {
    const x = finished('/' + evil, { referer: evil, 'user-agent': evil })
    x.requestId = 'a b' + evil
    x.request.authority = evil
    x.upstreamAddress = 'unix:/tmp/a b'
    const line = lineOf(format, x)
    assert.match(line, /^[\x20-\x7e]*\n$/)
    if (format === 'json')
      assert.equal((JSON.parse(line) as { request: { uri: string } }).request.uri, '/' + evil)
    else {
      assert.equal(line.match(/"/g)?.length, 8, line)
      assert.match(line, / a\\x20b.* unix:\/tmp\/a\\x20b /)
    }
  }
})

test('Authorization, Cookie and Set-Cookie are never in a line', () => {
  const x = finished('/', { authorization: 'Basic c2VjcmV0', cookie: 'sid=c2VjcmV0' })
  x.response.fields.add('set-cookie', 'sid=c2VjcmV0')
  for (const format of ['combined', 'json'] as const) assert.doesNotMatch(lineOf(format, x), /c2VjcmV0/)
})

test('secret values in the query are hidden in target and Referer, however the name is written', () => {
  const redaction = new Redaction(defaultRedactQuery, [])
  const hidden = [
    '/p?token=SECRET',
    '/p?a=1&Token=SECRET&b=2',
    '/p?a=1;token=SECRET',
    '/p?%74oken=SECRET',
    '/p?tok%65n=SECRET%26',
    '/p?user[password]=SECRET',
    '/p?user%5Bpassword%5D=SECRET',
    '/p?token[]=SECRET',
    '/p?token=SECRET=SECRET',
    '/p?x?token=SECRET',
    '/p?X-Amz-Signature=SECRET',
    '/p?token=SECRET#SECRET'.replace('#SECRET', ''),
  ]
  for (const target of hidden) {
    const x = finished(target, { referer: 'https://r.example' + target })
    for (const format of ['combined', 'json'] as const) {
      const line = lineOf(format, x, redaction)
      assert.doesNotMatch(line, /SECRET/, target)
      assert.equal(line.match(/\*\*\*/g)?.length, 2, line)
    }
  }
})

test('what is not secret stays as it is', () => {
  const redaction = new Redaction(defaultRedactQuery, [])
  for (const target of [
    '/p?tokens=1',
    '/token=1',
    '/p?a=token',
    '/p?=token',
    '/p?token',
    '/p?',
    '/p?&&',
    '/p?a=%zz&%=1',
  ])
    assert.ok(lineOf('combined', finished(target), redaction).includes(`"GET ${target} HTTP`), target)
})

test('in Referer, fragments and user with password are hidden too', () => {
  const redaction = new Redaction(defaultRedactQuery, [])
  assert.equal(redaction.url('https://h/cb#access_token=x&a=1'), 'https://h/cb#access_token=***&a=1')
  assert.equal(redaction.url('https://user:pw@h/p?a=b@c'), 'https://***@h/p?a=b@c')
  assert.equal(redaction.url('https://h/p?mail=a@b'), 'https://h/p?mail=a@b')
  assert.equal(redaction.url('https://h/p@q'), 'https://h/p@q')
})

test('fields that the operator chose are hidden', () => {
  const redaction = new Redaction([], ['user-agent', 'referer'])
  const x = finished('/', { referer: 'http://r/', 'user-agent': 'me' })
  assert.match(lineOf('combined', x, redaction), /"\*\*\*" "\*\*\*"/)
  assert.match(lineOf('combined', finished('/'), redaction), /"-" "-"/)
})

test('where long lines may tear, whatever clients send gives less than PIPE_BUF', () => {
  for (const fill of ['a', '"', '\u00ff', '\\']) {
    const long = fill.repeat(16_000)
    const x = finished('/' + long, { referer: long, 'user-agent': long })
    x.requestId = long
    x.request.authority = long
    x.route = { name: long, site: '' } as RouteInfo
    x.upstreamAddress = 'unix:/' + 'p'.repeat(100)
    for (const format of ['combined', 'json'] as const) {
      const line = lineOf(format, x, noRedaction, 4096)
      assert.ok(line.length <= 4096, `${format} ${fill} ${line.length}`)
      if (format === 'json') JSON.parse(line)
      assert.ok(lineOf(format, x).length > 16_000)
    }
  }
})

test('the time is that of the second, in local time with its zone', () => {
  const clock = new HandClock()
  const log = new AccessLog('combined', noRedaction, clock)
  const timeOf = (): string => /\[(.*?)\]/.exec(log.line(finished(), 200, NONE, 1))?.[1] ?? ''
  const first = timeOf()
  assert.match(first, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$/)
  clock.advance(1000)
  assert.notEqual(timeOf(), first)
  const shown = first.replace(/^(\d\d)\/(\w+)\/(\d+):(.*)$/, '$1 $2 $3 $4')
  assert.equal(Date.parse(shown), Math.floor(new HandClock().wallMs() / 1000) * 1000)
})

test('numbers are written with fixed decimals', () => {
  assert.deepEqual([-1, 0, 0.0004, 0.0005, 1, 999.9996, 1e9].map(msText), [
    '-',
    '0.000',
    '0.000',
    '0.001',
    '1.000',
    '1000.000',
    '1000000000.000',
  ])
  assert.deepEqual([0, 0.001, 1, 1234.567, 1_767_225_601_000].map(secondsText), [
    '0.000000',
    '0.000001',
    '0.001000',
    '1.234567',
    '1767225601.000000',
  ])
})

test('escapes: wide characters are UTF-8 bytes in combined and \\u in JSON', () => {
  assert.equal(plainText('ä€"\\\n'), '\\xE4\\xE2\\x82\\xAC\\x22\\x5C\\x0A')
  assert.equal(plainText('😀'), '\\xF0\\x9F\\x98\\x80')
  assert.equal(JSON.parse(`"${jsonText('ä€"\\\n😀')}"`), 'ä€"\\\n😀')
  assert.equal(cutText('abc', 600), 'abc')
})
