import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { DONE, type Handler } from '../../src/http/exchange.ts'
import { webSocketAccept } from '../../src/http/websocket-key.ts'
import { requestList, type H2Client } from './h2-client.ts'
import { ok, ProxyWorld } from './proxy-world.ts'
import type { Peer } from './wire.ts'

const connect = [
  ':method',
  'CONNECT',
  ':protocol',
  'websocket',
  ':scheme',
  'https',
  ':path',
  '/chat',
  ':authority',
  'a.example',
  'sec-websocket-version',
  '13',
  'sec-websocket-protocol',
  'chat',
]

function asked(client: H2Client, world: ProxyWorld): { server: Peer; key: string; text: string } {
  client.headers(1, connect, 0x4)
  client.run()
  const server = world.server()
  const text = server.take()
  return { server, text, key: /Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? '' }
}

const agree = (key: string): string =>
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Accept: ${webSocketAccept(key)}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`

describe('WebSocket over HTTP/2 to an origin of HTTP/1 (RFC 8441)', () => {
  test('becomes a handshake, and then a tunnel both ways', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server, text, key } = asked(client, world)
    assert.match(text, /^GET \/chat HTTP\/1\.1\r\nHost: a\.example\r\n/)
    assert.match(text, /Connection: upgrade\r\nUpgrade: websocket\r\n/)
    assert.match(key, /^[\w+/]{22}==$/)
    server.say(agree(key) + 'welcome')
    assert.deepEqual(
      client.fields(1),
      [':status', '200', 'sec-websocket-protocol', 'chat'].concat(viaOf(client)),
    )
    assert.equal(client.body(1), 'welcome')
    client.take()
    for (let i = 0; i < 10; i++) {
      client.data(1, `to${i}`)
      client.run()
      assert.equal(server.take(), `to${i}`)
      server.say(`from${i}`)
      assert.equal(client.body(1), `from${i}`)
      client.take()
    }
    client.data(1, '', true)
    client.run()
    assert.equal(server.hasEnded, true)
    server.end.end()
    world.pass(10)
    assert.deepEqual(client.take(), ['1 DATA 0 END'])
    client.end.end()
    world.checkAtRest(1)
    const [finished] = world.observer.finished
    assert.equal(finished?.status, 101)
    assert.equal(finished?.fault, 0)
    assert.notEqual(finished?.peerAddress, '')
  })

  test('many tunnels and requests share a connection', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server, key } = asked(client, world)
    server.say(agree(key))
    client.take()
    client.get(3, '/plain')
    client.run()
    world.server(1).say(ok('hello'))
    assert.equal(client.body(3), 'hello')
    server.say('still there')
    assert.equal(client.body(1), 'still there')
  })

  test('what is sent before the answer is not lost, and a slow origin holds back its own stream', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    client.headers(1, connect, 0x4)
    client.data(1, 'early')
    client.run()
    const server = world.server()
    const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(server.take())?.[1] ?? ''
    server.say(agree(key))
    world.pass(10)
    assert.equal(server.take(), 'early')
  })

  test('a proof of another key is no answer', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server } = asked(client, world)
    server.say(agree('another'))
    assert.equal(client.fields(1)[1], '502')
  })

  test('an origin that refuses answers as ever', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server } = asked(client, world)
    server.say('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    assert.equal(client.body(1), 'no')
    assert.deepEqual(
      client.take().map((line) => line.replace(/HEADERS.*/, 'HEADERS')),
      ['1 HEADERS', '1 DATA 2', '1 DATA 0 END'],
    )
    client.end.end()
    world.checkAtRest(1)
  })

  test('an origin that answers 200 has opened no tunnel, and the client is not told that it has (RFC 8441 §4)', () => {
    for (const protocol of ['websocket', 'connect-udp', 'h2c']) {
      const world = new ProxyWorld()
      const client = world.h2Client()
      client.headers(1, connect.with(3, protocol), 0x4)
      client.run()
      world.server().say(ok('<html>'))
      assert.equal(client.fields(1)[1], '502', protocol)
      assert.doesNotMatch(client.body(1), /html/)
      client.end.end()
      world.checkAtRest(1)
      assert.equal(world.observer.finished[0]?.fault, Faults.ANSWER_NO_TUNNEL)
    }
  })

  test('neither has an answer of a step', () => {
    const respond: Handler = {
      name: 'respond',
      onRequest(x) {
        x.response.status = 204
        x.answerWhole(null)
        return DONE
      },
    }
    const world = new ProxyWorld({ steps: [respond] })
    const client = world.h2Client()
    client.headers(1, connect, 0x4)
    client.run()
    assert.equal(client.fields(1)[1], '502')
  })

  test('a client that resets its stream takes the tunnel with it', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server, key } = asked(client, world)
    server.say(agree(key))
    client.reset(1)
    world.pass(10)
    assert.equal(server.closed, 'ECONNRESET')
    client.end.end()
    world.checkAtRest(1)
  })

  test('an origin that dies resets the stream', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server, key } = asked(client, world)
    server.say(agree(key))
    client.take()
    server.end.reset()
    world.pass(10)
    assert.deepEqual(client.take(), ['1 RST_STREAM 8'])
    client.end.end()
    world.checkAtRest(1)
  })

  test('a connection that dies ends its tunnels', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    const { server, key } = asked(client, world)
    server.say(agree(key))
    client.end.reset()
    world.pass(10)
    assert.notEqual(server.closed, null)
    world.checkAtRest(1)
  })
})

/** What the edge adds to an answer. */
function viaOf(client: H2Client): string[] {
  const fields = client.fields(1)
  const at = fields.indexOf('via')
  return at < 0 ? [] : fields.slice(at, at + 2)
}

describe('requests over HTTP/2 to an origin of HTTP/1', () => {
  test('are one reading: Host from :authority, one Cookie, the length as it is (RFC 9113 §10.3)', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    client.headers(
      1,
      [
        ...requestList('POST', '/a?b'),
        'cookie',
        'a=1',
        'cookie',
        'b=2',
        'te',
        'trailers',
        'content-length',
        '2',
      ],
      0x4,
    )
    client.data(1, 'ok', true)
    client.run()
    const text = world.server().take()
    assert.match(text, /^POST \/a\?b HTTP\/1\.1\r\nHost: a\.example\r\n/)
    assert.match(text, /\r\ncookie: a=1; b=2\r\n/)
    assert.match(text, /\r\nContent-Length: 2\r\nConnection: TE\r\nTE: trailers\r\n\r\nok$/)
    assert.equal(text.match(/^host:/gim)?.length, 1)
    world.server().say(ok('x'))
    assert.equal(client.body(1), 'x')
  })

  test('a body of unknown length goes on in chunks, trailers included', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    client.post(1)
    client.data(1, 'abc')
    client.headers(1, ['x-sum', '1'])
    client.run()
    assert.match(
      world.server().take(),
      /Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n$/,
    )
  })

  test('an answer that the origin breaks off is reset', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    client.get(1)
    client.run()
    world.server().say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    world.server().end.reset()
    world.pass(1)
    assert.equal(client.take().at(-1), '1 RST_STREAM 2')
    client.end.end()
    world.checkAtRest(1)
  })

  test('a large answer waits for its reader, and its origin with it', () => {
    const world = new ProxyWorld()
    const client = world.h2Client()
    client.get(1)
    client.run()
    const server = world.server()
    const bytes = 8 * 1024 * 1024
    server.say(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n` + 'x'.repeat(bytes))
    assert.equal(client.body(1).length, 65_535)
    assert.ok(server.end.unsentBytes > 4 * 1024 * 1024, 'most of it is with the origin still')
    let read = 65_535
    client.take()
    while (read < bytes) {
      client.window(0, 60_000)
      client.window(1, 60_000)
      client.run()
      read += client.body(1).length
      client.take()
    }
    assert.equal(read, bytes)
    client.end.end()
    world.checkAtRest(1)
  })
})
