import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig } from '../../../src/config/check.ts'
import { has, problems } from './checked.ts'

const right = { sites: { '*': [{ origin: 'app' }] }, origins: { app: '127.0.0.1:3000' } }

test('a right config has no problems and a document', () => {
  const { document, problems: found } = checkConfig(right)
  assert.deepEqual(found, [])
  assert.equal(document?.sites['*']?.[0]?.origin, 'app')
})

test('an unknown key is told with the nearest one that may stand there', () => {
  has({ ...right, listners: [] }, /^error listners: unknown key "listners"; did you mean "listeners"\?/)
  has({ ...right, upstreams: {} }, /did you mean "origins"\?/)
  has(
    { sites: { '*': [{ origin: '127.0.0.1:1', redirct: '/' }] } },
    /sites\["\*"\]\[0\]\.redirct: .*did you mean "redirect"/,
  )
  has({ ...right, origins: { app: { servers: 'a:1', balanc: 1 } } }, /origins\.app\.balanc: .*"balance"/)
  has({ ...right, log: { acces: false } }, /log\.acces: .*"access"/)
  has({ ...right, zzz: 1 }, /^error zzz: unknown key "zzz"$/)
})

function told(cache: object, pattern: RegExp): void {
  has({ ...right, sites: { '*': [{ cache, origin: 'app' }] } }, pattern)
}

test('what a cache is told is a name, a tag or a type, where it would match nothing else', () => {
  told({ key: { headers: ['X-*'] } }, /key\.headers\[0\]: a field is named in full, without "\*"$/)
  told({ key: { languages: ['de_CH'] } }, /key\.languages\[0\]: a language tag is expected, such as "en"/)
  told(
    { key: { query: { only: ['a'], without: ['b'] } } },
    /"\w+" cannot stand beside the other keys that are here$/,
  )
  told({ vary: { languages: ['*'] } }, /vary\.languages\[0\]: a language tag is expected/)
  told({ vary: { encodings: ['gzip, br'] } }, /vary\.encodings\[0\]: the name of a coding is expected/)
  told({ vary: { types: ['image/*'] } }, /vary\.types\[0\]: a media type is expected, such as "image\/avif"$/)
  told({ ttl: [{ status: 304, ttl: '1m' }] }, /ttl\[0\]\.status: an answer with this status is never stored/)
})

test('words of other programs are told with what they are called here', () => {
  has({ ...right, log: { format: 'json' } }, /log\.format: .*"access"\?/)
  has({ sites: { '*': { redirect: { to: '/', code: 301 } } } }, /redirect\.code: .*"status"\?/)
  has({ ...right, timeouts: { read: '60s' } }, /timeouts\.read: .*"betweenBytes"\?/)
  has({ sites: { '*': { origin: 'a:1', rewrite: { strip: '/x' } } } }, /rewrite\.strip: .*"stripPrefix"\?/)
  has({ sites: { '*': { match: { host: 'a.example' }, respond: 404 } } }, /hosts are the keys of "sites"$/)
  has({ ...right, halfClose: 'on' }, /halfClose: true or false is expected, not "on"; write true$/)
  has(
    { ...right, listeners: [{ port: 1, tls: 'yes' }] },
    /tls: true, false or an object .* "yes"; write true$/,
  )
})

test('keys of later versions are refused by name', () => {
  for (const key of ['http2', 'http3', 'rateLimit'])
    has({ ...right, [key]: true }, /not available in this version/)
  for (const key of ['files', 'compress', 'access', 'handler']) {
    has({ sites: { '*': [{ origin: '127.0.0.1:1', [key]: true }] } }, /not available in this version/)
  }
  has({ ...right, origins: { app: { servers: 'a:1', health: {} } } }, /"health" is not available/)
})

test('a word of a fixed choice is told with the choices and the nearest', () => {
  has(
    { ...right, log: { access: 'jsn' } },
    /false, "combined" or "json" is expected, not "jsn"; did you mean "json"/,
  )
  has({ ...right, workers: 'aut' }, /did you mean "auto"/)
})

test('a value of the wrong kind is told in words', () => {
  has({ sites: [] }, /sites: an object is expected, not a list/)
  has({ ...right, maintenance: 'yes' }, /maintenance: true or false is expected, not "yes"/)
  has({ ...right, origins: { app: null } }, /origins\.app: .* is expected, not nothing \(null\)/)
  has({ ...right, limits: { fieldsMax: 1.5 } }, /limits\.fieldsMax: a whole number is expected/)
  has(null, /an object is expected, not nothing/)
  has([], /an object is expected, not a list/)
  has('x', /an object is expected, not "x"/)
})

test('a route has exactly one end', () => {
  has({ sites: { '*': [{}] } }, /sites\["\*"\]\[0\]: a route needs an end/)
  has({ sites: { '*': [{ origin: 'a:1', respond: 404 }] } }, /one end, this one has 2: origin and respond/)
  has(
    { sites: { '*': [{ rewrite: '/x', redirect: '/y' }] } },
    /rewrite: "rewrite" changes what an origin is asked for/,
  )
  assert.deepEqual(problems({ sites: { '*': [{ maintenance: true }] } }), [])
})

test('an end that is misspelled is not missing as well', () => {
  assert.equal(problems({ sites: { '*': [{ redirct: '/' }] } }).length, 1)
})

test('a route names an origin that there is', () => {
  has({ ...right, sites: { '*': [{ origin: 'ap' }] } }, /no origin "ap"; did you mean "app"\?/)
  has(
    { ...right, sites: { '*': [{ origin: 'zzz' }] } },
    /no origin "zzz"; there are "app"; an address has a port/,
  )
  has({ sites: { '*': 'zzz' } }, /sites\["\*"\]: there is no origin "zzz"; there are no origins/)
  assert.deepEqual(problems({ sites: { '*': '127.0.0.1:3000' } }), [])
})

test('an origin that no route uses is a warning, on its key', () => {
  has({ ...right, origins: { app: 'a:1', other: 'b:1' } }, /^warning origins\.other: no route uses/)
})

test('routes behind one that takes everything are a warning, once', () => {
  const routes = [
    { match: '/a', respond: 1 + 199 },
    { respond: 404 },
    { match: '/b', respond: 200 },
    { respond: 'x' },
  ]
  assert.deepEqual(problems({ sites: { '*': routes } }), [
    'warning sites["*"][2]: this route and the 1 after it are never reached: route [1] takes every request',
  ])
  has({ sites: { '*': [{ match: '/*', respond: 404 }, { respond: 200 }] } }, /this route is never reached/)
})

test('a timeout in a bare number that looks like seconds is a warning, wherever it stands', () => {
  const timeouts = { firstByte: 60 }
  const message = /: 60 are milliseconds; write "60s" if seconds are meant, else "60ms"$/.source
  has({ ...right, timeouts }, new RegExp(`^warning timeouts\\.firstByte${message}`))
  const origins = { app: { servers: 'a:1', timeouts } }
  has({ ...right, origins }, new RegExp(`^warning origins\\.app\\.timeouts\\.firstByte${message}`))
  const sites = { '*': [{ origin: 'app', timeouts }] }
  has({ ...right, sites }, new RegExp(`^warning sites\\["\\*"\\]\\[0\\]\\.timeouts\\.firstByte${message}`))
  assert.deepEqual(problems({ ...right, timeouts: { firstByte: 1000, idle: '60ms' } }), [])
})

test('a key in the wrong place is told where it belongs', () => {
  has(
    { sites: { '*': { origin: 'a:1', retries: 3 } } },
    /: unknown key "retries"; it belongs in origins\.NAME$/,
  )
  has({ sites: { '*': { origin: 'a:1', cache: { memory: '1GB' } } } }, /"memory"; it belongs in cache$/)
  has({ ...right, forwarding: { workers: 1 } }, /"workers"; it belongs at the top$/)
})

test('the port of HTTPS without TLS, and certificates that nobody is shown, are warnings', () => {
  has({ ...right, listeners: [80, 443] }, /^warning listeners\[1\]: clients speak TLS on port 443/)
  has({ ...right, listeners: ':443' }, /^warning listeners: clients speak TLS on port 443/)
  has({ ...right, tls: { acme: 'a@example.com' } }, /^warning tls\.acme: no listener speaks TLS/)
  const secure = { port: 443, tls: true }
  const passing = { port: 443, tcp: 'app' }
  for (const listeners of [[80, secure], [passing], [8443]])
    assert.deepEqual(
      problems({ ...right, listeners }).filter((text) => text.includes('TLS')),
      [],
    )
})

test('no site, and a site without routes, are warnings', () => {
  has({}, /^warning sites: there is no site/)
  has({ sites: { '*': [] } }, /^warning sites\["\*"\]: the site has no route/)
  assert.deepEqual(problems({ maintenance: true }), [])
})

/** A config of one route to an origin. */
function route(more: object): object {
  return { sites: { '*': [{ origin: 'a:1', ...more }] } }
}

test('captures that are not there are errors', () => {
  has({ sites: { '*': [{ match: '/a', redirect: '/$1' }] } }, /\$1 is never set: the match captures nothing/)
  has(
    { sites: { '*': [{ match: '/a/*', redirect: { to: '/$2' } }] } },
    /redirect\.to: \$2 is never set: .* only \$1$/,
  )
  has(
    { sites: { '*': { match: '/:a/:b', redirect: '/$3' } } },
    /sites\["\*"\]\.redirect: \$3 .* only \$1 to \$2/,
  )
  has(
    route({ match: '/u/:name', rewrite: '/{path.nam}' }),
    /\{path\.nam\} is never set: .*did you mean "name"/,
  )
  has(route({ headers: { request: { set: { 'X-A': '$1' } } } }), /headers\.request\.set\["X-A"\]: \$1/)
  has(
    route({ rewrite: { regex: { pattern: '(a)', replacement: '/$2' } } }),
    /\$2 is never set: this regex captures only \$1/,
  )
  assert.deepEqual(
    problems(route({ match: '/a', rewrite: { regex: { pattern: '(a)', replacement: '/$1' } } })),
    [],
  )
  assert.deepEqual(problems(route({ match: ['/a/*', '/b'], rewrite: '/$1' })), [])
  assert.deepEqual(problems({ sites: { '*': { respond: { body: '$1 {zzz}' } } } }), [])
})

test('listeners that take each other’s port are told', () => {
  has({ ...right, listeners: [80, ':80'] }, /listeners\[1\]: :80 is taken already by listeners\[0\]$/)
  has({ ...right, listeners: ['127.0.0.1:80', 80] }, /listeners\[1\]: :80 is taken already/)
  has({ ...right, listeners: ['unix:/a', { path: '/a' }] }, /unix:\/a is taken already/)
  assert.deepEqual(problems({ ...right, listeners: [0, 0, '127.0.0.1:80', '[::1]:80', 'unix:/a'] }), [])
})

test('an address to listen on is read in all its spellings', () => {
  const listeners = [
    80,
    ':81',
    '82',
    '127.0.0.1:83',
    '[::1]:84',
    'localhost:85',
    '*:86',
    'unix:/run/x.sock',
    { port: 87 },
  ]
  const document = checkConfig({ ...right, listeners }).document
  assert.deepEqual(
    document?.listeners.map(({ name }) => name),
    [':80', ':81', ':82', '127.0.0.1:83', '[::1]:84', 'localhost:85', ':86', 'unix:/run/x.sock', ':87'],
  )
  const wrong = [
    'x',
    '',
    'http://x:80/',
    '1.2.3.4',
    '::1',
    ':70000',
    'unix:x',
    'unix:/a/',
    'a b:80',
    '1.2.3:80',
    65_536,
    -1,
  ]
  for (const listener of wrong) has({ ...right, listeners: [listener] }, /^error listeners\[0\]:/)
  has({ ...right, listeners: 'http://x:80/' }, /did you mean "x:80"/)
})

test('the admin listener is a unix socket or on the loopback', () => {
  for (const admin of [
    'unix:/a',
    '127.0.0.1:1',
    '127.9.9.9:1',
    '[::1]:1',
    'localhost:1',
    false,
    { listen: 'unix:/a' },
  ]) {
    assert.deepEqual(problems({ ...right, admin }), [], JSON.stringify(admin))
  }
  for (const admin of [':1', '0.0.0.0:1', '[::]:1', '10.0.0.1:1', 'example.com:1', '[::ffff:8.8.8.8]:1']) {
    has({ ...right, admin }, /^error admin: .*(reached from outside)/)
  }
})

test('hosts of sites are hosts', () => {
  const wrong = [
    'http://x/',
    'x/y',
    'x:80',
    'a.*.b',
    '*x',
    '.x',
    '',
    'a,,b',
    'a b',
    'exa_mple..com',
    '[::1]:80',
    '[zz]',
  ]
  for (const host of wrong) has({ sites: { [host]: [{ respond: 404 }] } }, /^error sites/)
  const good = [
    'x',
    'X.Example',
    '*.x',
    '*',
    'a.example, b.example',
    'bücher.example',
    '127.0.0.1',
    '[::1]',
    'a_b.c',
    'x.',
  ]
  for (const host of good) assert.deepEqual(problems({ sites: { [host]: [{ respond: 404 }] } }), [], host)
})

test('a host stands in one site only', () => {
  const routes = [{ respond: 404 }]
  has({ sites: { 'a.example': routes, 'A.example.': routes } }, /a\.example is a site already/)
  has({ sites: { 'a.example, a.example': routes } }, /a\.example is written twice/)
  has({ sites: { 'bücher.example': routes, 'xn--bcher-kva.example': routes } }, /is a site already/)
})

test('all problems are told at once, wherever they are', () => {
  const found = problems({
    listners: 1,
    origins: { app: 'http://a/b' },
    sites: { '*': [{ origin: 'ap' }, { match: 'x', respond: 404 }, { match: '/y', redirect: '/$1' }] },
    drainTimeout: 'soon',
  })
  // Five mistakes, the unused origin, and two routes that are never reached.
  assert.equal(found.filter((text) => text.startsWith('error')).length, 6, found.join('\n'))
})

function routes(name: string): object {
  return route({ headers: { request: { set: { [name]: 'x' } } } })
}

test('the field of the request id is not edited in vain', () => {
  has(routes('x-request-id'), /set\["x-request-id"\]: .*forwarding\.requestId/)
  has({ ...routes('X-Trace'), forwarding: { requestId: 'X-Trace' } }, /X-Trace cannot be edited/)
  assert.deepEqual(problems({ ...routes('X-Request-Id'), forwarding: { requestId: 'X-Trace' } }), [])
  assert.deepEqual(problems({ ...routes('X-Request-Id'), forwarding: { requestId: false } }), [])
})

test('a limit that makes no sense is refused with the range that does', () => {
  has({ ...right, limits: { headBytesMax: '1KiB', startLineBytesMax: '2KiB' } }, /part of the head/)
  has({ ...right, limits: { headBytesMax: '1MiB' } }, /too large: at most 256KiB/)
  has({ ...right, limits: { startLineBytesMax: 10 } }, /too small: at least 256B/)
  has({ ...right, limits: { bodyBytesMax: 'lots' } }, /or "unlimited"/)
  has({ ...right, timeouts: { head: 0 } }, /too short/)
  has({ ...right, workers: 0 }, /workers: at least 1/)
  has({ ...right, origins: { app: { servers: 'a:1', retries: 11 } } }, /at most 10/)
  has({ ...right, origins: { app: { servers: 'a:1', passOver: { min: '5s', max: '1s' } } } }, /longer than/)
})

test('how long something is kept is never a bare number without a warning: others count it in seconds', () => {
  const route = { origin: 'app', cache: { ttl: [{ status: 404, ttl: 3600 }], grace: 60, keep: 0 } }
  const input = {
    ...right,
    sites: { '*': [{ match: '/a', origin: 'app', cache: { ttl: 86_400 } }, route] },
    https: { hsts: 31_536_000 },
    drainTimeout: 30,
    listeners: [{ port: 443, tls: true }],
  }
  const paths = problems(input).filter((text) => /^warning .*are milliseconds; write "\d+s" if/.test(text))
  assert.deepEqual(
    paths.map((text) => text.split(': ')[0]),
    [
      'warning drainTimeout',
      'warning https.hsts',
      'warning sites["*"][0].cache.ttl',
      'warning sites["*"][1].cache.grace',
      'warning sites["*"][1].cache.ttl[0].ttl',
    ],
  )
})
