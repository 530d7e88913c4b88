/** Large and growing bodies of stored entries, as clients read them over HTTP/1. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stretchBytesMax } from '../../src/cache/serve/body-reader.ts'
import { Faults, type Fault } from '../../src/core/faults.ts'
import type { BodySink, BodySource } from '../../src/http/body.ts'
import {
  NEXT,
  nobody,
  WAIT,
  type Exchange,
  type Handler,
  type InterposedSink,
} from '../../src/http/exchange.ts'
import { field, patternOf, ServeWorld, statusOf } from './cache-serve-world.ts'
import { bodyOf } from './proxy-world.ts'

const large = patternOf(1_500_000)
const largeText = large.toString('latin1')

describe('a large body', () => {
  test('is streamed whole, at the pace of its reader', () => {
    const world = new ServeWorld({ body: large })
    const { peer, near } = world.client()
    near.kernelBytes = 10_000
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    assert.ok(bodyOf(peer.text) === largeText)
    peer.end.destroy()
    world.checkAtRest()
  })

  test(`lets others have their turn after ${stretchBytesMax} bytes, however fast its reader is`, () => {
    const body = patternOf(2 * stretchBytesMax + 100_000)
    const world = new ServeWorld({ body })
    const { peer, near } = world.client()
    near.kernelBytes = near.unsentBytesHigh = Infinity
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    const first = bodyOf(peer.text).length
    assert.ok(first >= stretchBytesMax && first < stretchBytesMax + 100_000)
    world.clock.advance(1)
    assert.ok(bodyOf(peer.text) === body.toString('latin1'))
    peer.end.destroy()
    world.checkAtRest()
  })

  test('that waits for its turn writes nothing to a client that left', () => {
    const world = new ServeWorld({ body: Buffer.alloc(3 * stretchBytesMax, 'x') })
    const { peer, near } = world.client()
    near.kernelBytes = near.unsentBytesHigh = Infinity
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    peer.end.destroy()
    world.wire.run()
    world.checkAtRest()
  })

  test('stops when its reader does, and when it leaves', () => {
    const world = new ServeWorld({ body: large })
    const { peer } = world.client()
    peer.end.pause()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    assert.ok(peer.text.length < large.length)
    peer.end.destroy()
    world.checkAtRest()
  })

  test('is followed by the next answer on the same connection', () => {
    const world = new ServeWorld({ body: large })
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n'.repeat(3))
    const head = peer.text.slice(0, peer.text.indexOf('\r\n\r\n') + 4)
    assert.ok(peer.text === (head + largeText).repeat(3))
    peer.end.destroy()
    world.checkAtRest()
  })
})

describe('a growing body', () => {
  test('of a known length is followed to its end', () => {
    const world = new ServeWorld({ growingTo: large.length })
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    assert.equal(field(peer.text, 'content-length'), String(large.length))
    for (let at = 0; at < large.length; at += 100_000) {
      world.grow(large.subarray(at, at + 100_000))
      assert.equal(
        bodyOf(peer.text).length,
        Math.min(large.length, at + 100_000),
        'what is there is sent at once',
      )
    }
    world.finish()
    assert.ok(bodyOf(peer.text) === largeText)
    peer.end.destroy()
    world.checkAtRest()
  })

  test('of an unknown length goes out in chunks, and ends with it', () => {
    const world = new ServeWorld({ growingTo: -1 })
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\nRange: bytes=0-1\r\n\r\n')
    assert.equal(statusOf(peer.text), 200, 'a range of nobody knows what is ignored')
    assert.equal(field(peer.text, 'transfer-encoding'), 'chunked')
    world.grow(Buffer.from('abc'))
    world.grow(Buffer.from('de'))
    assert.ok(!peer.text.endsWith('0\r\n\r\n'))
    world.finish()
    assert.equal(bodyOf(peer.text), '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
    peer.end.destroy()
    world.checkAtRest()
  })

  test('that is empty in the end is an answer without a body', () => {
    const world = new ServeWorld({ growingTo: -1 })
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    world.finish()
    assert.equal(bodyOf(peer.text), '0\r\n\r\n')
    peer.end.destroy()
    world.checkAtRest()
  })

  test('that breaks off is cut so that all see it', () => {
    for (const growingTo of [10_000, -1]) {
      const world = new ServeWorld({ growingTo })
      world.follow()
      const { peer } = world.client()
      peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
      world.grow(Buffer.from('abc'))
      world.growth.broken(Faults.ORIGIN_TRUNCATED)
      world.wire.run()
      assert.ok(!peer.text.endsWith('0\r\n\r\n'))
      assert.ok(peer.hasEnded || peer.closed !== null, 'the connection is closed')
      assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_TRUNCATED)
      peer.end.destroy()
      world.checkAtRest()
    }
  })

  test('that ends short of its length is cut, too', () => {
    const world = new ServeWorld({ growingTo: 300_000 })
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    world.grow(Buffer.from('abc'))
    world.finish()
    assert.ok(peer.hasEnded || peer.closed !== null)
    assert.ok(bodyOf(peer.text).length < 300_000)
    peer.end.destroy()
    world.checkAtRest()
  })

  test('is left when its reader leaves, and a slow reader holds no other back', () => {
    const world = new ServeWorld({ growingTo: large.length })
    world.follow()
    const slow = world.client().peer
    slow.end.pause()
    const gone = world.client().peer
    const fast = world.client().peer
    for (const peer of [slow, gone, fast]) peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    world.grow(large.subarray(0, 500_000))
    gone.end.destroy()
    world.wire.run()
    assert.equal(world.growth.size, 2)
    world.grow(large.subarray(500_000))
    world.finish()
    assert.ok(bodyOf(fast.text) === largeText)
    assert.ok(slow.text.length < 500_000)
    slow.end.resume()
    world.wire.run()
    assert.ok(bodyOf(slow.text) === largeText)
    slow.end.destroy()
    fast.end.destroy()
    world.checkAtRest()
  })

  test('answers a range as soon as its bytes are there', () => {
    const world = new ServeWorld({ growingTo: large.length, fields: ['ETag', '"a"'], etag: '"a"' })
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\nRange: bytes=100000-100009\r\n\r\n')
    world.grow(large.subarray(0, 100_005))
    assert.equal(field(peer.text, 'content-range'), `bytes 100000-100009/${large.length}`)
    world.grow(large.subarray(100_005, 200_000))
    assert.equal(bodyOf(peer.text), largeText.slice(100_000, 100_010))
    assert.equal(world.growth.size, 0, 'it wants no more')
    assert.equal(world.deserted, 1)
    peer.end.destroy()
    world.checkAtRest()
  })

  test('to HEAD is its head, and nothing is waited for', () => {
    const world = new ServeWorld({ growingTo: 5000 })
    world.follow()
    const answer = world.ask('', 'HEAD')
    assert.equal(field(answer, 'content-length'), '5000')
    assert.equal(world.growth.size, 0)
  })

  test('waits with its bytes while a step nearer to the client holds the head', () => {
    const held: { x: Exchange; turn: number }[] = []
    const holder: Handler = {
      name: 'holder',
      onRequest: () => NEXT,
      onResponse(x: Exchange) {
        held.push({ x, turn: x.beginWait() })
        return WAIT
      },
    }
    const world = new ServeWorld({ growingTo: large.length }, [holder])
    world.follow()
    const { peer } = world.client()
    peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
    world.grow(large.subarray(0, 500_000))
    assert.equal(peer.text, '')
    held[0]?.x.resume(held[0].turn)
    world.wire.run()
    world.grow(large.subarray(500_000))
    world.finish()
    assert.ok(bodyOf(peer.text) === largeText)
    peer.end.destroy()
    world.checkAtRest()
  })
})

describe('an answer that goes wrong on its way', () => {
  test('lets the growing body go, so that nobody waits for its reader', () => {
    for (const isSent of [true, false]) {
      const breaker: Handler = {
        name: 'breaker',
        onRequest: () => NEXT,
        onResponse(x: Exchange) {
          if (!isSent) throw new Error('a bug')
          x.interpose(new BreakingSink())
          return NEXT
        },
      }
      const world = new ServeWorld({ growingTo: large.length }, [breaker])
      world.follow()
      const { peer } = world.client()
      peer.say('GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n')
      if (isSent) assert.throws(() => world.grow(large.subarray(0, 10)), /a bug of a sink/)
      else assert.equal(statusOf(peer.text), 500)
      world.observer.notes.length = 0
      peer.end.destroy()
      world.wire.run()
      assert.equal(world.growth.size, 0)
      world.checkAtRest()
    }
  })
})

class BreakingSink implements InterposedSink {
  next: BodySink = nobody
  source: BodySource | null = null

  write(): boolean {
    throw new Error('a bug of a sink')
  }

  end(): void {}

  abort(fault: Fault): void {
    this.next.abort(fault)
  }

  resume(): void {
    this.source?.resume()
  }

  cancel(fault: Fault): void {
    this.source?.cancel(fault)
  }
}
