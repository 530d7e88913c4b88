/** What one client sends for itself keeps neither others from sharing an answer, nor its own from them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cacheStatusOf, CacheWorld, fieldOf } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

const minute = 'Cache-Control: max-age=60\r\n'

describe('an answer that is not kept for the sake of its request', () => {
  for (const [name, personal] of [
    ['no-store of the client', 'Cache-Control: no-store\r\n'],
    ['Authorization', 'Authorization: Basic eDp5\r\n'],
  ] as const) {
    test(`${name}: those who wait for it get one answer that is`, () => {
      const world = new CacheWorld()
      const clients = Array.from({ length: 5 }, () => world.client())
      for (const [i, client] of clients.entries()) client.say(get('/a', i === 0 ? personal : ''))
      world.answerAll(() => ok('own', minute))
      assert.equal(bodyOf(clients[0]?.take() ?? ''), 'own')
      world.answerAll(() => ok('shared', minute))
      const others = clients.slice(1).map((client) => client.take())
      for (const answer of others) assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.equal(world.accepted.length, 2, 'requests that the origin was asked at one time')
      assert.match(cacheStatusOf(world.ask(clients[0] as never, get('/a'))), /^hit/)
      for (const client of clients) client.end.end()
      world.checkAtRest(6)
    })

    test(`${name}: it is not remembered that nobody should wait`, () => {
      const world = new CacheWorld()
      const clients = Array.from({ length: 5 }, () => world.client())
      const [first = world.client(), ...others] = clients
      first.say(get('/a', personal))
      world.answerAll(() => ok('own', minute))
      first.take()
      for (const client of others) client.say(get('/a'))
      assert.equal(
        world.answerAll(() => ok('shared', minute)),
        1,
      )
      for (const client of others) assert.equal(bodyOf(client.take()), 'shared')
      for (const client of clients) client.end.end()
      world.checkAtRest(5)
    })
  }

  test('those who are authorized, too, do not wait for each other again', () => {
    const world = new CacheWorld()
    const clients = Array.from({ length: 4 }, () => world.client())
    const [first = world.client(), ...others] = clients
    first.say(get('/a', 'Authorization: Basic eDp5\r\n'))
    world.answerAll(() => ok('own', minute))
    first.take()
    for (const [i, client] of others.entries()) client.say(get('/a', `Authorization: Basic ${i}\r\n`))
    assert.equal(
      world.answerAll((i) => ok(`for ${i}`, minute)),
      3,
    )
    for (const client of others) assert.match(bodyOf(client.take()), /^for \d$/)
    for (const client of clients) client.end.end()
    world.checkAtRest(4)
  })

  test('leaves what is stored, to be validated by the next', () => {
    const world = new CacheWorld()
    const client = world.client()
    client.say(get('/a'))
    world.answerAll(() => ok('one', minute + 'ETag: "1"\r\n'))
    client.end.end()
    world.pass(61_000)
    const next = world.client()
    next.say(get('/a', 'Cache-Control: no-store\r\n'))
    world.answerAll(() => ok('two', minute + 'ETag: "2"\r\n'))
    assert.equal(bodyOf(next.take()), 'two')
    next.say(get('/a'))
    assert.match(world.asked()[0] ?? '', /if-none-match: "1"/i)
    world.latest.say(ok('two', minute + 'ETag: "2"\r\n'))
    assert.equal(bodyOf(next.take()), 'two')
    next.end.end()
    world.checkAtRest(3)
  })
})

describe('a field in a spelling that some origins take for the same (X_Tenant)', () => {
  const spelling = 'X_Tenant: other\r\n'

  test('never chooses what those get who did not send it', () => {
    const places: [route: ConstructorParameters<typeof CacheWorld>[0], fields: string][] = [
      [{ key: { headers: ['X-Tenant'] } }, minute],
      [{}, minute + 'Vary: X-Tenant\r\n'],
      [{ bypass: { header: 'X-Tenant' } }, minute],
    ]
    for (const [route, fields] of places) {
      const world = new CacheWorld(route)
      const client = world.client()
      client.say(get('/a', spelling))
      world.answerAll(() => ok('of another tenant', fields))
      assert.equal(bodyOf(client.take()), 'of another tenant')
      client.say(get('/a'))
      world.answerAll(() => ok('mine', fields))
      assert.equal(bodyOf(client.take()), 'mine', JSON.stringify(route))
      client.end.end()
      world.checkAtRest(2)
    }
  })

  test('that is none of what tells answers apart changes nothing', () => {
    const world = new CacheWorld({ key: { headers: ['X-Tenant'] } })
    const client = world.client()
    client.say(get('/a', 'X_Other: 1\r\n'))
    world.answerAll(() => ok('a', minute + 'Vary: X-Kind\r\n'))
    client.take()
    assert.match(cacheStatusOf(world.ask(client, get('/a'))), /^hit/)
    client.end.end()
    world.checkAtRest(2)
  })
})

test('Cache-Status tells what the origin answered where the client is sent something else', () => {
  const world = new CacheWorld()
  const client = world.client()
  const sent: [fields: string, status: RegExp][] = [
    ['If-None-Match: "a"\r\n', /^HTTP\/1\.1 304 /],
    ['Range: bytes=0-1\r\n', /^HTTP\/1\.1 206 /],
    ['Range: bytes=50-\r\n', /^HTTP\/1\.1 416 /],
  ]
  for (const [i, [fields, status]] of sent.entries()) {
    client.say(get(`/${i}`, fields))
    world.answerAll(() => ok('hello', minute + 'ETag: "a"\r\n'))
    const answer = client.take()
    assert.match(answer, status)
    assert.equal(cacheStatusOf(answer), 'fwd=uri-miss; fwd-status=200; stored')
    assert.equal(fieldOf(answer, 'age'), '')
  }
  client.end.end()
  world.checkAtRest(3)
})
