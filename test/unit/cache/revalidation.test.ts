import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { BODY_NONE } from '../../../src/http/message.ts'
import { FillWorld } from './fill-world.ts'

const short = ['Cache-Control', 'max-age=1', 'ETag', '"one"']

/** A world in which '/a' is stored, and stale for a second. */
function staleWorld(
  fields: readonly string[] = short,
  policy: ConstructorParameters<typeof FillWorld>[1] = {},
) {
  const world = new FillWorld({}, policy)
  world.ask('GET', '/a')
  world.at(0).head(200, 3, fields).body('one').end()
  world.clock.advance(2000)
  return world
}

describe('validation', () => {
  it('a 304 answers all who wait with the stored body, and makes it fresh', () => {
    const world = staleWorld()
    const downs = [1, 2, 3].map(() => world.ask('GET', '/a'))
    assert.equal(world.asked.length, 2)
    assert.equal(world.at(1).field('if-none-match'), '"one"')
    world.at(1).head(304, BODY_NONE, ['Cache-Control', 'max-age=50', 'ETag', '"one"'])
    for (const down of downs) {
      assert.equal(down.status, 200)
      assert.equal(down.text, 'one')
    }
    world.clock.advance(40_000)
    assert.equal(world.ask('GET', '/a').text, 'one')
    assert.equal(world.asked.length, 2)
    assert.ok(world.isAtRest)
  })

  it('the condition of the client is judged by itself, not passed on', () => {
    const world = staleWorld()
    const down = world.ask('GET', '/a', ['If-None-Match', '"other"'])
    assert.equal(world.at(1).field('if-none-match'), '"one"')
    world.at(1).head(304, BODY_NONE, ['ETag', '"one"'])
    assert.equal(down.status, 200)
    assert.equal(world.ask('GET', '/a', ['If-None-Match', '"one"']).status, 304)
  })

  it('a 200 takes the place of the stored answer', () => {
    const world = staleWorld()
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.at(1).head(200, 3, ['Cache-Control', 'max-age=50', 'ETag', '"two"']).body('two').end()
    assert.deepEqual(
      downs.map((down) => down.text),
      ['two', 'two'],
    )
    assert.equal(world.ask('GET', '/a').text, 'two')
    assert.equal(world.asked.length, 2)
  })

  it('a 304 about another answer has the origin asked again, without conditions (RFC 9111 §4.3.4)', () => {
    const world = staleWorld()
    const down = world.ask('GET', '/a')
    world.at(1).head(304, BODY_NONE, ['ETag', '"three"'])
    assert.equal(world.asked.length, 3)
    assert.equal(world.at(2).field('if-none-match'), undefined)
    world.at(2).head(200, 5, ['Cache-Control', 'max-age=50']).body('three').end()
    assert.equal(down.text, 'three')
    assert.ok(world.isAtRest)
  })

  it('an answer that may not be stored throws the stored one out', () => {
    const world = staleWorld()
    const down = world.ask('GET', '/a')
    world.at(1).head(200, 3, ['Cache-Control', 'no-store']).body('two').end()
    assert.equal(down.text, 'two')
    assert.equal(world.store.entries.size, 0)
  })
})

describe('stale-if-error (RFC 5861 §4)', () => {
  const lenient = ['Cache-Control', 'max-age=1, stale-if-error=100', 'ETag', '"one"']

  it('an origin that cannot be reached: all who wait get the stale answer', () => {
    const world = staleWorld(lenient)
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.at(1).fail(Faults.ORIGIN_REFUSED)
    for (const down of downs) {
      assert.equal(down.status, 200)
      assert.equal(down.text, 'one')
    }
    assert.ok(world.isAtRest)
  })

  it('a 503: the same, and the stored answer stays', () => {
    const world = staleWorld(lenient)
    const down = world.ask('GET', '/a')
    world.at(1).head(503, 4).body('oops').end()
    assert.equal(down.text, 'one')
    assert.equal(world.store.entries.size, 1)
    assert.ok(world.isAtRest)
  })

  it('one that must be validated is not given out: each gets the fault', () => {
    const world = staleWorld(['Cache-Control', 'max-age=1, must-revalidate', 'ETag', '"one"'])
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.at(1).fail(Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
    assert.deepEqual(
      downs.map((down) => down.status),
      [504, 504],
    )
    assert.ok(world.isAtRest)
  })
})

describe('failures', () => {
  it('before the head: each who waits gets 502', () => {
    const world = new FillWorld()
    const downs = [1, 2, 3].map(() => world.ask('GET', '/a'))
    world.at(0).fail(Faults.ORIGIN_CLOSED_EARLY)
    for (const down of downs) assert.equal(down.status, 502)
    assert.ok(world.isAtRest)
  })

  it('in the middle of the body: all are cut, nothing is kept', () => {
    const world = new FillWorld()
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.at(0).head(200, 10, ['Cache-Control', 'max-age=50']).body('01234').fail(Faults.ORIGIN_TRUNCATED)
    for (const down of downs) {
      assert.equal(down.isWhole, false)
      assert.notEqual(down.aborted, 0)
    }
    assert.equal(world.store.entries.size, 0)
    assert.ok(world.isAtRest)
  })

  it('who waits for a head waits no longer than the origin may take', () => {
    const world = new FillWorld()
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.clock.advance(5100)
    for (const down of downs) assert.equal(down.status, 504)
    assert.notEqual(world.at(0).cancelled, null)
    assert.ok(world.isAtRest)
  })

  it('more fills than the limit: the rest go to the origin by themselves', () => {
    const world = new FillWorld({ fillsMax: 2 })
    for (let i = 0; i < 3; i++) world.ask('GET', `/${i}`)
    assert.deepEqual(
      world.asked.map((asked) => asked.isChild),
      [true, true, false],
    )
  })

  it('the cache closes: who waits hears that the server shuts down', () => {
    const world = new FillWorld()
    const waiting = world.ask('GET', '/a')
    const reading = world.ask('GET', '/b')
    world.at(1).head(200, 10, ['Cache-Control', 'max-age=50']).body('0')
    world.fills.close()
    assert.equal(waiting.status, 503)
    assert.equal(reading.isWhole, false)
    assert.ok(world.isAtRest)
  })
})

describe('stale-while-revalidate (RFC 5861 §3)', () => {
  const graceful = ['Cache-Control', 'max-age=1, stale-while-revalidate=100', 'ETag', '"one"']

  it('the stale answer is served at once, and validated once in the background', () => {
    const world = staleWorld(graceful)
    assert.equal(world.ask('GET', '/a').text, 'one')
    assert.equal(world.ask('GET', '/a').text, 'one')
    assert.equal(world.asked.length, 2)
    world.at(1).head(200, 3, ['Cache-Control', 'max-age=50']).body('two').end()
    assert.equal(world.ask('GET', '/a').text, 'two')
    assert.equal(world.asked.length, 2)
    assert.ok(world.isAtRest)
  })

  it('after a failure it is left in peace for a moment', () => {
    const world = staleWorld(graceful)
    world.ask('GET', '/a')
    world.at(1).fail(Faults.ORIGIN_REFUSED)
    assert.equal(world.ask('GET', '/a').text, 'one')
    assert.equal(world.asked.length, 2)
    world.clock.advance(1001)
    assert.equal(world.ask('GET', '/a').text, 'one')
    assert.equal(world.asked.length, 3)
  })

  it('it goes on though nobody reads it, but not for ever', () => {
    const world = staleWorld(graceful)
    world.ask('GET', '/a')
    world.at(1).head(200, 3, ['Cache-Control', 'max-age=50']).body('t')
    world.clock.advance(300_000)
    assert.equal(world.at(1).cancelled, null)
    world.clock.advance(301_000)
    assert.notEqual(world.at(1).cancelled, null)
    assert.ok(world.isAtRest)
  })

  it('it goes on when the one reader leaves who held the origin back', () => {
    const world = new FillWorld({ windowBytes: 100 })
    world.ask('GET', '/a')
    const fields = ['Cache-Control', 'max-age=1, stale-while-revalidate=3', 'ETag', '"one"']
    world.at(0).head(200, 3, fields).body('one').end()
    world.clock.advance(2000)
    world.ask('GET', '/a')
    // Too old by now: who comes waits for what is on its way.
    world.clock.advance(3000)
    const reader = world.ask('GET', '/a')
    reader.isFull = true
    const asked = world.at(1).head(200, 500, ['Cache-Control', 'max-age=50'])
    for (let i = 0; i < 2; i++) asked.body(Buffer.alloc(200, 'x'))
    assert.equal(asked.isWelcome, false)
    const { resumes } = asked
    world.engine.abandon(reader.x, Faults.CLIENT_GONE)
    assert.ok(asked.resumes > resumes)
    asked.body(Buffer.alloc(100, 'x')).end()
    assert.equal(world.fills.size, 0)
  })
})
