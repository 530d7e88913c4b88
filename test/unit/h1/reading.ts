/**
 * Reads heads and bodies for the tests, each in every way: whole, cut in two at every place, and byte by byte, with
 * other bytes lying behind the end. All ways must give the same verdict and the same meaning.
 */
import assert from 'node:assert/strict'
import { faultRow } from '../../../src/core/faults.ts'
import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkedReader } from '../../../src/h1/read-chunked.ts'
import { HeadProgress, readRequestHead, readResponseHead } from '../../../src/h1/read-head.ts'
import type { Fields } from '../../../src/http/fields.ts'
import { defaultLimits, type ConnectionLimits } from '../../../src/http/limits.ts'
import { RequestHead, ResponseHead } from '../../../src/http/message.ts'

export interface Reading<Head> {
  /** The fault's name; 'whole'; 'more'. */
  readonly verdict: string
  readonly consumed: number
  readonly head: Head
}

type Read<Head> = (buffer: Buffer, start: number, end: number, head: Head, progress: HeadProgress) => number

/** What stands behind the end: it must decide nothing. Line ends and letters tempt a reader that goes too far. */
const temptations = ['\r\n\r\nX', 'abc: d\r\n\r\n', '\x00\x00']

/** Cuts of longer inputs are taken at these and a few more places only. */
const allCutsMax = 300

function readPieces<Head>(
  text: string,
  cuts: readonly number[],
  head: Head,
  read: Read<Head>,
): Reading<Head> {
  const progress = new HeadProgress()
  const bytes = Buffer.from(text, 'latin1')
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    // Each time elsewhere in a buffer of its own: offsets must not be kept.
    const start = (i * 7) % 13
    const behind = temptations[i % temptations.length] as string
    const buffer = Buffer.concat([Buffer.alloc(start, 0x41), bytes.subarray(0, cut), Buffer.from(behind)])
    const result = read(buffer, start, start + cut, head, progress)
    if (result > 0) {
      assert.ok(result <= cut, 'no more is consumed than there is')
      return { verdict: 'whole', consumed: result, head }
    }
    if (result < 0) return { verdict: faultRow(-result).name, consumed: 0, head }
  }
  return { verdict: 'more', consumed: 0, head }
}

function readEveryWay<Head>(
  text: string,
  make: () => Head,
  tell: (head: Head) => unknown,
  read: Read<Head>,
): Reading<Head> {
  const whole = readPieces(text, [], make(), read)
  const ways: number[][] = [Array.from({ length: text.length - 1 }, (_, i) => i + 1)]
  const step = text.length > allCutsMax ? Math.ceil(text.length / 40) : 1
  for (let cut = 1; cut < text.length; cut += step) ways.push([cut])
  // Byte by byte a long line is quadratic for this helper, which copies: only its beginning and its end.
  if (text.length > 2000) ways[0] = [1, 2, 3, text.length - 3, text.length - 2, text.length - 1]
  for (const cuts of ways) {
    const reading = readPieces(text, cuts, make(), read)
    const way = cuts.length === 1 ? `cut at ${cuts[0]}` : 'byte by byte'
    assert.equal(reading.verdict, whole.verdict, way)
    assert.equal(reading.consumed, whole.consumed, way)
    if (whole.verdict === 'whole') assert.deepEqual(tell(reading.head), tell(whole.head), way)
  }
  return whole
}

export function tellRequest(head: RequestHead): unknown {
  return Object.assign({}, head, { fields: tellFields(head.fields) })
}

export function tellResponse(head: ResponseHead): unknown {
  return Object.assign({}, head, { fields: tellFields(head.fields) })
}

function tellFields(fields: Fields): unknown {
  return { list: fields.toArray(), wire: fields.toWire(), ids: [...fields.ids.subarray(0, fields.size)] }
}

export function request(text: string, limits: Partial<ConnectionLimits> = {}): Reading<RequestHead> {
  const merged = { ...defaultLimits, ...limits }
  return readEveryWay(
    text,
    () => new RequestHead(),
    tellRequest,
    (buffer, start, end, head, progress) => readRequestHead(buffer, start, end, head, progress, merged),
  )
}

export function response(
  text: string,
  method = 'GET',
  limits: Partial<ConnectionLimits> = {},
): Reading<ResponseHead> {
  const merged = { ...defaultLimits, ...limits }
  return readEveryWay(
    text,
    () => new ResponseHead(),
    tellResponse,
    (buffer, start, end, head, progress) =>
      readResponseHead(buffer, start, end, head, method, progress, merged),
  )
}

export interface ChunkedReading {
  readonly verdict: string
  readonly body: string
  readonly consumed: number
  readonly trailers: string[]
}

function readChunkedPieces(text: string, cuts: readonly number[], limits: ConnectionLimits): ChunkedReading {
  const reader = new ChunkedReader()
  reader.reset(limits)
  const bytes = Buffer.from(text, 'latin1')
  let body = ''
  let from = 0
  const done = (verdict: string, consumed: number): ChunkedReading => {
    return { verdict, body, consumed, trailers: reader.trailers.toArray() }
  }
  for (const cut of [...cuts, bytes.length]) {
    const buffer = Buffer.concat([bytes.subarray(from, cut), Buffer.from('\r\n0\r\n\r\n')])
    const end = cut - from
    let at = 0
    for (;;) {
      const result = reader.next(buffer, at, end)
      if (result < 0) return done(faultRow(-result).name, 0)
      assert.ok(reader.position >= at && reader.position <= end, 'the position stays within the input')
      at = reader.position
      if (result === CHUNK_END) return done('whole', from + at)
      if (result === CHUNK_MORE) break
      assert.equal(result, CHUNK_DATA)
      assert.ok(reader.dataEnd > reader.dataStart && reader.dataEnd <= end)
      body += buffer.toString('latin1', reader.dataStart, reader.dataEnd)
    }
    assert.equal(at, end, 'all input is consumed before more is asked for')
    // The input is borrowed: what was read must not depend on it any more.
    buffer.fill(0x58)
    from = cut
  }
  return done('more', 0)
}

/** Reads a chunked body in every way; a fault may find more or less of the body read, everything else must agree. */
export function chunked(text: string, limits: Partial<ConnectionLimits> = {}): ChunkedReading {
  const merged = { ...defaultLimits, ...limits }
  const whole = readChunkedPieces(text, [], merged)
  const ways: number[][] = [Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => i + 1)]
  const step = text.length > allCutsMax ? Math.ceil(text.length / 40) : 1
  for (let cut = 1; cut < text.length; cut += step) ways.push([cut])
  for (const cuts of ways)
    assert.deepEqual(readChunkedPieces(text, cuts, merged), whole, `cuts at ${cuts.join()}`)
  return whole
}
