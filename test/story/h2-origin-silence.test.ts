import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { callsSilentMs, silentMs } from '../../src/h2/client-pulse.ts'
import { FrameType } from '../../src/h2/frames.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { H2OriginStory } from './h2-origin.ts'

function asCall(x: Exchange): void {
  x.request.fields.add('content-type', 'application/grpc')
}

/** A call of gRPC whose answer has begun and is quiet from now on, and how often the origin was asked for a sign of life. */
function quietCall(): { story: H2OriginStory; pings: () => number } {
  const story = new H2OriginStory()
  story.ask('GET', asCall)
  story.origin.head(1, 200)
  story.pass()
  const { frames } = story.origin
  return { story, pings: () => frames.filter(({ type }) => type === FrameType.PING).length }
}

describe('a session', () => {
  test('asks an origin that is silent while streams are open, and is over when nobody answers', () => {
    const story = new H2OriginStory()
    const first = story.ask()
    story.pass(silentMs * 4)
    assert.deepEqual(first.receiver.log, ['fault http_response_timeout'])
    const second = story.ask()
    story.origin.isPolite = false
    story.pass(silentMs * 2 + 10)
    assert.deepEqual(second.receiver.log, ['fault connection_terminated'])
    assert.equal(story.owner.log.at(-1), 'closed connection_terminated')
  })

  test('that carries a call asks once in five minutes, more often is abuse to servers of gRPC', () => {
    const { story, pings } = quietCall()
    // What has come with the head counts for the first five minutes.
    story.pass(callsSilentMs + silentMs)
    assert.equal(pings(), 0)
    story.pass(callsSilentMs)
    assert.equal(pings(), 1)
    story.pass(callsSilentMs - silentMs)
    assert.equal(pings(), 1)
    story.pass(silentMs * 2)
    assert.equal(pings(), 2)
    story.origin.isPolite = false
    story.pass(callsSilentMs + silentMs * 3)
    assert.equal(story.owner.log.at(-1), 'closed connection_terminated')
  })

  test('that carries a call asks at once when an answer does not come in time, if it has not lately', () => {
    const { story, pings } = quietCall()
    for (let n = 0; n < 3; n++) {
      story.ask('GET', asCall)
      story.pass(silentMs * 5)
    }
    assert.equal(pings(), 1)
    const other = quietCall().story
    other.origin.isPolite = false
    other.ask('GET', asCall)
    other.pass(silentMs * 5)
    assert.equal(other.owner.log.at(-1), 'closed connection_terminated')
  })
})
