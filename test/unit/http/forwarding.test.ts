import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange, nobody, type Downstream } from '../../../src/http/exchange.ts'
import { Fields } from '../../../src/http/fields.ts'
import {
  Forwarding,
  cleanTrailers,
  forwardedNode,
  removeNominated,
  type ForwardingFields,
} from '../../../src/http/forwarding.ts'
import { fieldId } from '../../../src/http/known-fields.ts'

/** Names and values, a few to a line. */
const pairs = (...lists: string[][]): string[] => lists.flat()

const plan: ForwardingFields = {
  sendForwarded: false,
  sendXForwarded: true,
  requestIdField: 'X-Request-Id',
  viaName: 'edge',
  sendVia: true,
}

interface Ask {
  peer?: string
  client?: string
  isTrusted?: boolean
  authority?: string
  scheme?: string
  version?: number
}

/** Puts fields on as a head reader does: as spans of one text. */
function wire(fields: Fields, lines: readonly string[]): void {
  let text = 'GET / HTTP/1.1\r\n'
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string
    const start = text.length
    const value = start + name.length + 2
    text += `${name}: ${lines[i + 1]}\r\n`
    fields.addSpan(fieldId(name.toLowerCase()), start, start + name.length, value, text.length - 2)
  }
  fields.text = text + '\r\n'
  fields.wireEnd = text.length
}

function edit(lines: readonly string[], ask: Ask = {}, changes: Partial<ForwardingFields> = {}): Exchange {
  const x = new Exchange()
  const down: Downstream = { ...nobody, remoteAddress: ask.peer ?? '192.0.2.7' }
  x.down = down
  x.isPeerTrusted = ask.isTrusted ?? false
  x.clientAddress = ask.client ?? down.remoteAddress
  x.requestId = 'id-1'
  x.request.authority = ask.authority ?? 'www.example.com'
  x.request.scheme = ask.scheme ?? 'http'
  x.request.version = ask.version ?? 11
  wire(x.request.fields, lines)
  removeNominated(x.request.fields)
  new Forwarding({ ...plan, ...changes }).edit(x)
  return x
}

const get = (x: Exchange, name: string): string | undefined => x.request.fields.combinedByName(name)

function names(x: Exchange): string[] {
  return x.request.fields
    .toWire()
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => (line.split(':')[0] as string).toLowerCase())
}

test('five fields are added to a plain request, in this order', () => {
  const x = edit(['host', 'www.example.com', 'user-agent', 'test', 'accept', '*/*'])
  assert.equal(
    x.request.fields.toWire(),
    'user-agent: test\r\naccept: */*\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-host: www.example.com\r\n' +
      'x-forwarded-proto: http\r\nvia: 1.1 edge\r\nx-request-id: id-1\r\n',
  )
})

test('hop-by-hop fields go (RFC 9110 §7.6.1)', () => {
  const x = edit(
    pairs(
      ['Connection', 'keep-alive', 'Keep-Alive', 'timeout=5', 'Proxy-Connection', 'keep-alive'],
      ['TE', 'gzip', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'HTTP2-Settings', 'AAMA'],
      ['Proxy-Authorization', 'Basic eA==', 'Proxy-Authenticate', 'Basic', 'X-Own', 'stays'],
    ),
  )
  assert.deepEqual(names(x), [
    'x-own',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'via',
    'x-request-id',
  ])
})

test('fields nominated by Connection go, in any case, from any of its lines', () => {
  const x = edit(
    pairs(
      ['Connection', 'close, X-One ,x-TWO', 'X-One', '1', 'X-Two', '2', 'x-two', '3', 'X-Three', '4'],
      ['Connection', 'X-Three,,'],
    ),
  )
  for (const name of ['x-one', 'x-two', 'x-three']) assert.equal(get(x, name), undefined)
})

test('what delimits, authenticates or identifies cannot be nominated away', () => {
  const x = edit(
    pairs(
      [
        'Connection',
        'Host, Content-Length, Authorization, Cookie, X-Forwarded-For, Via, Content-Type, Cache-Control, Expect',
      ],
      ['Content-Length', '3', 'Authorization', 'Bearer t', 'Cookie', 'a=b', 'Content-Type', 'text/plain'],
      ['Via', '1.1 before', 'Cache-Control', 'no-cache', 'Expect', '100-continue'],
    ),
  )
  assert.equal(get(x, 'content-length'), '3')
  assert.equal(get(x, 'authorization'), 'Bearer t')
  assert.equal(get(x, 'cookie'), 'a=b')
  assert.equal(get(x, 'content-type'), 'text/plain')
  assert.equal(get(x, 'cache-control'), 'no-cache')
  assert.equal(get(x, 'via'), '1.1 before, 1.1 edge')
  assert.equal(get(x, 'x-forwarded-for'), '192.0.2.7')
  assert.equal(get(x, 'expect'), '100-continue')
})

const trusted = { isTrusted: true, peer: '10.0.0.1', client: '203.0.113.9' }

test('of a trusted peer the chain is kept from the believed client on, and the peer added', () => {
  const x = edit(['X-Forwarded-For', '6.6.6.6, 203.0.113.9, 10.0.0.2'], trusted)
  assert.equal(get(x, 'x-forwarded-for'), '203.0.113.9, 10.0.0.2, 10.0.0.1')
})

test('a trusted peer that tells of nobody is the chain', () => {
  const x = edit([], { ...trusted, client: '10.0.0.1' })
  assert.equal(get(x, 'x-forwarded-for'), '10.0.0.1')
})

test('scheme and host that a trusted peer told are passed on once', () => {
  const x = edit(['X-Forwarded-Proto', 'https, http', 'X-Forwarded-Host', 'a, b'], {
    ...trusted,
    scheme: 'https',
    authority: 'shop.example',
  })
  assert.equal(get(x, 'x-forwarded-proto'), 'https')
  assert.equal(get(x, 'x-forwarded-host'), 'shop.example')
})

test('Forwarded is written in the form of RFC 7239, with quotes where its grammar wants them', () => {
  const changes = { sendForwarded: true, sendXForwarded: false }
  assert.equal(get(edit([], {}, changes), 'forwarded'), 'for=192.0.2.7;host=www.example.com;proto=http')
  const six = edit([], { peer: '2001:db8::1', authority: 'a.example:8080', scheme: 'https' }, changes)
  assert.equal(get(six, 'forwarded'), 'for="[2001:db8::1]";host="a.example:8080";proto=https')
  assert.equal(forwardedNode(''), 'unknown')
})

test('Forwarded tells the chain that a trusted peer told, in either spelling', () => {
  const changes = { sendForwarded: true }
  const expected = 'for=203.0.113.9;host=www.example.com;proto=http, for=10.0.0.2, for=10.0.0.1'
  const byList = edit(['X-Forwarded-For', '203.0.113.9, 10.0.0.2'], trusted, changes)
  assert.equal(get(byList, 'forwarded'), expected)
  const byForwarded = edit(['Forwarded', 'for=6.6.6.6, for=203.0.113.9, for="10.0.0.2:80"'], trusted, changes)
  assert.equal(get(byForwarded, 'forwarded'), expected)
  assert.equal(get(byForwarded, 'x-forwarded-for'), '203.0.113.9, 10.0.0.2, 10.0.0.1')
})

test('a peer on a unix socket has no address to tell', () => {
  const x = edit([], { peer: '' })
  assert.equal(get(x, 'x-forwarded-for'), undefined)
  assert.equal(get(x, 'x-forwarded-proto'), 'http')
})

test('Via names the version in which the request was received (RFC 9110 §7.6.3)', () => {
  assert.equal(get(edit([], { version: 10 }), 'via'), '1.0 edge')
  assert.equal(get(edit([], { version: 20 }), 'via'), '2.0 edge')
  assert.equal(get(edit(['Via', '1.1 a, 1.0 b']), 'via'), '1.1 a, 1.0 b, 1.1 edge')
})

test('CDN-Loop is appended to (RFC 8586), and stands in where Via is turned off', () => {
  assert.equal(get(edit([]), 'cdn-loop'), undefined)
  assert.equal(get(edit(['CDN-Loop', 'other; v=1']), 'cdn-loop'), 'other; v=1, edge')
  const off = edit([], {}, { sendVia: false })
  assert.equal(get(off, 'via'), undefined)
  assert.equal(get(off, 'cdn-loop'), 'edge')
})

test('the request id goes under the name that is configured, or not at all', () => {
  const named = edit(['x-trace', 'claimed'], {}, { requestIdField: 'X-Trace' })
  assert.equal(get(named, 'x-trace'), 'id-1')
  assert.equal(get(named, 'x-request-id'), undefined)
  assert.equal(get(edit([], {}, { requestIdField: '' }), 'x-request-id'), undefined)
})

test('a field that a step has set is not taken away by what Connection nominates', () => {
  const x = new Exchange()
  wire(x.request.fields, ['Connection', 'X-User, close', 'X-User', 'forged'])
  removeNominated(x.request.fields)
  x.request.fields.set('X-User', 'joe')
  new Forwarding(plan).edit(x)
  assert.equal(get(x, 'x-user'), 'joe')
})

test('where none of ours is sent, what a trusted peer tells is still cut at the believed client', () => {
  const changes = { sendXForwarded: false, sendForwarded: false }
  const x = edit(['X-Forwarded-For', '6.6.6.6, 203.0.113.9', 'X-Forwarded-Proto', 'gopher'], trusted, changes)
  assert.equal(get(x, 'x-forwarded-for'), '203.0.113.9, 10.0.0.1')
  assert.equal(get(x, 'x-forwarded-proto'), 'http')
  assert.equal(get(x, 'x-forwarded-host'), undefined)
  const byForwarded = edit(['Forwarded', 'for=6.6.6.6, for=203.0.113.9'], trusted, changes)
  assert.equal(get(byForwarded, 'forwarded'), 'for=203.0.113.9;host=www.example.com;proto=http, for=10.0.0.1')
  assert.equal(get(byForwarded, 'x-forwarded-for'), undefined)
})

test('a trailer section loses what must not stand in one (RFC 9110 §6.5.1)', () => {
  const fields = new Fields()
  for (const name of [
    'content-length',
    'transfer-encoding',
    'host',
    'authorization',
    'set-cookie',
    'te',
    'x-forwarded-for',
    'X_Forwarded_For',
    'x-forwarded_user',
    'X-Forwarded-User',
    'Content_Length',
    'set_cookie',
    'client_cert',
  ])
    fields.add(name, 'x')
  fields.add('server-timing', 'db;dur=1')
  fields.add('x-checksum', 'abc')
  cleanTrailers(fields)
  assert.deepEqual(fields.toArray(), ['server-timing', 'db;dur=1', 'x-checksum', 'abc'])
})
