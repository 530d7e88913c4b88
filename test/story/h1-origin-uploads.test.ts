import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { Fields } from '../../src/http/fields.ts'
import { giveBody, NotingReceiver, makeRequest, originStory, push } from './h1-origin-world.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

test('a body goes out by its length, its first bytes with the head', () => {
  const { origin, connection, near, wire } = originStory()
  const x = makeRequest('POST')
  const receiver = new NotingReceiver()
  const stream = giveBody(x, 6)
  stream.resume = () => void push(x, 'abc')
  connection.lease(x).send(x, receiver)
  wire.run()
  assert.equal(origin.take(), 'POST / HTTP/1.1\r\nHost: origin.example\r\nContent-Length: 6\r\n\r\nabc')
  assert.equal(near.sends, 1)
  push(x, 'def')
  x.body.finish(null)
  origin.say(ok)
  assert.equal(origin.take(), 'def')
  assert.deepEqual(receiver.log, ['head 200', 'end'])
  assert.equal(connection.freeStreams, 1)
})

test('a body of unknown length goes out in chunks, with its trailers', () => {
  const { ask, origin, wire, connection } = originStory()
  const { x } = ask('POST', (x) => void giveBody(x, -1))
  assert.match(origin.take(), /\r\nTransfer-Encoding: chunked\r\n\r\n$/)
  const trailers = new Fields()
  trailers.add('X-Sum', '9')
  push(x, 'hello')
  push(x, 'x'.repeat(16))
  x.body.finish(trailers)
  wire.run()
  assert.equal(origin.take(), `5\r\nhello\r\n10\r\n${'x'.repeat(16)}\r\n0\r\nX-Sum: 9\r\n\r\n`)
  origin.say(ok)
  assert.equal(connection.freeStreams, 1)
})

test('an origin that takes nothing holds the client back, who goes on when it does', () => {
  const { ask, near, wire, owner } = originStory()
  near.isStalled = true
  let stream = giveBody(makeRequest(), 0)
  const { x } = ask('POST', (x) => void (stream = giveBody(x, 1_000_000)))
  const before = stream.log.length
  let writes = 0
  while (push(x, 'x'.repeat(10_000))) writes++
  assert.ok(writes < 20)
  wire.run()
  assert.equal(stream.log.length, before)
  near.isStalled = false
  wire.run()
  assert.deepEqual(stream.log.slice(before), ['resume'])
  assert.deepEqual(owner.log, ['connected'])
})

test('100 is passed to the client that waits for it, and then the body flows', () => {
  const { ask, origin, pass } = originStory()
  let stream = giveBody(makeRequest(), 0)
  const { x, receiver } = ask('PUT', (x) => {
    x.request.fields.add('Expect', '100-continue')
    stream = giveBody(x, 5, true)
  })
  assert.match(origin.take(), /Expect: 100-continue\r\n/)
  pass(20_000)
  assert.deepEqual(stream.log, ['resume'])
  origin.say('HTTP/1.1 100 Continue\r\n\r\n')
  assert.deepEqual(stream.log, ['resume', 'continue'])
  push(x, 'hello')
  x.body.finish(null)
  origin.say(ok)
  assert.deepEqual(receiver.log, ['100', 'head 200', 'end'])
})

test('a final answer instead of 100 goes through, and the connection is not used again', () => {
  const { ask, origin, owner, pass } = originStory()
  let stream = giveBody(makeRequest(), 0)
  const { receiver, x } = ask('PUT', (x) => void (stream = giveBody(x, 5, true)))
  origin.say('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
  assert.deepEqual(receiver.log, ['head 417', 'end'])
  assert.deepEqual(stream.log, ['resume'])
  assert.equal(x.body.hasSink, false)
  pass(0)
  assert.deepEqual(owner.log, ['connected', 'released 0', 'closed none'])
})

test('an early answer goes through while the body still flows; the connection is never pooled', () => {
  const { ask, origin, wire, owner, pass } = originStory()
  const { x, receiver } = ask('POST', (x) => void giveBody(x, 100))
  push(x, 'x'.repeat(10))
  origin.say('HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nsorry')
  push(x, 'y'.repeat(10))
  wire.run()
  assert.match(origin.take(), /x{10}y{10}$/)
  origin.say('!')
  assert.equal(receiver.text, 'sorry!')
  assert.deepEqual(receiver.log, ['head 413', 'end'])
  assert.equal(x.body.hasSink, false)
  pass(0)
  assert.deepEqual(owner.log, ['connected', 'released 0', 'closed none'])
})

test('a request that breaks off ends the connection: the origin never sees it whole', () => {
  const { ask, origin, owner, pass } = originStory()
  const { x, receiver } = ask('POST', (x) => void giveBody(x, -1))
  push(x, 'hello')
  x.body.fail(Faults.CHUNK_BAD)
  assert.deepEqual(receiver.log, ['fault chunk_bad'])
  pass(0)
  assert.doesNotMatch(origin.take(), /0\r\n\r\n/)
  assert.match(owner.log.at(-1) ?? '', /^closed/)
})

test('a body that was refused before its first byte leaves nothing at the origin', () => {
  const { connection, origin, pass } = originStory()
  const x = makeRequest('POST')
  const receiver = new NotingReceiver()
  giveBody(x, 100)
  x.body.fail(Faults.BODY_TOO_LARGE)
  connection.lease(x).send(x, receiver)
  pass(0)
  assert.deepEqual(receiver.log, ['fault body_too_large'])
  assert.equal(origin.text, '')
})

test('a body that was gathered is sent again on another connection', () => {
  const first = originStory()
  const { x, receiver } = first.ask('PUT', (x) => {
    giveBody(x, 10)
    x.body.gather(1000)
  })
  push(x, 'hello')
  first.origin.end.reset()
  first.pass(0)
  assert.deepEqual(receiver.log, ['fault connection_terminated'])
  assert.equal(x.body.isReplayable, true)
  const second = originStory()
  second.connection.lease(x).send(x, receiver)
  push(x, 'world')
  x.body.finish(null)
  second.wire.run()
  assert.match(second.origin.take(), /\r\n\r\nhelloworld$/)
})

test('the origin has firstByteMs from when the request was sent whole', () => {
  const { ask, pass } = originStory()
  const { x, receiver } = ask('POST', (x) => void giveBody(x, 10))
  // A slow client does not count against the origin.
  pass(600_000)
  assert.deepEqual(receiver.log, [])
  push(x, '0123456789')
  x.body.finish(null)
  pass(29_900)
  assert.deepEqual(receiver.log, [])
  pass(200)
  assert.deepEqual(receiver.log, ['fault http_response_timeout'])
})

test('an origin that falls silent in its answer is given up after betweenBytesMs', () => {
  const { ask, origin, pass, timers } = originStory()
  const { receiver } = ask()
  origin.say('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n')
  for (let i = 0; i < 5; i++) {
    pass(19_000)
    origin.say('x')
  }
  assert.deepEqual(receiver.log, ['head 200'])
  pass(20_100)
  assert.deepEqual(receiver.log, ['head 200', 'fault connection_read_timeout'])
  assert.equal(timers.hanging, 0)
})

test('a client that is slow to read does not count against the origin', () => {
  const { ask, origin, pass, connection } = originStory()
  const { receiver } = ask()
  receiver.flows = false
  origin.say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello')
  pass(600_000)
  receiver.flows = true
  connection.resume()
  pass(10_000)
  assert.deepEqual(receiver.log, ['head 200'])
  origin.say('world')
  assert.deepEqual(receiver.log, ['head 200', 'end'])
})

test('an origin that takes nothing of a body is given up after originWriteMs', () => {
  const { ask, near, pass, origin } = originStory()
  origin.end.pause()
  near.kernelBytes = 0
  const { x, receiver } = ask('POST', (x) => void giveBody(x, 1_000_000))
  while (push(x, 'x'.repeat(10_000)));
  near.kernelBytes = 5000
  pass(9_900)
  pass(200)
  // Something moved: it has as long again.
  assert.deepEqual(receiver.log, [])
  pass(10_100)
  assert.deepEqual(receiver.log, ['fault connection_write_timeout'])
})

test('after 101 the transport is handed out, with what was read behind the head', () => {
  const { ask, origin, connection, owner, pass, timers, near } = originStory()
  const heard: string[] = []
  const { receiver } = ask('GET', (x) => (x.outgoing.upgrade = 'websocket'))
  assert.match(origin.take(), /Connection: upgrade\r\nUpgrade: websocket\r\n/)
  receiver.onHeadDo = (_x, upstream) => {
    const transport = upstream.takeTransport()
    assert.ok(transport !== null)
    transport.events = {
      onBytes: (buffer, start, end) => void heard.push(buffer.toString('latin1', start, end)),
      onDrain() {},
      onEnd: () => void heard.push('end'),
      onClose: () => void heard.push('closed'),
    }
    upstream.pushKept()
  }
  origin.say('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly ')
  origin.say('later')
  assert.deepEqual(heard, ['early ', 'later'])
  pass(3_600_000)
  assert.equal(timers.hanging, 0)
  assert.deepEqual(owner.log, ['connected'])
  connection.cancel(0)
  assert.equal(near.isOpen, false)
  pass(0)
  assert.deepEqual(owner.log, ['connected', 'closed none'])
})

test('an origin that dies after its 101, before anybody took the transport, is a fault', () => {
  const { ask, origin, pass, connection } = originStory()
  const { receiver } = ask('GET', (x) => (x.outgoing.upgrade = 'websocket'))
  origin.say('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly')
  origin.end.end()
  pass(0)
  assert.deepEqual(receiver.log, ['head 101', 'fault http_response_incomplete'])
  assert.equal(connection.takeTransport(), null)
})
