/** Clients of HTTP/3 before an HTTP/1.1 origin: what goes through, what is refused, and what is bounded. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { turnBytesMax } from '../../src/h3/outbox.ts'
import { answerLeadMs } from '../../src/h3/server-stream.ts'
import { H3World } from './h3-world.ts'
import { ok } from './proxy-world.ts'

const post = [':method', 'POST', 'content-length', '5']

describe('a request over HTTP/3', () => {
  it('comes to the origin as HTTP/1.1, and its answer back', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, ['cookie', 'a=1', 'cookie', 'b=2', 'x-one', 'é'])
    const origin = world.server()
    assert.match(origin.text, /^GET \/ HTTP\/1\.1\r\n/)
    assert.match(origin.text, /\r\ncookie: a=1; b=2\r\n/i)
    assert.match(origin.text, /X-Forwarded-Proto: https\r\n/i)
    assert.match(origin.text, /X-Forwarded-For: 192\.0\.2\.9\r\n/i)
    origin.say(ok('hello', 'X-Two: 2\r\nConnection: x-three\r\nX-Three: 3\r\nKeep-Alive: timeout=5\r\n'))
    assert.equal(heard.fields[':status'], '200')
    assert.equal(heard.fields['x-two'], '2')
    assert.equal(heard.fields['content-length'], '5')
    for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'x-three'])
      assert.equal(heard.fields[name], undefined)
    assert.deepEqual([heard.body, heard.hasEnded, heard.reset], ['hello', true, -1])
    world.leave(session)
    world.checkAtRest(1)
  })

  it('many at once on one session', () => {
    const world = new H3World()
    const session = world.session()
    const heard = [0, 4, 8].map((stream) => world.ask(session, stream, [':path', `/${stream}`]))
    for (const i of [2, 0, 1]) world.server(i).say(ok(String(i)))
    assert.deepEqual(
      heard.map(({ body }) => body),
      ['0', '1', '2'],
    )
    world.leave(session)
    world.checkAtRest(3)
  })

  it('HEAD ends with its head', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'HEAD'])
    world.server().say('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n')
    assert.deepEqual([heard.fields['content-length'], heard.body, heard.hasEnded], ['7', '', true])
    world.leave(session)
    world.checkAtRest(1)
  })

  it('trailers go both ways', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'POST', 'te', 'trailers'], false)
    world.say(session, 0, 'body')
    world.raw(session, 0, [{ name: 'x-sum', value: '1' }], true)
    world.finish(session, 0)
    assert.match(world.server().text, /\r\n4\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n$/i)
    world
      .server()
      .say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: 2\r\n\r\n')
    assert.deepEqual([heard.body, heard.trailers, heard.hasEnded], ['ok', { 'x-end': '2' }, true])
    world.leave(session)
    world.checkAtRest(1)
  })

  it('1xx of the origin are left out: the provider sends one head', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    world.server().say('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' + ok('x'))
    assert.deepEqual([heard.fields[':status'], heard.body], ['200', 'x'])
    world.leave(session)
    world.checkAtRest(1)
  })
})

describe('what is malformed (RFC 9114 §4.1.2, §4.2, §4.3)', () => {
  const cases: Record<string, readonly string[]> = {
    'a name with a capital': ['X-Up', '1'],
    'a name that is no token': ['a b', '1'],
    'a value with a line end': ['x-a', 'b\r\nc: d'],
    'a value with a NUL': ['x-a', '\0'],
    Connection: ['connection', 'close'],
    'Transfer-Encoding': ['transfer-encoding', 'chunked'],
    Upgrade: ['upgrade', 'websocket'],
    'TE with more than trailers': ['te', 'gzip'],
    'a pseudo-field of an answer': [':status', '200'],
    'a pseudo-field that nobody knows': [':x', '1'],
    'an empty method': [':method', ''],
    'Host that says something else': ['host', 'other.example'],
    'a length with a request that has ended': ['content-length', '5'],
  }
  for (const [name, list] of Object.entries(cases)) {
    it(`${name}: the stream is reset, and the origin hears nothing`, () => {
      const world = new H3World()
      const session = world.session()
      const heard = world.ask(session, 0, list)
      assert.equal(heard.reset, 0x10e)
      assert.equal(world.accepted.length, 0)
      // The session is none the worse.
      world.ask(session, 4)
      world.server().say(ok('x'))
      assert.equal(world.quic.heard(session, 4).body, 'x')
      world.leave(session)
      world.checkAtRest(1)
    })
  }

  it('a pseudo-field behind a field, or twice, or none', () => {
    const world = new H3World()
    const session = world.session()
    const usual = [':method', ':scheme', ':authority', ':path'].map((name, i) => ({
      name,
      value: ['GET', 'https', 'a', '/'][i] as string,
    }))
    world.raw(session, 0, [{ name: 'x', value: '1' }, ...usual], true)
    world.raw(session, 4, [...usual, usual[0] as { name: string; value: string }], true)
    world.raw(session, 8, usual.slice(1), true)
    for (const stream of [0, 4, 8]) assert.equal(world.quic.heard(session, stream).reset, 0x10e)
    world.leave(session)
  })

  it('a body that is longer or shorter than its length', () => {
    for (const text of ['123456', '123']) {
      const world = new H3World()
      const session = world.session()
      const heard = world.ask(session, 0, post, false)
      world.say(session, 0, text)
      world.finish(session, 0)
      assert.equal(heard.reset, 0x10e)
      world.leave(session)
      world.checkAtRest(1)
    }
  })

  it('extended CONNECT is answered 501, CONNECT as well', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'CONNECT', ':protocol', 'websocket'], false)
    assert.equal(heard.fields[':status'], '501')
    world.leave(session)
  })

  it(`who goes on like that is sent away`, () => {
    const world = new H3World()
    const session = world.session()
    for (let stream = 0; stream < 130 * 4; stream += 4) world.ask(session, stream, ['Bad', '1'])
    assert.equal(world.quic.closed.get(session), 0x107)
    assert.deepEqual(world.faults, ['h3_error_flood'])
    assert.equal(world.connections.size, 0)
  })
})

describe('who breaks off', () => {
  it('the client takes its request back: the origin is let go', () => {
    const world = new H3World()
    const session = world.session()
    world.ask(session, 0)
    world.quic.events.onReset(session, 0, 0x10c)
    world.wire.run()
    assert.notEqual(world.server().closed ?? world.server().hasEnded, false)
    world.leave(session)
    world.checkAtRest(1)
  })

  it('rapid resets end the session', () => {
    const world = new H3World()
    const session = world.session()
    for (let stream = 0; stream < 300 * 4 && !world.quic.closed.has(session); stream += 4) {
      world.ask(session, stream)
      world.quic.events.onReset(session, stream, 0x10c)
    }
    assert.equal(world.quic.closed.get(session), 0x107)
    assert.deepEqual(world.faults, ['h3_reset_flood'])
  })

  it('the origin breaks off within its answer: the stream is reset, so that it does not look whole', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    world.server().say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345')
    world.server().end.destroy()
    world.wire.run()
    assert.deepEqual([heard.body, heard.hasEnded, heard.reset], ['12345', false, 0x102])
    world.leave(session)
    world.checkAtRest(1)
  })

  it('the session ends while requests are under way', () => {
    const world = new H3World()
    const session = world.session()
    world.ask(session, 0)
    world.ask(session, 4, post, false)
    world.leave(session)
    world.checkAtRest(2)
  })
})

describe('answers and windows', () => {
  it('a client that does not read holds the origin back, and gets all when it reads', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    const body = 'x'.repeat(4 * turnBytesMax)
    world.quic.takesBytes = turnBytesMax
    world.server().say(ok(body).slice(0, -1))
    assert.ok(heard.body.length <= turnBytesMax)
    assert.ok(
      world.server().end.unsentBytes + world.server().end.peer.unreadBytes > 0,
      'the origin is held back',
    )
    for (let i = 0; i < 100 && heard.body.length < body.length - 1; i++) {
      world.quic.takesBytes = turnBytesMax / 2
      world.quic.events.onWritable()
      world.pass(1)
    }
    assert.equal(heard.body.length, body.length - 1)
    assert.equal(heard.hasEnded, false)
    world.server().say('x')
    world.quic.takesBytes = Infinity
    world.quic.events.onWritable()
    world.pass(1)
    assert.equal(heard.hasEnded, true)
    world.leave(session)
    world.checkAtRest(1)
  })

  it('nothing is handed over while the stream waits for its window', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    world.quic.events.onFull(session, 0)
    world.server().say(ok('hello'))
    assert.equal(heard.body, '')
    world.quic.events.onRoom(session, 0)
    assert.deepEqual([heard.body, heard.hasEnded], ['hello', true])
    world.leave(session)
    world.checkAtRest(1)
  })

  it('who takes nothing for a whole window loses the stream', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    world.quic.events.onFull(session, 0)
    world.server().say(ok('hello'))
    world.pass(41_000)
    assert.equal(heard.reset, 0x10c)
    world.leave(session)
    world.checkAtRest(1)
  })

  it('an answer before the request has ended: the rest is read over, then the stream is closed with NO_ERROR', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'POST'], false)
    world.say(session, 0, 'some')
    world.server().say('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    assert.deepEqual([heard.fields[':status'], heard.hasEnded, heard.reset], ['413', true, -1])
    world.say(session, 0, 'x'.repeat(70_000))
    assert.equal(heard.reset, -1, 'a reset would take back what of the answer has not left')
    world.pass(answerLeadMs)
    world.say(session, 0, 'x')
    assert.equal(heard.reset, 0x100)
    world.leave(session)
    world.checkAtRest(1)
  })
})

describe('uploads', () => {
  it('go through as they come', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, post, false)
    world.say(session, 0, 'he')
    world.say(session, 0, 'llo')
    world.finish(session, 0)
    assert.match(world.server().text, /\r\n\r\nhello$/)
    world.server().say(ok('thanks'))
    assert.equal(heard.body, 'thanks')
    world.leave(session)
    world.checkAtRest(1)
  })

  it('one that the origin does not take fails beyond the bound, and its client hears 503', () => {
    const world = new H3World({}, { heldBytesMax: 100_000 })
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'POST'], false)
    world.wire.run()
    world.server().end.pause()
    for (let i = 0; i < 100 && heard.fields[':status'] === undefined; i++)
      world.say(session, 0, 'x'.repeat(50_000))
    assert.equal(heard.fields[':status'], '503')
    assert.equal(world.h3.heldBytes, 0)
    world.leave(session)
    world.checkAtRest(1)
  })

  it('all of them together have a bound as well', () => {
    const world = new H3World({}, { allHeldBytesMax: 100_000 })
    const session = world.session()
    const heard = [0, 4, 8].map((stream) => world.ask(session, stream, [':method', 'POST'], false))
    for (let i = 0; i < 3; i++) world.server(i).end.pause()
    for (let i = 0; i < 100 && !heard.some(({ fields }) => fields[':status'] === '503'); i++)
      for (const stream of [0, 4, 8]) world.say(session, stream, 'x'.repeat(50_000))
    assert.ok(heard.some(({ fields }) => fields[':status'] === '503'))
    world.leave(session)
    world.checkAtRest(3)
  })

  it('one that stands still is given up', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'POST'], false)
    world.say(session, 0, 'x')
    world.pass(41_000)
    assert.equal(heard.fields[':status'], '408')
    world.leave(session)
    world.checkAtRest(1)
  })
})

describe('sessions', () => {
  it('one that asks nothing, and one that rests, is closed in its time', () => {
    const world = new H3World()
    const silent = world.session()
    const resting = world.session()
    world.ask(resting, 0)
    world.server().say(ok('x'))
    world.pass(11_000)
    assert.equal(world.quic.closed.get(silent), 0x100)
    assert.equal(world.quic.closed.has(resting), false)
    world.pass(60_000)
    assert.equal(world.quic.closed.get(resting), 0x100)
    world.checkAtRest(1)
  })

  it('a drain finishes what is under way, refuses what comes, and closes', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    for (const connection of world.connections) connection.drain()
    assert.equal(world.ask(session, 4).reset, 0x10b)
    world.server().say(ok('last'))
    assert.equal(heard.body, 'last')
    world.pass(2000)
    assert.equal(world.quic.closed.get(session), 0x100)
    world.checkAtRest(1)
  })

  it('one that is cut ends its requests', () => {
    const world = new H3World()
    const session = world.session()
    world.ask(session, 0)
    for (const connection of world.connections) connection.destroy()
    world.wire.run()
    assert.equal(world.quic.closed.get(session), 0x100)
    world.checkAtRest(1)
  })

  it('a number that is used again is another session', () => {
    const world = new H3World()
    const session = world.session()
    world.ask(session, 0)
    world.leave(session)
    world.quic.streams.clear()
    world.quic.events.onSession(session, '192.0.2.10', 6)
    const heard = world.ask(session, 0)
    world.server(1).say(ok('second'))
    assert.equal(heard.body, 'second')
    world.leave(session)
    world.checkAtRest(2)
  })
})
