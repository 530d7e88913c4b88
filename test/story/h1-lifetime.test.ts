import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { BODY_UNKNOWN } from '../../src/http/message.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import type { ConnectionLimits } from '../../src/http/limits.ts'
import type { Transport } from '../../src/net/transport.ts'
import { get, serverStory, withoutDate, type ServerStory } from './h1-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

function waiting(
  request: string,
  limits: Partial<ConnectionLimits> = {},
): { story: ServerStory; x: Exchange } {
  const story = serverStory(limits)
  let first: Exchange | null = null
  story.serve.onServe = (x) => {
    if (first === null) first = x
    else answer(x, 200, x.request.target)
  }
  story.client.say(request)
  return { story, x: first as unknown as Exchange }
}

test('a connection that asks nothing is closed after headMs, without a word, and counted', () => {
  const story = serverStory()
  story.pass(9_000)
  assert.equal(story.client.closed, null)
  story.pass(1_100)
  assert.equal(story.client.hasEnded, true)
  assert.equal(story.client.text, '')
  assert.deepEqual(story.serve.log, [])
  assert.deepEqual(story.faults, [Faults.CLIENT_SILENT])
  story.checkAtRest()
})

test('a head that does not end is answered 408 after headMs, however it drips', () => {
  const story = serverStory()
  story.client.say('GET / HTTP/1.1\r\n')
  for (let i = 0; i < 11; i++) {
    story.client.say(`X-${i}: y\r\n`)
    story.pass(1000)
  }
  assert.match(story.client.take(), /^HTTP\/1.1 408 .*Connection: close/s)
  assert.equal(story.serve.log[0], 'refuse head_timeout')
  story.pass(1100)
  story.checkAtRest()
})

test('the head of a further request has headMs from its first byte', () => {
  const story = serverStory()
  story.client.say(get('/'))
  story.client.take()
  story.pass(55_000)
  story.client.say('GET')
  story.pass(9_000)
  assert.equal(story.client.hasEnded, false)
  story.pass(1_100)
  assert.match(story.client.take(), /^HTTP\/1.1 408 /)
})

test('an idle connection is closed after idleMs, each request begins it anew', () => {
  const story = serverStory()
  for (let i = 0; i < 3; i++) {
    story.client.say(get('/'))
    story.pass(59_000)
    assert.equal(story.client.hasEnded, false)
  }
  story.pass(1_100)
  assert.equal(story.client.hasEnded, true)
  story.checkAtRest()
})

test('a slow origin does not count against the client', () => {
  const { story, x } = waiting(get('/'))
  story.pass(3_600_000)
  assert.equal(story.client.hasEnded, false)
  answerHead(x, 200, BODY_UNKNOWN)
  story.pass(3_600_000)
  writeText(x.down, 'event')
  story.pass(3_600_000)
  assert.match(story.client.take(), /5\r\nevent\r\n$/)
  assert.equal(story.closedCount, 0)
})

test('a client that takes nothing of its answer is reset', () => {
  const { story, x } = waiting(get('/'))
  answerHead(x, 200, BODY_UNKNOWN)
  story.near.isStalled = true
  while (writeText(x.down, 'x'.repeat(10_000)));
  story.pass(59_000)
  assert.equal(story.closedCount, 0)
  story.pass(22_000)
  assert.equal(story.client.closed, 'ECONNRESET')
  assert.deepEqual(story.serve.log, ['serve GET /', 'abandon read_timeout', 'finish GET /'])
  story.checkAtRest()
})

test('a client that takes its answer above the minimum rate may take hours', () => {
  const { story, x } = waiting(get('/'))
  answerHead(x, 200, BODY_UNKNOWN)
  story.client.end.pause()
  story.near.kernelBytes = 0
  const piece = 'x'.repeat(20_000)
  while (writeText(x.down, piece));
  for (let i = 0; i < 360; i++) {
    // 300 bytes a second, taken in steps of half a minute.
    story.near.kernelBytes += 9_000
    story.pass(30_000)
    while (story.near.unsentBytes < 60_000) writeText(x.down, piece)
  }
  assert.equal(story.closedCount, 0)
  // Below the minimum on the average it is given up in the end.
  for (let i = 0; i < 360; i++) {
    story.near.kernelBytes += 3_000
    story.pass(30_000)
    if (story.closedCount === 0) while (story.near.unsentBytes < 60_000) writeText(x.down, piece)
  }
  assert.equal(story.closedCount, 1)
})

test('a client that takes nothing from us, but acknowledges what the kernel has, may go on', () => {
  const { story, x } = waiting(get('/'))
  let queued = 4_000_000
  Object.assign(story.near, { unacknowledgedBytes: () => queued })
  answerHead(x, 200, BODY_UNKNOWN)
  story.near.isStalled = true
  while (writeText(x.down, 'x'.repeat(10_000)));
  for (let i = 0; i < 60; i++) {
    queued -= 6_000
    story.pass(20_000)
  }
  assert.equal(story.closedCount, 0)
  story.pass(60_100)
  assert.equal(story.closedCount, 1)
})

test('the rest of an answer that is still being read outlives idleMs and drainMs', () => {
  for (const fields of ['', 'Connection: close\r\n']) {
    const { story, x } = waiting(get('/', fields))
    story.client.end.pause()
    story.near.kernelBytes = 0
    answer(x, 200, 'x'.repeat(60_000))
    for (let i = 0; i < 20; i++) {
      story.near.kernelBytes += 6000
      story.pass(10_000)
    }
    story.client.end.resume()
    story.wire.run()
    assert.ok(withoutDate(story.client.take()).endsWith('x'.repeat(60_000)))
  }
})

test('a client that goes while its answer is waited for: abandoned in the same turn', () => {
  for (const how of ['reset', 'destroy', 'end'] as const) {
    const { story } = waiting(get('/'))
    story.client.end[how]()
    story.wire.run()
    assert.deepEqual(story.serve.log, ['serve GET /', 'abandon client_gone', 'finish GET /'])
    story.pass(0)
    story.checkAtRest()
  }
})

test('with halfClose a FIN after whole requests does not keep them from being answered', () => {
  const { story, x } = waiting(get('/1') + get('/2'), { halfClose: true })
  story.client.end.end()
  story.wire.run()
  answer(x, 200, '/1')
  story.pass(0)
  assert.match(withoutDate(story.client.take()), /\/1HTTP.*\/2$/s)
  story.pass(0)
  story.checkAtRest()
})

test('with halfClose a FIN within a head or a body is a departure all the same', () => {
  for (const text of ['GET /', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc']) {
    const { story } = waiting(text, { halfClose: true })
    story.client.end.end()
    story.pass(0)
    assert.ok(story.serve.log.includes('abandon client_gone'))
    story.checkAtRest()
  }
})

test('a client that goes between requests leaves nothing', () => {
  for (const how of ['reset', 'destroy', 'end'] as const) {
    const story = serverStory()
    story.client.say(get('/'))
    story.client.end[how]()
    story.pass(0)
    assert.deepEqual(story.serve.log, ['serve GET /', 'finish GET /'])
    story.checkAtRest()
  }
})

test('a client that goes within a head leaves nothing', () => {
  for (const how of ['reset', 'end'] as const) {
    const story = serverStory()
    story.client.say('GET / HT')
    story.client.end[how]()
    story.pass(0)
    assert.equal(story.serve.open.size, 0)
    story.checkAtRest()
  }
})

test('after a drain is asked an idle connection is closed at once', () => {
  const story = serverStory()
  story.client.say(get('/'))
  story.connection.drain()
  story.wire.run()
  assert.equal(story.client.hasEnded, true)
  story.client.end.end()
  story.pass(0)
  story.checkAtRest()
})

test('after a drain is asked the answer under way says close, and is the last', () => {
  const { story, x } = waiting(get('/1') + get('/2'))
  story.connection.drain()
  answer(x, 200, '/1')
  story.wire.run()
  assert.match(story.client.take(), /Connection: close\r\n\r\n\/1$/)
  assert.equal(story.client.hasEnded, true)
  story.pass(1100)
  story.checkAtRest()
})

test('after a drain is asked an answer whose head was sent is still sent whole', () => {
  const { story, x } = waiting(get('/1'))
  answerHead(x, 200, BODY_UNKNOWN)
  story.connection.drain()
  writeText(x.down, 'hello')
  story.pass(5000)
  x.down.end(null)
  story.wire.run()
  assert.match(story.client.take(), /5\r\nhello\r\n0\r\n\r\n$/)
  assert.equal(story.client.hasEnded, true)
})

test('after a drain is asked a fresh connection has drainMs for its first request', () => {
  const story = serverStory()
  story.connection.drain()
  story.pass(500)
  story.client.say(get('/'))
  assert.match(story.client.take(), /Connection: close/)
  const silent = serverStory()
  silent.connection.drain()
  silent.pass(1100)
  silent.checkAtRest()
})

test('destroy cuts an answer under way, visibly', () => {
  const { story, x } = waiting('GET / HTTP/1.0\r\n\r\n')
  answerHead(x, 200, BODY_UNKNOWN)
  writeText(x.down, 'hello')
  story.wire.run()
  story.connection.destroy()
  assert.equal(story.serve.log.at(-1), 'finish GET /', 'at once: the process may end next')
  story.pass(0)
  assert.equal(story.client.closed, 'ECONNRESET')
  assert.deepEqual(story.serve.log, ['serve GET /', 'abandon draining', 'finish GET /'])
  story.checkAtRest()
})

test('an upgrade hands the transport out, with what was read behind the head', () => {
  const fields = 'Connection: upgrade\r\nUpgrade: websocket\r\n'
  const { story, x } = waiting(get('/', fields) + 'early ')
  const heard: string[] = []
  x.response.status = 101
  x.response.upgrade = 'websocket'
  const { down } = x
  const transport = down.upgrade(x) as Transport
  transport.events = {
    onBytes: (buffer, start, end) => void heard.push(buffer.toString('latin1', start, end)),
    onDrain() {},
    onEnd() {},
    onClose: () => void heard.push('closed'),
  }
  down.pushKept()
  story.client.say('later')
  assert.deepEqual(heard, ['early ', 'later'])
  assert.match(
    withoutDate(story.client.take()),
    /^HTTP\/1.1 101 .*\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n$/s,
  )
  assert.equal(story.connection.isTunnel, true)
  // No deadline of ours is left, the tunnel has its own.
  story.pass(3_600_000)
  assert.equal(story.timers.hanging, 0)
  transport.destroy()
  story.pass(0)
  assert.equal(story.closedCount, 0)
  down.end(null)
  story.serve.finish(x)
  assert.equal(heard.at(-1), 'closed')
  story.checkAtRest()
})

test('an upgrade from within the serving of a head that came in pieces hands out only what is behind it', () => {
  const story = serverStory()
  const heard: string[] = []
  story.serve.onServe = (x) => {
    x.response.status = 101
    x.response.upgrade = 'websocket'
    const { down } = x
    const transport = down.upgrade(x) as Transport
    transport.events = {
      onBytes: (buffer, start, end) => void heard.push(buffer.toString('latin1', start, end)),
      onDrain() {},
      onEnd() {},
      onClose() {},
    }
    down.pushKept()
  }
  const text = get('/', 'Connection: upgrade\r\nUpgrade: websocket\r\n') + 'early '
  story.client.say(text.slice(0, 30))
  story.client.say(text.slice(30))
  story.client.say('later')
  assert.deepEqual(heard, ['early ', 'later'])
})

test('an upgrade whose client is gone gives null', () => {
  const { story, x } = waiting(get('/', 'Connection: upgrade\r\nUpgrade: websocket\r\n'))
  x.response.status = 101
  story.near.destroy()
  assert.equal(x.down.upgrade(x), null)
  story.pass(0)
  story.checkAtRest()
})
