import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange } from '../../../src/http/exchange.ts'
import { Fields } from '../../../src/http/fields.ts'
import { defaultHiding, Hiding, type HidingOptions } from '../../../src/http/hiding.ts'
import type { PathMap } from '../../../src/http/origin-names.ts'

/** Names and values, a few to a line. */
const pairs = (...lists: string[][]): string[] => lists.flat()

interface Setting {
  authorities?: string[]
  scheme?: string
  authority?: string
  sentHost?: string
  pathMap?: PathMap | null
  options?: Partial<HidingOptions>
  status?: number
}

/** The fields of an answer after hiding, by name. */
function hide(fields: string[], setting: Setting = {}): Map<string, string> {
  const x = new Exchange()
  const authority = setting.authority ?? 'www.example.com'
  x.request.scheme = setting.scheme ?? 'https'
  x.request.authority = authority
  x.request.host = authority.replace(/:\d+$/, '')
  x.outgoing.host = setting.sentHost ?? authority
  x.response.status = setting.status ?? 200
  for (let i = 0; i < fields.length; i += 2)
    x.response.fields.add(fields[i] as string, fields[i + 1] as string)
  const options = { ...defaultHiding, pathMap: setting.pathMap ?? null, ...setting.options }
  new Hiding(options, setting.authorities ?? ['10.0.0.11:3000', '10.0.0.12:3000']).edit(x, x.response)
  const left = x.response.fields.toArray()
  const map = new Map<string, string>()
  for (let i = 0; i < left.length; i += 2) map.set(left[i] as string, left[i + 1] as string)
  return map
}

const location = (value: string, setting: Setting = {}): string | undefined =>
  hide(['location', value], setting).get('location')

const cookie = (value: string, setting: Setting = {}): string | undefined =>
  hide(['set-cookie', value], setting).get('set-cookie')

test('fields that name software and inner hops go, others stay', () => {
  const left = hide(
    pairs(
      ['server', 'Apache/2.4.57 (Debian)', 'x-powered-by', 'PHP/8.2', 'via', '1.1 varnish-3'],
      [
        'alt-svc',
        'h3=":443"',
        'connection',
        'keep-alive, x-inner',
        'keep-alive',
        'timeout=5',
        'x-inner',
        '1',
      ],
      ['content-type', 'text/html', 'x-own', 'stays'],
    ),
  )
  assert.deepEqual([...left.keys()].toSorted(), ['connection', 'content-type', 'x-own'])
})

test('what goes does not come back as a trailer', () => {
  const trailers = new Fields()
  for (const name of ['server', 'x-sum', 'X-Version', 'x-powered-by']) trailers.add(name, '1')
  new Hiding({ ...defaultHiding, removeFields: ['server', 'x-version'] }, []).editTrailers(trailers)
  assert.deepEqual(trailers.toArray(), ['x-sum', '1', 'x-powered-by', '1'])
})

test('which fields go can be chosen', () => {
  const left = hide(['server', 'app/1', 'x-inner', '1'], { options: { removeFields: ['x-inner'] } })
  assert.deepEqual([...left], [['server', 'app/1']])
})

test('Upgrade goes with the hop, but a 426 keeps it (RFC 9110 §15.5.22)', () => {
  const fields = ['upgrade', 'websocket', 'connection', 'upgrade']
  assert.equal(hide(fields).has('upgrade'), false)
  assert.equal(hide(fields, { status: 426 }).get('upgrade'), 'websocket')
})

test('a Location under a server’s own address becomes one under what the client asked for', () => {
  const expected = 'https://www.example.com/login?a=b#c'
  assert.equal(location('http://10.0.0.11:3000/login?a=b#c'), expected)
  assert.equal(location('HTTP://10.0.0.12:3000/login?a=b#c'), expected)
  assert.equal(location('https://10.0.0.11:3000/login?a=b#c'), expected)
  assert.equal(location('//10.0.0.11:3000/login?a=b#c'), expected)
  assert.equal(location('http://user:pass@10.0.0.11:3000/login?a=b#c'), expected)
  assert.equal(location('http://10.0.0.11:3000'), 'https://www.example.com')
  assert.equal(location('http://10.0.0.11:3000?x'), 'https://www.example.com?x')
})

test('a port that is the scheme’s own may be written or left out', () => {
  const setting = { authorities: ['app.internal'] }
  assert.equal(location('http://app.internal:80/x', setting), 'https://www.example.com/x')
  assert.equal(location('http://APP.internal/x', setting), 'https://www.example.com/x')
})

test('a Location under the Host that was sent gets the scheme that the client used', () => {
  assert.equal(location('http://www.example.com/x'), 'https://www.example.com/x')
  assert.equal(location('http://app.internal/x', { sentHost: 'app.internal' }), 'https://www.example.com/x')
})

test('a Location under the public host with a server’s port hides the port', () => {
  assert.equal(location('http://www.example.com:3000/x'), 'https://www.example.com/x')
  assert.equal(location('http://10.0.0.11/x', { authorities: ['10.0.0.11'] }), 'https://www.example.com/x')
})

test('an origin that sends its clients from http to https is let to', () => {
  const setting = { scheme: 'http', authorities: ['10.0.0.11'] }
  assert.equal(location('https://www.example.com/x', setting), 'https://www.example.com/x')
  assert.equal(
    location('https://www.example.com/x', { ...setting, authority: 'www.example.com:8080' }),
    'https://www.example.com/x',
  )
})

test('a Location at somebody else’s stays', () => {
  for (const url of [
    'https://login.example.net/?back=1',
    'http://10.0.0.111:3000/',
    'http://10.0.0.13:3000/',
    'http://www.example.com:8443/',
    'http://www.example.com.evil.test/',
    'mailto:a@b.example',
    'relative/path',
    '',
  ])
    assert.equal(location(url), url)
})

test('Content-Location and Refresh are mapped like Location', () => {
  assert.equal(
    hide(['content-location', 'http://10.0.0.11:3000/a']).get('content-location'),
    'https://www.example.com/a',
  )
  for (const [value, expected] of [
    ['5; url=http://10.0.0.11:3000/a', '5; url=https://www.example.com/a'],
    ['0;URL="http://10.0.0.11:3000/a"', '0;URL="https://www.example.com/a"'],
    ["0, url = 'http://10.0.0.11:3000/a'", "0, url = 'https://www.example.com/a'"],
    ['5; http://10.0.0.11:3000/a', '5; https://www.example.com/a'],
    ['5; url=https://other.example/', '5; url=https://other.example/'],
    ['5', '5'],
  ] as const)
    assert.equal(hide(['refresh', value]).get('refresh'), expected)
})

test('a Refresh costs its length, and not the square of it', () => {
  const begin = performance.now()
  const target = 'a' + ' '.repeat(300_000) + 'b'
  for (const value of [`0;url=${target}`, `0;url="${target}`, `0;url='${target}'`])
    assert.equal(hide(['refresh', value]).get('refresh'), value)
  // A few milliseconds; minutes with the square.
  assert.ok(performance.now() - begin < 10_000)
})

test('a client that named no host is sent to the path alone', () => {
  assert.equal(location('http://10.0.0.11:3000/x', { authority: '', sentHost: '10.0.0.11:3000' }), '/x')
  assert.equal(location('http://10.0.0.11:3000', { authority: '', sentHost: '10.0.0.11:3000' }), '/')
})

const stripped = { pathMap: { publicPrefix: '/api', originPrefix: '' } }
const replaced = { pathMap: { publicPrefix: '/api', originPrefix: '/v2' } }
const added = { pathMap: { publicPrefix: '', originPrefix: '/app' } }

test('a prefix that the route stripped is put back', () => {
  assert.equal(location('/login', stripped), '/api/login')
  assert.equal(location('/', stripped), '/api/')
  assert.equal(location('http://10.0.0.11:3000/login', stripped), 'https://www.example.com/api/login')
  assert.equal(location('http://10.0.0.11:3000', stripped), 'https://www.example.com/api/')
  assert.equal(location('https://other.example/login', stripped), 'https://other.example/login')
})

test('an origin that knows the public prefix and says it is not corrected', () => {
  assert.equal(location('/api/login', stripped), '/api/login')
  assert.equal(location('/api', stripped), '/api')
  assert.equal(location('/apiary', stripped), '/api/apiary')
})

test('a prefix that the route replaced or added is changed back', () => {
  assert.equal(location('/v2/login?x', replaced), '/api/login?x')
  assert.equal(location('/v2', replaced), '/api')
  assert.equal(location('/v20/login', replaced), '/v20/login')
  assert.equal(location('/app/login', added), '/login')
  assert.equal(location('/elsewhere', added), '/elsewhere')
})

test('a cookie’s Domain that is the origin’s becomes the public host', () => {
  const setting = { authorities: ['app.internal:3000'] }
  assert.equal(cookie('a=b; Domain=app.internal; Path=/', setting), 'a=b; Domain=www.example.com; Path=/')
  assert.equal(cookie('a=b; domain=.internal;Secure', setting), 'a=b; domain=www.example.com;Secure')
  assert.equal(cookie('a=b; Domain=backend', { sentHost: 'backend' }), 'a=b; Domain=www.example.com')
})

test('a cookie’s Domain that the client’s browser takes, or that is somebody else’s, stays', () => {
  for (const value of [
    'a=b; Domain=example.com',
    'a=b; Domain=.www.example.com',
    'a=b; Domain=other.example',
  ])
    assert.equal(cookie(value, { authorities: ['app.internal:3000'] }), value)
})

test('a cookie of a site that is asked by address loses its Domain', () => {
  const setting = { authorities: ['app.internal'], authority: '192.0.2.1:8080' }
  assert.equal(cookie('a=b; Domain=app.internal; HttpOnly', setting), 'a=b; HttpOnly')
})

test('a cookie’s Path follows the path map; its value is never touched', () => {
  assert.equal(cookie('a=b; Path=/', stripped), 'a=b; Path=/api/')
  assert.equal(cookie('a=b; path=/admin; Secure', stripped), 'a=b; path=/api/admin; Secure')
  assert.equal(cookie('path=/x; Path=/v2/y', replaced), 'path=/x; Path=/api/y')
  assert.equal(cookie('a=path=/v2', replaced), 'a=path=/v2')
})

test('mapping of cookies and of locations can be turned off', () => {
  const off = { ...stripped, options: { mapCookies: false, mapLocations: false } }
  assert.equal(cookie('a=b; Path=/', off), 'a=b; Path=/')
  assert.equal(location('http://10.0.0.11:3000/x', off), 'http://10.0.0.11:3000/x')
})

test('a server’s address in any other field is mapped too', () => {
  const left = hide(
    pairs(
      ['link', '<http://10.0.0.11:3000/a.css>; rel=preload, </b.js>; rel=preload'],
      ['access-control-allow-origin', 'http://10.0.0.11:3000', 'x-served-by', '10.0.0.11:3000 (eth0)'],
      ['x-backend', '10.0.0.12', 'x-else', '10.0.0.110 110.0.0.11 10.0.0.11.5 a-10.0.0.11'],
    ),
  )
  assert.equal(left.get('link'), '<https://www.example.com/a.css>; rel=preload, </b.js>; rel=preload')
  assert.equal(left.get('access-control-allow-origin'), 'https://www.example.com')
  assert.equal(left.get('x-served-by'), 'www.example.com (eth0)')
  assert.equal(left.get('x-backend'), 'www.example.com')
  assert.equal(left.get('x-else'), '10.0.0.110 110.0.0.11 10.0.0.11.5 a-10.0.0.11')
})

test('loopback addresses and single words are hidden in Location, and left alone elsewhere', () => {
  const setting = { authorities: ['127.0.0.1:3000', 'app:8080', 'localhost'] }
  const left = hide(['x-seen', '127.0.0.1:3000', 'content-type', 'app/app', 'x-at', 'localhost'], setting)
  assert.deepEqual([...left.values()], ['127.0.0.1:3000', 'app/app', 'localhost'])
  assert.equal(location('http://127.0.0.1:3000/x', setting), 'https://www.example.com/x')
  assert.equal(location('http://app:8080/x', setting), 'https://www.example.com/x')
})

test('IPv6 servers are hidden', () => {
  const setting = { authorities: ['[2001:db8::11]:3000'] }
  assert.equal(location('http://[2001:db8::11]:3000/x', setting), 'https://www.example.com/x')
  assert.equal(
    hide(['link', '<http://[2001:db8::11]:3000/a>'], setting).get('link'),
    '<https://www.example.com/a>',
  )
})

test('a hostile Location of 100,000 characters is mapped in no more than a moment', () => {
  const start = performance.now()
  for (const unit of ['/', ':', 'a', '[', '10.0.0.11:', 'http://', '"', ';']) {
    const value = unit.repeat(100_000 / unit.length)
    hide([
      'location',
      value,
      'refresh',
      `0; url=${value}`,
      'link',
      value,
      'set-cookie',
      `a=b; domain=${value}`,
    ])
  }
  assert.ok(performance.now() - start < 2000)
})
