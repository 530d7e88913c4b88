import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox, turnBytesMax, type OutboxHome } from '../../../src/h3/outbox.ts'
import type { QuicEndpoint } from '../../../src/h3/provider.ts'

/** A stream whose provider takes `room` bytes, and whose turns come when they are asked for. */
class Stream implements OutboxHome {
  readonly session = 0
  readonly stream = 0
  room = Infinity
  taken = 0
  turns = 0
  readonly out: Outbox = new Outbox(this)

  get endpoint(): QuicEndpoint {
    const send = (_: number, __: number, ___: Buffer, start: number, end: number): number => {
      const bytes = Math.min(end - start, this.room)
      this.room -= bytes
      this.taken += bytes
      return bytes
    }
    return { send } as unknown as QuicEndpoint
  }

  later(): void {
    this.turns++
  }

  turn(): void {
    assert.ok(this.turns > 0, 'a turn is due')
    this.turns--
    this.out.onTurn()
  }
}

test('after a turn of which nothing is left another is due, also when what left had waited', () => {
  const stream = new Stream()
  stream.room = 0
  assert.equal(stream.out.data(Buffer.alloc(turnBytesMax), 0, turnBytesMax), false)
  stream.room = Infinity
  stream.turn()
  assert.equal(stream.taken, turnBytesMax)
  assert.equal(stream.out.hasRoom, false)
  stream.out.full()
  stream.out.room()
  stream.turn()
  assert.equal(stream.out.hasRoom, true)
})

test('a stream hands over no more than a turn may have', () => {
  const stream = new Stream()
  assert.equal(stream.out.data(Buffer.alloc(3 * turnBytesMax), 0, 3 * turnBytesMax), false)
  for (const turns of [1, 2, 3]) {
    assert.equal(stream.taken, turns * turnBytesMax)
    stream.turn()
  }
  assert.equal(stream.out.hasRoom, true)
})
