import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ErrorCode, FrameType } from '../../src/h2/frames.ts'
import { settingsPayload } from '../../src/h2/settings.ts'
import { faultRow } from '../../src/core/faults.ts'
import { requestList, uint32, type H2Client } from './h2-client.ts'
import { sessionStory, type SessionStory } from './h2-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

/** Repeats what a client does until it is sent away; gives how often that was, `timesMax` when it was not. */
function timesUntilCalm(
  story: SessionStory,
  act: (client: H2Client, i: number) => void,
  timesMax: number,
): number {
  for (let i = 0; i < timesMax; i++) {
    act(story.client, i)
    if (i % 16 !== 0) continue
    story.wire.run()
    if (story.near.closedBy !== '' || story.client.hasEnded) return i
  }
  return timesMax
}

function isCalmed(story: SessionStory): boolean {
  return story.client
    .take()
    .some((line) => line.startsWith('0 GOAWAY') && line.endsWith(` ${ErrorCode.ENHANCE_YOUR_CALM}`))
}

interface Attack {
  readonly what: string
  readonly fault: string
  readonly act: (client: H2Client, i: number) => void
  readonly atLeast: number
  readonly atMost: number
}

/** An upload in pieces that are no work at all for who sends them. */
const uploads =
  (piece: string): Attack['act'] =>
  (client, i) => {
    if (i === 0) client.post(1, '/waits')
    client.data(1, piece)
  }

const attacks: Attack[] = [
  {
    what: 'requests taken back at once (rapid reset)',
    fault: 'h2_reset_flood',
    act(client, i) {
      client.get(2 * i + 1, '/waits')
      client.reset(2 * i + 1)
    },
    atLeast: 200,
    atMost: 300,
  },
  {
    what: 'streams that we have to reset (made you reset)',
    fault: 'h2_error_flood',
    act(client, i) {
      client.get(2 * i + 1, '/waits')
      client.window(2 * i + 1, 0)
    },
    atLeast: 100,
    atMost: 160,
  },
  {
    what: 'malformed requests',
    fault: 'h2_error_flood',
    act: (client, i) => client.headers(2 * i + 1, [':method', 'GET']),
    atLeast: 100,
    atMost: 160,
  },
  {
    what: 'header lists that are too large (HPACK bombs)',
    fault: 'h2_error_flood',
    act(client, i) {
      // One entry of the table, pointed at four thousand times.
      const block = client.encode([...requestList('GET', '/'), 'x-bomb', 'b'.repeat(900)])
      client.frame(FrameType.HEADERS, 5, 2 * i + 1, Buffer.concat([block, Buffer.alloc(4000, 0x80 | 62)]))
    },
    atLeast: 100,
    atMost: 160,
  },
  {
    what: 'SETTINGS',
    fault: 'h2_settings_flood',
    act: (client) => client.frame(FrameType.SETTINGS, 0, 0, settingsPayload([])),
    atLeast: 16,
    atMost: 64,
  },
  {
    what: 'PING',
    fault: 'h2_ping_flood',
    act: (client) => client.frame(FrameType.PING, 0, 0, 'flooding'),
    atLeast: 400,
    atMost: 600,
  },
  {
    what: 'PRIORITY',
    fault: 'h2_priority_flood',
    act: (client) => client.frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 1])),
    atLeast: 1000,
    atMost: 1100,
  },
  {
    what: 'PRIORITY_UPDATE',
    fault: 'h2_priority_flood',
    act: (client) =>
      client.frame(FrameType.PRIORITY_UPDATE, 0, 0, Buffer.concat([uint32(1), Buffer.from('u=1')])),
    atLeast: 1000,
    atMost: 1100,
  },
  {
    what: 'frames of unknown types',
    fault: 'h2_priority_flood',
    act: (client) => client.frame(0x77, 0, 1, 'whatever'),
    atLeast: 1000,
    atMost: 1100,
  },
  {
    what: 'empty DATA frames',
    fault: 'h2_empty_data_flood',
    act: uploads(''),
    atLeast: 4000,
    atMost: 4200,
  },
  {
    what: 'DATA frames of one byte',
    fault: 'h2_empty_data_flood',
    act: uploads('x'),
    atLeast: 4000,
    atMost: 4500,
  },
  {
    what: 'windows opened by one byte',
    fault: 'h2_window_flood',
    act(client, i) {
      if (i === 0) client.get(1, '/large')
      client.window(1, 1)
    },
    atLeast: 8000,
    atMost: 9500,
  },
]

describe('floods end with ENHANCE_YOUR_CALM (RFC 9113 §10.5)', () => {
  for (const { what, fault, act, atLeast, atMost } of attacks)
    test(what, () => {
      // With a window of nothing what is sent earns no credit.
      const story = sessionStory({}, what.startsWith('windows') ? [4, 0] : [])
      const told: string[] = []
      story.onFault = (number) => told.push(faultRow(number).name)
      story.serve.onServe = (x) => {
        if (x.request.target !== '/large') return
        answerHead(x, 200, 1_000_000)
        writeText(x.down, 'x'.repeat(100_000))
      }
      const times = timesUntilCalm(story, act, 20_000)
      assert.ok(times >= atLeast && times <= atMost, `it took ${times}`)
      assert.ok(isCalmed(story))
      assert.deepEqual(told, [fault])
      story.pass(60_000)
      story.checkAtRest()
    })

  test('a header block in too many pieces, or too large', () => {
    for (const piece of ['', 'x'.repeat(16_000)]) {
      const story = sessionStory()
      const told: string[] = []
      story.onFault = (number) => told.push(faultRow(number).name)
      story.client.frame(FrameType.HEADERS, 0, 1, story.client.encode(requestList('GET', '/')))
      for (let i = 0; i < 64; i++) story.client.frame(FrameType.CONTINUATION, 0, 1, piece)
      story.wire.run()
      assert.ok(isCalmed(story))
      assert.deepEqual(told, ['h2_continuation_flood'])
      assert.equal(story.serve.log.length, 0)
      story.pass(60_000)
      story.checkAtRest()
    }
  })

  test('a budget comes back with time', () => {
    const story = sessionStory()
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 30; i++) {
        const id = 2 * (second * 30 + i) + 1
        story.client.get(id, '/')
        story.client.reset(id)
        story.client.frame(FrameType.PING, 0, 0, 'flooding')
      }
      story.pass(1000)
    }
    assert.ok(!isCalmed(story))
    assert.equal(story.near.isOpen, true)
  })
})

describe('a busy gateway is no flood', () => {
  const busy: [string, Attack['act']][] = [
    [
      'takes one request in eleven back',
      (client, i) => {
        client.get(2 * i + 1, i % 11 === 0 ? '/waits' : '/')
        if (i % 11 === 0) client.reset(2 * i + 1)
      },
    ],
    [
      'weighs each of its requests, and takes each back when its answer was whole',
      (client, i) => {
        client.get(2 * i + 1, '/')
        client.frame(FrameType.PRIORITY, 0, 2 * i + 1, '\0\0\0\0\x10')
        client.run()
        client.reset(2 * i + 1)
      },
    ],
  ]
  for (const [what, act] of busy) {
    test(`that ${what}`, () => {
      const story = sessionStory()
      story.serve.onServe = (x) => {
        if (x.request.path === '/') answer(x, 204, '')
      }
      assert.equal(timesUntilCalm(story, act, 5000), 5000)
      assert.ok(!isCalmed(story))
    })
  }
})

describe('what a client keeps of us is bounded', () => {
  test('streams beyond the limit are refused unseen, until others have ended', () => {
    const story = sessionStory({ h2StreamsMax: 2 })
    const { client, serve, wire } = story
    serve.onServe = () => {}
    for (const id of [1, 3, 5]) client.get(id)
    wire.run()
    assert.deepEqual(client.take(), ['5 RST_STREAM 7'])
    assert.equal(serve.log.length, 2)
    client.reset(1)
    client.get(7)
    wire.run()
    assert.equal(serve.open.size, 2)
  })

  test('a stream whose window stays shut is given up after a minute, its exchange with it', () => {
    const story = sessionStory({}, [4, 10])
    const { client, serve, pass } = story
    serve.onServe = (x) => {
      answerHead(x, 200, 1000)
      writeText(x.down, 'x'.repeat(1000))
      x.down.end(null)
    }
    client.get(1)
    pass(50_000)
    assert.equal(serve.open.size, 1)
    pass(50_000)
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 DATA 10', '1 RST_STREAM 8'])
    assert.ok(serve.log.includes('abandon read_timeout'))
    assert.equal(serve.open.size, 0)
  })

  test('a client that leaves many answers where they are is sent away, one that leaves a few is not', () => {
    for (const count of [32, 64]) {
      const story = sessionStory({}, [4, 10])
      const told: string[] = []
      story.onFault = (number) => told.push(faultRow(number).name)
      story.serve.onServe = (x) => {
        answerHead(x, 200, 1000)
        writeText(x.down, 'x'.repeat(1000))
        x.down.end(null)
      }
      for (let i = 0; i < count; i++) story.client.get(2 * i + 1)
      story.pass(100_000)
      assert.equal(isCalmed(story), count > 32)
      assert.deepEqual(told, count > 32 ? ['h2_slow_flood'] : [])
      assert.equal(story.serve.open.size, 0)
    }
  })

  test('a client that reads nothing of the connection is read no further, and given up', () => {
    const story = sessionStory()
    const { client, near, serve, pass } = story
    near.isStalled = true
    // Each is within its budget: what is held back is what counts.
    serve.onServe = (x) => answer(x, 200, 'x'.repeat(1000))
    for (let i = 0; i < 150; i++) {
      for (let k = 0; k < 5; k++) client.frame(FrameType.PING, 0, 0, 'flooding')
      for (let k = 0; k < 2; k++) client.get(4 * i + 2 * k + 1)
      pass(1000)
    }
    assert.ok(near.unsentBytes < 512 * 1024)
    assert.equal(near.closedBy, 'reset')
    assert.equal(serve.open.size, 0)
  })
})
