import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fields } from '../../src/http/fields.ts'
import { BODY_UNKNOWN } from '../../src/http/message.ts'
import { Faults } from '../../src/core/faults.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { FrameType } from '../../src/h2/frames.ts'
import { Setting, settingsPayload } from '../../src/h2/settings.ts'
import { requestList } from './h2-client.ts'
import { sessionStory, silentStory } from './h2-world.ts'
import { answer, answerHead, writeText } from './scripted-serve.ts'

describe('answers over HTTP/2', () => {
  test('head and body leave in one write', () => {
    const { client, near, wire, serve } = sessionStory()
    const before = near.sends
    client.get(1, '/a')
    wire.run()
    assert.equal(client.body(1), 'GET /a')
    assert.deepEqual(client.fields(1), [':status', '200', 'content-length', '6'])
    assert.deepEqual(client.take(), ['1 HEADERS 200', '1 DATA 6 END'])
    assert.equal(near.sends, before + 1)
    assert.deepEqual(serve.log, ['serve GET /a', 'finish GET /a'])
  })

  test('the preface may come byte by byte', () => {
    const story = silentStory()
    story.near.splitBytes = 1
    story.client.begin()
    story.client.get(1)
    story.wire.run()
    assert.deepEqual(story.client.take(), ['1 HEADERS 200', '1 DATA 5 END'])
  })

  test('several requests of one read are answered in one write', () => {
    const { client, near, wire } = sessionStory()
    const before = near.sends
    for (let id = 1; id < 20; id += 2) client.get(id, '/' + id)
    wire.run()
    assert.equal(client.take().length, 20)
    assert.equal(near.sends, before + 1)
  })

  test('of thousands that came in one read, others have their turn after 128', () => {
    const { client, wire, serve, pass } = sessionStory()
    serve.onServe = (x) => answer(x, 204, '')
    for (let i = 0; i < 2000; i++) client.get(2 * i + 1)
    wire.run()
    assert.equal(serve.log.length, 256, 'served and finished')
    for (let i = 0; i < 20; i++) pass(1)
    assert.equal(client.take().length, 2000)
    assert.equal(serve.open.size, 0)
  })

  test('HEAD, 204 and 304 end with their heads', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => {
      x.response.status = Number(x.request.target.slice(1))
      x.response.statedLength = x.response.status === 204 ? -1 : 7
      x.down.sendWhole(x, null)
    }
    client.headers(1, requestList('HEAD', '/200'))
    client.get(3, '/204')
    client.get(5, '/304')
    wire.run()
    assert.deepEqual(client.fields(1), [':status', '200', 'content-length', '7'])
    assert.deepEqual(client.fields(3), [':status', '204'])
    assert.deepEqual(client.fields(5), [':status', '304', 'content-length', '7'])
    assert.deepEqual(client.take(), ['1 HEADERS 200 END', '3 HEADERS 204 END', '5 HEADERS 304 END'])
    assert.equal(serve.open.size, 0)
  })

  test('answers come in the order in which they are ready, with 1xx before and trailers behind', () => {
    const { client, wire, serve } = sessionStory()
    const waiting: Exchange[] = []
    serve.onServe = (x) => void waiting.push(x)
    client.get(1, '/slow')
    client.get(3, '/quick')
    wire.run()
    const [slow, quick] = waiting as [Exchange, Exchange]
    answer(quick, 200, 'q')
    slow.informational.status = 103
    slow.informational.fields.add('Link', '</a.css>')
    slow.down.sendInformational(slow)
    answerHead(slow, 200, BODY_UNKNOWN)
    writeText(slow.down, 'part')
    const trailers = new Fields()
    trailers.add('Grpc-Status', '0')
    slow.down.end(trailers)
    wire.run()
    assert.deepEqual(client.fields(1), [':status', '103', 'link', '</a.css>'])
    assert.deepEqual(client.take(), [
      '3 HEADERS 200',
      '3 DATA 1 END',
      '1 HEADERS 103',
      '1 HEADERS 200',
      '1 DATA 4',
      '1 HEADERS grpc-status 0 END',
    ])
    assert.equal(serve.open.size, 0)
  })

  test('fields of a connection stay behind, and names are sent in lower case (RFC 9113 §8.2)', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => {
      for (const name of ['Connection', 'Keep-Alive', 'Transfer-Encoding', 'Upgrade', 'Proxy-Connection'])
        x.response.fields.add(name, 'x')
      x.response.fields.add('X-Mixed', 'Kept As It Is')
      x.response.fields.add('Set-Cookie', 'a=1')
      x.response.fields.add('Set-Cookie', 'b=2')
      answer(x, 200, '')
    }
    client.get(1)
    wire.run()
    assert.deepEqual(client.fields(1), [
      ':status',
      '200',
      'x-mixed',
      'Kept As It Is',
      'set-cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'content-length',
      '0',
    ])
  })

  test('an answer that breaks off is reset, and never looks whole', () => {
    const { client, wire, serve } = sessionStory()
    serve.onServe = (x) => {
      answerHead(x, 200, 10)
      writeText(x.down, 'half')
      if (x.request.target === '/abort') x.down.abort(Faults.ORIGIN_TRUNCATED)
      else x.down.end(null)
    }
    client.get(1, '/abort')
    client.get(3, '/short')
    wire.run()
    assert.deepEqual(client.take(), [
      '1 HEADERS 200',
      '1 DATA 4',
      '1 RST_STREAM 2',
      '3 HEADERS 200',
      '3 DATA 4',
      '3 RST_STREAM 2',
    ])
    assert.deepEqual(serve.log.slice(1, 2), ['finish GET /abort'])
    assert.equal(serve.open.size, 0)
  })

  test('a table that one SETTINGS made nothing and large again is emptied, and its client told so (RFC 7541 §4.2)', () => {
    const story = sessionStory()
    story.serve.onServe = (x) => {
      x.response.fields.add('server', 'x')
      answer(x, 200, '')
    }
    const ask = (id: number): Buffer => {
      story.client.get(id)
      story.wire.run()
      return story.client.frames.findLast((frame) => frame.id === id)?.payload as Buffer
    }
    assert.ok(ask(1).length > ask(3).length)
    const both = [Setting.HEADER_TABLE_SIZE, 0, Setting.HEADER_TABLE_SIZE, 4096]
    story.client.frame(FrameType.SETTINGS, 0, 0, settingsPayload(both))
    assert.deepEqual([...ask(5).subarray(0, 4)], [0x20, 0x3f, 0xe1, 0x1f])
  })

  test('a head larger than a frame goes on in CONTINUATION', () => {
    const { client, wire, serve } = sessionStory()
    const long = 'x'.repeat(9_000) + '{'.repeat(20_000)
    serve.onServe = (x) => {
      x.response.fields.add('x-long', long)
      answer(x, 200, 'body')
    }
    client.get(1)
    wire.run()
    assert.equal(client.fields(1)[3], long)
    assert.equal(client.body(1), 'body')
  })
})
