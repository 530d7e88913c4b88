/** Large answers in slices: what is asked of the origin, what is put together, and what is cut. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CacheResult } from '../../src/http/cache-result.ts'
import { SlicesWorld, sliceBytes } from './cache-slices-world.ts'
import { cacheStatusOf, fieldOf } from './cache-world.ts'
import { bodyOf, get, isLeft } from './proxy-world.ts'

/** What is asked of the origin for slices `from` to `to`. */
function slices(world: SlicesWorld, ...numbers: number[]): string[] {
  return numbers.map((number) => {
    const last = Math.min((number + 1) * sliceBytes, world.object.length) - 1
    return `${number * sliceBytes}-${last}`
  })
}

function ask(world: SlicesWorld, fields = '', method = 'GET'): { answer: string; ranges: string[] } {
  const client = world.client()
  client.say(get('/film', fields).replace('GET', method))
  const ranges = world.serve()
  const answer = client.take()
  client.end.end()
  world.serve()
  return { answer, ranges }
}

const probe = `0-${sliceBytes - 1}`

describe('an origin that serves ranges', () => {
  test('the whole is put together from slices, and stored so', () => {
    const world = new SlicesWorld()
    const { answer, ranges } = ask(world)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.equal(bodyOf(answer), world.whole)
    assert.equal(fieldOf(answer, 'content-length'), String(world.object.length))
    assert.equal(fieldOf(answer, 'content-range'), '')
    assert.equal(cacheStatusOf(answer), 'fwd=uri-miss; fwd-status=206; stored')
    assert.deepEqual(ranges, [probe, ...slices(world, 1, 2, 3, 4, 5)])
    const second = ask(world)
    assert.equal(bodyOf(second.answer), world.whole)
    assert.deepEqual(second.ranges, [])
    assert.match(cacheStatusOf(second.answer), /^hit; ttl=/)
    world.checkAtRest(2)
    assert.deepEqual(
      world.observer.finished.map(({ cacheResult }) => cacheResult),
      [CacheResult.MISS, CacheResult.HIT],
    )
  })

  test('a digest of a slice is not told of the whole, one of the whole is', () => {
    const fields = 'Content-Digest: sha-256=:YQ==:\r\nContent-MD5: YQ==\r\nRepr-Digest: sha-256=:Yg==:\r\n'
    const world = new SlicesWorld({ fields: 'Cache-Control: max-age=60\r\n' + fields })
    for (const { answer } of [ask(world), ask(world), ask(world, 'Range: bytes=0-9\r\n')]) {
      assert.equal(fieldOf(answer, 'content-digest') + fieldOf(answer, 'content-md5'), '')
      assert.equal(fieldOf(answer, 'repr-digest'), 'sha-256=:Yg==:')
    }
    world.checkAtRest(3)
  })

  test('what the origin says of parameters does not part the index from its slices', () => {
    const world = new SlicesWorld({ fields: 'Cache-Control: max-age=60\r\nNo-Vary-Search: params\r\n' })
    const { answer } = ask(world)
    assert.ok(bodyOf(answer) === world.whole)
    const second = ask(world)
    assert.ok(bodyOf(second.answer) === world.whole)
    assert.deepEqual(second.ranges, [])
    world.checkAtRest(2)
  })

  test('a seek fetches the slices it needs, and no more', () => {
    const world = new SlicesWorld()
    const first = 3 * sliceBytes + 10
    const { answer, ranges } = ask(world, `Range: bytes=${first}-${first + 99}\r\n`)
    assert.match(answer, /^HTTP\/1\.1 206 Partial Content\r\n/)
    assert.equal(bodyOf(answer), world.whole.slice(first, first + 100))
    assert.equal(fieldOf(answer, 'content-range'), `bytes ${first}-${first + 99}/${world.object.length}`)
    assert.deepEqual(ranges, slices(world, 3))
    const over = ask(world, `Range: bytes=${4 * sliceBytes - 5}-${4 * sliceBytes + 4}\r\n`)
    assert.equal(bodyOf(over.answer), world.whole.slice(4 * sliceBytes - 5, 4 * sliceBytes + 5))
    assert.deepEqual(over.ranges, slices(world, 4))
    world.checkAtRest(2)
  })

  test('a suffix, several ranges, If-Range, HEAD, 304 and 416 are answered from slices', () => {
    const world = new SlicesWorld()
    const { length } = world.object
    const suffix = ask(world, 'Range: bytes=-50\r\n')
    assert.equal(bodyOf(suffix.answer), world.whole.slice(-50))
    // Where the end lies is told by the first slice.
    assert.deepEqual(suffix.ranges, [probe, ...slices(world, 5)])
    const several = ask(world, `Range: bytes=0-9, ${2 * sliceBytes}-${2 * sliceBytes + 9}\r\n`)
    const boundary = /boundary=(.*)$/.exec(fieldOf(several.answer, 'content-type'))?.[1] ?? ''
    const parts = bodyOf(several.answer).split(`--${boundary}`)
    assert.equal(parts.length, 4)
    assert.match(parts[2] ?? '', new RegExp(`bytes ${2 * sliceBytes}-${2 * sliceBytes + 9}/${length}`, 'i'))
    assert.equal(
      bodyOf(parts[2] ?? '').trimEnd(),
      world.whole.slice(2 * sliceBytes, 2 * sliceBytes + 10).trimEnd(),
    )
    assert.deepEqual(several.ranges, slices(world, 2))
    const matching = ask(world, 'Range: bytes=1-2\r\nIf-Range: "v1"\r\n')
    assert.equal(bodyOf(matching.answer), world.whole.slice(1, 3))
    const head = ask(world, '', 'HEAD')
    assert.equal(fieldOf(head.answer, 'content-length'), String(length))
    assert.match(ask(world, 'If-None-Match: "v1"\r\n').answer, /^HTTP\/1\.1 304 /)
    const beyond = ask(world, `Range: bytes=${length}-\r\n`)
    assert.match(beyond.answer, /^HTTP\/1\.1 416 /)
    assert.equal(fieldOf(beyond.answer, 'content-range'), `bytes */${length}`)
    assert.equal(world.ranges.length, 3)
    const other = ask(world, 'Range: bytes=1-2\r\nIf-Range: "v0"\r\n')
    assert.equal(bodyOf(other.answer), world.whole)
    world.checkAtRest(7)
  })

  test('HEAD and a range beyond the end of what is not stored cost one slice', () => {
    const world = new SlicesWorld()
    const beyond = ask(world, `Range: bytes=${40 * sliceBytes}-\r\n`)
    assert.match(beyond.answer, /^HTTP\/1\.1 416 /)
    assert.deepEqual(beyond.ranges, [`${40 * sliceBytes}-${41 * sliceBytes - 1}`, probe])
    const head = ask(world, '', 'HEAD')
    assert.match(head.answer, /^HTTP\/1\.1 200 /)
    assert.deepEqual(head.ranges, [])
    world.checkAtRest(2)
  })

  test('many who want the same slices ask once for each', () => {
    const world = new SlicesWorld()
    const clients = Array.from({ length: 20 }, () => world.client())
    for (const [i, client] of clients.entries())
      client.say(get('/film', i % 2 === 0 ? '' : `Range: bytes=${4 * sliceBytes}-${4 * sliceBytes + 9}\r\n`))
    const ranges = world.serve()
    assert.deepEqual(ranges.toSorted(), [probe, ...slices(world, 1, 2, 3, 4, 5)].toSorted())
    for (const [i, client] of clients.entries()) {
      const body = bodyOf(client.take())
      const wanted = world.whole.slice(...(i % 2 === 0 ? [0] : [4 * sliceBytes, 4 * sliceBytes + 10]))
      assert.equal(body, wanted)
      client.end.end()
    }
    world.checkAtRest(20)
  })

  test('one 304 makes all slices fresh again', () => {
    const world = new SlicesWorld()
    ask(world)
    world.pass(61_000)
    const { answer, ranges } = ask(world)
    assert.equal(bodyOf(answer), world.whole)
    assert.deepEqual(ranges, [probe])
    assert.equal(cacheStatusOf(answer), 'fwd=stale; fwd-status=304; stored')
    assert.deepEqual(ask(world).ranges, [])
    world.checkAtRest(3)
  })

  test('what fits into one slice is stored as a whole', () => {
    const world = new SlicesWorld({ length: 1000 })
    const { answer } = ask(world)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.equal(bodyOf(answer), world.whole)
    assert.equal(world.cache.store.snapshot().entries, 1)
    assert.equal(bodyOf(ask(world, 'Range: bytes=-5\r\n').answer), world.whole.slice(-5))
    assert.equal(world.ranges.length, 1)
    world.checkAtRest(2)
  })

  test('one slice ahead is fetched while the client reads, and none for one who goes', () => {
    const world = new SlicesWorld({ length: 60 * sliceBytes })
    const client = world.client()
    client.end.pause()
    client.say(get('/film'))
    const ranges = world.serve()
    // What the socket takes for it (1 MiB), what is being written, and one ahead.
    assert.ok(ranges.length <= 16 + 3, `${ranges.length} slices for a client that reads nothing`)
    client.end.destroy()
    assert.deepEqual(world.serve(), [])
    world.checkAtRest(1)
  })

  test('a purge of the URL takes the index and all slices', () => {
    const world = new SlicesWorld()
    ask(world)
    const url = { kind: 'url', host: 'www.example.com', target: '/film' } as const
    assert.equal(world.cache.store.purge({ target: url }).count, 7)
    assert.equal(world.cache.store.snapshot().entries, 0)
    assert.equal(ask(world).ranges.length, 6)
    world.checkAtRest(2)
  })
})

describe('another version', () => {
  test('a slice of another version cuts the answer, and nothing of the old one is used again', () => {
    const world = new SlicesWorld()
    ask(world, 'Range: bytes=0-9\r\n')
    Object.assign(world.object, { etag: '"version2"' })
    const client = world.client()
    client.say(get('/film'))
    world.serve()
    const answer = client.take()
    assert.equal(fieldOf(answer, 'etag'), '"v1"')
    assert.equal(bodyOf(answer).length, sliceBytes)
    assert.ok(isLeft(client))
    const { answer: next } = ask(world)
    assert.equal(fieldOf(next, 'etag'), '"version2"')
    assert.equal(bodyOf(next), world.whole)
    world.checkAtRest(3)
  })

  test('an origin that heeds no If-Range is found out all the same', () => {
    const world = new SlicesWorld({ habit: 'ignores-if-range' })
    ask(world, 'Range: bytes=0-9\r\n')
    Object.assign(world.object, { etag: '"version2"' })
    const client = world.client()
    client.say(get('/film'))
    world.serve()
    assert.equal(bodyOf(client.take()).length, sliceBytes)
    assert.ok(isLeft(client))
    client.end.end()
    world.checkAtRest(2)
  })

  test('who has been sent nothing yet gets the new version', () => {
    const world = new SlicesWorld()
    ask(world, 'Range: bytes=0-9\r\n')
    Object.assign(world.object, { etag: '"version2"' })
    const first = 2 * sliceBytes
    const { answer } = ask(world, `Range: bytes=${first}-${first + 4}\r\n`)
    assert.match(answer, /^HTTP\/1\.1 206 /)
    assert.equal(fieldOf(answer, 'etag'), '"version2"')
    assert.equal(bodyOf(answer), world.whole.slice(first, first + 5))
    world.checkAtRest(2)
  })
})

describe('an origin of which no slices can be had', () => {
  for (const habit of ['whole', 'no-length', 'wrong-part'] as const) {
    test(`${habit}: the whole is fetched and stored`, () => {
      const world = new SlicesWorld({ habit })
      const { answer, ranges } = ask(world)
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
      assert.equal(bodyOf(answer), world.whole)
      assert.deepEqual(ranges, habit === 'whole' ? [probe] : [probe, ''])
      assert.match(cacheStatusOf(ask(world).answer), /^hit/)
      world.checkAtRest(2)
    })
  }

  test('without a strong validator there are no slices', () => {
    const world = new SlicesWorld({ etag: '' })
    assert.equal(bodyOf(ask(world).answer), world.whole)
    assert.deepEqual(world.ranges, [probe, ''])
    const weak = new SlicesWorld({ etag: 'W/"v1"' })
    assert.equal(bodyOf(ask(weak).answer), weak.whole)
    assert.deepEqual(weak.ranges, [probe, ''])
  })

  test('an answer that must not be shared goes to each who asks, as it was asked for', () => {
    const world = new SlicesWorld({ fields: 'Cache-Control: private\r\n' })
    const { answer, ranges } = ask(world, 'Range: bytes=5-9\r\n')
    assert.equal(bodyOf(answer), world.whole.slice(5, 10))
    assert.deepEqual(ranges, [probe, '5-9'])
    assert.deepEqual(ask(world, 'Range: bytes=5-9\r\n').ranges, ['5-9'])
    world.checkAtRest(2)
  })
})
