import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import { bodyOf, get, isLeft, ok, ProxyWorld } from './proxy-world.ts'

test('a client that resets takes its upstream with it, in every phase', () => {
  const phases: Record<string, (world: ProxyWorld) => void> = {
    'before the head': () => {},
    'in half a head': (world) => world.server().say('HTTP/1.1 200 OK\r\nContent-'),
    'in the body': (world) => world.server().say('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    'after a 1xx': (world) => world.server().say('HTTP/1.1 103 Early Hints\r\n\r\n'),
  }
  for (const [name, reach] of Object.entries(phases)) {
    const world = new ProxyWorld()
    const client = world.client()
    client.say(get('/'))
    reach(world)
    client.end.reset()
    world.wire.run()
    assert.ok(isLeft(world.server()), name)
    assert.equal(world.observer.finished[0]?.fault, Faults.CLIENT_GONE, name)
    world.checkAtRest(1)
  }
})

test('a client that leaves while its connection is being made leaves no request behind', () => {
  const world = new ProxyWorld()
  const { accept } = world.wire
  world.wire.accept = () => null
  const client = world.client()
  client.say(get('/'))
  assert.equal(world.origin.snapshot().waiting, 1)
  client.end.reset()
  world.wire.run()
  assert.equal(world.origin.snapshot().waiting, 0)
  world.wire.accept = accept
  world.checkAtRest(1)
})

test('a client that breaks off its upload takes the request to the origin with it', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('POST / HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 10\r\n\r\nhalf')
  assert.match(world.server().take(), /half$/)
  client.end.end()
  world.wire.run()
  assert.ok(isLeft(world.server()))
  world.checkAtRest(1)
})

test('an upload that goes wrong is told to the client by its own status', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('POST / HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
  client.say('zz\r\n')
  assert.match(client.take(), /^HTTP\/1\.1 400 /)
  assert.ok(isLeft(world.server()), 'the origin sees that the request is not whole')
  assert.equal(world.accepted.length, 1)
  client.end.end()
  world.checkAtRest(1)
})

test('an upload of unknown length over the limit is 413, and the origin is given up', () => {
  const world = new ProxyWorld({ limits: { requestBodyBytesMax: 8 } })
  const client = world.client()
  client.say(
    'POST / HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n',
  )
  client.say('1\r\n9\r\n')
  assert.match(client.take(), /^HTTP\/1\.1 413 /)
  assert.ok(isLeft(world.server()))
  client.end.end()
  world.checkAtRest(1)
})

test('an early answer to an unfinished upload reaches the client; that origin connection is not used again', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say('POST / HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 1000000\r\n\r\nhalf')
  world.server().say('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  assert.equal(bodyOf(client.take()), 'no')
  assert.ok(isLeft(world.server()))
  const other = world.client()
  other.say(get('/'))
  world.server(1).say(ok('fresh'))
  assert.equal(bodyOf(other.take()), 'fresh')
  client.end.destroy()
  other.end.end()
  world.checkAtRest(2)
})

test('a slow client holds the origin back, and gets all in the end', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/'))
  const size = 4 * 1024 * 1024
  client.end.pause()
  client.end.peer.kernelBytes = 64 * 1024
  const server = world.server()
  server.end.kernelBytes = 64 * 1024
  server.say(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n` + 'x'.repeat(size))
  assert.ok(server.end.unsentBytes > size / 2, 'most of it has not left the origin')
  client.end.resume()
  world.wire.run()
  assert.equal(bodyOf(client.take()).length, size)
  client.end.end()
  world.checkAtRest(1)
})

test('pipelined requests are answered in order', () => {
  const world = new ProxyWorld()
  const client = world.client()
  client.say(get('/1') + get('/2') + get('/3'))
  for (let i = 0; i < 3; i++) {
    for (const server of world.accepted) {
      const path = /GET \/(\d)/.exec(server.take())?.[1]
      if (path !== undefined) server.say(ok(`<${path}>`))
    }
  }
  assert.deepEqual(client.take().match(/<\d>/g), ['<1>', '<2>', '<3>'])
  client.end.end()
  world.checkAtRest(3)
})
