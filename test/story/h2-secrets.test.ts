import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FrameType } from '../../src/h2/frames.ts'
import { requestList } from './h2-client.ts'
import { H2OriginStory } from './h2-origin.ts'
import { sessionStory } from './h2-world.ts'
import { answerHead } from './scripted-serve.ts'

const text = (word: string): Buffer => Buffer.concat([Buffer.of(word.length), Buffer.from(word)])

/** A literal with a new name that must never be indexed (RFC 7541 §6.2.3). */
function never(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x10), text(name), text(value)])
}

describe('a field that came as never to be indexed goes on as that (RFC 7541 §6.2.3)', () => {
  test('from a client, to an origin', () => {
    const { client, serve, wire } = sessionStory()
    let isSecret = false
    serve.onServe = (x) => {
      const { fields } = x.request
      isSecret = fields.isSecretAt(fields.indexOf('x-plan'))
      assert.equal(fields.isSecretAt(fields.indexOf('x-other')), false)
    }
    const block = Buffer.concat([
      client.encode([...requestList('GET', '/'), 'x-other', 'a']),
      never('x-plan', 'b'),
    ])
    client.frame(FrameType.HEADERS, 5, 1, block)
    wire.run()
    assert.ok(isSecret)

    const story = new H2OriginStory()
    story.ask('GET', (x) => {
      x.request.fields.addNumbered(0, 'x-plan', 'b', true)
      x.request.fields.add('x-other', 'a')
    })
    assert.deepEqual(story.origin.secrets, ['x-plan'])
  })

  test('from an origin, to a client', () => {
    const story = new H2OriginStory()
    const { x } = story.ask()
    const block = Buffer.concat([
      story.origin.encode([':status', '200', 'x-other', 'a']),
      never('x-plan', 'b'),
    ])
    story.origin.frame(FrameType.HEADERS, 5, 1, block)
    story.pass()
    const { fields } = x.response
    assert.deepEqual(
      ['x-plan', 'x-other'].map((name) => fields.isSecretAt(fields.indexOf(name))),
      [true, false],
    )

    const { client, serve, wire } = sessionStory()
    serve.onServe = (served) => {
      served.response.fields.addNumbered(0, 'x-plan', 'b', true)
      // Another value of it is as secret as the first.
      served.response.fields.set('X-Plan', 'c')
      answerHead(served, 200, 0)
    }
    client.get(1)
    wire.run()
    assert.deepEqual(client.secrets, ['x-plan'])
  })

  test('and not whatever comes in its place later', () => {
    const { client, serve, wire } = sessionStory()
    const seen: boolean[] = []
    serve.onServe = (x) => {
      const { fields } = x.request
      seen.push(fields.isSecretAt(fields.indexOf('x-plan')))
      answerHead(x, 204, 0)
      x.down.end(null)
    }
    const list = client.encode(requestList('GET', '/'))
    client.frame(FrameType.HEADERS, 5, 1, Buffer.concat([list, never('x-plan', 'b')]))
    wire.run()
    client.headers(3, [...requestList('GET', '/'), 'x-plan', 'a'])
    wire.run()
    assert.deepEqual(seen, [true, false])
  })
})
