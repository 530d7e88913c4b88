import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultRow, Faults } from '../../src/core/faults.ts'
import type { Fault } from '../../src/core/faults.ts'
import { connectFault } from '../../src/http/connect-faults.ts'
import { NotingReceiver, makeRequest, originStory } from './h1-origin-world.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

test('a request leaves in one write; its answer comes, and the connection is free again', () => {
  const { ask, origin, near, owner, connection } = originStory()
  assert.deepEqual(owner.log, ['connected'])
  assert.equal(connection.freeStreams, 1)
  const { receiver } = ask()
  assert.equal(origin.take(), 'GET / HTTP/1.1\r\nHost: origin.example\r\n\r\n')
  assert.equal(near.sends, 1)
  assert.equal(connection.freeStreams, 0)
  assert.equal(connection.isReused, false)
  origin.say(ok)
  assert.deepEqual(receiver.log, ['head 200', 'end'])
  assert.equal(receiver.text, 'hello')
  assert.deepEqual(owner.log, ['connected', 'released 1'])
  const second = ask()
  assert.equal(connection.isReused, true)
  origin.say(ok)
  assert.deepEqual(second.receiver.log, ['head 200', 'end'])
  assert.equal(connection.servedCount, 2)
})

for (const splitBytes of [1, 3, Infinity]) {
  test(`answers of every framing come whole in reads of ${splitBytes} bytes`, () => {
    for (const [answer, log, text] of [
      [ok, ['head 200', 'end'], 'hello'],
      [
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX-Sum: 9\r\n\r\n',
        ['head 200', 'end X-Sum: 9'],
        'hello',
      ],
      ['HTTP/1.1 204 No Content\r\n\r\n', ['head 204', 'end'], ''],
      ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ['head 304', 'end'], ''],
      [
        'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' + ok,
        ['103 Link x', '102', 'head 200', 'end'],
        'hello',
      ],
    ] as const) {
      const { ask, origin, near, owner } = originStory()
      near.splitBytes = splitBytes
      const { receiver } = ask()
      origin.say(answer)
      assert.deepEqual(receiver.log, log)
      assert.equal(receiver.text, text)
      assert.equal(owner.log.at(-1), 'released 1')
    }
  })
}

test('HEAD is answered without a body, whatever length is stated', () => {
  const { ask, origin, owner } = originStory()
  const { receiver, x } = ask('HEAD')
  origin.say('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
  assert.deepEqual(receiver.log, ['head 200', 'end'])
  assert.equal(x.response.statedLength, 5)
  assert.equal(owner.log.at(-1), 'released 1')
})

test('a body without a length ends with FIN, and never with a reset', () => {
  for (const [how, end] of [
    ['end', 'end'],
    ['reset', 'fault http_response_incomplete'],
  ] as const) {
    const { ask, origin, owner, pass } = originStory()
    const { receiver } = ask()
    origin.say('HTTP/1.0 200 OK\r\n\r\nhello')
    assert.equal(receiver.text, 'hello')
    origin.end[how]()
    pass(0)
    assert.deepEqual(receiver.log, ['head 200', end])
    assert.match(owner.log.at(-1) ?? '', /^closed/)
  }
})

test('the origin’s wish to close, and HTTP/1.0, end the connection after the answer', () => {
  for (const head of [
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  ]) {
    const { ask, origin, owner, pass, connection, timers } = originStory()
    const { receiver } = ask()
    origin.say(head)
    assert.deepEqual(receiver.log, ['head 200', 'end'])
    assert.equal(connection.freeStreams, 0)
    pass(0)
    assert.deepEqual(owner.log, ['connected', 'released 0', 'closed none'])
    assert.equal(origin.hasEnded, true)
    assert.equal(timers.hanging, 0)
  }
})

test('an answer cut short is told as such', () => {
  for (const [answer, fault] of [
    ['', 'connection_terminated'],
    ['HTTP/1.1 20', 'http_response_incomplete'],
    ['HTTP/1.1 100 Continue\r\n\r\n', 'http_response_incomplete'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', 'http_response_incomplete'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'http_response_incomplete'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n', 'http_response_incomplete'],
  ] as const) {
    for (const how of ['end', 'reset', 'destroy'] as const) {
      const { ask, origin, owner, pass, connection } = originStory()
      const { receiver } = ask()
      origin.say(answer)
      origin.end[how]()
      pass(0)
      assert.equal(receiver.log.at(-1), `fault ${fault}`, answer)
      assert.equal(connection.hasAnswered, answer !== '')
      assert.equal(owner.log.at(-1), `closed ${fault}`)
    }
  }
})

test('bytes behind an answer end the connection, and are no part of any answer', () => {
  const { ask, origin, owner, pass, connection } = originStory()
  const { receiver } = ask()
  origin.say(ok + 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  assert.deepEqual(receiver.log, ['head 200', 'end'])
  assert.equal(receiver.text, 'hello')
  assert.equal(connection.freeStreams, 0)
  pass(0)
  assert.deepEqual(owner.log, ['connected', 'released 0', 'closed answer_unasked'])
})

test('bytes on an idle connection end it at once', () => {
  const { ask, origin, owner, connection } = originStory()
  ask()
  origin.say(ok)
  origin.say('HTTP/1.1 408 Request Timeout\r\n\r\n')
  assert.deepEqual(owner.log, ['connected', 'released 1', 'closed answer_unasked'])
  assert.equal(connection.freeStreams, 0)
})

test('the end of an idle connection is told to its owner at once', () => {
  for (const how of ['end', 'reset', 'destroy'] as const) {
    const { ask, origin, owner, pass, timers } = originStory()
    ask()
    origin.say(ok)
    origin.end[how]()
    pass(0)
    assert.deepEqual(owner.log, ['connected', 'released 1', 'closed none'])
    assert.equal(timers.hanging, 0)
  }
})

test('a request sent on a connection that has died since it was leased fails as closed early', () => {
  const { origin, owner, pass, connection } = originStory()
  const x = makeRequest()
  const receiver = new NotingReceiver()
  const upstream = connection.lease(x)
  origin.end.end()
  pass(0)
  upstream.send(x, receiver)
  assert.deepEqual(receiver.log, ['fault connection_terminated'])
  pass(0)
  assert.deepEqual(owner.log, ['connected', 'closed none'])
})

test('a receiver that is full holds the origin back, and gets the rest in order', () => {
  const { ask, origin, near, wire, connection, owner } = originStory()
  near.kernelBytes = origin.end.kernelBytes = 1000
  const { receiver } = ask()
  receiver.flows = false
  const body = Array.from({ length: 100 }, (_, i) => `64\r\n${String(i).padStart(100, '0')}\r\n`).join('')
  origin.say(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`)
  assert.equal(receiver.text.length, 100)
  assert.equal(near.isPaused, true)
  let rounds = 0
  for (let before = 0; receiver.log.at(-1) !== 'end'; before = receiver.text.length) {
    assert.ok(rounds++ < 150)
    connection.resume()
    wire.run()
    // One piece, and no more.
    assert.ok(receiver.text.length - before <= 200)
  }
  assert.equal(receiver.text.length, 10_000)
  assert.ok(receiver.text.endsWith('99'))
  assert.equal(receiver.log.at(-1), 'end')
  assert.equal(owner.log.at(-1), 'released 1')
  assert.equal(near.isPaused, false)
})

test('an answer that was read whole before its origin died is given whole', () => {
  for (const how of ['break', 'reset'] as const) {
    const { ask, origin, near, wire, connection, owner } = originStory()
    const { receiver } = ask()
    receiver.flows = false
    origin.say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n')
    assert.equal(receiver.text, 'hello')
    if (how === 'break') near.break('ETIMEDOUT')
    else origin.end.reset()
    near.resume()
    wire.run()
    receiver.flows = true
    assert.deepEqual(receiver.log, ['head 200'])
    connection.resume()
    assert.equal(receiver.text, 'helloworld')
    assert.equal(receiver.log.at(-1), 'end')
    assert.match(owner.log.at(-1) ?? '', /^closed/)
  }
})

test('hostile answers become the fault that names them, and nothing is pooled', () => {
  for (const [answer, name] of [
    [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      'answer_length_and_chunked',
    ],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'answer_chunk_bad'],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'http_upgrade_failed'],
    ['HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17), 'answer_informational_too_many'],
    ['SSH-2.0-OpenSSH\r\n\r\n', 'status_line_bad'],
  ] as const) {
    const { ask, origin, owner, pass } = originStory()
    const { receiver } = ask()
    origin.say(answer)
    pass(0)
    assert.equal(receiver.log.at(-1), `fault ${name}`)
    assert.equal(owner.log.at(-1), `closed ${name}`)
  }
})

test('after cancel nothing more is heard, and the connection is closed at once', () => {
  const { ask, origin, owner, pass, connection, near, timers } = originStory()
  const { receiver } = ask()
  origin.say('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello')
  connection.cancel(Faults.CLIENT_GONE)
  assert.equal(near.isOpen, false)
  origin.say('more')
  pass(0)
  assert.deepEqual(receiver.log, ['head 200'])
  assert.deepEqual(owner.log, ['connected', 'released 0', 'closed none'])
  assert.equal(timers.hanging, 0)
})

test('cancel within an answer that is at hand whole keeps the connection', () => {
  const { ask, origin, owner } = originStory()
  const { receiver } = ask('GET')
  receiver.onHeadDo = (_x, upstream) => upstream.cancel(0)
  origin.say(ok)
  assert.deepEqual(receiver.log, ['head 200'])
  assert.equal(receiver.text, '')
  assert.deepEqual(owner.log, ['connected', 'released 1'])
})

test('a lease given up before it sent anything leaves the connection free', () => {
  const { connection, owner } = originStory()
  connection.lease(makeRequest()).cancel(Faults.CLIENT_GONE)
  assert.equal(connection.freeStreams, 1)
  assert.deepEqual(owner.log, ['connected', 'released 1'])
})

test('the owner may lease again from inside onReleased', () => {
  const { ask, origin, owner, connection } = originStory()
  const second = new NotingReceiver()
  owner.onRelease = () => {
    owner.onRelease = () => {}
    const x = makeRequest()
    connection.lease(x).send(x, second)
  }
  const { receiver } = ask()
  origin.say(ok)
  assert.deepEqual(receiver.log, ['head 200', 'end'])
  origin.say(ok)
  assert.deepEqual(second.log, ['head 200', 'end'])
})

test('keep-alive times are learned, less a second for the way', () => {
  for (const [value, keepAliveMs] of [
    ['timeout=5', 4000],
    ['max=99, timeout=75', 74_000],
    ['Timeout = "20"', 19_000],
    ['timeout=0', 0],
    ['max=5', -1],
    ['timeout=99999999999999', -1],
  ] as const) {
    const { ask, origin, connection } = originStory()
    ask()
    origin.say(`HTTP/1.1 200 OK\r\nKeep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`)
    assert.equal(connection.keepAliveMs, keepAliveMs, value)
  }
})

test('what keeps a connection from being made has a name', () => {
  const cases: [string, Fault][] = [
    ['ECONNREFUSED', Faults.ORIGIN_REFUSED],
    ['ENOENT', Faults.ORIGIN_REFUSED],
    ['EHOSTUNREACH', Faults.ORIGIN_UNREACHABLE],
    ['ENETUNREACH', Faults.ORIGIN_UNREACHABLE],
    ['ETIMEDOUT', Faults.ORIGIN_CONNECT_TIMEOUT],
    ['EAGAIN', Faults.ORIGIN_FULL],
    ['EMFILE', Faults.EDGE_EXHAUSTED],
    ['EADDRNOTAVAIL', Faults.EDGE_EXHAUSTED],
  ]
  for (const [error, fault] of cases) {
    const { near, wire, owner, timers } = originStory({}, false)
    wire.accept = () => error
    wire.run()
    assert.equal(connectFault(error), fault)
    assert.deepEqual(owner.log, [`closed ${faultRow(fault).name}`])
    assert.equal(near.isOpen, false)
    assert.equal(timers.hanging, 0)
  }
})

test('an origin that does not answer the dial is given up after connectMs', () => {
  const { pass, owner, wire, near } = originStory({}, false)
  wire.accept = () => null
  pass(2900)
  assert.deepEqual(owner.log, [])
  pass(200)
  assert.deepEqual(owner.log, ['closed connection_timeout'])
  assert.equal(near.isOpen, false)
})
