/** QUERY (RFC 10008): answers are told apart by what requests enclose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheStatusOf, CacheWorld } from './cache-world.ts'
import { bodyOf, get, ok } from './proxy-world.ts'

const minute = 'Cache-Control: max-age=60\r\n'

function query(content: string, fields = 'Content-Type: application/json\r\n'): string {
  return `QUERY /search HTTP/1.1\r\nHost: www.example.com\r\n${fields}Content-Length: ${content.length}\r\n\r\n${content}`
}

function chunked(content: string): string {
  const head = 'QUERY /search HTTP/1.1\r\nHost: www.example.com\r\nContent-Type: application/json\r\n'
  return `${head}Transfer-Encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`
}

test('the answer to a QUERY is stored under what it encloses, and serves those who enclose the same', () => {
  const world = new CacheWorld({ storeQuery: true })
  const client = world.client()
  client.say(query('{"a":1}'))
  const [asked = ''] = world.asked()
  assert.match(asked, /^QUERY \/search HTTP\/1\.1\r\n/)
  assert.match(asked, /^content-type: application\/json\r$/im)
  assert.match(asked, /^content-length: 7\r$/im)
  assert.equal(bodyOf(asked), '{"a":1}')
  world.server().say(ok('one', minute))
  assert.equal(bodyOf(client.take()), 'one')
  for (const same of [query('{"a":1}'), chunked('{"a":1}')]) {
    const answer = world.ask(client, same)
    assert.equal(bodyOf(answer), 'one')
    assert.match(cacheStatusOf(answer), /^hit/)
  }
  const others = [query('{"a":2}'), query('{"a":1}', 'Content-Type: text/plain\r\n'), get('/search')]
  for (const [i, other] of others.entries()) {
    client.say(other)
    assert.equal(world.asked().length, 1)
    world.server().say(ok(`other ${i}`, minute))
    assert.equal(bodyOf(client.take()), `other ${i}`)
  }
  client.end.end()
  world.checkAtRest(6)
})

test('many who enclose the same make one request', () => {
  const world = new CacheWorld({ storeQuery: true })
  const clients = [1, 2, 3].map(() => world.client())
  for (const client of clients) client.say(query('same'))
  assert.equal(world.asked().length, 1)
  world.server().say(ok('one', minute))
  for (const client of clients) {
    assert.equal(bodyOf(client.take()), 'one')
    client.end.end()
  }
  world.checkAtRest(3)
})

test('content that comes in pieces is waited for; one that is too long passes by, whole', () => {
  const world = new CacheWorld({ storeQuery: true })
  const client = world.client()
  const text = query('x'.repeat(1000))
  client.say(text.slice(0, -600))
  assert.equal(world.asked().length, 0)
  client.say(text.slice(-600))
  assert.equal(bodyOf(world.asked()[0] ?? '').length, 1000)
  world.server().say(ok('one', minute))
  client.take()
  const long = 'y'.repeat(70_000)
  for (const request of [query(long), chunked(long)]) {
    client.say(request)
    const sent = bodyOf(world.asked().join(''))
    assert.equal(sent.replace(/[^y]/g, ''), long)
    world.server().say(ok('long', minute))
    assert.equal(cacheStatusOf(client.take()), 'fwd=bypass; detail=body')
  }
  client.end.end()
  world.checkAtRest(3)
})

test('who leaves while it encloses leaves nothing behind', () => {
  const world = new CacheWorld({ storeQuery: true })
  const client = world.client()
  client.say(query('x'.repeat(1000)).slice(0, -600))
  client.end.reset()
  world.checkAtRest(1)
})

test('without the option a QUERY passes by', () => {
  const world = new CacheWorld()
  const client = world.client()
  for (let i = 0; i < 2; i++) {
    client.say(query('same'))
    assert.equal(world.asked().length, 1)
    world.server().say(ok('one', minute))
    assert.equal(cacheStatusOf(client.take()), 'fwd=method')
  }
  client.end.end()
  world.checkAtRest(2)
})
