import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { bodyOf, get, ok, ProxyWorld } from './proxy-world.ts'

const two = ['http://10.0.0.11:3000', 'http://10.0.0.12:3000']

/** A world in which a connection to the origin has served a request and lies idle. */
function warm(setting: ConstructorParameters<typeof ProxyWorld>[0] = {}) {
  const world = new ProxyWorld(setting)
  const client = world.client()
  client.say(get('/warm'))
  world.server().take()
  world.server().say(ok('warm'))
  client.take()
  return { world, client, old: world.server() }
}

test('a request whose reused connection died before the first byte is sent once more, on a fresh one', () => {
  const { world, client, old } = warm()
  client.say(get('/again'))
  assert.match(old.take(), /^GET \/again /)
  old.end.reset()
  world.wire.run()
  assert.match(world.server(1).take(), /^GET \/again /)
  world.server(1).say(ok('second'))
  assert.equal(bodyOf(client.take()), 'second')
  assert.equal(world.observer.finished[1]?.attempts, 2)
  assert.deepEqual(world.observer.faults, [Faults.ORIGIN_CLOSED_EARLY])
  client.end.end()
  world.checkAtRest(2)
})

test('a fresh connection that dies too is not followed by a third attempt', () => {
  const { world, client, old } = warm()
  client.say(get('/again'))
  old.end.reset()
  world.wire.run()
  world.server(1).end.reset()
  world.wire.run()
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.equal(world.accepted.length, 2)
  client.end.end()
  world.checkAtRest(2)
})

test('a POST whose reused connection died is not sent twice', () => {
  const { world, client, old } = warm()
  client.say('POST /buy HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 2\r\n\r\nhi')
  assert.match(old.take(), /\r\n\r\nhi$/)
  old.end.reset()
  world.wire.run()
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.equal(world.accepted.length, 1)
  client.end.end()
  world.checkAtRest(2)
})

test('an idempotent request with a small body is sent again with all of it', () => {
  const { world, client, old } = warm()
  client.say('PUT /a HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 10\r\n\r\nhello')
  assert.match(old.take(), /\r\n\r\nhello$/)
  old.end.reset()
  world.wire.run()
  client.say('world')
  assert.match(world.server(1).take(), /\r\n\r\nhelloworld$/)
  world.server(1).say(ok('stored'))
  assert.equal(bodyOf(client.take()), 'stored')
  client.end.end()
  world.checkAtRest(2)
})

test('a body that was too large to keep is not sent again', () => {
  const { world, client, old } = warm({ proxy: { retryBodyBytesMax: 4 } })
  client.say('PUT /a HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 10\r\n\r\nhello')
  old.end.reset()
  world.wire.run()
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.equal(world.accepted.length, 1)
})

test('a request of which a byte was answered is not sent again', () => {
  for (const said of ['HTTP', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n']) {
    const { world, client, old } = warm()
    client.say(get('/again'))
    old.say(said)
    old.end.reset()
    world.wire.run()
    assert.match(client.take(), /HTTP\/1\.1 502 /)
    assert.equal(world.accepted.length, 1)
  }
})

test('a fresh connection that dies is not tried again when there is no other server', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/'))
  world.server().end.reset()
  world.wire.run()
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.equal(world.accepted.length, 1)
})

test('with another server an idempotent request of which no byte was answered goes there', () => {
  for (const method of ['GET', 'POST']) {
    const world = new ProxyWorld({ servers: two })
    const client = world.client()
    client.say(get('/').replace('GET', method))
    world.server().end.reset()
    world.wire.run()
    if (method === 'POST') {
      assert.match(client.take(), /^HTTP\/1\.1 502 /)
      continue
    }
    assert.notEqual(world.server(1).end.peer.remoteAddress, world.server(0).end.peer.remoteAddress)
    world.server(1).say(ok('other'))
    assert.equal(bodyOf(client.take()), 'other')
  }
})

test('a server that is silent until the deadline costs an idempotent request its time, not its answer', () => {
  const world = new ProxyWorld({ servers: two, limits: { firstByteMs: 1000 } })
  const client = world.client()
  client.say(get('/'))
  world.pass(1100)
  assert.equal(client.take(), '')
  assert.equal(
    world.server(1).take(),
    '',
    'nothing is asked on the connection that tells when it moves again',
  )
  world.server(2).say(ok('other'))
  assert.equal(bodyOf(client.take()), 'other')
  client.say(get('/'))
  world.pass(1100)
  world.pass(1100)
  assert.match(client.take(), /^HTTP\/1\.1 (504|200) /)
})

test('servers that refuse are passed on from, for a POST too, until one takes the request', () => {
  const servers = ['11', '12', '13'].map((last) => `http://10.0.0.${last}:3000`)
  const world = new ProxyWorld({ servers })
  world.down.add('10.0.0.11:3000').add('10.0.0.12:3000')
  for (let i = 0; i < 6; i++) {
    const client = world.client()
    client.say('POST /buy HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 2\r\n\r\nhi')
    const server = world.accepted.at(-1)
    assert.match(server?.take() ?? '', /\r\n\r\nhi$/)
    server?.say(ok('sold'))
    assert.equal(bodyOf(client.take()), 'sold')
    client.end.end()
  }
  world.checkAtRest(6)
})

test('when every server refuses the client is told so, once', () => {
  const world = new ProxyWorld({ servers: two })
  for (const server of two) world.down.add(server.slice('http://'.length))
  const client = world.client()
  client.say(get('/'))
  const answer = client.take()
  assert.match(answer, /^HTTP\/1\.1 502 /)
  assert.match(answer, /The origin refused the connection\./)
  assert.doesNotMatch(answer, /10\.0\.0/)
  assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_REFUSED)
  assert.deepEqual(
    world.observer.faults,
    [Faults.ORIGIN_REFUSED, Faults.ORIGIN_REFUSED],
    'one for each attempt',
  )
  client.end.end()
  world.checkAtRest(1)
})

test('with retries turned off nothing is tried twice', () => {
  const { world, client, old } = warm({ proxy: { retriesMax: 0 } })
  client.say(get('/again'))
  old.end.reset()
  world.wire.run()
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  world.down.add('10.0.0.11:3000')
  client.say(get('/again'))
  assert.match(client.take(), /^HTTP\/1\.1 502 /)
  assert.equal(world.observer.finished[2]?.attempts, 1)
})
