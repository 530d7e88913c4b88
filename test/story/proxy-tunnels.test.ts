import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { bodyOf, get, isLeft, ok, ProxyWorld } from './proxy-world.ts'
import type { Peer } from './wire.ts'

const ask = get('/chat', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n')
const agree =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: def\r\n' +
  'Server: ws\r\n\r\n'

interface Tunnel {
  world: ProxyWorld
  client: Peer
  server: Peer
}

function tunnel(setting: ConstructorParameters<typeof ProxyWorld>[0] = {}): Tunnel {
  const world = new ProxyWorld({ limits: { tunnelIdleMs: 60_000 }, ...setting })
  const client = world.client()
  client.say(ask)
  const server = world.server()
  assert.match(server.take(), /Upgrade: websocket\r\n/)
  server.say(agree)
  assert.match(client.take(), /^HTTP\/1\.1 101 /)
  return { world, client, server }
}

test('a WebSocket handshake passes both ways, and then everything does', () => {
  const world = new ProxyWorld({ limits: { tunnelIdleMs: 60_000 } })
  const client = world.client()
  client.say(ask)
  const server = world.server()
  const asked = server.take()
  assert.match(asked, /Connection: upgrade\r\nUpgrade: websocket\r\n/i)
  assert.match(asked, /Sec-WebSocket-Key: abc\r\n/)
  server.say(agree)
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: def\r\n/s)
  assert.match(answer, /Connection: upgrade\r\nUpgrade: websocket\r\n/i)
  assert.doesNotMatch(answer, /Server/)
  for (let i = 0; i < 10; i++) {
    client.say(`to${i}`)
    assert.equal(server.take(), `to${i}`)
    server.say(`from${i}`)
    assert.equal(client.take(), `from${i}`)
  }
  assert.equal(world.engine.tunnelCount, 1)
  assert.equal(world.observer.finished.length, 0)
  client.end.end()
  world.wire.run()
  assert.equal(server.hasEnded, true)
  server.end.end()
  world.checkAtRest(1)
  const [finished] = world.observer.finished
  assert.equal(finished?.status, 101)
  assert.equal(finished?.fault, 0)
  assert.equal(finished?.bytesSent, 50)
})

test('bytes that came together with either head are not lost', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(ask + 'early')
  const server = world.server()
  assert.doesNotMatch(server.take(), /early/)
  server.say(agree + 'welcome')
  assert.equal(bodyOf(client.take()), 'welcome')
  assert.equal(server.take(), 'early')
})

test('any token may be upgraded to, and the origin chooses among those that were asked for', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/', 'Connection: Upgrade\r\nUpgrade: chat/2, chat/1\r\n'))
  const server = world.server()
  assert.match(server.take(), /Upgrade: chat\/2, chat\/1\r\n/i)
  server.say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n\r\n')
  assert.match(client.take(), /^HTTP\/1\.1 101 /)
  client.say('x')
  assert.equal(server.take(), 'x')
})

test('a protocol that was not asked for is not switched to (RFC 9110 §7.8)', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(ask)
  world.server().say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n')
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.ok(isLeft(world.server()))
  assert.equal(world.observer.finished[0]?.fault, Faults.ANSWER_UPGRADE_BAD)
  client.end.end()
  world.checkAtRest(1)
})

test('h2c and TLS are not passed on, since requests behind them would be seen by nobody', () => {
  for (const token of ['h2c', 'h2c, TLS/1.0', 'HTTP/2.0', 'TLS/1.2, HTTP/1.1']) {
    const world = new ProxyWorld()
    const client = world.client()
    client.say(
      get('/', `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${token}\r\nHTTP2-Settings: AAMA\r\n`),
    )
    assert.doesNotMatch(world.server().take(), /upgrade|http2-settings|h2c/i)
    world.server().say(ok('plain'))
    assert.equal(bodyOf(client.take()), 'plain')
  }
})

test('upgrades can be turned off, and HTTP/1.0 has none', () => {
  for (const [setting, request] of [
    [{ proxy: { upgrade: false } }, ask],
    [{}, ask.replace('HTTP/1.1', 'HTTP/1.0')],
  ] as const) {
    const world = new ProxyWorld(setting)
    world.client().say(request)
    assert.doesNotMatch(world.server().take(), /\r\nupgrade:/i)
  }
})

test('an upgrade that the origin refuses is passed through, and both connections serve on', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(ask)
  world.server().say('HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno')
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 426 .*Upgrade: websocket\r\n/s)
  assert.equal(bodyOf(answer), 'no')
  client.say(get('/'))
  world.server().say(ok('on'))
  assert.equal(bodyOf(client.take()), 'on')
  assert.equal(world.accepted.length, 1)
  client.end.end()
  world.checkAtRest(2)
})

test('a side that dies takes the other with it', () => {
  for (const dying of ['client', 'server'] as const) {
    const made = tunnel()
    const { world, client, server } = made
    client.say('x')
    made[dying].end.reset()
    world.wire.run()
    assert.ok(isLeft(dying === 'client' ? server : client))
    assert.equal(
      world.observer.finished[0]?.fault,
      dying === 'client' ? Faults.CLIENT_GONE : Faults.ORIGIN_TRUNCATED,
    )
    world.checkAtRest(1)
  }
})

test('a tunnel in which nobody says anything is closed after its idle time', () => {
  const { world, client, server } = tunnel({ limits: { tunnelIdleMs: 5000 } })
  world.pass(4000)
  client.say('still here')
  world.pass(4000)
  assert.equal(isLeft(client), false)
  world.pass(2000)
  assert.ok(isLeft(client) && isLeft(server))
  assert.equal(world.observer.finished[0]?.fault, Faults.TUNNEL_IDLE)
  world.checkAtRest(1)
})

const textFrame = '\x81\x05hello'
const maskedFrame = '\x81\x82\x01\x02\x03\x04hi'
const closeToClient = '\x88\x02\x03\xe9'

test('as the server drains, a WebSocket is closed with 1001 both ways', () => {
  const { world, client, server } = tunnel()
  client.say(maskedFrame)
  server.say(textFrame)
  client.take()
  server.take()
  world.engine.drainTunnels()
  world.wire.run()
  assert.equal(client.take(), closeToClient)
  const toOrigin = Buffer.from(server.take(), 'latin1')
  assert.deepEqual([...toOrigin.subarray(0, 2)], [0x88, 0x82])
  assert.ok(client.hasEnded && server.hasEnded)
  client.end.end()
  server.end.end()
  world.checkAtRest(1)
  assert.equal(world.observer.finished[0]?.fault, 0)
})

test('a Close frame waits for the end of the frame under way, and nothing follows it', () => {
  const { world, client, server } = tunnel()
  server.say(textFrame.slice(0, 4))
  world.engine.drainTunnels()
  world.wire.run()
  assert.equal(client.take(), textFrame.slice(0, 4))
  assert.equal(client.hasEnded, false)
  server.say(textFrame.slice(4) + textFrame)
  assert.equal(client.take(), textFrame.slice(4) + closeToClient)
  assert.equal(client.hasEnded, true)
  server.say(textFrame)
  assert.equal(client.take(), '')
})

test('a side that has said Close itself is not told again', () => {
  const { world, client, server } = tunnel()
  server.say(closeToClient)
  world.engine.drainTunnels()
  world.wire.run()
  assert.equal(client.take(), closeToClient)
  assert.equal(client.hasEnded, true)
})

test('a tunnel of another protocol is closed by FIN both ways as the server drains', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/', 'Connection: Upgrade\r\nUpgrade: chat\r\n'))
  world.server().say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
  client.take()
  world.engine.drainTunnels()
  world.wire.run()
  assert.equal(client.take(), '')
  assert.ok(client.hasEnded && world.server().hasEnded)
})

test('tunnels that do not end are cut and counted', () => {
  const { world, client } = tunnel()
  world.engine.drainTunnels()
  world.wire.run()
  assert.equal(world.engine.tunnels.cutAll(Faults.DRAINING), 1)
  world.wire.run()
  assert.ok(isLeft(client))
  assert.equal(world.engine.tunnelCount, 0)
  world.checkAtRest(1)
})

test('a client that is gone when the origin agrees leaves nothing open', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(ask)
  client.end.reset()
  const server = world.server()
  server.end.writeText(agree)
  world.wire.run()
  assert.ok(isLeft(server))
  world.checkAtRest(1)
})

test('a slow side of a tunnel holds the other back', () => {
  const { world, client, server } = tunnel()
  const size = 2 * 1024 * 1024
  client.end.pause()
  client.end.kernelBytes = server.end.kernelBytes = 64 * 1024
  client.end.peer.kernelBytes = 64 * 1024
  server.say('y'.repeat(size))
  assert.ok(server.end.unsentBytes > size / 2)
  client.end.resume()
  world.wire.run()
  assert.equal(client.take().length, size)
})
