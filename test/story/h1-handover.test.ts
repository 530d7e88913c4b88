import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverStory } from './h1-world.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

describe('a connection that opens HTTP/2 (RFC 9113 §3.3)', () => {
  for (const splitBytes of [Infinity, 1, 5])
    test(`is handed over with all that it sent, read by ${splitBytes} bytes`, () => {
      let text = ''
      const story = serverStory({}, (connection, transport, buffer, start, end) => {
        assert.equal(connection, story.connection)
        text += buffer.toString('latin1', start, end)
        transport.events = {
          onBytes: (bytes, from, to) => void (text += bytes.toString('latin1', from, to)),
          onDrain() {},
          onEnd() {},
          onClose() {},
        }
      })
      story.near.splitBytes = splitBytes
      story.client.say(preface + 'and more')
      assert.equal(text, preface + 'and more')
      assert.equal(story.serve.open.size, 0)
      assert.deepEqual(story.serve.log, ['finish  '])
      assert.equal(story.near.isOpen, true)
      story.pass(100_000)
      assert.equal(story.timers.hanging, 0, 'no deadline of HTTP/1 is left')
    })

  test('is handed over with a preface that is wrong: words of which none is of HTTP (RFC 9113 §3.4)', () => {
    for (const line of ['INVALID CONNECTION PREFACE', 'PRI x HTTQ/2.0', 'A b c']) {
      let text = ''
      const story = serverStory({}, (_connection, _transport, buffer, start, end) => {
        text += buffer.toString('latin1', start, end)
      })
      story.client.say(line + '\r\n\r\n')
      assert.equal(text, line + '\r\n\r\n')
    }
  })

  test('is answered in HTTP/1 when a word of its wrong first line is of HTTP, or there are not three', () => {
    for (const line of [
      'GET / HTTQ/1.1',
      'GET * x',
      'GET http://a/ x',
      'CONNECT a:80 x',
      'GET x http/1.1',
      'GET x HTTP/1,1',
      'GARBAGE',
      'NO REQUEST',
      'no request at all',
      '\u0001\u0002 b c',
    ]) {
      const story = serverStory({}, () => assert.fail(`${line}: handed over`))
      story.client.say(line + '\r\n\r\n')
      assert.match(story.client.take(), /^HTTP\/1\.1 (400|501) /, line)
    }
  })

  test('is refused where HTTP/2 is not spoken', () => {
    const story = serverStory()
    story.client.say(preface)
    assert.match(story.client.take(), /^HTTP\/1\.1 505 /)
  })

  test('is refused after a request of HTTP/1', () => {
    const story = serverStory({}, () => assert.fail('handed over'))
    story.client.say('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    story.client.take()
    story.client.say(preface)
    assert.match(story.client.take(), /^HTTP\/1\.1 505 /)
  })

  test('is refused when its first line only looks alike', () => {
    const story = serverStory({}, () => assert.fail('handed over'))
    story.client.say('PRI /x HTTP/2.0\r\n\r\n')
    assert.match(story.client.take(), /^HTTP\/1\.1 505 /)
  })
})
