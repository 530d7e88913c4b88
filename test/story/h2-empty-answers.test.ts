import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { H2Origin } from './h2-origin.ts'
import { get, ProxyWorld } from './proxy-world.ts'

function worldOf(): ProxyWorld {
  return new ProxyWorld({ servers: ['h2c://10.0.0.11:3000'] })
}

function originOf(world: ProxyWorld): H2Origin {
  world.pass(10)
  return world.h2Accepted[0] as H2Origin
}

/** As Go's net/http and what is built on it answer a call that failed: a length of 0, and then trailers. */
function failCall(world: ProxyWorld): void {
  const origin = originOf(world)
  origin.head(1, 200, ['content-type', 'application/grpc', 'content-length', '0'])
  origin.trailers(1, ['grpc-status', '5'])
  world.pass(10)
}

describe('an answer of no bytes over HTTP/2', () => {
  test('keeps its trailers, also where its length was stated (RFC 9113 §8.1)', () => {
    const world = worldOf()
    const client = world.h2Client()
    client.get(1)
    client.run()
    failCall(world)
    assert.deepEqual(client.fields(1).slice(0, 4), [':status', '200', 'content-type', 'application/grpc'])
    assert.deepEqual(client.fields(1, 1), ['grpc-status', '5'])
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 HEADERS grpc-status 5 END'])
    client.end.end()
    world.checkAtRest(1)
  })

  test('has them behind an empty body of chunks in HTTP/1.1', () => {
    const world = worldOf()
    const client = world.client()
    client.say(get('/', 'TE: trailers\r\nConnection: TE\r\n'))
    failCall(world)
    assert.match(client.take(), /\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\n\r\n$/)
    client.end.end()
    world.checkAtRest(1)
  })

  test('without trailers has its length, as an answer to HEAD has with them', () => {
    const world = worldOf()
    const client = world.client()
    client.say(get('/'))
    const origin = originOf(world)
    origin.head(1, 200, ['content-length', '0'])
    origin.data(1, '', true)
    world.pass(10)
    assert.match(client.take(), /^HTTP\/1\.1 200[^]*\r\nContent-Length: 0\r\n\r\n$/)
    client.say(get('/').replace('GET', 'HEAD'))
    world.pass(10)
    origin.head(3, 200, ['content-length', '7'])
    origin.trailers(3, ['x-late', '1'])
    world.pass(10)
    assert.match(client.take(), /\r\nContent-Length: 7\r\n\r\n$/)
    client.end.end()
    world.checkAtRest(2)
  })
})
