/** Answers from stored entries, as a client gets them over HTTP/1. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { entryWith, field, patternOf, ServeWorld, statusOf } from './cache-serve-world.ts'
import { bodyOf } from './proxy-world.ts'

const bytes = patternOf(1024)
const text = bytes.toString('latin1')
const large = patternOf(1_500_000)

describe('a hit', () => {
  test('carries Age, Cache-Status and the stored Date (RFC 9111 §5.1, RFC 9211)', () => {
    const world = new ServeWorld({ body: bytes, fields: ['Content-Type', 'text/plain'] })
    world.clock.advance(12_500)
    const answer = world.ask()
    assert.equal(statusOf(answer), 200)
    assert.equal(field(answer, 'age'), '12')
    assert.equal(field(answer, 'cache-status'), 'headgate; hit; ttl=3587')
    assert.equal(field(answer, 'date'), 'Fri, 02 Jan 2026 03:04:05 GMT')
    assert.equal(field(answer, 'content-length'), '1024')
    assert.equal(field(answer, 'content-type'), 'text/plain')
    assert.equal(bodyOf(answer), text)
    world.checkAtRest()
  })

  test('adds what it was old when it came', () => {
    const world = new ServeWorld({ body: bytes })
    world.entry.initialAgeMs = 5000
    assert.equal(field(world.ask(), 'age'), '5')
  })

  test('is appended to what other caches said of theirs', () => {
    const world = new ServeWorld({ body: bytes, fields: ['Cache-Status', 'origin-shield; hit'] })
    const answer = world.ask()
    const members = [...answer.matchAll(/^cache-status: (.*)\r$/gim)].map(([, value]) => value)
    assert.deepEqual(members, ['origin-shield; hit', 'headgate; hit; ttl=3600'])
  })

  test('tells the same when it is asked for often, and a new age each second', () => {
    const world = new ServeWorld({
      body: bytes,
      fields: ['X-A', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
    })
    const first = world.ask()
    for (let i = 0; i < 30; i++) assert.equal(world.ask(), first)
    world.clock.advance(1000)
    const second = world.ask()
    assert.equal(second, first.replace('age: 0', 'age: 1').replace('ttl=3600', 'ttl=3599'))
    for (let i = 0; i < 30; i++) assert.equal(world.ask(), second)
  })

  test('of another entry that took its place is never told with its head', () => {
    const world = new ServeWorld({ body: bytes, fields: ['X-Version', '1'] })
    for (let i = 0; i < 20; i++) world.ask()
    world.entry = entryWith({ body: bytes, fields: ['X-Version', '2'] })
    assert.equal(field(world.ask(), 'x-version'), '2')
  })

  test('in part has no digest of the whole content (RFC 9530 §2), and that of the representation', () => {
    const digests = {
      'Content-Digest': 'sha-256=:YQ==:',
      'Content-MD5': 'YQ==',
      'Repr-Digest': 'sha-256=:YQ==:',
    }
    const world = new ServeWorld({ body: large, fields: Object.entries(digests).flat() })
    const told = (answer: string): string[] =>
      Object.keys(digests).filter((name) => field(answer, name) !== undefined)
    assert.deepEqual(told(world.ask()), Object.keys(digests))
    assert.deepEqual(told(world.ask('Range: bytes=0-9\r\n')), ['Repr-Digest'])
    assert.deepEqual(told(world.ask('Range: bytes=0-9,10000-10009\r\n')), ['Repr-Digest'])
  })

  test('to HEAD has the length and no body', () => {
    for (const body of [bytes, large]) {
      const world = new ServeWorld({ body })
      const answer = world.ask('', 'HEAD')
      assert.equal(statusOf(answer), 200)
      assert.equal(field(answer, 'content-length'), String(body.length))
      assert.equal(bodyOf(answer), '')
      world.checkAtRest()
    }
  })

  test('that is stale tells for how long, and why it is served', () => {
    const world = new ServeWorld({ body: bytes })
    world.serve = (x) => world.server.stale(x, world.entry, world.clock.nowMs(), 'max-stale')
    world.clock.advance(3_610_000)
    assert.equal(field(world.ask(), 'cache-status'), 'headgate; hit; ttl=-10; detail=max-stale')
  })

  test('on an empty answer, a redirect and a 404 is what was stored', () => {
    assert.equal(field(new ServeWorld({ body: '' }).ask(), 'content-length'), '0')
    const moved = new ServeWorld({ status: 301, body: 'x', fields: ['Location', '/b'], etag: '"a"' })
    assert.equal(statusOf(moved.ask('Range: bytes=0-0\r\n')), 301)
    const missing = new ServeWorld({ status: 404, body: 'none', etag: '"a"' })
    assert.equal(statusOf(missing.ask('If-None-Match: "a"\r\n')), 404)
  })
})

describe('what was just fetched', () => {
  test('has no Age: the origin was asked (RFC 9111 §5.1), unless another cache answered', () => {
    const world = new ServeWorld({ body: bytes })
    world.follow()
    assert.equal(field(world.ask(), 'age'), undefined)
    world.entry.initialAgeMs = 7000
    assert.equal(field(world.ask(), 'age'), '7')
  })
})

describe('conditions', () => {
  const fields = Object.entries({
    ETag: '"a"',
    'Content-Type': 'text/plain',
    'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'Cache-Control': 'max-age=3600',
    Vary: 'Accept',
    'Content-Location': '/b',
    'X-Other': '1',
    Expires: 'Fri, 02 Jan 2026 04:04:05 GMT',
    'Content-Encoding': 'identity',
  }).flat()
  const make = { body: bytes, fields, etag: '"a"', lastModifiedMs: Date.UTC(2026, 0, 1) }

  test('and parts tell a script of another origin that it may read them', () => {
    const open = { 'Access-Control-Allow-Origin': '*', 'Timing-Allow-Origin': '*' }
    const world = new ServeWorld({ ...make, fields: [...fields, ...Object.entries(open).flat()] })
    const asked = ['If-None-Match: "a"\r\n', 'Range: bytes=0-1\r\n', 'Range: bytes=999999-\r\n']
    const answers = asked.map((field) => world.ask(field))
    assert.deepEqual(answers.map(statusOf), [304, 206, 416])
    for (const answer of answers)
      for (const [name, value] of Object.entries(open)) assert.equal(field(answer, name), value)
  })

  test('that hold are answered with 304 and just its fields (RFC 9110 §15.4.5)', () => {
    const world = new ServeWorld(make)
    const answer = world.ask('If-None-Match: "b", W/"a"\r\n')
    assert.equal(statusOf(answer), 304)
    const names = [...answer.matchAll(/^([\w-]+): /gm)].map(([, name]) => (name as string).toLowerCase())
    const expected = 'age cache-control cache-status content-location date etag expires vary'
    assert.equal(names.toSorted().join(' '), expected)
    assert.equal(bodyOf(answer), '')
    world.checkAtRest()
  })

  test('that do not hold get the whole', () => {
    const world = new ServeWorld(make)
    assert.equal(statusOf(world.ask('If-None-Match: "b"\r\n')), 200)
    assert.equal(statusOf(world.ask('If-Modified-Since: Wed, 31 Dec 2025 00:00:00 GMT\r\n')), 200)
    assert.equal(statusOf(world.ask('If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n')), 304)
    assert.equal(statusOf(world.ask('If-Modified-Since: Thursday, 01-Jan-26 00:00:00 GMT\r\n')), 304)
  })

  test('without ETag leave Last-Modified in the 304', () => {
    const world = new ServeWorld({ ...make, fields: fields.slice(2), etag: '' })
    const answer = world.ask('If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n')
    assert.equal(field(answer, 'last-modified'), 'Thu, 01 Jan 2026 00:00:00 GMT')
  })

  test('come before ranges (RFC 9110 §13.2.2)', () => {
    const world = new ServeWorld(make)
    assert.equal(statusOf(world.ask('If-None-Match: "a"\r\nRange: bytes=0-1\r\n')), 304)
    assert.equal(statusOf(world.ask('If-None-Match: "b"\r\nRange: bytes=0-1\r\n')), 206)
  })

  test('of a HEAD are answered as those of GET', () => {
    const world = new ServeWorld(make)
    assert.equal(statusOf(world.ask('If-None-Match: "a"\r\n', 'HEAD')), 304)
  })
})

describe('ranges', () => {
  const fields = ['ETag', '"a"', 'Content-Type', 'video/mp4', 'X-Other', '1']

  for (const [name, body] of [
    ['one buffer', bytes],
    ['blocks', large],
  ] as const) {
    const whole = body.toString('latin1')
    const { length } = body

    test(`one is a 206 with all fields and Content-Range, from ${name}`, () => {
      const world = new ServeWorld({ body, fields, etag: '"a"' })
      for (const [value, first, last] of [
        ['0-0', 0, 0],
        ['100-900', 100, 900],
        ['-5', length - 5, length - 1],
        ['1000-', 1000, length - 1],
        ['0-', 0, length - 1],
      ] as const) {
        const answer = world.ask(`Range: bytes=${value}\r\n`)
        assert.equal(statusOf(answer), 206, value)
        assert.equal(field(answer, 'content-range'), `bytes ${first}-${last}/${length}`)
        assert.equal(field(answer, 'content-length'), String(last - first + 1))
        assert.equal(field(answer, 'x-other'), '1')
        assert.ok(bodyOf(answer) === whole.slice(first, last + 1), value)
      }
      world.checkAtRest()
    })

    test(`several are parts of a multipart/byteranges, from ${name}`, () => {
      const world = new ServeWorld({ body, fields, etag: '"a"' })
      const answer = world.ask(`Range: bytes=-3,0-1,500-502\r\n`)
      assert.equal(statusOf(answer), 206)
      assert.equal(field(answer, 'content-range'), undefined)
      const boundary = /^multipart\/byteranges; boundary=(.*)$/.exec(field(answer, 'content-type') ?? '')?.[1]
      const payload = bodyOf(answer)
      assert.equal(field(answer, 'content-length'), String(payload.length))
      const parts = payload.split(`--${boundary}`).slice(1)
      const part = (first: number, last: number) =>
        `\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${first}-${last}/${length}\r\n\r\n${whole.slice(first, last + 1)}\r\n`
      assert.deepEqual(parts, [part(length - 3, length - 1), part(0, 1), part(500, 502), '--\r\n'])
      world.checkAtRest()
    })
  }

  test('behind the end are a 416 that tells the length', () => {
    const world = new ServeWorld({ body: bytes, fields, etag: '"a"' })
    const answer = world.ask('Range: bytes=1024-\r\n')
    assert.equal(statusOf(answer), 416)
    assert.equal(field(answer, 'content-range'), 'bytes */1024')
    assert.equal(field(answer, 'content-length'), '0')
  })

  test('are ignored that cannot be read, that are too many, and for HEAD', () => {
    const world = new ServeWorld({ body: bytes, fields, etag: '"a"' })
    assert.equal(statusOf(world.ask('Range: bytes=x\r\n')), 200)
    assert.equal(statusOf(world.ask(`Range: bytes=${'0-0,500-500,'.repeat(50)}\r\n`)), 200)
    assert.equal(statusOf(world.ask('Range: bytes=0-1\r\n', 'HEAD')), 200)
  })

  test('are ignored when If-Range does not hold', () => {
    const world = new ServeWorld({ body: bytes, fields, etag: '"a"' })
    assert.equal(statusOf(world.ask('Range: bytes=0-1\r\nIf-Range: "a"\r\n')), 206)
    assert.equal(statusOf(world.ask('Range: bytes=0-1\r\nIf-Range: "b"\r\n')), 200)
    assert.equal(statusOf(world.ask('Range: bytes=2000-\r\nIf-Range: "b"\r\n')), 200)
    assert.equal(statusOf(world.ask('Range: bytes=0-1\r\nIf-Range: W/"a"\r\n')), 200)
  })
})
