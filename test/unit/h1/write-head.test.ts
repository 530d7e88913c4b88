import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  chunkStart,
  informationalHead,
  lastChunk,
  requestHead,
  responseHead,
} from '../../../src/h1/write-head.ts'
import { Exchange } from '../../../src/http/exchange.ts'
import { Fields } from '../../../src/http/fields.ts'
import {
  answerFraming,
  FRAMED_BY_CHUNKS,
  FRAMED_BY_CLOSE,
  FRAMED_BY_LENGTH,
  FRAMED_NONE,
} from '../../../src/http/framing.ts'
import { Field } from '../../../src/http/known-fields.ts'
import {
  BODY_NONE,
  BODY_UNKNOWN,
  BODY_UNTIL_CLOSE,
  HTTP_1_0,
  HTTP_1_1,
  HTTP_2,
  RequestHead,
  ResponseHead,
} from '../../../src/http/message.ts'
import { request, response } from './reading.ts'

const stream = { resume() {}, cancel() {}, sendContinue() {} }

function exchange(method: string, bodyLength: number, edit: (x: Exchange) => void = () => {}): Exchange {
  const x = new Exchange()
  x.request.method = x.outgoing.method = method
  x.outgoing.target = '/a?b'
  x.outgoing.host = 'example.com:8080'
  x.body.begin(stream, bodyLength, x.request.expectsContinue)
  edit(x)
  return x
}

function line(method: string): string {
  return `${method} /a?b HTTP/1.1\r\nHost: example.com:8080\r\n`
}

describe('the head of a request to an origin', () => {
  const lengths: [string, number, string][] = [
    ['GET', BODY_NONE, ''],
    ['HEAD', BODY_NONE, ''],
    ['DELETE', BODY_NONE, ''],
    ['POST', BODY_NONE, 'Content-Length: 0\r\n'],
    ['PUT', BODY_NONE, 'Content-Length: 0\r\n'],
    ['PATCH', BODY_NONE, 'Content-Length: 0\r\n'],
    ['POST', 5, 'Content-Length: 5\r\n'],
    ['GET', 5, 'Content-Length: 5\r\n'],
    ['PUT', Number.MAX_SAFE_INTEGER, 'Content-Length: 9007199254740991\r\n'],
    ['POST', BODY_UNKNOWN, 'Transfer-Encoding: chunked\r\n'],
    ['GET', BODY_UNKNOWN, 'Transfer-Encoding: chunked\r\n'],
  ]
  for (const [method, length, framing] of lengths) {
    test(`${method} with a body of ${length} says ${JSON.stringify(framing)}`, () => {
      assert.equal(requestHead(exchange(method, length), true), line(method) + framing + '\r\n')
    })
  }

  test('has Host first, then the fields of the client, then what is ours', () => {
    const x = exchange('POST', 5, (x) => {
      x.request.fields.add('Accept', '*/*')
      x.request.fields.add('Content-Length', '7')
      x.request.fields.add('Host', 'evil')
      x.request.fields.add('X-b', 'c')
    })
    assert.equal(requestHead(x, true), line('POST') + 'Accept: */*\r\nX-b: c\r\nContent-Length: 5\r\n\r\n')
  })

  test('says a length of 0 when the client did', () => {
    const x = exchange('DELETE', BODY_NONE, (x) => x.request.fields.add('Content-Length', '0'))
    assert.equal(requestHead(x, true), line('DELETE') + 'Content-Length: 0\r\n\r\n')
  })

  const connections: [string, boolean, boolean, string][] = [
    ['', false, true, ''],
    ['', false, false, 'Connection: close\r\n'],
    ['', true, true, 'Connection: TE\r\nTE: trailers\r\n'],
    ['', true, false, 'Connection: TE, close\r\nTE: trailers\r\n'],
    ['websocket', false, true, 'Connection: upgrade\r\nUpgrade: websocket\r\n'],
    ['websocket', true, true, 'Connection: upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n'],
    ['websocket', false, false, 'Connection: upgrade, close\r\nUpgrade: websocket\r\n'],
  ]
  for (const [upgrade, acceptsTrailers, keepAlive, lines] of connections) {
    test(`upgrade '${upgrade}', trailers ${acceptsTrailers}, kept alive ${keepAlive}`, () => {
      const x = exchange('GET', BODY_NONE, (x) => {
        x.outgoing.upgrade = upgrade
        x.request.acceptsTrailers = acceptsTrailers
      })
      assert.equal(requestHead(x, keepAlive), line('GET') + lines + '\r\n')
    })
  }

  test('carries Expect while the client waits, and not afterwards', () => {
    const x = exchange('POST', 5, (x) => {
      x.request.fields.add('Expect', '100-continue')
      x.body.begin(stream, 5, true)
    })
    assert.match(requestHead(x, true), /\r\nExpect: 100-continue\r\n/)
    x.body.continue()
    assert.doesNotMatch(requestHead(x, true), /Expect/i)
  })

  test('is read again as what was meant', () => {
    const text =
      'POST /x?y HTTP/1.1\r\nHost: a:1\r\nX-One:  1\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n'
    const first = request(text).head
    const x = exchange('POST', first.bodyLength, (x) => {
      Object.assign(x.outgoing, { method: first.method, target: first.target, host: first.authority })
      x.request.fields.add('X-One', '1')
      x.request.acceptsTrailers = first.acceptsTrailers
    })
    const { verdict, head } = request(requestHead(x, true))
    assert.equal(verdict, 'whole')
    for (const key of [
      'method',
      'target',
      'authority',
      'bodyLength',
      'acceptsTrailers',
      'persistent',
    ] as const)
      assert.equal(head[key], first[key], key)
  })
})

interface Case {
  readonly status?: number
  readonly length?: number
  readonly stated?: number
  readonly method?: string
  readonly version?: number
  readonly persistent?: boolean
}

function answer(of: Case, edit: (head: ResponseHead) => void = () => {}): string {
  const head = new ResponseHead()
  head.status = of.status ?? 200
  head.bodyLength = of.length ?? BODY_NONE
  head.statedLength = of.stated ?? -1
  edit(head)
  const request = new RequestHead()
  request.method = of.method ?? 'GET'
  request.version = of.version ?? HTTP_1_1
  return responseHead(head, request, of.persistent ?? true, 'NOW')
}

function offerUpgrade(head: ResponseHead): void {
  head.fields.add('Upgrade', 'websocket')
}

describe('the head of an answer', () => {
  const zero = 'Content-Length: 0\r\n'
  const five = 'Content-Length: 5\r\n'
  const chunked = 'Transfer-Encoding: chunked\r\n'
  const close = 'Connection: close\r\n'
  const keepAlive = 'Connection: keep-alive\r\n'
  const cases: [string, Case, string][] = [
    ['a body of a known length', { length: 5 }, five],
    ['no body', {}, zero],
    ['a body of unknown length', { length: BODY_UNKNOWN }, chunked],
    ['a body that the origin ends by closing', { length: BODY_UNTIL_CLOSE }, chunked],
    ['unknown length to HTTP/1.0', { length: BODY_UNKNOWN, version: HTTP_1_0 }, close],
    ['until close to HTTP/1.0', { length: BODY_UNTIL_CLOSE, version: HTTP_1_0 }, close],
    ['a known length to HTTP/1.0 that persists', { length: 5, version: HTTP_1_0 }, five + keepAlive],
    ['a known length to HTTP/1.0', { length: 5, version: HTTP_1_0, persistent: false }, five + close],
    ['a connection that ends', { length: 5, persistent: false }, five + close],
    ['an error without a body', { status: 404 }, zero],
    ['204', { status: 204 }, ''],
    ['204 with a stated length', { status: 204, stated: 5 }, ''],
    ['304', { status: 304 }, ''],
    ['304 with a stated length', { status: 304, stated: 5 }, five],
    ['304 with a stated length of 0', { status: 304, stated: 0 }, zero],
    ['HEAD, length unknown', { method: 'HEAD' }, ''],
    ['HEAD, length stated', { method: 'HEAD', stated: 5 }, five],
    ['HEAD, length of 0 stated', { method: 'HEAD', stated: 0 }, zero],
    ['HEAD of a made answer', { method: 'HEAD', length: 5 }, five],
    ['HEAD of an answer in chunks', { method: 'HEAD', length: BODY_UNKNOWN }, ''],
    ['HEAD from HTTP/1.0', { method: 'HEAD', stated: 5, version: HTTP_1_0 }, five + keepAlive],
    ['205', { status: 205 }, zero],
  ]
  for (const [what, of, lines] of cases) {
    test(`for ${what} says ${JSON.stringify(lines)}`, () => {
      const text = answer(of)
      assert.equal(text.slice(text.indexOf('\r\n') + 2), 'Date: NOW\r\n' + lines + '\r\n')
    })
  }

  test('begins with the status and its standard phrase, its own phrase, or none', () => {
    assert.match(answer({ status: 200 }), /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(
      answer({ status: 404 }, (head) => (head.reason = 'Gone fishing')),
      /^HTTP\/1\.1 404 Gone fishing\r\n/,
    )
    assert.match(answer({ status: 299 }), /^HTTP\/1\.1 299 \r\n/)
    assert.match(answer({ status: 200, version: HTTP_1_0 }), /^HTTP\/1\.1 200 OK\r\n/)
  })

  test('keeps the Date of the origin, and adds one only when asked to', () => {
    const dated = answer({}, (head) => head.fields.addKnown(Field.DATE, 'THEN'))
    assert.match(dated, /\r\ndate: THEN\r\n/)
    assert.doesNotMatch(dated, /NOW/)
    const head = new ResponseHead()
    head.status = 200
    assert.equal(
      responseHead(head, new RequestHead(), true, ''),
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    )
  })

  test('never copies what delimits a message', () => {
    const text = answer({ length: 5 }, (head) => {
      head.fields.add('Content-Length', '7')
      head.fields.add('Transfer-Encoding', 'chunked')
      head.fields.add('Connection', 'x')
      head.fields.add('A', 'b')
    })
    assert.equal(text, 'HTTP/1.1 200 OK\r\nA: b\r\nDate: NOW\r\nContent-Length: 5\r\n\r\n')
  })

  test('of 101 switches to the protocol', () => {
    const text = answer({ status: 101 }, (head) => {
      head.upgrade = 'websocket'
      head.fields.add('Sec-WebSocket-Accept', 'x')
    })
    assert.equal(
      text,
      'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nDate: NOW\r\n' +
        'Connection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    assert.equal(response(text).head.upgrade, 'websocket')
  })

  test('of 426 that names protocols names Upgrade in Connection, too', () => {
    assert.match(answer({ status: 426 }, offerUpgrade), /\r\nConnection: upgrade\r\n/)
    assert.match(
      answer({ status: 426, persistent: false }, offerUpgrade),
      /\r\nConnection: close, upgrade\r\n/,
    )
  })

  test('is read again with the same framing', () => {
    for (const [, of] of cases) {
      const method = of.method ?? 'GET'
      const { verdict, head } = response(answer(of), method)
      assert.equal(verdict, 'whole')
      const sent = new ResponseHead()
      Object.assign(sent, { status: of.status ?? 200, bodyLength: of.length ?? BODY_NONE })
      const asked = new RequestHead()
      Object.assign(asked, { method, version: of.version ?? HTTP_1_1 })
      const framed = answerFraming(sent, asked)
      const expected = {
        [FRAMED_NONE]: BODY_NONE,
        [FRAMED_BY_LENGTH]: 5,
        [FRAMED_BY_CHUNKS]: BODY_UNKNOWN,
        [FRAMED_BY_CLOSE]: BODY_UNTIL_CLOSE,
      }[framed]
      assert.equal(head.bodyLength, expected)
      assert.equal(head.persistent, (of.persistent ?? true) && framed !== FRAMED_BY_CLOSE)
    }
  })

  test('to a later version than HTTP/1.1 would be in chunks as well', () => {
    const request = new RequestHead()
    request.version = HTTP_2
    const head = new ResponseHead()
    Object.assign(head, { status: 200, bodyLength: BODY_UNKNOWN })
    assert.equal(answerFraming(head, request), FRAMED_BY_CHUNKS)
  })
})

test('a 1xx is its status and its fields, without framing', () => {
  const head = new ResponseHead()
  head.status = 103
  head.fields.add('Link', '</a.css>; rel=preload')
  head.fields.add('Content-Length', '5')
  assert.equal(informationalHead(head), 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
})

describe('chunks', () => {
  test('begin with their length in hexadecimal, also when it was asked for before', () => {
    for (let round = 0; round < 2; round++) {
      for (const length of [1, 15, 16, 1024, 1025, 2048, 65_536, 65_537, Number.MAX_SAFE_INTEGER])
        assert.equal(chunkStart(length), length.toString(16) + '\r\n')
    }
  })

  test('end with an empty one, and the trailers', () => {
    assert.equal(lastChunk(null), '0\r\n\r\n')
    const trailers = new Fields()
    assert.equal(lastChunk(trailers), '0\r\n\r\n')
    trailers.add('X-Sum', '1')
    trailers.add('Content-Length', '5')
    assert.equal(lastChunk(trailers), '0\r\nX-Sum: 1\r\n\r\n')
  })
})
