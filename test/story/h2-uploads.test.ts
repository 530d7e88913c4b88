import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Faults } from '../../src/core/faults.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { FrameType } from '../../src/h2/frames.ts'
import { requestList, type H2Client, type Heard } from './h2-client.ts'
import { sessionStory } from './h2-world.ts'
import { answer, answerHead, CollectingSink, writeText } from './scripted-serve.ts'

const window = 65_535

function pings(client: H2Client): Heard[] {
  const found = client.frames.filter(({ type, flags }) => type === FrameType.PING && flags === 0)
  client.frames = client.frames.filter((frame) => !found.includes(frame))
  return found
}

function windowsOf(client: H2Client, id: number): Heard[] {
  return client.frames.filter((frame) => frame.type === FrameType.WINDOW_UPDATE && frame.id === id)
}

const early = (id: number): string[] => [`${id} HEADERS 200`, `${id} DATA 5 END`]

describe('request bodies over HTTP/2', () => {
  test('a body is taken as it comes, its trailers behind it', () => {
    const { client, wire, serve } = sessionStory()
    const sink = new CollectingSink()
    serve.onServe = (x) => {
      sink.onWhole = () => answer(x, 200, 'got it')
      x.body.attach(sink)
    }
    client.post(1, '/up')
    client.data(1, 'one ')
    wire.run()
    assert.equal(sink.text, 'one ')
    client.data(1, 'two')
    client.headers(1, ['x-sum', 'abc', 'content-length', '7'])
    wire.run()
    assert.equal(sink.text, 'one two')
    assert.deepEqual(sink.trailers, ['x-sum', 'abc'])
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 DATA 6 END'])
  })

  test('what nobody takes is kept, and its window not given back', () => {
    const { client, wire, serve } = sessionStory()
    const sink = new CollectingSink()
    serve.onServe = () => {}
    client.post(1)
    for (let i = 0; i < 4; i++) client.data(1, Buffer.alloc(16_000, 97))
    wire.run()
    assert.deepEqual(client.take(), [])
    const [x] = [...serve.open] as [Exchange]
    x.body.attach(sink)
    wire.run()
    assert.equal(sink.bytes, 64_000)
    assert.deepEqual(client.take(), ['1 WINDOW_UPDATE 64000'])
  })

  test('a taker that is full holds back its own stream and no other', () => {
    const { client, wire, serve } = sessionStory()
    const full = new CollectingSink()
    full.flows = false
    serve.onServe = (x) => {
      if (x.request.method === 'GET') answer(x, 200, 'quick')
      else x.body.attach(full)
    }
    client.post(1)
    for (let i = 0; i < 4; i++) client.data(1, Buffer.alloc(16_000, 97))
    client.get(3)
    wire.run()
    assert.equal(full.bytes, 16_000)
    assert.deepEqual(client.take(), ['3 HEADERS 200', '3 DATA 5 END'])
    full.flows = true
    const x = [...serve.open][0] as Exchange
    x.body.resume()
    wire.run()
    assert.equal(full.bytes, 64_000)
  })

  test('more than the window is a fault of the stream (RFC 9113 §5.2.2)', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = () => {}
    client.post(1)
    for (let i = 0; i < 4; i++) client.data(1, Buffer.alloc(16_384))
    client.get(3)
    wire.run()
    assert.equal(client.take()[0], '1 RST_STREAM 3')
    assert.ok(serve.log.includes('abandon h2_flow_control_error'))
  })

  test('the window grows while the sender is what it limits, up to a bound', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => x.body.attach(new CollectingSink())
    client.post(1)
    client.isPolite = false
    let open = window
    let widest = 0
    // In each round trip as much is sent as the window allows; PINGs are answered behind it.
    for (let round = 0; round < 60; round++) {
      for (; open >= 16_000; open -= 16_000) client.data(1, Buffer.alloc(16_000))
      for (const { payload } of pings(client)) client.frame(FrameType.PING, 1, 0, payload)
      wire.run()
      for (const { payload } of windowsOf(client, 1)) open += payload.readUInt32BE(0)
      widest = Math.max(widest, open)
      client.frames = client.frames.filter(({ type }) => type === FrameType.PING)
    }
    assert.ok(widest > 1024 * 1024, `grew to ${widest}`)
    assert.ok(widest <= 4 * 1024 * 1024, `and not beyond the bound: ${widest}`)
  })

  test('Content-Length and DATA must agree (RFC 9113 §8.1.1)', () => {
    const { client, wire, serve } = sessionStory()
    const sinks: CollectingSink[] = []
    serve.onServe = (x) => {
      sinks.push(new CollectingSink())
      x.body.attach(sinks.at(-1) as CollectingSink)
    }
    client.post(1, '/', ['content-length', '5'])
    client.data(1, 'four', true)
    client.post(3, '/', ['content-length', '5'])
    client.data(3, 'sixsix')
    client.headers(5, [...requestList('POST', '/'), 'content-length', '5'])
    wire.run()
    assert.deepEqual(client.take(), ['1 RST_STREAM 1', '3 RST_STREAM 1', '5 RST_STREAM 1'])
    assert.deepEqual(
      sinks.map((sink) => sink.state),
      ['stream_length_bad', 'stream_length_bad'],
    )
    assert.equal(serve.open.size, 0)
  })

  test('an early answer is whole; a rest that soon ends is read over, any other taken back with NO_ERROR', () => {
    const { client, wire, serve, pass } = sessionStory()
    serve.onServe = (x) => answer(x, 200, 'early')
    client.post(1, '/ends-soon')
    client.data(1, 'a')
    client.data(1, 'b', true)
    client.post(3, '/goes-on')
    client.post(5, '/is-large', ['content-length', '1000000'])
    wire.run()
    assert.deepEqual(client.take(), [...early(1), ...early(3), ...early(5), '5 RST_STREAM 0'])
    assert.equal(serve.open.size, 0)
    pass(1100)
    assert.deepEqual(client.take(), ['3 RST_STREAM 0'])
    client.data(3, 'was under way')
    client.get(7)
    wire.run()
    assert.deepEqual(client.take(), early(7))
  })

  test('100 (Continue) is sent when somebody wants the body', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => {
      const sink = new CollectingSink()
      sink.onWhole = () => answer(x, 200, 'ok')
      x.body.attach(sink)
    }
    client.post(1, '/', ['expect', '100-continue'])
    wire.run()
    assert.deepEqual(client.take(), ['1 HEADERS 100'])
    client.data(1, 'body', true)
    wire.run()
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 DATA 2 END'])
  })

  test('a body larger than the route allows is refused in its midst', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => {
      x.body.bytesMax = 10
      const sink = new CollectingSink()
      sink.onBroken = () => answer(x, 413, 'too large')
      x.body.attach(sink)
    }
    client.post(1)
    client.data(1, '123456')
    client.data(1, '789012')
    wire.run()
    assert.deepEqual(client.take(), ['1 HEADERS 413', '1 DATA 9 END'])
  })

  test('a client that takes its request back ends the exchange', () => {
    const { client, wire, serve } = sessionStory()
    const sink = new CollectingSink()
    serve.onServe = (x) => {
      x.body.attach(sink)
      answerHead(x, 200, 100)
      writeText(x.down, 'part')
    }
    client.post(1)
    client.data(1, 'abc')
    wire.run()
    client.reset(1)
    wire.run()
    assert.equal(sink.state, 'client_gone')
    assert.deepEqual(serve.log, ['serve POST /', 'abandon client_gone', 'finish POST /'])
  })

  test('a client that stands still in its upload is given up after a window', () => {
    const { client, serve, pass } = sessionStory()
    const sink = new CollectingSink()
    serve.onServe = (x) => {
      sink.onBroken = (fault) => answer(x, 408, String(fault === Faults.BODY_TIMEOUT))
      x.body.attach(sink)
    }
    client.post(1)
    client.data(1, 'abc')
    pass(19_000)
    assert.equal(sink.state, 'open')
    pass(41_000)
    assert.equal(sink.state, 'body_timeout')
    assert.equal(client.body(1), 'true')
  })

  test('padding counts for the window and is given back', () => {
    const { client, wire, serve } = sessionStory()
    const sink = new CollectingSink()
    serve.onServe = (x) => x.body.attach(sink)
    client.post(1)
    for (let i = 0; i < 200; i++)
      client.frame(
        0,
        8,
        1,
        Buffer.concat([Buffer.from([255]), Buffer.from('x'.repeat(20)), Buffer.alloc(255)]),
      )
    wire.run()
    assert.equal(sink.bytes, 4000)
    assert.match(client.take().join(), /1 WINDOW_UPDATE/)
  })

  test('a window is not given back for a stream that has ended', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => x.body.attach(new CollectingSink())
    client.post(1)
    client.data(1, Buffer.alloc(16_384))
    client.data(1, Buffer.alloc(16_380))
    client.data(1, Buffer.alloc(10_000), true)
    wire.run()
    assert.deepEqual(client.take(), [])
  })
})
