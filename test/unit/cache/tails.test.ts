import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { BODY_UNKNOWN } from '../../../src/http/message.ts'
import type { FakeDown } from '../engine/fake-streams.ts'
import { FillWorld } from './fill-world.ts'

const fresh = ['Cache-Control', 'max-age=60']

describe('the window of an answer that no store holds', () => {
  const whole = Buffer.alloc(1024 * 1024, 'headgate')

  /** A window that one reader has fallen behind, at 64 KiB. */
  function behind(etag: string): { world: FillWorld; slow: FakeDown } {
    const world = new FillWorld({ windowBytes: 256 * 1024 }, {}, 1000)
    const slow = world.ask('GET', '/a')
    for (let i = 0; i < 20; i++) world.ask('GET', '/a')
    slow.isFull = true
    const asked = world.at(0).head(200, whole.length, [...fresh, 'ETag', etag])
    for (let at = 0; at < whole.length; at += 65_536) {
      asked.body(whole.subarray(at, at + 65_536))
      world.clock.advance(2000)
    }
    asked.end()
    return { world, slow }
  }

  it('who falls behind it gets the rest by Range, once it can take more, under a strong entity-tag', () => {
    const { world, slow } = behind('"one"')
    assert.equal(slow.aborted, 0)
    assert.equal(world.asked.length, 1)
    slow.isFull = false
    slow.x.source?.resume()
    assert.equal(world.at(1).field('range'), 'bytes=65536-1048575')
    assert.equal(world.at(1).field('if-range'), '"one"')
    const fields = ['ETag', '"one"', 'Content-Range', 'bytes 65536-1048575/1048576']
    world
      .at(1)
      .head(206, whole.length - 65_536, fields)
      .body(whole.subarray(65_536))
      .end()
    assert.equal(slow.isWhole, true)
    assert.equal(slow.text, whole.toString('latin1'))
    assert.ok(world.isAtRest)
  })

  it('those who fall behind together share one request for the rest, from where the first of them is', () => {
    const world = new FillWorld({ windowBytes: 256 * 1024 }, {}, 1000)
    const slow = [0, 1, 2].map(() => world.ask('GET', '/a'))
    for (let i = 0; i < 40; i++) world.ask('GET', '/a')
    const asked = world.at(0).head(200, whole.length, [...fresh, 'ETag', '"one"'])
    for (let at = 0; at < whole.length; at += 65_536) {
      // One after the other stops reading.
      const stopping = slow[at / 65_536]
      if (stopping !== undefined) stopping.isFull = true
      asked.body(whole.subarray(at, at + 65_536))
      world.clock.advance(2000)
    }
    asked.end()
    for (const one of slow) {
      one.isFull = false
      one.x.source?.resume()
    }
    assert.equal(world.asked.length, 2)
    assert.equal(world.at(1).field('range'), 'bytes=65536-1048575')
    const fields = ['ETag', '"one"', 'Content-Range', 'bytes 65536-1048575/1048576']
    const rest = world.at(1).head(206, whole.length - 65_536, fields)
    for (let at = 65_536; at < whole.length; at += 65_536) rest.body(whole.subarray(at, at + 65_536))
    rest.end()
    for (const one of slow) {
      assert.equal(one.isWhole, true)
      assert.equal(one.text, whole.toString('latin1'))
    }
    assert.ok(world.isAtRest)
  })

  it('when all who share it have left, the origin is told to stop', () => {
    const { world, slow } = behind('"one"')
    slow.x.source?.resume()
    world
      .at(1)
      .head(206, whole.length - 65_536, ['ETag', '"one"', 'Content-Range', 'bytes 65536-1048575/1048576'])
    world.engine.abandon(slow.x, Faults.CLIENT_GONE)
    world.engine.finish(slow.x)
    assert.notEqual(world.at(1).cancelled, null)
    assert.ok(world.isAtRest)
  })

  for (const [what, status, fields] of [
    ['the whole again', 200, ['ETag', '"two"']],
    ['a part of another version', 206, ['ETag', '"two"', 'Content-Range', 'bytes 65536-1048575/1048576']],
    ['another part', 206, ['ETag', '"one"', 'Content-Range', 'bytes 65535-1048575/1048576']],
    ['a part of another length', 206, ['ETag', '"one"', 'Content-Range', 'bytes 65536-1048575/1048577']],
    ['a refusal', 416, ['Content-Range', 'bytes */1048576']],
  ] as const) {
    it(`the origin sends ${what} for the rest: the answer is cut`, () => {
      const { world, slow } = behind('"one"')
      slow.x.source?.resume()
      world.at(1).head(status, whole.length, fields).body('x').end()
      assert.equal(slow.isWhole, false)
      assert.notEqual(slow.aborted, 0)
      assert.equal(slow.text.length, 65_536)
      assert.ok(world.isAtRest)
    })
  }

  it('a rest that breaks off, or ends early, is cut', () => {
    for (const isFault of [true, false]) {
      const { world, slow } = behind('"one"')
      slow.x.source?.resume()
      const fields = ['ETag', '"one"', 'Content-Range', 'bytes 65536-1048575/1048576']
      const asked = world.at(1).head(206, BODY_UNKNOWN, fields).body(whole.subarray(65_536, 70_000))
      if (isFault) asked.fail(Faults.ORIGIN_TRUNCATED)
      else asked.end()
      assert.equal(slow.isWhole, false)
      assert.notEqual(slow.aborted, 0)
      assert.ok(world.isAtRest)
    }
  })

  it('a client that leaves takes the rest along', () => {
    const { world, slow } = behind('"one"')
    slow.x.source?.resume()
    world.engine.abandon(slow.x, Faults.CLIENT_GONE)
    world.engine.finish(slow.x)
    assert.notEqual(world.at(1).cancelled, null)
    assert.ok(world.isAtRest)
  })

  it('a weak entity-tag is none to continue under', () => {
    const { world, slow } = behind('W/"one"')
    assert.notEqual(slow.aborted, 0)
    assert.ok(world.isAtRest)
  })
})
