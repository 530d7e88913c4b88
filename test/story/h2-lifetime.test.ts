import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultRow } from '../../src/core/faults.ts'
import { ErrorCode, FrameType } from '../../src/h2/frames.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { checkEnded, sessionStory, silentStory } from './h2-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

const max = 0x7fffffff

describe('the end of an HTTP/2 connection', () => {
  test('a drain goes in two steps, and what was on its way is served (RFC 9113 §6.8)', () => {
    const story = sessionStory()
    const { client, wire, serve, session, pass } = story
    const waiting: Exchange[] = []
    serve.onServe = (x) => void waiting.push(x)
    client.get(1)
    wire.run()
    session.drain()
    client.get(3)
    wire.run()
    assert.deepEqual(client.take(), [`0 GOAWAY ${max} 0`, '0 GOAWAY 3 0'])
    client.get(5)
    wire.run()
    assert.equal(waiting.length, 2)
    for (const x of waiting) answer(x, 200, 'ok')
    wire.run()
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 DATA 2 END', '3 HEADERS 200', '3 DATA 2 END'])
    pass(2000)
    assert.equal(client.hasEnded, true)
    story.checkAtRest()
  })

  test('a client that does not answer the PING of a drain is told the second step after a while', () => {
    const story = sessionStory()
    const { client, wire, session, serve, pass } = story
    serve.onServe = () => {}
    client.isPolite = false
    client.get(1)
    wire.run()
    session.drain()
    pass(1200)
    assert.deepEqual(client.take(), [`0 GOAWAY ${max} 0`, '0 GOAWAY 1 0'])
  })

  test('a connection at rest is closed at once by a drain', () => {
    const story = sessionStory()
    story.client.get(1)
    story.wire.run()
    story.client.take()
    story.session.drain()
    story.wire.run()
    assert.deepEqual(story.client.take(), ['0 GOAWAY 1 0'])
    story.pass(2000)
    story.checkAtRest()
  })

  test('destroyed, its answers are cut and its exchanges over', () => {
    const story = sessionStory()
    story.serve.onServe = (x) => {
      answerHead(x, 200, 100)
      writeText(x.down, 'part')
    }
    story.client.get(1)
    story.wire.run()
    story.session.destroy()
    assert.equal(story.serve.open.size, 0)
    story.pass(1)
    story.checkAtRest()
  })

  test('idle, it is told GOAWAY and closed after idleMs', () => {
    const story = sessionStory()
    story.client.get(1)
    story.wire.run()
    story.client.take()
    story.pass(59_000)
    assert.equal(story.near.isOpen, true)
    story.pass(2_000)
    assert.deepEqual(story.client.take(), ['0 GOAWAY 1 0'])
    story.pass(2000)
    story.checkAtRest()
  })

  test('a client that does not begin, or does not finish a frame, has headMs', () => {
    for (const text of ['', 'PRI * HT']) {
      const story = silentStory()
      story.client.isPolite = false
      story.client.end.writeText(text)
      story.pass(9_000)
      assert.equal(story.near.isOpen, true)
      story.pass(3_000)
      checkEnded(story, ErrorCode.PROTOCOL_ERROR)
    }
    const story = sessionStory()
    story.client.end.writeText('\x00\x00\x10')
    story.pass(12_000)
    checkEnded(story, ErrorCode.PROTOCOL_ERROR)
  })

  test('a header block in many frames has headMs as well, all of them together', () => {
    const story = sessionStory()
    const told: string[] = []
    story.onFault = (fault) => told.push(faultRow(fault).name)
    const { client } = story
    client.frame(FrameType.HEADERS, 0, 1, client.encode([':method', 'GET']))
    for (let i = 0; i < 5; i++) {
      story.pass(3000)
      if (story.near.isOpen) client.frame(FrameType.CONTINUATION, 0, 1, '')
    }
    assert.deepEqual(told, ['head_timeout'])
    checkEnded(story, ErrorCode.PROTOCOL_ERROR)
  })

  test('a client that does not acknowledge SETTINGS is left (RFC 9113 §6.5.3)', () => {
    const story = silentStory()
    story.client.isPolite = false
    story.client.begin()
    story.client.get(1)
    story.pass(11_000)
    checkEnded(story, ErrorCode.SETTINGS_TIMEOUT)
  })

  test('with streams open and nothing heard, a client is asked, and left when it does not answer', () => {
    const story = sessionStory()
    const told: string[] = []
    story.onFault = (fault) => told.push(faultRow(fault).name)
    const { client, serve, wire, pass } = story
    serve.onServe = () => {}
    client.get(1)
    wire.run()
    pass(300_000)
    assert.equal(serve.open.size, 1, 'it answers, and so it may wait')
    client.isPolite = false
    pass(130_000)
    assert.deepEqual(told, ['h2_silent'])
    story.checkAtRest()
  })

  test('after requestsMax requests it drains', () => {
    const story = sessionStory({ requestsMax: 2 })
    story.client.get(1)
    story.client.get(3)
    story.wire.run()
    const lines = story.client.take()
    assert.ok(lines.includes('3 DATA 5 END'))
    assert.ok(lines.some((line) => line.startsWith('0 GOAWAY')))
    story.pass(3000)
    story.checkAtRest()
  })

  test('a client that goes takes its exchanges with it', () => {
    for (const how of ['fin', 'reset'] as const) {
      const story = sessionStory()
      story.serve.onServe = () => {}
      story.client.get(1)
      story.wire.run()
      if (how === 'fin') story.client.end.end()
      else story.client.end.reset()
      story.pass(2000)
      assert.ok(story.serve.log.includes('abandon client_gone'))
      story.checkAtRest()
    }
  })

  test('the connection goes on after GOAWAY of the client, for what is open', () => {
    const story = sessionStory()
    const waiting: Exchange[] = []
    story.serve.onServe = (x) => void waiting.push(x)
    story.client.get(1)
    story.client.frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(8))
    story.wire.run()
    answer(waiting[0] as Exchange, 200, 'ok')
    story.wire.run()
    assert.deepEqual(story.client.take().slice(0, 2), ['1 HEADERS 200', '1 DATA 2 END'])
    story.pass(3000)
    story.checkAtRest()
  })
})
