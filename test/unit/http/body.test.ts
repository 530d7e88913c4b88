import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultRow, Faults, NONE, type Fault } from '../../../src/core/faults.ts'
import { hasBody, RequestBody, type BodySink, type BodyStream } from '../../../src/http/body.ts'
import { Fields } from '../../../src/http/fields.ts'
import { BODY_NONE, BODY_UNKNOWN, BODY_UNTIL_CLOSE } from '../../../src/http/message.ts'

/** Writes down what a body does to its server and to its sinks, in order. */
class Log {
  readonly calls: string[] = []

  stream(): BodyStream {
    return {
      resume: () => this.calls.push('resume'),
      cancel: (fault: Fault) => this.calls.push(`cancel ${faultRow(fault).name}`),
      sendContinue: () => this.calls.push('100'),
    }
  }

  sink(
    name: string,
    more: { isFull?: boolean; forwardsExpect?: boolean; onWrite?: () => void } = {},
  ): BodySink {
    return {
      forwardsExpect: more.forwardsExpect ?? false,
      write: (buffer, start, end) => {
        this.calls.push(`${name}: ${buffer.toString('latin1', start, end)}`)
        more.onWrite?.()
        return more.isFull !== true
      },
      end: (trailers) =>
        this.calls.push(`${name} end${trailers === null ? '' : ' ' + trailers.toArray().join()}`),
      abort: (fault) => this.calls.push(`${name} abort ${faultRow(fault).name}`),
    }
  }

  body(length = 10, expectsContinue = false): RequestBody {
    const body = new RequestBody()
    body.begin(this.stream(), length, expectsContinue)
    return body
  }
}

function push(body: RequestBody, text: string): boolean {
  const buffer = Buffer.from(`<${text}>`)
  const result = body.push(buffer, 1, 1 + text.length)
  // The bytes were borrowed.
  buffer.fill(0x58)
  return result
}

describe('a request body', () => {
  test('is unread until a sink attaches, and then flows into it', () => {
    const log = new Log()
    const body = log.body()
    assert.equal(body.isTaking, false)
    assert.equal(push(body, 'early'), false)
    assert.equal(body.receivedBytes, 0)
    body.attach(log.sink('a'))
    assert.equal(body.isTaking, true)
    assert.equal(push(body, 'hello'), true)
    body.finish(null)
    assert.deepEqual(log.calls, ['resume', 'a: hello', 'a end'])
    assert.deepEqual([body.receivedBytes, body.isComplete, body.isFinished], [5, true, true])
  })

  test('hands trailers to the sink', () => {
    const log = new Log()
    const body = log.body(BODY_UNKNOWN)
    body.attach(log.sink('a'))
    const trailers = new Fields()
    trailers.add('X', 'y')
    body.finish(trailers)
    assert.deepEqual(log.calls, ['resume', 'a end X,y'])
  })

  test('tells its server that the sink is full, and later that it is not', () => {
    const log = new Log()
    const body = log.body()
    body.attach(log.sink('a', { isFull: true }))
    assert.equal(push(body, 'hello'), false)
    body.resume()
    assert.deepEqual(log.calls, ['resume', 'a: hello', 'resume'])
  })

  test('of no length is whole from the beginning', () => {
    const body = new Log().body(BODY_NONE)
    assert.deepEqual([body.isComplete, body.isFinished, body.isReplayable], [true, true, true])
  })

  test('that breaks off aborts the sink, once, and a sink that comes later', () => {
    const log = new Log()
    const body = log.body()
    body.attach(log.sink('a'))
    body.fail(Faults.CLIENT_GONE)
    body.fail(Faults.BODY_TIMEOUT)
    body.attach(log.sink('b'))
    assert.deepEqual(log.calls, ['resume', 'a abort client_gone', 'b abort client_gone'])
    assert.deepEqual([body.isFinished, body.isComplete, body.fault], [true, false, Faults.CLIENT_GONE])
  })

  test('that is whole cannot break off any more', () => {
    const log = new Log()
    const body = log.body()
    body.attach(log.sink('a'))
    body.finish(null)
    body.fail(Faults.CLIENT_GONE)
    body.cancel(NONE)
    assert.deepEqual(log.calls, ['resume', 'a end'])
  })

  test('that nobody wants any more is cancelled at its server, and the sink hears nothing', () => {
    const log = new Log()
    const body = log.body()
    body.attach(log.sink('a'))
    body.cancel(Faults.BODY_TOO_LARGE)
    body.cancel(Faults.BODY_TOO_LARGE)
    assert.deepEqual(log.calls, ['resume', 'cancel body_too_large'])
    assert.equal(body.isTaking, false)
  })

  test('lets go of everything when reset', () => {
    const log = new Log()
    const body = log.body()
    body.gather(100)
    body.attach(log.sink('a'))
    push(body, 'x')
    body.reset()
    assert.deepEqual(
      [body.length, body.receivedBytes, body.isFinished, body.hasSink],
      [BODY_NONE, 0, true, false],
    )
    assert.equal(push(body, 'y'), false)
    body.resume()
    assert.deepEqual(log.calls, ['resume', 'a: x'])
  })
})

describe('100-continue', () => {
  test('is sent when the first sink attaches, once', () => {
    const log = new Log()
    const body = log.body(10, true)
    assert.equal(body.awaitsContinue, true)
    body.attach(log.sink('a'))
    assert.equal(body.awaitsContinue, false)
    body.continue()
    assert.deepEqual(log.calls, ['100', 'resume'])
  })

  test('is left to a sink that forwards it', () => {
    const log = new Log()
    const body = log.body(10, true)
    body.attach(log.sink('a', { forwardsExpect: true }))
    assert.equal(body.awaitsContinue, true)
    body.continue()
    assert.deepEqual(log.calls, ['resume', '100'])
  })

  test('is not sent once bytes have come: the client did not wait', () => {
    const log = new Log()
    const body = log.body(10, true)
    body.attach(log.sink('a', { forwardsExpect: true }))
    push(body, 'x')
    body.continue()
    assert.deepEqual(log.calls, ['resume', 'a: x'])
  })

  test('is not sent for no body', () => {
    assert.equal(new Log().body(BODY_NONE, true).awaitsContinue, false)
  })
})

describe('a body that is gathered', () => {
  test('is given to the next sink from its beginning, then goes on', () => {
    const log = new Log()
    const body = log.body(20)
    body.gather(100)
    const first = log.sink('a')
    body.attach(first)
    push(body, 'one')
    push(body, 'two')
    assert.equal(body.isReplayable, true)
    body.detach(first)
    assert.equal(push(body, 'later'), false)
    body.attach(log.sink('b'))
    push(body, 'three')
    body.finish(null)
    assert.deepEqual(log.calls, [
      'resume',
      'a: one',
      'a: two',
      'b: one',
      'b: two',
      'resume',
      'b: three',
      'b end',
    ])
    assert.equal(body.receivedBytes, 11)
  })

  test('that is whole is replayed whole, with its end', () => {
    const log = new Log()
    const body = log.body(3)
    body.gather(100)
    body.attach(log.sink('a'))
    push(body, 'one')
    body.finish(null)
    body.attach(log.sink('b'))
    assert.deepEqual(log.calls, ['resume', 'a: one', 'a end', 'b: one', 'b end'])
  })

  test('does not ask for more on behalf of a sink that the replay filled', () => {
    const log = new Log()
    const body = log.body(20)
    body.gather(100)
    const first = log.sink('a')
    body.attach(first)
    push(body, 'one')
    body.detach(first)
    body.attach(log.sink('b', { isFull: true }))
    assert.deepEqual(log.calls, ['resume', 'a: one', 'b: one'])
  })

  test('leaves a sink alone that goes away during the replay', () => {
    const log = new Log()
    const body = log.body(20)
    body.gather(100)
    const first = log.sink('a')
    body.attach(first)
    push(body, 'one')
    push(body, 'two')
    body.detach(first)
    const second: BodySink = log.sink('b', { onWrite: () => body.detach(second) })
    body.attach(second)
    assert.deepEqual(log.calls, ['resume', 'a: one', 'a: two', 'b: one'])
  })

  test('beyond its limit is kept no longer and cannot be replayed', () => {
    const log = new Log()
    const body = log.body(BODY_UNKNOWN)
    body.gather(4)
    body.attach(log.sink('a'))
    push(body, 'four')
    assert.equal(body.isReplayable, true)
    push(body, '5')
    assert.equal(body.isReplayable, false)
  })

  test('is not begun for a body that is known to be too long, or has begun', () => {
    const log = new Log()
    const long = log.body(101)
    long.gather(100)
    long.attach(log.sink('a'))
    push(long, 'x')
    assert.equal(long.isReplayable, false)
    const begun = log.body(50)
    begun.attach(log.sink('b'))
    push(begun, 'x')
    begun.gather(100)
    assert.equal(begun.isReplayable, false)
  })

  test('is replayable without gathering while nothing was received', () => {
    const log = new Log()
    const body = log.body(10)
    body.attach(log.sink('a'))
    assert.equal(body.isReplayable, true)
    push(body, 'x')
    assert.equal(body.isReplayable, false)
  })

  test('that broke off is not replayable', () => {
    const log = new Log()
    const body = log.body(10)
    body.gather(100)
    body.attach(log.sink('a'))
    push(body, 'x')
    body.fail(Faults.CLIENT_GONE)
    assert.equal(body.isReplayable, false)
  })
})

test('a length above 0 or unknown is a body', () => {
  assert.deepEqual([0, 1, BODY_UNKNOWN, BODY_UNTIL_CLOSE].map(hasBody), [false, true, true, true])
})
