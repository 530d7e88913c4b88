import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, type Fault } from '../../src/core/faults.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { get, serverStory, type ServerStory } from './h1-world.ts'
import { answer, answerHead, CollectingSink, writeText } from './scripted-serve.ts'

const post = (target: string, fields: string, body = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n${body}`

const chunked = 'Transfer-Encoding: chunked\r\n'

/** Answers POST with what its body was, and says how the body ended; a fault with its status, as the engine does. */
function echo(story: ServerStory, sink = new CollectingSink()): CollectingSink {
  story.serve.onServe = (x) => {
    if (x.request.method !== 'POST') return answer(x, 200, x.request.target)
    sink.onWhole = () => answer(x, 200, `got ${sink.text}`)
    sink.onBroken = (fault) => fail(x, fault)
    x.body.attach(sink)
  }
  return sink
}

function fail(x: Exchange, fault: Fault): void {
  x.down.refuseReuse()
  answer(x, fault === Faults.BODY_TOO_LARGE ? 413 : fault === Faults.BODY_TIMEOUT ? 408 : 400, '')
}

function request(story: ServerStory): Exchange {
  return [...story.serve.open][0] as Exchange
}

for (const splitBytes of [Infinity, 1, 7]) {
  test(`bodies of stated length and in chunks arrive whole in reads of ${splitBytes} bytes`, () => {
    const story = serverStory()
    story.near.splitBytes = splitBytes
    const sink = echo(story)
    story.client.say(post('/a', 'Content-Length: 10\r\n', '0123456789') + get('/b'))
    assert.match(story.client.take(), /got 0123456789HTTP\/1.1 200 OK\r\n.*\/b$/s)
    sink.text = ''
    story.client.say(post('/c', chunked, '3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-Sum: 9\r\n\r\n') + get('/d'))
    assert.match(story.client.take(), /got abcdefghHTTP\/1.1 200 OK\r\n.*\/d$/s)
    assert.deepEqual(sink.trailers, ['X-Sum', '9'])
    assert.equal(story.connection.isIdle, true)
  })
}

test('a body is not read before somebody takes it, and its first bytes come first', () => {
  const story = serverStory({ readAheadBytesMax: 1000 })
  const { client, serve, near, wire } = story
  near.splitBytes = 400
  serve.onServe = () => {}
  client.say(post('/', 'Content-Length: 5000\r\n', '<'.padEnd(4999, '.') + '>'))
  assert.equal(near.isPaused, true)
  assert.ok(near.bytesRead < 2000)
  const sink = new CollectingSink()
  request(story).body.attach(sink)
  wire.run()
  assert.equal(sink.text, '<'.padEnd(4999, '.') + '>')
  assert.equal(sink.state, 'whole')
})

test('a full sink holds the client back, and goes on where it stopped', () => {
  const story = serverStory({ readAheadBytesMax: 1000 })
  const { client, near, wire, serve } = story
  near.splitBytes = 300
  const sink = new CollectingSink()
  sink.flows = false
  serve.onServe = (x) => x.body.attach(sink)
  const pieces: string[] = []
  for (let i = 0; i < 100; i++) pieces.push(`64\r\n${String(i).padStart(100, '0')}\r\n`)
  client.say(post('/', chunked, pieces.join('') + '0\r\n\r\n'))
  assert.equal(sink.writes, 1)
  assert.ok(near.bytesRead < 2000)
  for (let i = 1; i < 100; i++) {
    assert.equal(sink.writes, i)
    request(story).body.resume()
    wire.run()
  }
  request(story).body.resume()
  wire.run()
  assert.equal(sink.bytes, 10_000)
  assert.equal(sink.state, 'whole')
  assert.ok(sink.text.endsWith('99'))
})

for (const isChunked of [false, true]) {
  test(`a full sink gets nothing more before it resumes, when a read was taken whole: ${isChunked ? 'chunks' : 'a length'}`, () => {
    const story = serverStory({ readAheadBytesMax: 1000 })
    const { client, near, wire, serve } = story
    const sink = new CollectingSink()
    sink.flows = false
    serve.onServe = (x) => x.body.attach(sink)
    client.say(post('/', isChunked ? chunked : 'Content-Length: 10000\r\n'))
    for (let i = 0; i < 100; i++) client.say(isChunked ? `64\r\n${'.'.repeat(100)}\r\n` : '.'.repeat(100))
    assert.equal(sink.writes, 1)
    assert.equal(near.isPaused, true)
    assert.ok(near.bytesRead < 2500, `${near.bytesRead}`)
    if (isChunked) client.say('0\r\n\r\n')
    for (let i = 0; i < 120 && sink.state === 'open'; i++) {
      request(story).body.resume()
      wire.run()
    }
    assert.equal(sink.state, 'whole')
    assert.equal(sink.bytes, 10_000)
  })
}

test('a stated length above the limit is refused before anything is taken', () => {
  const story = serverStory()
  const { client, serve } = story
  const sink = echo(story)
  const { onServe } = serve
  serve.onServe = (x) => {
    x.body.bytesMax = 9
    onServe(x)
  }
  client.say(post('/', 'Content-Length: 10\r\nExpect: 100-continue\r\n'))
  assert.match(client.take(), /^HTTP\/1.1 413 .*Connection: close\r\n/s)
  assert.equal(sink.bytes, 0)
  assert.equal(client.hasEnded, true)
})

test('chunks are counted as they come, and refused where they pass the limit', () => {
  const story = serverStory()
  const { client, serve } = story
  const sink = echo(story)
  const { onServe } = serve
  serve.onServe = (x) => {
    x.body.bytesMax = 9
    onServe(x)
  }
  client.say(post('/', chunked, '5\r\nabcde\r\n4\r\nfghi\r\n'))
  assert.equal(sink.text, 'abcdefghi')
  client.say('1\r\nj\r\n0\r\n\r\n' + get('/smuggled'))
  assert.match(client.take(), /^HTTP\/1.1 413 /)
  assert.equal(sink.text, 'abcdefghi')
  assert.equal(serve.log.length, 2)
})

test('a chunk that cannot be read is the last that is read of the connection', () => {
  const story = serverStory()
  const sink = echo(story)
  story.client.say(post('/', chunked, '5\r\nabcdeX\r\n0\r\n\r\n' + get('/smuggled')))
  assert.match(story.client.take(), /^HTTP\/1.1 400 .*Connection: close/s)
  assert.equal(sink.state, 'chunk_bad')
  assert.deepEqual(story.serve.log, ['serve POST /', 'finish POST /'])
})

test('100 (Continue) is said when the first sink wants the body, once, and not to HTTP/1.0', () => {
  const story = serverStory()
  const sink = echo(story)
  story.client.say(post('/', 'Content-Length: 3\r\nExpect: 100-continue\r\n'))
  assert.equal(story.client.take(), 'HTTP/1.1 100 Continue\r\n\r\n')
  story.client.say('abc')
  assert.match(story.client.take(), /^HTTP\/1.1 200 .*got abc$/s)
  sink.text = ''
  story.client.say('POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n')
  assert.equal(story.client.take(), '')
  story.client.say('abc')
  assert.match(story.client.take(), /^HTTP\/1.1 200 .*got abc$/s)
})

test('a sink that passes Expect on says itself when the body is wanted', () => {
  const story = serverStory()
  const sink = new CollectingSink(true)
  echo(story, sink)
  story.client.say(post('/', 'Content-Length: 3\r\nExpect: 100-continue\r\n'))
  assert.equal(story.client.take(), '')
  // The client may wait as long as the origin likes.
  story.pass(300_000)
  const x = request(story)
  assert.equal(x.body.awaitsContinue, true)
  x.body.continue()
  x.body.continue()
  story.wire.run()
  assert.equal(story.client.take(), 'HTTP/1.1 100 Continue\r\n\r\n')
  story.client.say('abc')
  assert.match(story.client.take(), /got abc$/)
})

test('a client that does not wait for 100 is not told', () => {
  const story = serverStory()
  echo(story, new CollectingSink(true))
  story.client.say(post('/', 'Content-Length: 3\r\nExpect: 100-continue\r\n', 'abc'))
  assert.match(story.client.take(), /^HTTP\/1.1 200 .*got abc$/s)
})

test('a final answer before 100 closes: the body may come or not (RFC 9110 §10.1.1)', () => {
  const story = serverStory()
  story.serve.onServe = (x) => answer(x, 401, '')
  story.client.say(post('/', 'Content-Length: 3\r\nExpect: 100-continue\r\n'))
  assert.match(story.client.take(), /^HTTP\/1.1 401 .*Connection: close\r\n/s)
  assert.equal(story.client.hasEnded, true)
})

test('a short body that nobody wanted is read over, and the connection serves on', () => {
  const story = serverStory()
  story.serve.onServe = (x) => answer(x, 404, '')
  story.client.say(post('/a', 'Content-Length: 10\r\n', '01234'))
  assert.doesNotMatch(story.client.take(), /close/)
  story.client.say('56789' + post('/b', chunked, '3\r\nabc\r\n0\r\n\r\n') + get('/c'))
  assert.equal(story.client.take().split('HTTP/1.1 404').length, 3)
  assert.equal(story.connection.isIdle, true)
  assert.equal(story.serve.log.length, 6)
})

test('a long body that nobody wanted is given up: the client can read the answer, then it is closed', () => {
  const story = serverStory()
  const { client, near } = story
  story.serve.onServe = (x) => answer(x, 404, '')
  client.say(post('/a', 'Content-Length: 1000000\r\n', '.'.repeat(500_000)))
  assert.match(client.take(), /Connection: close/)
  assert.equal(client.hasEnded, true)
  assert.ok(near.bytesRead < 200_000, `read ${near.bytesRead}`)
  assert.equal(client.closed, null)
  story.pass(2000)
  assert.notEqual(client.closed, null)
  story.checkAtRest()
})

test('a body that nobody wanted and that does not come is waited for drainMs', () => {
  const story = serverStory()
  story.serve.onServe = (x) => answer(x, 404, '')
  story.client.say(post('/a', 'Content-Length: 10\r\n', '01234'))
  story.pass(900)
  assert.equal(story.client.hasEnded, false)
  story.pass(200)
  assert.equal(story.client.hasEnded, true)
  story.pass(1100)
  story.checkAtRest()
})

test('an answer may begin and flow while the upload still does', () => {
  const story = serverStory()
  const { client, serve, wire } = story
  const sink = new CollectingSink()
  serve.onServe = (x) => {
    x.body.attach(sink)
    answerHead(x, 200, -1)
    sink.onWhole = () => x.down.end(null)
  }
  client.say(post('/', 'Content-Length: 100000\r\n', 'a'.repeat(50_000)))
  assert.doesNotMatch(client.take(), /close/)
  writeText(request(story).down, 'half')
  wire.run()
  assert.equal(client.take(), '4\r\nhalf\r\n')
  client.say('b'.repeat(50_000) + get('/next'))
  assert.match(client.take(), /^0\r\n\r\n/)
  assert.equal(sink.bytes, 100_000)
  assert.equal(serve.log.at(-2), 'serve GET /next')
})

test('an early refusal of a long upload says close; when it has ended nothing more reaches the sink', () => {
  const story = serverStory()
  const { client, serve } = story
  const sink = new CollectingSink()
  serve.onServe = (x) => x.body.attach(sink)
  client.say(post('/', 'Content-Length: 1000000\r\n', 'a'.repeat(1000)))
  answer(request(story), 413, 'too much')
  client.say('b'.repeat(10_000))
  assert.match(client.take(), /^HTTP\/1.1 413 .*Connection: close\r\n\r\ntoo much$/s)
  assert.equal(sink.bytes, 1000)
  assert.deepEqual(serve.log, ['serve POST /', 'finish POST /'])
  story.pass(1100)
  story.checkAtRest()
})

test('a body given up while the answer is pending is read over only so far', () => {
  const story = serverStory()
  const { client, serve, near } = story
  near.splitBytes = 1000
  serve.onServe = () => {}
  client.say(post('/', 'Content-Length: 1000000\r\n'))
  request(story).body.cancel(0)
  client.say('a'.repeat(500_000))
  assert.ok(near.bytesRead < 70_000, `read ${near.bytesRead}`)
  answer(request(story), 200, 'done')
  story.wire.run()
  assert.match(client.take(), /Connection: close\r\n\r\ndone$/)
  story.pass(2100)
  story.checkAtRest()
})

test('a body above the minimum rate may take hours; one below is answered 408', () => {
  const story = serverStory()
  const { client, serve } = story
  const sink = echo(story)
  client.say(post('/', 'Content-Length: 10000000\r\n'))
  for (let i = 0; i < 3 * 60; i++) {
    client.say('x'.repeat(300 * 20))
    story.pass(20_000)
  }
  assert.equal(sink.state, 'open')
  for (let i = 0; i < 3; i++) {
    client.say('x'.repeat(100 * 20))
    story.pass(20_000)
  }
  assert.equal(sink.state, 'body_timeout')
  assert.match(client.take(), /^HTTP\/1.1 408 /)
  assert.equal(serve.open.size, 0)
})

test('a sink that takes nothing for long does not count against the client', () => {
  const story = serverStory()
  const sink = echo(story)
  sink.flows = false
  story.client.say(post('/', 'Content-Length: 20\r\n', '0123456789'))
  story.pass(600_000)
  assert.equal(sink.state, 'open')
  sink.flows = true
  request(story).body.resume()
  story.pass(10_000)
  assert.equal(sink.state, 'open')
  story.client.say('0123456789')
  assert.equal(sink.state, 'whole')
})

test('a client that goes within its body: abandoned, told to the sink, in the same turn', () => {
  for (const how of ['end', 'reset'] as const) {
    const story = serverStory()
    const sink = new CollectingSink()
    story.serve.onServe = (x) => x.body.attach(sink)
    story.client.say(post('/', 'Content-Length: 20\r\n', '0123456789'))
    story.client.end[how]()
    story.wire.run()
    assert.equal(sink.state, 'client_gone')
    assert.deepEqual(story.serve.log, ['serve POST /', 'abandon client_gone', 'finish POST /'])
    story.pass(0)
    story.checkAtRest()
  }
})
