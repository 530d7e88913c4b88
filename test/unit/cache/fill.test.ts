import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { BODY_NONE, BODY_UNKNOWN } from '../../../src/http/message.ts'
import { FillWorld } from './fill-world.ts'

const fresh = ['Cache-Control', 'max-age=60']

describe('many requests for one key make one request to the origin', () => {
  it('all who wait get the bytes of one answer, and the next is a hit', () => {
    const world = new FillWorld()
    const downs = Array.from({ length: 20 }, () => world.ask('GET', '/a'))
    assert.equal(world.asked.length, 1)
    world.at(0).head(200, 10, fresh).body('01234').body('56789').end()
    for (const down of downs) {
      assert.equal(down.text, '0123456789')
      assert.equal(down.isWhole, true)
    }
    assert.match(downs[0]?.field('cache-status') ?? '', /fwd=miss; fwd-status=200; stored$/)
    assert.match(downs[1]?.field('cache-status') ?? '', /collapsed/)
    assert.equal(world.ask('GET', '/a').text, '0123456789')
    assert.equal(world.asked.length, 1)
    assert.ok(world.isAtRest)
  })

  it('who comes while the body arrives reads it from the first byte on', () => {
    const world = new FillWorld()
    const early = world.ask('GET', '/a')
    world.at(0).head(200, BODY_UNKNOWN, fresh).body('01234')
    const late = world.ask('GET', '/a')
    assert.equal(late.text, '01234')
    world.at(0).body('56789').end()
    assert.equal(early.text, '0123456789')
    assert.equal(late.text, '0123456789')
    assert.equal(world.asked.length, 1)
    assert.ok(world.isAtRest)
  })

  it('HEAD waits for the same fill, and is answered with its head', () => {
    const world = new FillWorld()
    const head = world.ask('HEAD', '/a')
    const get = world.ask('GET', '/a')
    assert.equal(world.at(0).method, 'GET')
    world.at(0).head(200, 5, fresh).body('01234').end()
    assert.equal(head.isWhole, true)
    assert.equal(head.text, '')
    assert.equal(get.text, '01234')
    assert.ok(world.isAtRest)
  })

  it('the origin is asked for the whole, whatever part or condition the first reader asked for', () => {
    const world = new FillWorld()
    const down = world.ask('GET', '/a', ['Range', 'bytes=1-2', 'If-None-Match', '"x"', 'Accept', 'text/css'])
    assert.equal(world.at(0).field('range'), undefined)
    assert.equal(world.at(0).field('if-none-match'), undefined)
    assert.equal(world.at(0).field('accept'), 'text/css')
    world.at(0).head(200, 5, fresh).body('01234').end()
    assert.equal(down.status, 206)
    assert.equal(down.text, '12')
  })

  it('a fill is no request of a client: it is told of as a fetch and not as finished', () => {
    const world = new FillWorld()
    world.ask('GET', '/a')
    world.at(0).head(204, BODY_NONE, fresh)
    assert.equal(world.observer.finished.length, 1)
    assert.equal(world.observer.fetched.length, 1)
  })
})

describe('a fill belongs to nobody', () => {
  it('the one that caused it leaves before the head, and the others are served', () => {
    const world = new FillWorld()
    const first = world.ask('GET', '/a')
    const second = world.ask('GET', '/a')
    world.engine.abandon(first.x, Faults.CLIENT_GONE)
    world.engine.finish(first.x)
    world.at(0).head(200, 5, fresh).body('01234').end()
    assert.equal(second.text, '01234')
    assert.ok(world.isAtRest)
  })

  it('its last reader leaves before the head: it is given up', () => {
    const world = new FillWorld()
    const first = world.ask('GET', '/a')
    world.engine.abandon(first.x, Faults.CLIENT_GONE)
    world.engine.finish(first.x)
    assert.notEqual(world.at(0).cancelled, null)
    assert.ok(world.isAtRest)
    // The next one is not made to wait for what is gone.
    world.ask('GET', '/a')
    assert.equal(world.asked.length, 2)
  })

  for (const [got, isKept] of [
    [100, false],
    [600, true],
  ] as const) {
    it(`its last reader leaves at ${got} of 1000 bytes: it ${isKept ? 'goes on' : 'is given up'}`, () => {
      const world = new FillWorld({ finishBytesMax: 10 })
      const down = world.ask('GET', '/a')
      world.at(0).head(200, 1000, fresh).body(Buffer.alloc(got))
      world.engine.abandon(down.x, Faults.CLIENT_GONE)
      world.engine.finish(down.x)
      assert.equal(world.at(0).cancelled === null, isKept)
      world
        .at(0)
        .body(Buffer.alloc(1000 - got))
        .end()
      assert.equal(world.store.entries.size, isKept ? 1 : 0)
      assert.ok(world.isAtRest)
    })
  }

  it('one of unknown length goes on for so many bytes and no further', () => {
    const world = new FillWorld({ finishBytesMax: 100 })
    const down = world.ask('GET', '/a')
    world.at(0).head(200, BODY_UNKNOWN, fresh).body('x')
    world.engine.abandon(down.x, Faults.CLIENT_GONE)
    world.engine.finish(down.x)
    world.at(0).body(Buffer.alloc(100))
    assert.equal(world.at(0).cancelled, null)
    world.at(0).body('x')
    assert.notEqual(world.at(0).cancelled, null)
    assert.ok(world.isAtRest)
  })

  it('one that nobody reads has a deadline', () => {
    const world = new FillWorld({ desertedMs: 5000 })
    const down = world.ask('GET', '/a')
    world.at(0).head(200, 1000, fresh).body(Buffer.alloc(999))
    world.engine.abandon(down.x, Faults.CLIENT_GONE)
    world.engine.finish(down.x)
    world.clock.advance(4000)
    assert.equal(world.at(0).cancelled, null)
    world.clock.advance(1100)
    assert.notEqual(world.at(0).cancelled, null)
    assert.ok(world.isAtRest)
  })

  it('who comes to a deserted one keeps it going', () => {
    const world = new FillWorld({ desertedMs: 5000 })
    const down = world.ask('GET', '/a')
    world.at(0).head(200, 1000, fresh).body(Buffer.alloc(999))
    world.engine.abandon(down.x, Faults.CLIENT_GONE)
    world.engine.finish(down.x)
    const late = world.ask('GET', '/a')
    world.clock.advance(6000)
    world.at(0).body('x').end()
    assert.equal(late.text.length, 1000)
    assert.equal(late.isWhole, true)
  })
})

describe('pace', () => {
  it('the origin is held back when it is a window ahead of the fastest reader, and goes on with it', () => {
    const world = new FillWorld({ windowBytes: 1000 })
    const slow = world.ask('GET', '/a')
    const fast = world.ask('GET', '/a')
    slow.isFull = fast.isFull = true
    const asked = world.at(0).head(200, BODY_UNKNOWN, fresh)
    for (let i = 0; i < 5; i++) asked.body(Buffer.alloc(300, i + 1))
    assert.equal(asked.isWelcome, false)
    const { resumes } = asked
    fast.isFull = false
    fast.x.source?.resume()
    assert.ok(asked.resumes > resumes)
    asked.body(Buffer.alloc(300, 'f'))
    assert.equal(asked.isWelcome, true)
    assert.equal(fast.text.length, 1800)
    // The slow one has its first piece, and reads the rest from what is kept.
    assert.equal(slow.text.length, 300)
    asked.end()
    slow.isFull = false
    slow.x.source?.resume()
    assert.equal(slow.text, fast.text)
    assert.ok(world.isAtRest)
  })

  it('what no store takes is passed to all through a window; who falls behind it is cut', () => {
    const world = new FillWorld({ windowBytes: 256 * 1024 }, {}, 1000)
    const fast = world.ask('GET', '/a')
    const slow = world.ask('GET', '/a')
    slow.isFull = true
    const asked = world.at(0).head(200, 1024 * 1024, fresh)
    const late = world.ask('GET', '/a')
    assert.equal(world.asked.length, 1)
    for (let i = 0; i < 16; i++) asked.body(Buffer.alloc(64 * 1024, i + 1))
    asked.end()
    assert.equal(fast.isWhole, true)
    assert.equal(late.isWhole, true)
    assert.equal(fast.text.length, 1024 * 1024)
    assert.equal(late.text, fast.text)
    assert.equal(slow.isWhole, false)
    assert.notEqual(slow.aborted, 0)
    assert.equal(world.store.entries.size, 0)
    assert.ok(world.isAtRest)
  })

  it('a store that finds it too large midway keeps nothing, and nobody notices', () => {
    const world = new FillWorld({}, {}, 1000)
    const down = world.ask('GET', '/a')
    const asked = world.at(0).head(200, BODY_UNKNOWN, fresh)
    for (let i = 0; i < 5; i++) asked.body(Buffer.alloc(400, i + 1))
    asked.end()
    assert.equal(down.text.length, 2000)
    assert.equal(down.isWhole, true)
    assert.equal(world.store.entries.size, 0)
    assert.ok(world.isAtRest)
  })

  it('a Range that begins far behind what is there goes to the origin by itself', () => {
    const world = new FillWorld({ rangeAheadBytesMax: 100 })
    world.ask('GET', '/a')
    world.at(0).head(200, 1000, fresh).body('x')
    world.ask('GET', '/a', ['Range', 'bytes=500-509'])
    assert.equal(world.asked.length, 2)
    assert.equal(world.at(1).field('range'), 'bytes=500-509')
    assert.equal(world.at(1).isChild, false)
    const near = world.ask('GET', '/a', ['Range', 'bytes=50-59'])
    assert.equal(world.asked.length, 2)
    world.at(0).body(Buffer.alloc(999, 'y')).end()
    assert.equal(near.text, 'y'.repeat(10))
    // On a cold cache it starts no fill either.
    world.ask('GET', '/b', ['Range', 'bytes=500-509'])
    assert.equal(world.at(2).isChild, false)
  })
})

describe('what may not be stored', () => {
  it('the first reader gets it, the others ask for themselves, all at once', () => {
    const world = new FillWorld()
    const downs = [1, 2, 3].map(() => world.ask('GET', '/a'))
    assert.equal(world.asked.length, 1)
    const asked = world.at(0).head(200, 5, ['Cache-Control', 'private'])
    assert.equal(world.asked.length, 3)
    asked.body('first').end()
    assert.equal(downs[0]?.text, 'first')
    world.at(2).head(200, 5, ['Cache-Control', 'private']).body('third').end()
    world.at(1).head(200, 6, ['Cache-Control', 'private']).body('second').end()
    assert.equal(downs[1]?.text, 'second')
    assert.equal(downs[2]?.text, 'third')
    assert.ok(world.isAtRest)
  })

  it('nobody waits for such a key for a while, and then again', () => {
    const world = new FillWorld({ unsharedMs: 10_000 })
    world.ask('GET', '/a')
    world.at(0).head(200, 5, ['Cache-Control', 'no-store']).body('first').end()
    world.ask('GET', '/a')
    world.ask('GET', '/a')
    assert.equal(world.asked.length, 3)
    world.clock.advance(10_001)
    world.ask('GET', '/b')
    world.ask('GET', '/a')
    world.ask('GET', '/a')
    assert.equal(world.asked.length, 5)
  })

  it('an answer that can be shared after all is stored, and waited for again', () => {
    const world = new FillWorld()
    world.ask('GET', '/a')
    world.at(0).head(200, 1, ['Cache-Control', 'no-store']).body('0').end()
    world.ask('GET', '/a')
    world.at(1).head(200, 1, fresh).body('1').end()
    assert.equal(world.ask('GET', '/a').text, '1')
    assert.equal(world.fills.unsharedKeys, 0)
  })

  it('the keys remembered are bounded', () => {
    const world = new FillWorld({ unsharedMax: 3 })
    for (let i = 0; i < 9; i++) {
      world.ask('GET', `/${i}`)
      world.at(i).head(200, BODY_NONE, ['Cache-Control', 'no-store'])
    }
    assert.equal(world.fills.unsharedKeys, 3)
  })

  it('the one it was for has left: nobody else gets it', () => {
    const world = new FillWorld()
    const first = world.ask('GET', '/a')
    const second = world.ask('GET', '/a')
    world.engine.abandon(first.x, Faults.CLIENT_GONE)
    world.engine.finish(first.x)
    world.at(0).head(200, 100_000, ['Cache-Control', 'private'])
    assert.notEqual(world.at(0).cancelled, null)
    assert.equal(world.asked.length, 2)
    world.at(1).head(200, 6, ['Cache-Control', 'private']).body('second').end()
    assert.equal(second.text, 'second')
    assert.ok(world.isAtRest)
  })

  it('an answer to be validated before each use is stored, but serves no other', () => {
    const world = new FillWorld()
    const downs = [1, 2].map(() => world.ask('GET', '/a'))
    world.at(0).head(200, 1, ['Cache-Control', 'no-cache', 'ETag', '"a"']).body('1').end()
    assert.equal(downs[0]?.text, '1')
    assert.equal(world.asked.length, 2)
    assert.equal(world.at(1).isChild, false)
    assert.equal(world.store.entries.size, 1)
  })
})

describe('variants', () => {
  it('who waits for another variant waits for another fill, together with its like', () => {
    const world = new FillWorld()
    const vary = [...fresh, 'Vary', 'Accept-Language']
    const [en, de, de2] = ['en', 'de', 'de'].map((value) =>
      world.ask('GET', '/a', ['Accept-Language', value]),
    )
    assert.equal(world.asked.length, 1)
    world.at(0).head(200, 2, vary).body('en')
    assert.equal(world.asked.length, 2)
    assert.equal(world.at(1).field('accept-language'), 'de')
    world.at(1).head(200, 2, vary).body('de').end()
    world.at(0).end()
    assert.deepEqual([en?.text, de?.text, de2?.text], ['en', 'de', 'de'])
    assert.equal(world.asked.length, 2)
    assert.ok(world.isAtRest)
  })
})
