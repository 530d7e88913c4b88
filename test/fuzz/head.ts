/**
 * Fuzz target: the readers of request and response heads.
 *
 * Invariants: they never throw; they consume no more than there is; the verdict and the meaning are the same whatever
 * way the bytes are split into reads; what is accepted and written again is read again with an equal meaning; a path to
 * route on is normal, and a value that was let through holds no control character.
 */
import assert from 'node:assert/strict'
import { faultRow } from '../../src/core/faults.ts'
import { HeadProgress, readRequestHead, readResponseHead } from '../../src/h1/read-head.ts'
import { requestHead, responseHead } from '../../src/h1/write-head.ts'
import { Exchange } from '../../src/http/exchange.ts'
import { isFieldName, isFieldValue, type Fields } from '../../src/http/fields.ts'
import { fieldFlags, FRAMING } from '../../src/http/known-fields.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import { BODY_UNTIL_CLOSE, HTTP_1_1, RequestHead, ResponseHead } from '../../src/http/message.ts'
import { normalPath } from '../../src/http/target.ts'
import { cutsOf, type FuzzTarget } from './mutate.ts'

/** Small, so that inputs cross them. */
const limits: ConnectionLimits = {
  ...defaultLimits,
  startLineBytesMax: 300,
  headBytesMax: 1500,
  fieldsMax: 30,
}
/** For what we write: a field or two more than came. */
const widerLimits: ConnectionLimits = { ...limits, startLineBytesMax: 400, headBytesMax: 2000, fieldsMax: 40 }

type Read<Head> = (buffer: Buffer, start: number, end: number, head: Head, progress: HeadProgress) => number

interface Reading<Head> {
  readonly result: number
  readonly head: Head
}

function readRequest(
  buffer: Buffer,
  start: number,
  end: number,
  head: RequestHead,
  progress: HeadProgress,
): number {
  return readRequestHead(buffer, start, end, head, progress, limits)
}

function readResponse(
  buffer: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
  progress: HeadProgress,
): number {
  return readResponseHead(buffer, start, end, head, 'GET', progress, limits)
}

function readPieces<Head>(
  bytes: Buffer,
  cuts: readonly number[],
  head: Head,
  read: Read<Head>,
): Reading<Head> {
  const progress = new HeadProgress()
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    const start = i % 5
    const buffer = Buffer.concat([Buffer.alloc(start, 0x0a), bytes.subarray(0, cut), Buffer.from('\r\n\r\n')])
    const result = read(buffer, start, start + cut, head, progress)
    assert.ok(result <= cut, 'consumed within bounds')
    if (result !== 0) return { result, head }
  }
  return { result: 0, head }
}

function readBothWays<Head>(
  bytes: Buffer,
  make: () => Head,
  tell: (head: Head) => unknown,
  read: Read<Head>,
): Reading<Head> {
  const whole = readPieces(bytes, [], make(), read)
  const pieces = readPieces(bytes, cutsOf(bytes), make(), read)
  assert.equal(verdictOf(pieces.result), verdictOf(whole.result), 'the same verdict in pieces')
  if (whole.result > 0) assert.deepEqual(tell(pieces.head), tell(whole.head), 'the same meaning in pieces')
  return whole
}

function verdictOf(result: number): string {
  return result < 0 ? faultRow(-result).name : String(result)
}

/** Name and value of what is not framing, which is written anew. */
function listOf(fields: Fields): string[] {
  const list: string[] = []
  for (let i = 0; i < fields.size; i++) {
    if (!fields.isLive(i) || (fieldFlags(fields.idAt(i)) & FRAMING) !== 0) continue
    assert.ok(isFieldName(fields.nameAt(i)) && isFieldValue(fields.valueAt(i)))
    list.push(fields.nameAt(i), fields.valueAt(i))
  }
  return list
}

function tellRequest(head: RequestHead): unknown {
  return [
    head.method,
    head.target,
    head.path,
    head.host,
    head.port,
    head.authority,
    head.bodyLength,
    listOf(head.fields),
  ]
}

function tellResponse(head: ResponseHead): unknown {
  return [head.status, head.reason, head.bodyLength, listOf(head.fields)]
}

function checkRequest(bytes: Buffer): void {
  const { result, head } = readBothWays(bytes, () => new RequestHead(), tellRequest, readRequest)
  if (result <= 0) return
  if (head.path !== '*') {
    assert.ok(head.path.startsWith('/') && !/\/(?:\/|\.\.?(?:\/|$))/.test(head.path), 'the path is normal')
    assert.equal(normalPath(head.path), head.path)
  }
  // From HTTP/1.0 without Host there is none to write.
  if (head.authority !== '') checkRequestAgain(head)
}

function checkRequestAgain(head: RequestHead): void {
  const x = new Exchange()
  for (const [i, text] of listOf(head.fields).entries())
    if (i % 2 === 0) x.request.fields.add(text, listOf(head.fields)[i + 1] as string)
  x.body.begin({ resume() {}, cancel() {}, sendContinue() {} }, head.bodyLength, head.expectsContinue)
  Object.assign(x.outgoing, { method: head.method, target: head.target, host: head.authority })
  const text = requestHead(x, true)
  const again = new RequestHead()
  const buffer = Buffer.from(text, 'latin1')
  const result = readRequestHead(buffer, 0, buffer.length, again, new HeadProgress(), widerLimits)
  assert.equal(verdictOf(result), String(buffer.length), 'what is written is read')
  if (!head.expectsContinue) head.fields.remove('expect')
  // A Host with the port left empty is written without its colon, and so on: the same host and port.
  assert.deepEqual(tellRequest(again), tellRequest(head), 'with the same meaning')
}

function checkResponse(bytes: Buffer): void {
  const { result, head } = readBothWays(bytes, () => new ResponseHead(), tellResponse, readResponse)
  if (result <= 0 || head.status < 200) return
  const asked = new RequestHead()
  Object.assign(asked, { method: 'GET', version: HTTP_1_1 })
  const buffer = Buffer.from(responseHead(head, asked, true, ''), 'latin1')
  const again = new ResponseHead()
  const resultAgain = readResponseHead(
    buffer,
    0,
    buffer.length,
    again,
    'GET',
    new HeadProgress(),
    widerLimits,
  )
  assert.equal(verdictOf(resultAgain), String(buffer.length), 'what is written is read')
  // A body that ends with the connection goes on in chunks.
  if (head.bodyLength === BODY_UNTIL_CLOSE) again.bodyLength = BODY_UNTIL_CLOSE
  assert.deepEqual(tellResponse(again), tellResponse(head), 'with the same meaning')
}

export const head: FuzzTarget = {
  corpus: [
    'GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\n\r\n',
    'POST /a?b=c HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\n\r\nhello',
    'PUT http://[::1]:80//x/%2e%2e/y;z?%zz HTTP/1.1\r\nhost: other\r\nTransfer-Encoding: chunked\r\n\r\n',
    '\r\nOPTIONS * HTTP/1.1\r\nHost:\r\nTE: trailers, gzip;q=0.5\r\nConnection: TE, close\r\n\r\n',
    'GET /chat HTTP/1.1\r\nHost: a.b.\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n',
    'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nX: \xe4\t b \r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nCookie: a=b\r\ncookie: c\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n',
    'HTTP/1.1 404 \r\nTransfer-Encoding: Chunked\r\nSet-Cookie: a=b\r\nset-cookie: c=d; Path=/\r\n\r\n',
    'HTTP/1.0 304 Not Modified\r\nETag: "x"\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n',
    'HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
  words: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    ' ',
    ': ',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Host: x\r\n',
    'Connection: close\r\n',
    'Expect: 100-continue\r\n',
    '\r\n folded',
    'A: b\r\n'.repeat(31),
    'x'.repeat(300),
    'HTTP/1.1',
    '/../',
    '%2e',
    '%00',
    ', ',
    'chunked',
    '9'.repeat(17),
  ],
  run(bytes) {
    // An end of the head, so that there is a verdict, not a wait for more.
    const ended = Buffer.concat([bytes, Buffer.from('\r\n\r\n')])
    checkRequest(ended)
    checkResponse(ended)
  },
}
