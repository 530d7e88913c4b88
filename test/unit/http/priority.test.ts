import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { INCREMENTAL, readPriority } from '../../../src/http/priority.ts'
import { SendQueue, type Sending } from '../../../src/h2/send-queue.ts'

test('a Priority field tells urgency and whether parts are of use; the rest is as if not said (RFC 9218 §4)', () => {
  for (const [value, priority] of [
    ['', 3],
    ['u=0', 0],
    ['u=7, i', 7 | INCREMENTAL],
    ['i', 3 | INCREMENTAL],
    ['i=?1,u=1', 1 | INCREMENTAL],
    ['i=?0', 3],
    ['u=8', 3],
    ['u=-1, i=1', 3],
    ['u=2;x=1', 2],
    ['foo=bar, u=5', 5],
    ['u=1, u=4', 4],
  ] as const)
    assert.equal(readPriority(value), priority, value)
})

class Stream implements Sending<Stream> {
  readonly id: number
  priority: number
  previous: Stream | null = null
  next: Stream | null = null
  list: object | null = null
  left = 3

  constructor(id: number, priority: number) {
    this.id = id
    this.priority = priority
  }
}

/** Has each send three frames; gives the order. */
function order(...streams: Stream[]): string {
  const queue = new SendQueue<Stream>()
  for (const stream of streams) queue.add(stream)
  let text = ''
  for (let stream = queue.next(); stream !== null; stream = queue.next()) {
    text += stream.id
    if (--stream.left === 0) queue.remove(stream)
    else queue.yield(stream)
  }
  assert.equal(queue.size, 0)
  return text
}

describe('who sends next (RFC 9218 §10)', () => {
  test('the most urgent first', () => {
    assert.equal(order(new Stream(1, 5), new Stream(2, 3), new Stream(3, 0)), '333222111')
  })

  test('of those of use only when whole, the one that was asked for first', () => {
    assert.equal(order(new Stream(5, 3), new Stream(1, 3), new Stream(3, 3)), '111333555')
  })

  test('those of use in parts take turns', () => {
    const parts = 3 | INCREMENTAL
    assert.equal(order(new Stream(1, parts), new Stream(3, parts), new Stream(5, parts)), '135135135')
  })

  test('both kinds take turns with each other', () => {
    assert.equal(order(new Stream(1, 3), new Stream(3, 3 | INCREMENTAL)), '131313')
  })

  test('one that is given another priority while it waits is moved', () => {
    const queue = new SendQueue<Stream>()
    const [late, first] = [new Stream(1, 3), new Stream(3, 3)]
    queue.add(late)
    queue.add(first)
    queue.move(late, 6)
    assert.equal(queue.next(), first)
    queue.move(first, 7 | INCREMENTAL)
    assert.equal(queue.next(), late)
    assert.equal(queue.size, 2)
  })
})
