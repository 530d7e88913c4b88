/**
 * Fuzz target: the reader of the chunked coding.
 *
 * Invariants: it never throws; its position and its spans stay within the input; the verdict, the body and the trailers
 * are the same whatever way the bytes are split into reads; a body that was read and is written again is read again as
 * the same; trailers hold nothing that delimits messages.
 */
import assert from 'node:assert/strict'
import { faultRow } from '../../src/core/faults.ts'
import { CHUNK_DATA, CHUNK_END, CHUNK_MORE, ChunkedReader } from '../../src/h1/read-chunked.ts'
import { chunkStart, lastChunk } from '../../src/h1/write-head.ts'
import { isFieldName, isFieldValue } from '../../src/http/fields.ts'
import { fieldFlags, NOT_IN_TRAILER } from '../../src/http/known-fields.ts'
import { defaultLimits, type ConnectionLimits } from '../../src/http/limits.ts'
import { cutsOf, type FuzzTarget } from './mutate.ts'

/** Small, so that inputs cross them. */
const limits: ConnectionLimits = {
  ...defaultLimits,
  chunkExtensionBytesMax: 40,
  trailerBytesMax: 200,
  fieldsMax: 10,
}

interface Reading {
  readonly verdict: string
  readonly body: string
  readonly consumed: number
  readonly trailers: string[]
  readonly trailersText: string
}

function read(bytes: Buffer, cuts: readonly number[]): Reading {
  const reader = new ChunkedReader()
  reader.reset(limits)
  let body = ''
  let from = 0
  const done = (verdict: string, consumed: number): Reading => {
    const { trailers } = reader
    const isWhole = verdict === 'whole'
    if (isWhole) {
      for (let i = 0; i < trailers.size; i++) {
        if (!trailers.isLive(i)) continue
        assert.equal(fieldFlags(trailers.idAt(i)) & NOT_IN_TRAILER, 0)
        assert.ok(isFieldName(trailers.nameAt(i)) && isFieldValue(trailers.valueAt(i)))
      }
    }
    return {
      verdict,
      body,
      consumed,
      trailers: isWhole ? trailers.toArray() : [],
      trailersText: isWhole ? lastChunk(trailers) : '',
    }
  }
  for (const cut of [...cuts, bytes.length]) {
    const buffer = Buffer.concat([bytes.subarray(from, cut), Buffer.from('\r\n0\r\n\r\n')])
    const end = cut - from
    for (let at = 0; ; at = reader.position) {
      const result = reader.next(buffer, at, end)
      if (result < 0) return done(faultRow(-result).name, 0)
      assert.ok(reader.position >= at && reader.position <= end, 'the position is within bounds')
      if (result === CHUNK_END) return done('whole', from + reader.position)
      if (result === CHUNK_MORE) break
      assert.equal(result, CHUNK_DATA)
      assert.ok(
        at <= reader.dataStart && reader.dataStart < reader.dataEnd && reader.dataEnd <= end,
        'a span within bounds',
      )
      body += buffer.toString('latin1', reader.dataStart, reader.dataEnd)
    }
    assert.equal(reader.position, end, 'all is consumed')
    from = cut
  }
  return done('more', 0)
}

export const chunked: FuzzTarget = {
  corpus: [
    '5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\r\n6;a="b;c"\r\n world\r\n0;x=y\r\nX-Sum: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    'A ; a = "\\"\\\\" ;b\r\n0123456789\r\n00\r\n\r\n',
    '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nContent-Length: 5\r\nETag: "x"\r\nA:\r\n\r\n',
    '000000000000000f\r\n0\r\n\r\n0\r\n\r\n01234\r\n0\r\n\r\n',
    'ffffffffffffffff\r\nx',
  ],
  words: [
    '\r\n',
    '0\r\n\r\n',
    '\n',
    '\r',
    ';',
    '="',
    '"',
    '\\',
    ' ',
    '0',
    'F',
    '0000000000000000',
    ';a="' + 'x'.repeat(40),
    'A: b\r\n'.repeat(11),
    'x'.repeat(200),
  ],
  run(input) {
    // An end of every line, so that there is a verdict, not a wait for more.
    const bytes = Buffer.concat([input, Buffer.from('\r\n\r\n')])
    const whole = read(bytes, [])
    const pieces = read(bytes, cutsOf(bytes))
    assert.deepEqual(pieces, whole, 'the same in pieces')
    if (whole.verdict !== 'whole') return
    const data = whole.body === '' ? '' : chunkStart(whole.body.length) + whole.body + '\r\n'
    const text = data + whole.trailersText
    const again = read(Buffer.from(text, 'latin1'), [])
    assert.equal(again.verdict, 'whole', 'what is written is read')
    assert.equal(again.consumed, text.length)
    assert.deepEqual([again.body, again.trailers], [whole.body, whole.trailers], 'with the same meaning')
  },
}
