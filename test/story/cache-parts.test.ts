/** Parts of answers: stored as they pass, added to each other, and served. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Ask } from '../../src/cache/fill/ask.ts'
import { CacheStatus } from '../../src/cache/rules/cache-status.ts'
import { toldNobody } from '../../src/cache/fill/fills.ts'
import { CacheKey } from '../../src/cache/keys/key.ts'
import { MemoryStore } from '../../src/cache/memory/memory-store.ts'
import { PartKeeper } from '../../src/cache/fill/part-keeper.ts'
import { partKeyDigest } from '../../src/cache/store/partial.ts'
import { rfcPolicy } from '../../src/cache/rules/policy.ts'
import { EntryServer } from '../../src/cache/serve/serve.ts'
import type { Clock } from '../../src/core/clock.ts'
import { DONE, NEXT, type Exchange, type Flow, type Handler } from '../../src/http/exchange.ts'
import { field, patternOf, statusOf } from './cache-serve-world.ts'
import { ManualClock } from './manual-clock.ts'
import { bodyOf, get, ProxyWorld } from './proxy-world.ts'

const whole = patternOf(400_000)
const wholeText = whole.toString('latin1')

/** A step that knows nothing but parts. */

class PartStep implements Handler {
  readonly name = 'parts'
  readonly store: MemoryStore
  readonly #server: EntryServer
  readonly #clock: Clock
  readonly #key = new CacheKey('*', 'app')

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock
    this.store = new MemoryStore({ clock, bytesMax, entryBytesMax: bytesMax })
    this.#server = new EntryServer(clock, new CacheStatus())
  }

  onRequest(x: Exchange): Flow {
    const key = this.#key.of(x.request, partKeyDigest)
    const part = this.store.find(key, x.request)
    if (part !== null && this.#server.part(x, part, this.#clock.nowMs())) return DONE
    const ask: Ask = {
      key,
      site: '*',
      host: 'www.example.com',
      origin: 'http://www.example.com',
      policy: rfcPolicy,
      folding: null,
      stale: null,
    }
    x.state[0] = new PartKeeper(x, ask, { store: this.store, clock: this.#clock, told: toldNobody })
    return NEXT
  }

  onResponse(x: Exchange): Flow {
    ;(x.state[0] as PartKeeper).keep(x)
    return NEXT
  }
}

class PartWorld extends ProxyWorld {
  readonly step: PartStep
  asked = 0

  constructor(bytesMax = 10_000_000) {
    // The world's own clock is made by its constructor, after the step: this one tells the same time.
    const clock = new ManualClock()
    const step = new PartStep(clock, bytesMax)
    super({ steps: [step] })
    this.step = step
  }

  /** The origin's answer to a range, unless it is answered from what is stored. */
  range(value: string, first: number, last: number, fields = 'ETag: "a"\r\n'): string {
    const peer = this.client()
    peer.say(get('/a', `Range: bytes=${value}\r\n`))
    const server = this.accepted.at(-1)
    const asked = server?.take() ?? ''
    if (asked !== '') {
      this.asked++
      assert.match(asked, new RegExp(`^range: bytes=${value}\r$`, 'im'))
      const head = `Cache-Control: max-age=60\r\nContent-Range: bytes ${first}-${last}/${whole.length}\r\n${fields}`
      const body = wholeText.slice(first, last + 1)
      server?.say(`HTTP/1.1 206 Partial Content\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    }
    const answer = peer.take()
    assert.equal(statusOf(answer), 206)
    const [, from, to] = /bytes (\d+)-(\d+)/.exec(field(answer, 'content-range') ?? '') ?? []
    assert.ok(bodyOf(answer) === wholeText.slice(Number(from), Number(to) + 1))
    peer.end.destroy()
    this.wire.run()
    return answer
  }
}

describe('a part', () => {
  test('is stored as it passes, and answers the same range and smaller ones', () => {
    const world = new PartWorld()
    assert.equal(field(world.range('100-899', 100, 899), 'cache-status'), undefined)
    for (const value of ['100-899', '200-300', '899-899']) {
      const answer = world.range(value, 0, 0)
      assert.match(field(answer, 'cache-status') ?? '', /^headgate; hit; ttl=/)
    }
    assert.equal(world.asked, 1)
    world.range('0-99', 0, 99)
    assert.equal(world.asked, 2)
    world.checkAtRest(5)
  })

  test('grows by those that touch it, under one strong tag', () => {
    const world = new PartWorld()
    world.range('0-99999', 0, 99_999)
    world.range('100000-299999', 100_000, 299_999)
    world.range('-150000', 250_000, 399_999)
    assert.equal(world.asked, 3)
    const answer = world.range('0-', 0, 0)
    assert.equal(world.asked, 3)
    assert.equal(field(answer, 'content-range'), `bytes 0-399999/${whole.length}`)
    assert.equal(world.step.store.snapshot().entries, 1)
    world.checkAtRest(4)
  })

  test('of another version takes the place of what was stored', () => {
    const world = new PartWorld()
    world.range('0-999', 0, 999)
    world.range('1000-1999', 1000, 1999, 'ETag: "b"\r\n')
    world.range('1500-1600', 0, 0)
    assert.equal(world.asked, 2)
    world.range('0-999', 0, 999, 'ETag: "b"\r\n')
    assert.equal(world.asked, 3)
    world.range('500-1500', 0, 0)
    assert.equal(world.asked, 3)
  })

  test('that touches nothing takes the place of a smaller one, and leaves a larger one', () => {
    const world = new PartWorld()
    world.range('0-999', 0, 999)
    world.range('2000-2099', 2000, 2099)
    world.range('0-999', 0, 0)
    assert.equal(world.asked, 2)
    world.range('5000-6999', 5000, 6999)
    world.range('5000-6999', 0, 0)
    assert.equal(world.asked, 3)
  })

  test('that may not be stored, or has no place, only passes', () => {
    const private_ = new PartWorld()
    private_.range('0-999', 0, 999, 'Cache-Control: private\r\n')
    private_.range('0-999', 0, 999, 'Cache-Control: private\r\n')
    assert.equal(private_.asked, 2)
    const small = new PartWorld(10_000)
    small.range('0-99999', 0, 99_999)
    small.range('0-99999', 0, 99_999)
    assert.equal(small.asked, 2)
    assert.equal(small.step.store.snapshot().growing, 0)
  })

  test('that breaks off, or whose client leaves, is not stored', () => {
    for (const leaves of [true, false]) {
      const world = new PartWorld()
      const peer = world.client()
      peer.say(get('/a', 'Range: bytes=0-999\r\n'))
      const server = world.server()
      const head = 'Cache-Control: max-age=60\r\nContent-Range: bytes 0-999/2000\r\nETag: "a"\r\n'
      server.say(`HTTP/1.1 206 Partial Content\r\n${head}Content-Length: 1000\r\n\r\nabc`)
      if (leaves) peer.end.destroy()
      else server.end.destroy()
      world.pass(1)
      const { entries, growing } = world.step.store.snapshot()
      assert.equal(entries + growing, 0)
      peer.end.destroy()
      world.checkAtRest(1)
    }
  })
})
