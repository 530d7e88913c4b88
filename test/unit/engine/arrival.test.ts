import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestIds, isSaneRequestId, requestIdLengthMax } from '../../../src/engine/request-id.ts'
import { DONE, type Exchange, type Handler } from '../../../src/http/exchange.ts'
import { World, planOf } from './fakes.ts'

/** Names and values, a few to a line. */
const pairs = (...lists: string[][]): string[] => lists.flat()

interface Seen {
  clientAddress: string
  scheme: string
  host: string
  port: number
  authority: string
  requestId: string
}

/** What the steps get to see of a request with these fields. */
function arrive(fields: string[], peer = '192.0.2.7', trusted: string[] = ['10.0.0.1', '10.0.0.2']): Seen {
  let seen: Seen | null = null
  const look: Handler = {
    name: 'look',
    onRequest(x: Exchange) {
      const { scheme, host, port, authority } = x.request
      seen = { clientAddress: x.clientAddress, scheme, host, port, authority, requestId: x.requestId }
      x.response.status = 204
      x.answerWhole(null)
      return DONE
    },
  }
  new World(planOf([look], {}, trusted)).ask('GET', '/', fields, peer)
  assert.ok(seen !== null)
  return seen
}

const viaTrusted = (...fields: string[]): Seen => arrive(fields, '10.0.0.1')

test('a peer that is not trusted is the client, whatever it claims', () => {
  const seen = arrive(
    pairs(
      ['x-forwarded-for', '203.0.113.1', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'evil.example'],
      ['forwarded', 'for=203.0.113.2;proto=https;host=evil.example', 'x-request-id', 'mine'],
    ),
  )
  assert.equal(seen.clientAddress, '192.0.2.7')
  assert.equal(seen.scheme, 'http')
  assert.equal(seen.host, 'www.example.com')
  assert.notEqual(seen.requestId, 'mine')
})

test('X-Forwarded-For is walked from the right over trusted hops only', () => {
  assert.equal(viaTrusted('x-forwarded-for', '203.0.113.9').clientAddress, '203.0.113.9')
  assert.equal(viaTrusted('x-forwarded-for', '6.6.6.6, 203.0.113.9').clientAddress, '203.0.113.9')
  assert.equal(viaTrusted('x-forwarded-for', '6.6.6.6, 203.0.113.9, 10.0.0.2').clientAddress, '203.0.113.9')
  assert.equal(
    viaTrusted('x-forwarded-for', '6.6.6.6', 'x-forwarded-for', '203.0.113.9').clientAddress,
    '203.0.113.9',
  )
})

test('when every hop is trusted the leftmost is the client', () => {
  assert.equal(viaTrusted('x-forwarded-for', '10.0.0.2, 10.0.0.1').clientAddress, '10.0.0.2')
})

test('a hop that cannot be read ends the walk at the last one that could', () => {
  assert.equal(viaTrusted('x-forwarded-for', '203.0.113.9, unknown').clientAddress, '10.0.0.1')
  assert.equal(viaTrusted('x-forwarded-for', '203.0.113.9, nonsense, 10.0.0.2').clientAddress, '10.0.0.2')
  assert.equal(viaTrusted('x-forwarded-for', '').clientAddress, '10.0.0.1')
})

test('ports, brackets and IPv4-mapped addresses are read', () => {
  assert.equal(viaTrusted('x-forwarded-for', '203.0.113.9:4711').clientAddress, '203.0.113.9')
  assert.equal(viaTrusted('x-forwarded-for', '[2001:DB8::1]:4711').clientAddress, '2001:db8::1')
  assert.equal(viaTrusted('x-forwarded-for', '2001:db8::1').clientAddress, '2001:db8::1')
  assert.equal(viaTrusted('x-forwarded-for', '::ffff:203.0.113.9').clientAddress, '203.0.113.9')
})

test('a chain of ten thousand hops costs no more than its last ones', () => {
  const chain = '10.0.0.2, '.repeat(10_000) + '10.0.0.1'
  assert.equal(viaTrusted('x-forwarded-for', chain).clientAddress, '10.0.0.2')
})

test('scheme and host of a trusted peer are believed', () => {
  const seen = viaTrusted('x-forwarded-proto', 'https', 'x-forwarded-host', 'Shop.Example:8443')
  assert.equal(seen.scheme, 'https')
  assert.equal(seen.host, 'shop.example')
  assert.equal(seen.port, 8443)
  assert.equal(seen.authority, 'shop.example:8443')
})

test('a scheme or host that cannot be read is not believed', () => {
  const seen = viaTrusted('x-forwarded-proto', 'gopher', 'x-forwarded-host', 'a b/c')
  assert.equal(seen.scheme, 'http')
  assert.equal(seen.authority, 'www.example.com')
})

test('of a list of schemes the one counts that was added with the client’s address', () => {
  const chain = ['x-forwarded-for', '203.0.113.9, 10.0.0.2']
  assert.equal(viaTrusted(...chain, 'x-forwarded-proto', 'https, http').scheme, 'https')
  assert.equal(
    viaTrusted('x-forwarded-for', '6.6.6.6, 203.0.113.9', 'x-forwarded-proto', 'https, http').scheme,
    'http',
  )
})

test('Forwarded is believed when it is what is sent (RFC 7239)', () => {
  const seen = viaTrusted('forwarded', 'for="[2001:db8::9]:80";proto=https;host="shop.example:8443"')
  assert.equal(seen.clientAddress, '2001:db8::9')
  assert.equal(seen.scheme, 'https')
  assert.equal(seen.authority, 'shop.example:8443')
})

test('of Forwarded, too, only what trusted hops added is believed', () => {
  const seen = viaTrusted('forwarded', 'for=6.6.6.6;proto=https, for=203.0.113.9;proto=http, For=10.0.0.2')
  assert.equal(seen.clientAddress, '203.0.113.9')
  assert.equal(seen.scheme, 'http')
})

test('a malformed Forwarded is not believed at all', () => {
  for (const value of ['for=203.0.113.9;proto', 'for="203.0.113.9', 'for 203.0.113.9', 'for==1.2.3.4']) {
    const seen = viaTrusted('forwarded', value)
    assert.equal(seen.clientAddress, '10.0.0.1', value)
  }
})

test('a sane request id of a trusted peer is kept, another is replaced', () => {
  assert.equal(viaTrusted('x-request-id', 'abc-123').requestId, 'abc-123')
  assert.equal(viaTrusted('X-Request-ID', 'Root=1-67/x:y+z').requestId, 'Root=1-67/x:y+z')
  for (const bad of ['', 'a b', '<script>', 'a"b', 'é', 'a'.repeat(requestIdLengthMax + 1)])
    assert.notEqual(viaTrusted('x-request-id', bad).requestId, bad)
  assert.equal(isSaneRequestId('a'.repeat(requestIdLengthMax)), true)
})

test('request ids differ, over the place where the counter carries', () => {
  const ids = new RequestIds()
  const seen = new Set(Array.from({ length: 10_000 }, () => ids.next()))
  assert.equal(seen.size, 10_000)
  for (const id of seen) assert.ok(isSaneRequestId(id))
  assert.notEqual(new RequestIds().next(), new RequestIds().next())
})

test('a request that has passed here before is refused with 508, by Via or by CDN-Loop (RFC 8586)', () => {
  for (const [name, value] of [
    ['via', '1.1 edge'],
    ['via', '1.0 other, 1.1 Edge (comment), 1.1 third'],
    ['via', 'HTTP/2 edge'],
    ['cdn-loop', 'edge'],
    ['cdn-loop', 'other; a=b, edge; c=d'],
  ] as const) {
    const world = new World(planOf([]))
    assert.equal(world.ask('GET', '/', [name, value]).status, 508, value)
  }
})

test('other names in Via and CDN-Loop are no loop', () => {
  for (const [name, value] of [
    ['via', '1.1 edge2, 1.1 my-edge, 1.1 other (edge)'],
    ['cdn-loop', 'edges, other; x=edge'],
  ] as const) {
    const world = new World(planOf([]))
    world.plan.route = null
    assert.equal(world.ask('GET', '/', [name, value]).status, 404, value)
  }
})

/** The names that the steps get to see. */
function namesSeen(fields: string[], peer: string): string[] {
  let seen: string[] = []
  const look: Handler = {
    name: 'look',
    onRequest(x: Exchange) {
      seen = x.request.fields.toArray().filter((_text, i) => i % 2 === 0)
      x.response.status = 204
      x.answerWhole(null)
      return DONE
    },
  }
  new World(planOf([look], {}, ['10.0.0.1'])).ask('GET', '/', fields, peer)
  return seen
}

test('no step sees what an untrusted peer claims; of a trusted one all but misspelt names stay', () => {
  const names = ['x-forwarded-for', 'x_forwarded_for', 'x-real-ip', 'forwarded', 'x-request-id', 'accept']
  const fields = names.flatMap((name) => [name, '1'])
  const seen = (peer: string) => namesSeen(fields, peer).filter((name) => names.includes(name))
  assert.deepEqual(seen('192.0.2.7'), ['accept'])
  assert.deepEqual(seen('10.0.0.1'), ['x-forwarded-for', 'x-real-ip', 'forwarded', 'x-request-id', 'accept'])
})

test('no step sees what Connection nominates, but for what concerns every hop (RFC 9110 §7.6.1)', () => {
  const fields = ['connection', 'X-Own, upgrade', 'x-own', '1', 'upgrade', 'websocket', 'te', 'trailers']
  const seen = namesSeen(fields, '192.0.2.7')
  assert.ok(!seen.includes('x-own'))
  for (const name of ['upgrade', 'te']) assert.ok(seen.includes(name), name)
})
