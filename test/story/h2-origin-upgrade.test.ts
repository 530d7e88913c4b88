import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Upstream } from '../../src/http/exchange.ts'
import { Field } from '../../src/http/known-fields.ts'
import { streamsMax } from '../../src/h2/client.ts'
import { Setting } from '../../src/h2/settings.ts'
import { makeRequest, NotingReceiver } from './h1-origin-world.ts'
import { H2OriginStory } from './h2-origin.ts'

describe('an upgrade to WebSocket', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  function upgrade(x: ReturnType<typeof makeRequest>): void {
    x.outgoing.upgrade = 'websocket'
    x.request.fields.add('Sec-WebSocket-Key', key)
    x.request.fields.add('Sec-WebSocket-Version', '13')
  }

  test('is an extended CONNECT, and its answer is 101 with the Accept that the client expects (RFC 8441)', () => {
    const story = new H2OriginStory([Setting.ENABLE_CONNECT_PROTOCOL, 1])
    let upstream: Upstream | null = null
    const x = makeRequest()
    upgrade(x)
    const receiver = new NotingReceiver()
    upstream = story.session.lease(x)
    upstream.send(x, receiver)
    story.pass()
    assert.deepEqual(story.origin.take(), [
      '1 HEADERS :method CONNECT :protocol websocket :scheme http :authority origin.example :path / sec-websocket-version 13',
    ])
    story.origin.head(1, 200)
    story.origin.data(1, 'early')
    story.pass()
    assert.deepEqual(receiver.log, ['head 101'])
    assert.equal(x.response.fields.get(Field.SEC_WEBSOCKET_ACCEPT), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    const transport = upstream.takeTransport()
    assert.ok(transport !== null)
    let text = ''
    let closed: string | null = null
    transport.events = {
      onBytes: (buffer, start, end) => void (text += buffer.toString('latin1', start, end)),
      onDrain() {},
      onEnd: () => transport.end(),
      onClose: (error) => {
        closed = error
        upstream.cancel(0)
      },
    }
    upstream.pushKept()
    story.pass()
    transport.writeText('hello')
    story.origin.data(1, '!', true)
    story.pass()
    story.pass(1)
    assert.equal(text, 'early!')
    assert.deepEqual(story.origin.take(), ['1 DATA 5', '1 DATA 0 END'])
    assert.equal(closed, '')
    assert.equal(story.owner.log.at(-1), `released ${streamsMax}`)
  })

  test('is not served where the origin has not said that it takes them', () => {
    const story = new H2OriginStory()
    const { receiver } = story.ask('GET', upgrade)
    assert.deepEqual(receiver.log, ['fault origin_upgrade_not_served'])
    assert.deepEqual(story.origin.take(), [])
  })

  test('that is declined is an answer like any other', () => {
    const story = new H2OriginStory([Setting.ENABLE_CONNECT_PROTOCOL, 1])
    const { receiver } = story.ask('GET', upgrade)
    story.origin.head(1, 403, [], true)
    story.pass()
    assert.deepEqual(receiver.log, ['head 403', 'end'])
  })
})
