import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { bodyOf, get, isLeft, ok, ProxyWorld } from './proxy-world.ts'

test('a request goes to the origin with our fields, and its answer back without the origin’s', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/a?b=c', 'Accept: */*\r\nConnection: keep-alive\r\n'))
  const [head = ''] = world.server().take().split('\r\n\r\n')
  const lines = head.split('\r\n')
  assert.equal(lines[0], 'GET /a?b=c HTTP/1.1')
  assert.deepEqual(lines.slice(1, -1), [
    'Host: www.example.com',
    'Accept: */*',
    'x-forwarded-for: 192.0.2.7',
    'x-forwarded-host: www.example.com',
    'x-forwarded-proto: http',
    'via: 1.1 edge',
  ])
  assert.match(lines.at(-1) ?? '', /^x-request-id: [0-9a-f]{12}-/)
  world.server().say(ok('hello', 'Server: Apache\r\nX-Powered-By: PHP\r\nContent-Type: text/plain\r\n'))
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nvia: 1\.1 edge\r\nDate: /)
  assert.equal(bodyOf(answer), 'hello')
  const [finished] = world.observer.finished
  assert.equal(finished?.status, 200)
  assert.equal(finished?.upstreamAddress, '10.0.0.11:3000')
  assert.equal(finished?.bytesSent, 5)
  assert.equal(finished?.attempts, 1)
  client.end.end()
  world.checkAtRest(1)
})

test('further requests go over the same connection', () => {
  const world = new ProxyWorld()
  const client = world.client()
  for (let i = 0; i < 5; i++) {
    client.say(get(`/${i}`))
    world.server().say(ok(`${i}`))
    assert.equal(bodyOf(client.take()), `${i}`)
  }
  assert.equal(world.accepted.length, 1)
  client.end.end()
  world.checkAtRest(5)
})

test('answers without a body (HEAD, 204, 304, length 0) end at once and keep both connections', () => {
  const world = new ProxyWorld()
  const client = world.client()
  const answers = [
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n', /Content-Length: 1000\r\n/],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', /^HTTP\/1\.1 204/],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', /ETag: "a"\r\n/],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', /Content-Length: 0\r\n/],
  ] as const
  for (const [method, answer, expected] of answers) {
    client.say(get('/').replace('GET', method))
    world.server().say(answer)
    assert.match(client.take(), expected)
  }
  assert.equal(world.accepted.length, 1)
  client.end.end()
  world.checkAtRest(answers.length)
})

test('a chunked answer with trailers is passed on, trailers to whoever asked for them', () => {
  const world = new ProxyWorld()
  const client = world.client()
  const answer =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\nServer: x\r\n\r\n'
  client.say(get('/', 'TE: trailers\r\nConnection: TE\r\n'))
  assert.match(world.server().take(), /TE: trailers\r\n/)
  world.server().say(answer)
  assert.match(client.take(), /\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n$/)
  client.say(get('/'))
  world.server().say(answer)
  assert.match(client.take(), /\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
  client.end.end()
  world.checkAtRest(2)
})

test('an HTTP/1.0 client without Host is served; the origin is asked with HTTP/1.1 and its own host', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('GET / HTTP/1.0\r\n\r\n')
  assert.match(
    world.server().take(),
    /^GET \/ HTTP\/1\.1\r\nHost: 10\.0\.0\.11:3000\r\n.*via: 1\.0 edge\r\n/s,
  )
  world
    .server()
    .say(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
  world.server().say('2\r\nhi\r\n0\r\n\r\n')
  const answer = client.take()
  assert.doesNotMatch(answer, /103|chunked/)
  assert.equal(bodyOf(answer), 'hi')
  world.checkAtRest(1)
})

test('103 is passed on, with the origin hidden in it, and 100 answers the client’s Expect', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('PUT /a HTTP/1.1\r\nHost: www.example.com\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  assert.match(world.server().take(), /Expect: 100-continue\r\n/)
  assert.equal(client.take(), '')
  world.server().say('HTTP/1.1 103 Early Hints\r\nServer: x\r\nLink: <http://10.0.0.11:3000/a.css>\r\n\r\n')
  assert.equal(client.take(), 'HTTP/1.1 103 Early Hints\r\nLink: <http://www.example.com/a.css>\r\n\r\n')
  world.server().say('HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(client.take(), 'HTTP/1.1 100 Continue\r\n\r\n')
  client.say('hello')
  assert.equal(world.server().take(), 'hello')
  world.server().say(ok('done'))
  assert.equal(bodyOf(client.take()), 'done')
  client.end.end()
  world.checkAtRest(1)
})

test('a final answer to an awaited body is passed on instead of 100', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('PUT /a HTTP/1.1\r\nHost: www.example.com\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  world.server().say('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
  assert.match(client.take(), /^HTTP\/1\.1 401 /)
  client.end.end()
  world.checkAtRest(1)
})

test('an origin that breaks off leaves the client with an answer that is visibly not whole', () => {
  for (const [head, breakOff] of [
    ['Content-Length: 10', 'close'],
    ['Transfer-Encoding: chunked', 'close'],
    ['Content-Length: 10', 'reset'],
    ['Transfer-Encoding: chunked', 'reset'],
  ] as const) {
    const world = new ProxyWorld()
    const client = world.client()
    client.say(get('/'))
    world.server().say(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${head.startsWith('T') ? '4\r\nhalf\r\n' : 'half'}`)
    if (breakOff === 'close') world.server().end.end()
    else world.server().end.reset()
    world.wire.run()
    const answer = client.take()
    assert.match(answer, /half/)
    assert.doesNotMatch(answer, /0\r\n\r\n$/)
    assert.ok(isLeft(client), 'the client’s connection was closed')
    assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_TRUNCATED)
    client.end.destroy()
    world.checkAtRest(1)
  }
})

test('an answer of the origin that cannot be read is 502 and not passed on', () => {
  for (const [answer, fault] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', Faults.ANSWER_LENGTH_BAD],
    ['ICY 200 OK\r\n\r\n', Faults.STATUS_LINE_BAD],
    [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      Faults.ANSWER_UPGRADE_BAD,
    ],
  ] as const) {
    const world = new ProxyWorld()
    const client = world.client()
    client.say(get('/'))
    world.server().say(answer)
    assert.match(client.take(), /^HTTP\/1\.1 502 Bad Gateway\r\n/)
    assert.equal(world.observer.finished[0]?.fault, fault)
    assert.equal(world.accepted.length, 1)
    client.end.end()
    world.checkAtRest(1)
  }
})

test('deadlines of the origin give 504: before the head as an answer, within the body as a cut', () => {
  const world = new ProxyWorld({ limits: { firstByteMs: 2000, betweenBytesMs: 1000 } })
  const client = world.client()
  client.say(get('/'))
  world.pass(1900)
  assert.equal(client.take(), '')
  world.pass(200)
  assert.match(client.take(), /^HTTP\/1\.1 504 /)
  assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
  client.say(get('/'))
  world.server(1).say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  world.pass(1200)
  assert.ok(isLeft(client))
  assert.equal(world.observer.finished[1]?.fault, Faults.ORIGIN_BETWEEN_BYTES_TIMEOUT)
  client.end.destroy()
  world.checkAtRest(2)
})

test('TRACE is refused; OPTIONS with Max-Forwards is counted down and answered at 0', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/').replace('GET', 'TRACE'))
  assert.match(client.take(), /^HTTP\/1\.1 405 .*allow: /s)
  const other = world.client()
  other.say(get('/', 'Max-Forwards: 0\r\n').replace('GET', 'OPTIONS'))
  assert.match(other.take(), /^HTTP\/1\.1 200 .*allow: GET, HEAD/s)
  assert.equal(world.accepted.length, 0)
  other.say(get('/', 'Max-Forwards: 2\r\n').replace('GET', 'OPTIONS'))
  assert.match(world.server().take(), /max-forwards: 1\r\n/i)
})

test('the Host of the origin, or a fixed one, is sent where that is asked for', () => {
  for (const [hostHeader, expected] of [
    ['origin', '10.0.0.11:3000'],
    ['app.internal', 'app.internal'],
    ['client', 'www.example.com'],
  ] as const) {
    const world = new ProxyWorld({ proxy: { hostHeader } })
    const client = world.client()
    client.say(get('/'))
    assert.match(world.server().take(), new RegExp(`^GET / HTTP/1\\.1\\r\\nHost: ${expected}\\r\\n`))
    world
      .server()
      .say('HTTP/1.1 302 Found\r\nLocation: http://' + expected + '/x\r\nContent-Length: 0\r\n\r\n')
    assert.match(client.take(), /Location: http:\/\/www\.example\.com\/x\r\n/i)
  }
})
