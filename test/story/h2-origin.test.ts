import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Faults, faultRow } from '../../src/core/faults.ts'
import { FrameType } from '../../src/h2/frames.ts'
import { Setting } from '../../src/h2/settings.ts'
import { streamsMax } from '../../src/h2/client.ts'
import { Fields } from '../../src/http/fields.ts'
import { giveBody, makeRequest, NotingReceiver, push } from './h1-origin-world.ts'
import { H2OriginStory } from './h2-origin.ts'
import { uint32 } from './h2-client.ts'

describe('a session', () => {
  test('is connected when the SETTINGS of the origin have come, and not before', () => {
    const story = new H2OriginStory(null)
    assert.deepEqual(story.owner.log, [])
    assert.equal(story.session.freeStreams, 0)
    story.origin.begin([Setting.MAX_CONCURRENT_STREAMS, 7])
    story.pass()
    assert.deepEqual(story.owner.log, ['connected'])
    assert.equal(story.session.freeStreams, 7)
  })

  test('is not connected while the origin allows no stream, and not there in time if that stays (RFC 9113 §6.5.2)', () => {
    const story = new H2OriginStory([Setting.MAX_CONCURRENT_STREAMS, 0])
    story.pass(2000)
    assert.deepEqual(story.owner.log, [])
    const other = new H2OriginStory([Setting.MAX_CONCURRENT_STREAMS, 0])
    other.pass(2000)
    other.origin.begin([Setting.MAX_CONCURRENT_STREAMS, 3])
    other.pass()
    assert.deepEqual(other.owner.log, ['connected'])
    story.pass(2000)
    assert.deepEqual(story.owner.log, ['closed connection_timeout'])
  })

  test('carries at most as many streams as we allow, whatever the origin does', () => {
    assert.equal(new H2OriginStory().session.freeStreams, streamsMax)
  })

  test('is not there in time when the origin says nothing', () => {
    const story = new H2OriginStory(null)
    story.pass(5000)
    assert.deepEqual(story.owner.log, ['closed connection_timeout'])
  })

  for (const [what, say] of [
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['something else', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['another frame than SETTINGS', '\0\0\x08\x06\0\0\0\0\0alive?  '],
  ] as const) {
    test(`with an origin that speaks ${what} is none`, () => {
      const story = new H2OriginStory(null)
      story.near.peer.writeText(say)
      story.pass()
      assert.deepEqual(story.owner.log, ['closed origin_not_http2'])
    })
  }

  test('tells when the origin allows more streams or fewer', () => {
    const story = new H2OriginStory([Setting.MAX_CONCURRENT_STREAMS, 2])
    story.origin.begin([Setting.MAX_CONCURRENT_STREAMS, 0])
    story.pass()
    story.origin.begin([Setting.MAX_CONCURRENT_STREAMS, 5])
    story.pass()
    assert.deepEqual(story.owner.log, ['connected', 'free 0', 'free 5'])
  })
})

describe('a request', () => {
  test('goes out with its pseudo-fields first, in lower case and without what belongs to a connection', () => {
    const story = new H2OriginStory()
    story.ask('POST', (x) => {
      const { fields } = x.request
      for (const [name, value] of [
        ['Host', 'other'],
        ['Connection', 'keep-alive'],
        ['Keep-Alive', 'x'],
        ['Transfer-Encoding', 'chunked'],
        ['X-One', 'a'],
        ['Accept', '*/*'],
        ['Content-Length', '77'],
      ] as const)
        fields.add(name, value)
      x.request.acceptsTrailers = true
    })
    assert.deepEqual(story.origin.take(), [
      '1 HEADERS :method POST :scheme http :authority origin.example :path / x-one a accept */* te trailers content-length 0 END',
    ])
  })

  test('has its body sent within the windows, and its client held back beyond them', () => {
    const story = new H2OriginStory([Setting.INITIAL_WINDOW_SIZE, 10])
    let stream = giveBody(makeRequest(), 0)
    const { x, receiver } = story.ask('POST', (x) => void (stream = giveBody(x, 25)))
    assert.equal(push(x, 'x'.repeat(25)), false)
    story.pass()
    assert.deepEqual(story.origin.take().slice(1), ['1 DATA 10'])
    const resumes = stream.log.length
    story.origin.window(1, 10)
    story.pass()
    assert.equal(stream.log.length, resumes)
    story.origin.window(1, 10)
    story.pass()
    assert.equal(stream.log.length, resumes + 1)
    x.body.finish(null)
    story.pass()
    assert.deepEqual(story.origin.take(), ['1 DATA 10', '1 DATA 5', '1 DATA 0 END'])
    story.origin.head(1, 204, [], true)
    story.pass()
    assert.deepEqual(receiver.log, ['head 204', 'end'])
  })

  test('carries trailers', () => {
    const story = new H2OriginStory()
    const { x } = story.ask('POST', (x) => void giveBody(x, -1))
    push(x, 'hello')
    const trailers = new Fields()
    trailers.add('X-Sum', '9')
    x.body.finish(trailers)
    story.pass()
    assert.deepEqual(story.origin.take().slice(1), ['1 DATA 5', '1 HEADERS x-sum 9 END'])
  })

  test('whose client breaks off is reset, and others go on', () => {
    const story = new H2OriginStory()
    const { x, receiver } = story.ask('POST', (x) => void giveBody(x, 10))
    const other = story.ask()
    push(x, 'abc')
    x.body.fail(Faults.CLIENT_GONE)
    story.pass()
    assert.deepEqual(story.origin.take().slice(-2), ['1 DATA 3', '1 RST_STREAM 8'])
    assert.deepEqual(receiver.log, ['fault client_gone'])
    story.origin.head(3, 200, [], true)
    story.pass()
    assert.deepEqual(other.receiver.log, ['head 200', 'end'])
  })
})

test('a head that is larger than the origin takes is not sent, and 431', () => {
  const story = new H2OriginStory([Setting.MAX_HEADER_LIST_SIZE, 1000])
  const { receiver } = story.ask('GET', (x) => x.request.fields.add('x-large', 'x'.repeat(900)))
  assert.deepEqual(receiver.log, ['fault origin_head_limit'])
  assert.deepEqual(story.origin.take(), [])
  const { receiver: small } = story.ask('GET', (x) => x.request.fields.add('x-small', 'x'.repeat(500)))
  story.origin.head(1, 200, [], true)
  story.pass()
  assert.deepEqual(small.log, ['head 200', 'end'])
  assert.equal(faultRow(Faults.ORIGIN_HEAD_LIMIT).status, 431)
})

test('a stream for which HTTP/1.1 is asked for is like any other that was reset, where nothing else is spoken', () => {
  const story = new H2OriginStory()
  const { receiver } = story.ask()
  story.origin.reset(1, 0xd)
  story.pass()
  assert.deepEqual(receiver.log, ['fault origin_stream_reset'])
})

describe('GOAWAY', () => {
  test('lets what the origin has taken go on, says of the rest that it was not looked at, and nothing begins', () => {
    const story = new H2OriginStory()
    const [first, second] = [story.ask(), story.ask()]
    story.origin.goaway(1)
    story.pass()
    assert.deepEqual(second.receiver.log, ['fault origin_going_away'])
    assert.equal(story.session.freeStreams, 0)
    assert.ok(story.owner.log.includes('free 0'))
    story.origin.head(1, 200, [], true)
    story.pass()
    assert.deepEqual(first.receiver.log, ['head 200', 'end'])
    assert.equal(story.owner.log.at(-1), 'closed none')
  })

  test('in the time between lease and request fails the request as not looked at', () => {
    const story = new H2OriginStory()
    const x = makeRequest()
    const receiver = new NotingReceiver()
    const upstream = story.session.lease(x)
    story.origin.goaway(0)
    story.pass()
    upstream.send(x, receiver)
    assert.deepEqual(receiver.log, ['fault origin_stream_refused'])
  })
})

describe('a session that ends', () => {
  const ends: [string, (story: H2OriginStory) => void, string, string][] = [
    ['by FIN', ({ origin }) => origin.end.end(), 'connection_terminated', 'closed connection_terminated'],
    ['by RST', ({ origin }) => origin.end.reset(), 'connection_terminated', 'closed connection_terminated'],
    [
      'for a bad frame',
      ({ origin }) => origin.frame(FrameType.SETTINGS, 0, 0, 'x'),
      'answer_frame_bad',
      'closed answer_frame_bad',
    ],
    [
      'for a header block that cannot be decoded',
      ({ origin }) => origin.frame(FrameType.HEADERS, 4, 1, '\xff\xff\xff\xff\xff'),
      'answer_compression_bad',
      'closed answer_compression_bad',
    ],
    [
      'for a push',
      ({ origin }) => origin.frame(FrameType.PUSH_PROMISE, 4, 1, '\0\0\0\x02'),
      'answer_frame_bad',
      'closed answer_frame_bad',
    ],
    [
      'for a stream nobody opened',
      ({ origin }) => origin.head(9, 200),
      'answer_frame_bad',
      'closed answer_frame_bad',
    ],
    [
      'for a flood of PING',
      ({ origin }) => {
        for (let n = 0; n < 2000; n++) origin.frame(FrameType.PING, 0, 0, '12345678')
      },
      'answer_flood',
      'closed answer_flood',
    ],
    [
      'for a flood of empty DATA',
      ({ origin }) => {
        origin.head(3, 200)
        for (let n = 0; n < 9000; n++) origin.data(3, '')
      },
      'answer_flood',
      'closed answer_flood',
    ],
    [
      'for a header block without end',
      ({ origin }) => {
        origin.frame(FrameType.HEADERS, 0, 1, '\x88')
        for (let n = 0; n < 99; n++) origin.frame(FrameType.CONTINUATION, 0, 1, '\x88')
      },
      'answer_flood',
      'closed answer_flood',
    ],
  ]
  for (const [how, act, fault, closed] of ends) {
    test(`${how} tells every lease, then its owner, once`, () => {
      const story = new H2OriginStory()
      const asked = [story.ask(), story.ask()]
      story.owner.log.length = 0
      act(story)
      story.pass()
      story.pass(60_000)
      assert.deepEqual(asked[0]?.receiver.log, [`fault ${fault}`])
      assert.match(asked[1]?.receiver.log.join() ?? '', /fault/)
      assert.deepEqual(
        story.owner.log.filter((line) => line.startsWith('closed')),
        [closed],
      )
      assert.equal(story.owner.log.at(-1), closed)
      assert.equal(story.session.freeStreams, 0)
    })
  }

  test('is closed by its owner', () => {
    const story = new H2OriginStory()
    const { receiver } = story.ask()
    story.origin.take()
    story.session.destroy()
    story.pass()
    assert.deepEqual(receiver.log, ['fault http_response_incomplete'])
    assert.deepEqual(story.origin.take(), ['0 GOAWAY 0 0'])
    assert.match(story.owner.log.at(-1) ?? '', /^closed/)
  })
})

describe('an attempt that is given up', () => {
  test('is reset; the session serves on', () => {
    const story = new H2OriginStory()
    const x = makeRequest()
    const receiver = new NotingReceiver()
    const upstream = story.session.lease(x)
    upstream.send(x, receiver)
    story.pass()
    upstream.cancel(Faults.CLIENT_GONE)
    story.origin.head(1, 200, ['server', 'late'], true)
    story.pass()
    assert.deepEqual(receiver.log, [])
    assert.equal(story.owner.log.at(-1), `released ${streamsMax}`)
    const next = story.ask()
    story.origin.head(3, 200, ['server', 'late'], true)
    story.pass()
    assert.deepEqual(next.receiver.log, ['head 200', 'end'])
  })

  for (const [what, prepare, ms, fault] of [
    ['does not begin', () => {}, 30_000, 'fault http_response_timeout'],
    ['stops', (story: H2OriginStory) => story.origin.head(1, 200), 20_000, 'fault connection_read_timeout'],
  ] as const) {
    test(`because the answer ${what}`, () => {
      const story = new H2OriginStory()
      const { receiver } = story.ask()
      prepare(story)
      story.pass()
      story.origin.take()
      story.pass(ms + 1000)
      assert.equal(receiver.log.at(-1), fault)
      assert.deepEqual(story.origin.take(), ['1 RST_STREAM 8'])
    })
  }

  test('because the origin gives no window for the request', () => {
    const story = new H2OriginStory([Setting.INITIAL_WINDOW_SIZE, 5])
    const { x, receiver } = story.ask('POST', (x) => void giveBody(x, 10))
    push(x, '0123456789')
    story.pass(10_000)
    story.pass(2000)
    assert.deepEqual(receiver.log, ['fault connection_write_timeout'])
  })

  test('never because a stream of gRPC is quiet', () => {
    const story = new H2OriginStory()
    const { receiver } = story.ask('GET', (x) => x.request.fields.add('content-type', 'application/grpc'))
    story.origin.head(1, 200)
    story.pass(600_000)
    assert.deepEqual(receiver.log, ['head 200'])
  })
})

test('1xx are passed on, 100 lets a client that waits go on, and too many are a fault', () => {
  const story = new H2OriginStory()
  let stream = giveBody(makeRequest(), 0)
  const { x, receiver } = story.ask('POST', (x) => {
    x.request.fields.add('Expect', '100-continue')
    stream = giveBody(x, 3, true)
  })
  assert.match(story.origin.take().join(), /expect 100-continue/)
  assert.ok(!stream.log.includes('continue'))
  story.origin.head(1, 103, ['link', 'x'])
  story.origin.head(1, 100)
  story.pass()
  assert.deepEqual(receiver.log, ['103 link x', '100'])
  assert.ok(stream.log.includes('continue'))
  push(x, 'abc')
  x.body.finish(null)
  for (let n = 0; n < 20; n++) story.origin.head(1, 102)
  story.pass()
  assert.equal(receiver.log.at(-1), 'fault answer_informational_too_many')
})

test('an origin that shrinks and grows its windows is followed', () => {
  const story = new H2OriginStory([Setting.INITIAL_WINDOW_SIZE, 100])
  const { x } = story.ask('POST', (x) => void giveBody(x, 150))
  push(x, 'x'.repeat(100))
  story.origin.begin([Setting.INITIAL_WINDOW_SIZE, 50])
  story.pass()
  push(x, 'x'.repeat(50))
  x.body.finish(null)
  story.pass()
  story.origin.frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(60))
  story.pass()
  assert.deepEqual(story.origin.take().slice(1), ['1 DATA 100', '1 DATA 10'])
  story.origin.window(1, 40)
  story.pass()
  assert.deepEqual(story.origin.take(), ['1 DATA 40 END'])
})
