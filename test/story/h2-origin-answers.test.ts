import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Upstream } from '../../src/http/exchange.ts'
import { FrameType } from '../../src/h2/frames.ts'
import { streamsMax } from '../../src/h2/client.ts'
import { giveBody } from './h1-origin-world.ts'
import { H2OriginStory } from './h2-origin.ts'

describe('an answer', () => {
  test('that is whole before the request ends the upload, and is no fault (RFC 9113 §8.1)', () => {
    for (const resets of [false, true]) {
      const story = new H2OriginStory()
      const { x, receiver } = story.ask('POST', (x) => void giveBody(x, -1))
      story.origin.head(1, 413, ['content-length', '3'])
      story.origin.data(1, 'no!', true)
      if (resets) story.origin.reset(1, 0)
      story.pass()
      assert.deepEqual(receiver.log, ['head 413', 'end'])
      assert.equal(x.body.hasSink, false)
      assert.equal(story.owner.log.at(-1), `released ${streamsMax}`)
    }
  })

  test('that the receiver takes slowly waits here, is not lost to a reset without error, and gets no window', () => {
    const story = new H2OriginStory()
    const { x, receiver } = story.ask()
    receiver.flows = false
    let upstream: Upstream | null = null
    receiver.onBodyDo = (_x, up) => void (upstream = up)
    story.origin.head(1, 200)
    for (let n = 0; n < 4; n++) story.origin.data(1, 'y'.repeat(10_000), n === 3)
    story.origin.reset(1, 0)
    story.pass(60_000)
    assert.equal(receiver.text.length, 10_000)
    assert.ok(story.origin.take().every((line) => !line.includes('WINDOW_UPDATE')))
    receiver.flows = true
    ;(upstream as Upstream | null)?.resume()
    assert.equal(receiver.text.length, 40_000)
    assert.deepEqual(receiver.log, ['head 200', 'end'])
    assert.equal(x.response.status, 200)
  })

  test('gets window for what was taken', () => {
    const story = new H2OriginStory()
    const { receiver } = story.ask()
    story.origin.head(1, 200)
    let left = 400_000
    let window = 65_535
    while (left > 0) {
      const bytes = Math.min(16_000, left, window)
      assert.ok(bytes > 0, 'the window is given back')
      story.origin.data(1, 'z'.repeat(bytes))
      left -= bytes
      window -= bytes
      story.pass()
      for (const frame of story.origin.frames)
        if (frame.type === FrameType.WINDOW_UPDATE && frame.id === 1) window += frame.payload.readUInt32BE(0)
      story.origin.take()
    }
    story.origin.data(1, '', true)
    story.pass()
    assert.equal(receiver.text.length, 400_000)
  })

  const wrong: [string, (story: H2OriginStory) => void, string][] = [
    ['has no status', ({ origin }) => origin.headers(1, ['a', 'b'], 4), 'answer_malformed'],
    [
      'has two',
      ({ origin }) => origin.headers(1, [':status', '200', ':status', '200'], 4),
      'answer_malformed',
    ],
    [
      'has a status of four digits',
      ({ origin }) => origin.headers(1, [':status', '2000'], 4),
      'answer_malformed',
    ],
    ['has status 600', ({ origin }) => origin.head(1, 600), 'answer_malformed'],
    [
      'has a status behind a field',
      ({ origin }) => origin.headers(1, ['a', 'b', ':status', '200'], 4),
      'answer_malformed',
    ],
    [
      'has a pseudo-field of requests',
      ({ origin }) => origin.headers(1, [':status', '200', ':path', '/'], 4),
      'answer_malformed',
    ],
    [
      'has Connection (§8.2.2)',
      ({ origin }) => origin.head(1, 200, ['connection', 'close']),
      'answer_malformed',
    ],
    [
      'has Transfer-Encoding',
      ({ origin }) => origin.head(1, 200, ['transfer-encoding', 'chunked']),
      'answer_malformed',
    ],
    [
      'has a value with a line end',
      ({ origin }) => origin.head(1, 200, ['a', 'b\r\nc: d']),
      'answer_malformed',
    ],
    ['is 101 (§8.6)', ({ origin }) => origin.head(1, 101), 'answer_malformed'],
    ['is 103 and ends the stream', ({ origin }) => origin.head(1, 103, [], true), 'answer_malformed'],
    [
      'has two lengths',
      ({ origin }) => origin.head(1, 200, ['content-length', '5', 'content-length', '5']),
      'answer_length_bad',
    ],
    [
      'has no number for a length',
      ({ origin }) => origin.head(1, 200, ['content-length', '+5']),
      'answer_length_bad',
    ],
    [
      'announces a body and ends',
      ({ origin }) => origin.head(1, 200, ['content-length', '5'], true),
      'answer_length_bad',
    ],
    [
      'has too many fields',
      ({ origin }) =>
        origin.head(
          1,
          200,
          Array.from({ length: 202 }, (_, i) => (i % 2 ? 'v' : `n${i}`)),
        ),
      'http_response_header_section_size',
    ],
    ['begins with DATA', ({ origin }) => origin.data(1, 'x'), 'answer_malformed'],
    ['is only an end', ({ origin }) => origin.data(1, '', true), 'answer_malformed'],
    [
      'opens a window beyond 2^31 (§6.9.1)',
      ({ origin }) => origin.frame(FrameType.WINDOW_UPDATE, 0, 1, Buffer.of(0x7f, 0xff, 0xff, 0xff)),
      'answer_frame_bad',
    ],
    [
      'opens a window by nothing (§6.9)',
      ({ origin }) => origin.frame(FrameType.WINDOW_UPDATE, 0, 1, Buffer.alloc(4)),
      'answer_frame_bad',
    ],
    [
      'comes with a PRIORITY of a wrong size (§6.3)',
      ({ origin }) => origin.frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(4)),
      'answer_frame_bad',
    ],
    ['is reset', ({ origin }) => origin.reset(1, 2), 'origin_stream_reset'],
    ['is refused', ({ origin }) => origin.reset(1, 7), 'origin_stream_refused'],
  ]
  for (const [what, say, fault] of wrong) {
    test(`that ${what} is a fault of its stream alone`, () => {
      const story = new H2OriginStory()
      const { receiver } = story.ask()
      const other = story.ask()
      say(story)
      story.pass()
      assert.deepEqual(receiver.log, [`fault ${fault}`])
      story.origin.head(3, 200, [], true)
      story.pass()
      assert.deepEqual(other.receiver.log, ['head 200', 'end'])
    })
  }

  const broken: [string, (story: H2OriginStory) => void, string][] = [
    ['longer than it said', ({ origin }) => origin.data(1, 'x'.repeat(6)), 'answer_length_bad'],
    ['shorter than it said', ({ origin }) => origin.data(1, 'x', true), 'answer_length_bad'],
    ['reset', ({ origin }) => origin.reset(1, 0), 'http_response_incomplete'],
    ['cut with its connection', ({ origin }) => origin.end.end(), 'http_response_incomplete'],
    [
      'followed by a head that does not end it',
      ({ origin }) => origin.headers(1, ['a', 'b'], 4),
      'answer_malformed',
    ],
    [
      'followed by trailers with a pseudo-field',
      ({ origin }) => origin.trailers(1, [':status', '200']),
      'answer_trailer_bad',
    ],
  ]
  for (const [what, say, fault] of broken) {
    test(`that is ${what} never looks whole`, () => {
      const story = new H2OriginStory()
      const { receiver } = story.ask()
      story.origin.head(1, 200, ['content-length', '5'])
      say(story)
      story.pass()
      assert.deepEqual(receiver.log, ['head 200', `fault ${fault}`])
    })
  }

  test('to HEAD, and of 304, may state a length and has no body', () => {
    const story = new H2OriginStory()
    const { x, receiver } = story.ask('HEAD')
    story.origin.head(1, 200, ['content-length', '5'], true)
    story.pass()
    assert.deepEqual(receiver.log, ['head 200', 'end'])
    assert.equal(x.response.statedLength, 5)
  })
})
