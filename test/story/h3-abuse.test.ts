/** Clients of HTTP/3 that go on where they were cut off, say less than a request, or more than memory holds. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refuseMs } from '../../src/h3/server.ts'
import { lookMs } from '../../src/h3/memory-watch.ts'
import { H3World } from './h3-world.ts'
import { ok } from './proxy-world.ts'

const incomplete = 0x10d
const excessiveLoad = 0x107
const smuggled = [':method', ':scheme', ':authority', ':path'].map((name, i) => ({
  name,
  value: ['GET', 'https', 'www.example.com', '/smuggled'][i] as string,
}))

describe('a stream that is over', () => {
  it('brings no second request, whatever was read of it before it was cut off', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0, [':method', 'POST', 'content-length', '2'], false)
    world.say(session, 0, 'too long')
    assert.equal(heard.reset, 0x10e)
    world.raw(session, 0, smuggled, true)
    // Nor one that the client itself takes no answer of.
    world.ask(session, 4, [':method', 'POST'], false)
    world.quic.events.onReset(session, 4, 0x10c)
    world.raw(session, 4, smuggled, false)
    // Nor one whose fields were bad.
    world.ask(session, 8, ['Upper', 'x'], false)
    world.raw(session, 8, smuggled, false)
    world.leave(session)
    // The two that could be read, and the one that could not be is none.
    world.checkAtRest(2)
  })

  it('is remembered with the 512 that were over last', () => {
    const world = new H3World()
    const session = world.session()
    for (let i = 0; i <= 512; i++) {
      world.ask(session, 4 * i)
      world.server().say(ok('hello'))
    }
    world.raw(session, 4, smuggled, false)
    world.raw(session, 4 * 512, smuggled, false)
    world.raw(session, 0, smuggled, true)
    world.leave(session)
    world.checkAtRest(514)
  })

  it('is left as it is when its end is told late', () => {
    const world = new H3World()
    const session = world.session()
    const heard = world.ask(session, 0)
    world.server().say(ok('hello'))
    world.finish(session, 0)
    assert.deepEqual([heard.body, heard.hasEnded, heard.reset], ['hello', true, -1])
    world.leave(session)
    world.checkAtRest(1)
  })
})

describe('what memory bounds', () => {
  it('a stream that was refused in a drain is told so once', () => {
    const world = new H3World()
    const session = world.session()
    world.ask(session, 0)
    for (const connection of world.connections) connection.drain()
    const heard = world.ask(session, 4)
    world.finish(session, 4)
    assert.equal(heard.reset, 0x10b)
    world.leave(session)
    world.checkAtRest(1)
  })

  it('a stream that ends before its fields have come is reset (RFC 9114 §4.1), and many end the session', () => {
    const world = new H3World()
    const session = world.session()
    world.finish(session, 0)
    assert.equal(world.quic.heard(session, 0).reset, incomplete)
    for (let i = 1; i < 200; i++) world.finish(session, 4 * i)
    assert.equal(world.quic.closed.get(session), excessiveLoad)
    assert.deepEqual(world.faults, ['h3_error_flood'])
  })

  it('streams taken back before their fields have come are counted as others are', () => {
    const world = new H3World()
    const session = world.session()
    for (let i = 0; i < 300; i++) world.quic.events.onReset(session, 4 * i, 0x10c)
    assert.equal(world.quic.closed.get(session), excessiveLoad)
    assert.deepEqual(world.faults, ['h3_reset_flood'])
  })

  it('who sends many times the fields that may be is sent away at once', () => {
    for (const list of [Array.from({ length: 9 * 100 * 2 }, () => 'x'), ['x', 'y'.repeat(9 * 64 * 1024)]]) {
      const world = new H3World({ clientLimits: { fieldsMax: 100, headBytesMax: 64 * 1024 } })
      const session = world.session()
      world.ask(session, 0, list)
      assert.equal(world.quic.closed.get(session), excessiveLoad)
      world.leave(session)
      world.checkAtRest(0)
    }
  })

  it('sessions that ask for nothing go when the provider grows, then all, and for a while none is taken', () => {
    let native = 1000
    const world = new H3World({}, { nativeBytes: () => native, grownBytesMax: 400, answerBytesUsual: 0 })
    const silent = world.session()
    const asking = world.session()
    world.ask(asking, 0)
    world.clock.advance(2000)
    native = 1100
    world.clock.advance(2 * lookMs)
    assert.equal(world.quic.closed.size, 0)
    native = 1101
    world.clock.advance(2 * lookMs)
    assert.deepEqual([...world.quic.closed], [[silent, excessiveLoad]])
    const fresh = world.session()
    world.clock.advance(2 * lookMs)
    assert.equal(world.quic.closed.has(fresh), false, 'it may still ask')
    native = 1401
    world.clock.advance(2 * lookMs)
    assert.equal(world.quic.closed.get(asking), excessiveLoad)
    assert.equal(world.quic.closed.get(fresh), excessiveLoad)
    for (const session of [silent, asking, fresh]) world.leave(session)
    const early = world.session()
    assert.equal(world.quic.closed.get(early), excessiveLoad)
    world.clock.advance(refuseMs)
    // What is there still was somebody else's.
    const late = world.session()
    const heard = world.ask(late, 0)
    world.clock.advance(10 * lookMs)
    world.server(1).say(ok('hello'))
    assert.equal(heard.body, 'hello')
    world.leave(late)
    world.checkAtRest(2)
  })
  it('requests under way may need more', () => {
    let native = 1000
    const world = new H3World({}, { nativeBytes: () => native, grownBytesMax: 400, answerBytesUsual: 500 })
    const session = world.session()
    for (const stream of [0, 4]) world.ask(session, stream)
    native = 2400
    world.clock.advance(2 * lookMs)
    assert.equal(world.quic.closed.size, 0)
    world.quic.events.onReset(session, 4, 0x10c)
    world.clock.advance(2 * lookMs)
    assert.equal(world.quic.closed.get(session), excessiveLoad)
    world.leave(session)
    world.checkAtRest(2)
  })
})
