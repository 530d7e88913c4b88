import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../src/http/exchange.ts'
import { get, serverStory, withoutDate } from './h1-world.ts'
import { answer } from './scripted-serve.ts'

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

test('a request is answered in one write, and the connection serves on', () => {
  const { client, near, serve, connection } = serverStory()
  client.say(get('/a'))
  assert.equal(withoutDate(client.take()), ok('GET /a'))
  assert.equal(near.sends, 1)
  assert.equal(connection.isIdle, true)
  client.say(get('/b'))
  assert.equal(withoutDate(client.take()), ok('GET /b'))
  assert.deepEqual(serve.log, ['serve GET /a', 'finish GET /a', 'serve GET /b', 'finish GET /b'])
})

test('a request that arrives byte by byte is served the same', () => {
  const { client, near } = serverStory()
  near.splitBytes = 1
  client.say(get('/a') + get('/b'))
  assert.equal(withoutDate(client.take()), ok('GET /a') + ok('GET /b'))
})

test('pipelined requests are answered in order, and those answered at once in one write', () => {
  const { client, near } = serverStory()
  client.say(get('/1') + get('/2') + get('/3'))
  assert.equal(withoutDate(client.take()), ok('GET /1') + ok('GET /2') + ok('GET /3'))
  assert.equal(near.sends, 1)
})

test('a further request is read only when the answer before it has ended', () => {
  const { client, serve, wire } = serverStory()
  const waiting: Exchange[] = []
  serve.onServe = (x) => void waiting.push(x)
  client.say(get('/1') + get('/2'))
  client.say(get('/3'))
  assert.deepEqual(serve.log, ['serve GET /1'])
  for (const target of ['/1', '/2', '/3']) {
    assert.equal(waiting.length, 1)
    answer(waiting.pop() as Exchange, 200, target)
    wire.run()
  }
  assert.equal(withoutDate(client.take()), ok('/1') + ok('/2') + ok('/3'))
})

test('10,000 pipelined requests that are answered at once do not overflow the stack', () => {
  const story = serverStory()
  const { client, serve } = story
  client.say(get('/').repeat(10_000))
  // After each hundred or so others have their turn.
  assert.ok(serve.log.length < 2 * 10_000)
  story.pass(1000)
  assert.equal(serve.log.length, 2 * 10_000)
  assert.equal(client.take().split('GET /').length, 10_001)
})

test('reading ahead stops at its limit, and goes on when there is room', () => {
  const { client, serve, near, wire } = serverStory({ readAheadBytesMax: 1000 })
  let first: Exchange | null = null
  serve.onServe = (x) => {
    if (first === null) first = x
    else answer(x, 200, '')
  }
  near.splitBytes = 500
  client.say(get('/first'))
  client.say(get('/x').repeat(200))
  assert.equal(near.isPaused, true)
  assert.ok(near.bytesRead < 2000, `read ${near.bytesRead}`)
  answer(first as unknown as Exchange, 200, '')
  wire.run()
  assert.equal(near.isPaused, false)
  assert.equal(client.take().split('HTTP/1.1 200').length, 202)
})

test('a client that does not read its answers is read no further', () => {
  const { client, near, serve, wire } = serverStory({ readAheadBytesMax: 1000 })
  const body = 'x'.repeat(20_000)
  serve.onServe = (x) => answer(x, 200, body)
  near.isStalled = true
  client.say(get('/').repeat(1000))
  assert.ok(near.unsentBytes < 200_000, `unsent ${near.unsentBytes}`)
  near.isStalled = false
  wire.run()
  assert.equal(client.take().split('HTTP/1.1 200').length, 1001)
})

test('an empty line behind a request is read over, also when it comes in pieces (RFC 9112 §2.2)', () => {
  const { client, near, connection } = serverStory()
  client.say(get('/a') + '\r\n')
  assert.equal(connection.isIdle, true)
  client.say(get('/b') + '\r')
  client.say('\n')
  near.splitBytes = 1
  client.say('\r\n' + get('/c'))
  assert.equal(client.take().split('HTTP/1.1 200').length, 4)
})

test('Connection: close ends the connection after the answer', () => {
  const story = serverStory()
  const { client } = story
  client.say(get('/a', 'Connection: close\r\n') + get('/never'))
  assert.match(client.take(), /\r\nConnection: close\r\n\r\nGET \/a$/)
  assert.equal(client.hasEnded, true)
  client.end.end()
  story.pass(0)
  story.pass(60_000)
  story.checkAtRest()
})

test('HTTP/1.0 closes by default, and persists when it is asked to', () => {
  const first = serverStory()
  first.client.say('GET /a HTTP/1.0\r\n\r\n')
  assert.match(first.client.take(), /\r\nConnection: close\r\n\r\nGET \/a$/)
  assert.equal(first.client.hasEnded, true)
  const second = serverStory()
  second.client.say('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  assert.match(second.client.take(), /\r\nConnection: keep-alive\r\n\r\nGET \/a$/)
  assert.equal(second.client.hasEnded, false)
})

test('the last of requestsMax answers says Connection: close', () => {
  const { client } = serverStory({ requestsMax: 2 })
  client.say(get('/a'))
  assert.doesNotMatch(client.take(), /close/)
  client.say(get('/b') + get('/c'))
  assert.match(client.take(), /Connection: close\r\n\r\nGET \/b$/)
  assert.equal(client.hasEnded, true)
})
