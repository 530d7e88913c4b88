import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheResult } from '../../src/http/cache-result.ts'
import { NEXT, type Handler } from '../../src/http/exchange.ts'
import { cacheStatusOf, CacheWorld, fieldOf } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

const minute = 'Cache-Control: max-age=60\r\n'

test('the first who asks waits for the origin, the second is answered without it', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a', 'Cookie: a=b\r\nIf-None-Match: "z"\r\nRange: bytes=0-1\r\n'))
  const [asked = ''] = world.asked()
  assert.match(asked, /^GET \/a HTTP\/1\.1\r\n/)
  assert.doesNotMatch(asked, /range|if-none-match/i)
  assert.match(asked, /cookie: a=b/i)
  world.server().say(ok('hello', minute + 'ETag: "a"\r\nServer: Apache\r\n'))
  const first = client.take()
  assert.match(first, /^HTTP\/1\.1 206 /)
  assert.equal(bodyOf(first), 'he')
  assert.equal(cacheStatusOf(first), 'fwd=uri-miss; fwd-status=200; stored')
  world.pass(10_000)
  const second = world.ask(client, get('/a'))
  assert.equal(bodyOf(second), 'hello')
  assert.equal(cacheStatusOf(second), 'hit; ttl=50')
  assert.equal(fieldOf(second, 'age'), '10')
  assert.equal(fieldOf(second, 'server'), '')
  assert.equal(second.match(/^via:/gim)?.length, 1)
  assert.deepEqual(world.asked(), [])
  client.end.end()
  world.checkAtRest(2)
  assert.deepEqual(
    world.observer.finished.map(({ attempts }) => attempts),
    [1, 0],
  )
})

test('HEAD asks for the whole by GET, and is answered from it', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a').replace('GET', 'HEAD'))
  assert.match(world.asked()[0] ?? '', /^GET /)
  world.server().say(ok('hello', minute))
  const head = client.take()
  assert.match(head, /Content-Length: 5\r\n/)
  assert.equal(bodyOf(head), '')
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'hello')
  assert.equal(bodyOf(world.ask(client, get('/a').replace('GET', 'HEAD'))), '')
  client.end.end()
  world.checkAtRest(3)
})

test('what may not be shared is passed to the one who asked, and asked for again', () => {
  const world = new CacheWorld()
  const client = world.client()
  const refused = [
    'Cache-Control: no-store\r\n',
    'Cache-Control: private, max-age=60\r\n',
    minute + 'Vary: *\r\n',
    minute + 'Vary: X-Forwarded-For\r\n',
    minute + 'Set-Cookie: a=b\r\n',
    'Content-Type: text/html\r\n',
  ]
  for (const [i, fields] of refused.entries()) {
    for (const body of ['one', 'two']) {
      client.say(get(`/${i}`))
      world.server().say(ok(body, fields))
      const answer = client.take()
      assert.equal(bodyOf(answer), body, fields)
      assert.equal(cacheStatusOf(answer), 'fwd=uri-miss', fields)
    }
  }
  client.end.end()
  world.checkAtRest(refused.length * 2)
})

test('an answer to a request with Authorization is for this one alone', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a', 'Authorization: Basic eDp5\r\n'))
  world.server().say(ok('secret', minute))
  assert.equal(bodyOf(client.take()), 'secret')
  client.say(get('/a'))
  world.server().say(ok('open', minute))
  assert.equal(bodyOf(client.take()), 'open')
  // What is stored for everybody was not said to be for those who have shown who they are.
  client.say(get('/a', 'Authorization: Basic eDp5\r\n'))
  world.server().say(ok('secret again', minute))
  const again = client.take()
  assert.equal(bodyOf(again), 'secret again')
  assert.equal(cacheStatusOf(again), 'fwd=request')
  assert.equal(bodyOf(world.ask(client, get('/a'))), 'open')
  client.end.end()
  world.checkAtRest(4)
})

test('twenty who want the same ask once, and leave when they like', () => {
  const world = new CacheWorld()
  const clients = Array.from({ length: 20 }, () => world.client())
  for (const client of clients) client.say(get('/a'))
  assert.equal(world.asked().length, 1)
  clients[0]?.end.reset()
  world.server().say('HTTP/1.1 200 OK\r\n' + minute + 'Content-Length: 10\r\n\r\nhello')
  clients[1]?.end.reset()
  world.server().say('world')
  for (const client of clients.slice(2)) {
    const answer = client.take()
    assert.equal(bodyOf(answer), 'helloworld')
    assert.equal(cacheStatusOf(answer), 'fwd=uri-miss; stored; collapsed')
    client.end.end()
  }
  world.checkAtRest(20)
  const words = world.observer.finished.map(({ cacheResult }) => cacheResult)
  assert.equal(words.filter((word) => word === CacheResult.COLLAPSED).length, 19)
})

test('twenty who want what may not be shared are let go at once, and nobody waits for it again', () => {
  const world = new CacheWorld()
  const clients = Array.from({ length: 20 }, () => world.client())
  for (const client of clients) client.say(get('/a'))
  assert.equal(world.asked().length, 1)
  world.server().say(ok('mine', 'Cache-Control: no-store\r\n'))
  assert.equal(bodyOf(clients[0]?.take() ?? ''), 'mine')
  assert.equal(
    world.answerAll((i) => ok(`own ${i}`, 'Cache-Control: no-store\r\n')),
    19,
  )
  for (const client of clients.slice(1)) assert.match(bodyOf(client.take()), /^own \d+$/)
  for (const client of clients) client.say(get('/a'))
  assert.equal(world.asked().join('').match(/^GET/gm)?.length, 20)
  for (const client of clients) client.end.reset()
  world.checkAtRest(40)
})

test('only-if-cached is answered 504 without asking the origin', () => {
  const world = new CacheWorld()
  const client = world.client()
  const answer = world.ask(client, get('/a', 'Cache-Control: only-if-cached\r\n'))
  assert.match(answer, /^HTTP\/1\.1 504 /)
  assert.equal(cacheStatusOf(answer), 'detail=only-if-cached')
  assert.equal(world.accepted.length, 0)
  client.end.end()
  world.checkAtRest(1)
})

test('an origin that does not answer is told as an error, and asked again by the next', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a'))
  world.server().say('nonsense\r\n\r\n')
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 502 /)
  assert.match(cacheStatusOf(answer), /^fwd=uri-miss; detail=/)
  assert.equal(world.observer.finished[0]?.cacheResult, CacheResult.ERROR)
  client.say(get('/a'))
  world.latest.say(ok('well', minute))
  assert.equal(bodyOf(client.take()), 'well')
  client.end.end()
  world.checkAtRest(2)
})

test('however often it is hit, and by whom, each answer is the one that its own request asks for', () => {
  const world = new CacheWorld()
  const client = world.client()
  client.say(get('/a'))
  world.server().say(ok('hello', minute + 'ETag: "a"\r\n'))
  client.take()
  const first = world.ask(client, get('/a'))
  for (let i = 0; i < 20; i++) assert.equal(world.ask(client, get('/a')), first)
  const head = first.slice(0, first.indexOf('\r\n\r\n') + 4)
  assert.equal(world.ask(client, get('/a').replace('GET', 'HEAD')), head)
  assert.match(world.ask(client, get('/a', 'If-None-Match: "a"\r\n')), /^HTTP\/1\.1 304 /)
  assert.match(world.ask(client, get('/a', 'Range: bytes=0-1\r\n')), /^HTTP\/1\.1 206 [^]*\r\n\r\nhe$/)
  const old = world.client()
  assert.match(
    world.ask(old, get('/a', 'Connection: keep-alive\r\n').replace('1.1', '1.0')),
    /\r\nConnection: keep-alive\r\n\r\nhello$/,
  )
  assert.match(world.ask(old, get('/a', 'Connection: close\r\n')), /\r\nConnection: close\r\n\r\nhello$/)
  world.pass(1000)
  const later = world.ask(client, get('/a'))
  assert.equal(fieldOf(later, 'age'), '1')
  for (let i = 0; i < 20; i++) assert.equal(world.ask(client, get('/a')), later)
  client.end.end()
})

test('what a step adds to an answer is in every hit', () => {
  let count = 0
  const counting: Handler = {
    name: 'counting',
    onRequest: () => NEXT,
    onResponse(x) {
      x.response.fields.add('X-Count', String(++count))
      return NEXT
    },
  }
  const world = new CacheWorld({}, { steps: [counting] })
  const client = world.client()
  client.say(get('/a'))
  world.server().say(ok('hello', minute))
  client.take()
  for (let i = 2; i < 20; i++) assert.equal(fieldOf(world.ask(client, get('/a')), 'x-count'), String(i))
  client.end.end()
})
