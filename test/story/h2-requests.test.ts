import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode, FrameType } from '../../src/h2/frames.ts'
import { Field } from '../../src/http/known-fields.ts'
import { INCREMENTAL } from '../../src/http/priority.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { requestList, uint32, type H2Client } from './h2-client.ts'
import { checkEnded, sessionStory } from './h2-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

const pseudo = (more: readonly string[]): string[] => [...requestList('GET', '/'), ...more]

const crumbs = (count: number): string[] =>
  Array.from({ length: count * 2 }, (_, i) => (i % 2 === 0 ? 'cookie' : `n${i}=v`))

/** What is malformed resets its stream, and no other (RFC 9113 §8.1.1). */
const malformed: Record<string, string[]> = {
  'no :method': [':scheme', 'http', ':path', '/', ':authority', 'a'],
  'no :scheme': [':method', 'GET', ':path', '/', ':authority', 'a'],
  'no :path': [':method', 'GET', ':scheme', 'http', ':authority', 'a'],
  'an empty :path': [':method', 'GET', ':scheme', 'http', ':path', '', ':authority', 'a'],
  ':method twice': [':method', 'GET', ...requestList('GET', '/')],
  ':authority twice': pseudo([':authority', 'a.example']),
  'a pseudo-field of answers': [':status', '200', ...requestList('GET', '/')],
  'an unknown pseudo-field': [':foo', 'bar', ...requestList('GET', '/')],
  'a pseudo-field behind a field': ['x', 'y', ...requestList('GET', '/')],
  Connection: pseudo(['connection', 'close']),
  'Transfer-Encoding': pseudo(['transfer-encoding', 'chunked']),
  Upgrade: pseudo(['upgrade', 'websocket']),
  'Keep-Alive': pseudo(['keep-alive', 'timeout=5']),
  'Proxy-Connection': pseudo(['proxy-connection', 'x']),
  'TE other than trailers': pseudo(['te', 'gzip']),
  'a name with a space': pseudo(['x y', 'z']),
  'a value with a line end': pseudo(['x', 'a\r\nb: c']),
  'a value with NUL': pseudo(['x', 'a\0b']),
  'space around a value': pseudo(['x', ' y']),
  'Host that is not :authority': pseudo(['host', 'b.example']),
  'two Content-Lengths': pseudo(['content-length', '1', 'content-length', '1']),
  'a Content-Length that is no number': pseudo(['content-length', '+1']),
  ':protocol without CONNECT': pseudo([]).concat([]),
  'CONNECT with :path': [':method', 'CONNECT', ':path', '/', ':authority', 'a:1'],
}
malformed[':protocol without CONNECT'] = [':protocol', 'websocket', ...requestList('GET', '/')]

/** What is well-formed and not served is answered. */
const refused: Record<string, [status: string, list: string[]]> = {
  'no authority': ['400', [':method', 'GET', ':scheme', 'http', ':path', '/']],
  'an authority with a user': [
    '400',
    [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'u@a'],
  ],
  'Host twice': ['400', pseudo(['host', 'a.example', 'host', 'a.example'])],
  'an absolute :path': [
    '400',
    [':method', 'GET', ':scheme', 'http', ':path', 'http://b/', ':authority', 'a'],
  ],
  'a fragment': ['400', requestList('GET', '/a#b')],
  'a path above the root': ['400', requestList('GET', '/../a')],
  'another scheme': ['400', [':method', 'GET', ':scheme', 'ftp', ':path', '/', ':authority', 'a']],
  'a plain CONNECT': ['501', [':method', 'CONNECT', ':authority', 'a.example:443']],
  'a method in lower case': ['501', requestList('get', '/')],
  'too many fields': ['431', pseudo(Array.from({ length: 202 }, (_, i) => (i % 2 === 0 ? `x${i}` : 'y')))],
  'too large a list': ['431', pseudo(['x', 'y'.repeat(40_000)])],
  'another expectation': ['417', pseudo(['expect', 'miracles'])],
}

/** Sends names and values as they are: our encoder would put names in lower case. */
function headersRaw(client: H2Client, id: number, list: readonly string[]): void {
  const pieces = list.map((text) => {
    const length = Buffer.alloc(3)
    const bytes = Buffer.from(text, 'latin1')
    if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
    const rest = bytes.length - 127
    length[0] = 0x80 | (rest & 127)
    length[1] = 0x80 | ((rest >> 7) & 127)
    length[2] = rest >> 14
    return Buffer.concat([Buffer.of(127), length, bytes])
  })
  const lines = pieces.flatMap((piece, i) => (i % 2 === 0 ? [Buffer.of(0), piece] : [piece]))
  const block = Buffer.concat(lines)
  for (let at = 0; at === 0 || at < block.length; at += 16_000) {
    const isLast = at + 16_000 >= block.length
    const part = block.subarray(at, at + 16_000)
    client.frame(
      at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION,
      (at === 0 ? 1 : 0) | (isLast ? 4 : 0),
      id,
      part,
    )
  }
}

describe('request heads over HTTP/2', () => {
  for (const [what, list] of Object.entries(malformed))
    test(`${what} is malformed, and costs its stream only`, () => {
      const { client, wire, serve } = sessionStory()
      headersRaw(client, 1, list)
      client.get(3)
      wire.run()
      assert.deepEqual(client.take(), ['1 RST_STREAM 1', '3 HEADERS 200', '3 DATA 5 END'])
      assert.equal(serve.open.size, 0)
    })

  for (const [what, [status, list]] of Object.entries(refused))
    test(`${what} is answered with ${status}`, () => {
      const { client, wire, serve } = sessionStory()
      headersRaw(client, 1, list)
      client.get(3)
      wire.run()
      const heard = client.take()
      assert.equal(heard[0], `1 HEADERS ${status}`)
      assert.equal(heard.at(-1), '3 DATA 5 END')
      assert.equal(serve.open.size, 0)
    })

  test('a name in upper case is malformed (RFC 9113 §8.2.1)', () => {
    const { client, wire } = sessionStory()
    headersRaw(client, 1, pseudo(['X-Upper', 'y']))
    wire.run()
    assert.deepEqual(client.take(), ['1 RST_STREAM 1'])
  })

  test('crumbs of Cookie are one field, however many, and bounded by their bytes (RFC 9113 §8.2.3)', () => {
    const { client, wire, serve } = sessionStory()
    let cookies: string[] = []
    serve.onServe = (x) => {
      cookies = (x.request.fields.get(Field.COOKIE) as string).split('; ')
      assert.equal(x.request.fields.countOf(Field.COOKIE), 1)
      answer(x, 200, '')
    }
    headersRaw(client, 1, pseudo(crumbs(180)))
    wire.run()
    assert.equal(client.fields(1)[1], '200')
    assert.equal(cookies.length, 180)
    assert.equal(cookies[179], 'n359=v')
    headersRaw(client, 3, pseudo(crumbs(1000)))
    wire.run()
    assert.equal(client.fields(3)[1], '431')
  })

  test('what arrives is as HTTP/1 would have told it', () => {
    const { client, wire, serve } = sessionStory()
    let seen: unknown = null
    serve.onServe = (x) => {
      const { method, host, port, path, query, version, acceptsTrailers, fields } = x.request
      seen = { method, host, port, path, query, version, acceptsTrailers, fields: fields.toArray() }
      answer(x, 200, '')
    }
    client.headers(1, [
      ':method',
      'GET',
      ':scheme',
      'https',
      ':path',
      '/%61/../b?c',
      ':authority',
      'A.example:8443',
      'cookie',
      'a=1',
      'accept',
      '*/*',
      'cookie',
      'b=2',
      'te',
      'trailers',
    ])
    wire.run()
    assert.deepEqual(seen, {
      method: 'GET',
      host: 'a.example',
      port: 8443,
      path: '/b',
      query: '?c',
      version: 20,
      acceptsTrailers: true,
      fields: ['cookie', 'a=1; b=2', 'accept', '*/*', 'te', 'trailers', 'host', 'A.example:8443'],
    })
  })

  test('a number that is even, or smaller than the last, ends the connection (RFC 9113 §5.1.1)', () => {
    for (const id of [2, 1]) {
      const story = sessionStory()
      story.client.get(3)
      story.client.get(id)
      checkEnded(story, id === 2 ? ErrorCode.PROTOCOL_ERROR : ErrorCode.STREAM_CLOSED)
    }
  })

  test('trailers with pseudo-fields, or that end nothing, are malformed', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = () => {}
    client.post(1)
    client.headers(1, [':path', '/x'])
    client.post(3)
    client.headers(3, ['x-sum', '1'], 0x4)
    wire.run()
    assert.deepEqual(client.take(), ['1 RST_STREAM 1', '3 RST_STREAM 1'])
    assert.equal(serve.open.size, 0)
  })
})

/** The DATA frames of two large answers, of streams 1 and 3; of 3 the priority is told. */
function large(priority: string, update: string): string[] {
  const story = sessionStory({}, [4, 10_000_000])
  const { client, wire, serve, near } = story
  const waiting: Exchange[] = []
  serve.onServe = (x) => void waiting.push(x)
  client.window(0, 10_000_000)
  client.get(1)
  client.get(3, '/', ['priority', priority])
  wire.run()
  if (update !== '')
    client.frame(FrameType.PRIORITY_UPDATE, 0, 0, Buffer.concat([uint32(3), Buffer.from(update)]))
  wire.run()
  near.isStalled = true
  for (const x of waiting) {
    answerHead(x, 200, 400_000)
    writeText(x.down, 'x'.repeat(400_000))
    x.down.end(null)
  }
  near.isStalled = false
  wire.run()
  return client.take().filter((line) => line.includes('DATA'))
}

/** Which stream ends first. */
const firstDone = (lines: string[]): string => (lines.find((line) => line.endsWith('END')) ?? '').slice(0, 1)

describe('priorities over HTTP/2 (RFC 9218)', () => {
  test('the more urgent answer overtakes', () => {
    assert.equal(firstDone(large('u=1', '')), '3')
    assert.equal(firstDone(large('u=5', '')), '1')
    assert.equal(firstDone(large('', '')), '1')
  })

  test('PRIORITY_UPDATE counts as well, and later', () => {
    assert.equal(firstDone(large('u=5', 'u=0')), '3')
    assert.equal(firstDone(large('u=0', 'u=7, i')), '1')
    assert.equal(INCREMENTAL, 8)
  })
})
