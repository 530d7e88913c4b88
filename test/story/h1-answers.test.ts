import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { Fields } from '../../src/http/fields.ts'
import { BODY_UNKNOWN, BODY_UNTIL_CLOSE } from '../../src/http/message.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { get, serverStory, withoutDate, type ServerStory } from './h1-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

/** A story whose first request waits to be answered. */
function asked(request: string, limits = {}): { story: ServerStory; x: Exchange } {
  const story = serverStory(limits)
  let first: Exchange | null = null
  story.serve.onServe = (x) => {
    if (first === null) first = x
    else answer(x, 200, x.request.target)
  }
  story.client.say(request)
  return { story, x: first as unknown as Exchange }
}

test('a body of unknown length goes in chunks; an empty write is no last chunk', () => {
  const { story, x } = asked(get('/'))
  answerHead(x, 200, BODY_UNKNOWN)
  writeText(x.down, 'hello')
  writeText(x.down, '')
  writeText(x.down, 'x'.repeat(30))
  assert.equal(x.bytesSent, 35)
  assert.equal(x.isHeadSent, true)
  x.down.end(null)
  story.wire.run()
  assert.equal(
    withoutDate(story.client.take()),
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1e\r\n${'x'.repeat(30)}\r\n0\r\n\r\n`,
  )
  assert.equal(story.connection.isIdle, true)
})

test('a body that ends with the origin’s connection goes in chunks too', () => {
  const { story, x } = asked(get('/'))
  answerHead(x, 200, BODY_UNTIL_CLOSE)
  writeText(x.down, 'hello')
  x.down.end(null)
  story.wire.run()
  assert.match(story.client.take(), /chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
})

test('trailers go to clients that accept them, and to no others', () => {
  const trailers = new Fields()
  trailers.add('X-Sum', '9')
  for (const [fields, expected] of [
    ['TE: trailers\r\nConnection: TE\r\n', '0\r\nX-Sum: 9\r\n\r\n'],
    ['', '0\r\n\r\n'],
  ] as const) {
    const { story, x } = asked(get('/', fields))
    answerHead(x, 200, BODY_UNKNOWN)
    x.down.end(trailers)
    story.wire.run()
    assert.ok(story.client.take().endsWith(`\r\n\r\n${expected}`))
  }
})

test('to HTTP/1.0 a body of unknown length ends with the connection', () => {
  const { story, x } = asked('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  answerHead(x, 200, BODY_UNKNOWN)
  writeText(x.down, 'hello')
  x.down.end(null)
  story.wire.run()
  assert.equal(withoutDate(story.client.take()), 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello')
  assert.equal(story.client.hasEnded, true)
  assert.equal(story.client.closed, null)
})

test('HEAD, 204 and 304 have no body, whatever is written', () => {
  for (const [request, status] of [
    ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\n', 200],
    [get('/'), 204],
    [get('/'), 304],
  ] as const) {
    const { story, x } = asked(request)
    answerHead(x, status, 5)
    writeText(x.down, 'hello')
    x.down.end(null)
    story.client.say(get('/next'))
    const text = story.client.take()
    assert.doesNotMatch(text, /hello/)
    assert.match(text, /\/next$/)
    assert.equal(story.connection.isIdle, true)
  }
})

test('HEAD answered whole states the length of the body that is not sent', () => {
  const { story, x } = asked('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
  answer(x, 200, 'hello')
  story.wire.run()
  assert.equal(withoutDate(story.client.take()), 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
})

test('1xx are passed to HTTP/1.1 and not to HTTP/1.0, and not after the final head', () => {
  for (const [request, expected] of [
    [get('/'), 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n'],
    ['GET / HTTP/1.0\r\n\r\n', 'HTTP/1.1 200 OK\r\n'],
  ] as const) {
    const { story, x } = asked(request)
    x.informational.status = 103
    x.informational.fields.add('Link', '</a.css>')
    x.down.sendInformational(x)
    answerHead(x, 200, 2)
    x.down.sendInformational(x)
    writeText(x.down, 'ok')
    x.down.end(null)
    story.wire.run()
    const text = story.client.take()
    assert.ok(text.startsWith(expected), text)
    assert.equal(text.split('103').length, expected.split('103').length)
  }
})

test('an answer that breaks off in chunks has no last chunk', () => {
  const { story, x } = asked(get('/'))
  answerHead(x, 200, BODY_UNKNOWN)
  writeText(x.down, 'hello')
  x.down.abort(Faults.ORIGIN_TRUNCATED)
  story.wire.run()
  assert.match(story.client.take(), /5\r\nhello\r\n$/)
  assert.equal(story.client.hasEnded, true)
  assert.deepEqual(story.serve.log, ['serve GET /', 'finish GET /'])
  story.pass(1100)
  story.checkAtRest()
})

test('an answer that breaks off before its stated length is closed short', () => {
  const { story, x } = asked(get('/'))
  answerHead(x, 200, 10)
  writeText(x.down, 'hello')
  x.down.abort(Faults.ORIGIN_TRUNCATED)
  story.wire.run()
  assert.match(story.client.take(), /Content-Length: 10\r\n\r\nhello$/)
  assert.equal(story.client.hasEnded, true)
})

test('an answer to HTTP/1.0 that breaks off is reset: its end would look like the end', () => {
  const { story, x } = asked('GET / HTTP/1.0\r\n\r\n')
  answerHead(x, 200, BODY_UNKNOWN)
  writeText(x.down, 'hello')
  story.wire.run()
  x.down.abort(Faults.ORIGIN_TRUNCATED)
  story.pass(0)
  assert.equal(story.client.hasEnded, false)
  assert.equal(story.client.closed, 'ECONNRESET')
  story.checkAtRest()
})

test('an answer given up before its head is a reset', () => {
  const { story, x } = asked(get('/'))
  x.down.abort(Faults.CLIENT_GONE)
  story.pass(0)
  assert.equal(story.client.closed, 'ECONNRESET')
  story.checkAtRest()
})

test('a body that ends before its stated length never looks whole', () => {
  const { story, x } = asked(get('/') + get('/next'))
  answerHead(x, 200, 10)
  writeText(x.down, 'hello')
  x.down.end(null)
  story.wire.run()
  assert.match(story.client.take(), /\r\n\r\nhello$/)
  assert.equal(story.client.hasEnded, true)
  assert.deepEqual(story.serve.log, ['serve GET /', 'abandon internal', 'finish GET /'])
})

test('a body longer than its stated length is cut before the excess', () => {
  const { story, x } = asked(get('/') + get('/next'))
  answerHead(x, 200, 10)
  writeText(x.down, 'hello')
  writeText(x.down, ' world and more')
  story.wire.run()
  assert.match(story.client.take(), /\r\n\r\nhello$/)
  assert.equal(story.client.hasEnded, true)
})

test('a reader that is slow holds the producer back, who is told to go on', () => {
  const { story, x } = asked(get('/'))
  let resumed = 0
  x.source = { resume: () => void resumed++, cancel() {} }
  answerHead(x, 200, BODY_UNKNOWN)
  story.near.isStalled = true
  let writes = 0
  while (writeText(x.down, 'x'.repeat(1000))) writes++
  assert.ok(writes < 100)
  story.wire.run()
  assert.equal(resumed, 0)
  story.near.isStalled = false
  story.wire.run()
  assert.equal(resumed, 1)
  assert.equal(writeText(x.down, 'x'), true)
})

test('refuseReuse closes after the answer', () => {
  const { story, x } = asked(get('/'))
  x.down.refuseReuse()
  answer(x, 200, 'bye')
  story.wire.run()
  assert.match(story.client.take(), /Connection: close\r\n\r\nbye$/)
  assert.equal(story.client.hasEnded, true)
})

test('what is written after the end reaches nobody', () => {
  const { story, x } = asked(get('/'))
  const { down } = x
  answer(x, 200, 'done')
  down.write(Buffer.from('late'), 0, 4)
  down.end(null)
  down.abort(Faults.INTERNAL)
  down.sendHead(x)
  story.client.say(get('/next'))
  assert.match(withoutDate(story.client.take()), /done.*\/next$/s)
})

test('a head that cannot be read is refused, and the client can read why (RFC 9112 §9.6)', () => {
  const story = serverStory()
  const { client, serve } = story
  client.say('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' + get('/never'))
  assert.match(client.take(), /^HTTP\/1.1 400 .*Connection: close\r\n\r\nhost_repeated$/s)
  assert.equal(serve.log[0], 'refuse host_repeated')
  assert.equal(serve.log.length, 2)
  // What it still sends does not reset the answer away.
  client.say('x'.repeat(10_000))
  assert.equal(client.closed, null)
  assert.equal(client.hasEnded, true)
  client.end.end()
  story.pass(0)
  story.checkAtRest()
})

test('a client that keeps sending after a refusal is read only so far, and closed soon', () => {
  const story = serverStory()
  story.near.splitBytes = 1000
  story.client.say('BAD\r\n\r\n')
  story.client.say('x'.repeat(500_000))
  assert.ok(story.near.bytesRead < 70_000)
  story.pass(1100)
  assert.equal(story.client.closed, 'ECONNRESET')
  story.checkAtRest()
})
