import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE, type Fault } from '../../../src/core/faults.ts'
import type { BodySink, BodySource } from '../../../src/http/body.ts'
import {
  DONE,
  NEXT,
  WAIT,
  type Exchange,
  type Flow,
  type InterposedSink,
} from '../../../src/http/exchange.ts'
import { BODY_UNKNOWN } from '../../../src/http/message.ts'
import { FakeUpstream } from './fake-streams.ts'
import { answerText, threeSteps } from './steps.ts'

test('a walk outward that waits holds the body until the head is sent', () => {
  const { world, b, c } = threeSteps()
  let turn = 0
  b.response = (x) => {
    turn = x.beginWait()
    return WAIT
  }
  const source = new FakeUpstream({ name: '' })
  c.request = (x) => {
    x.response.status = 200
    x.response.bodyLength = BODY_UNKNOWN
    x.source = source
    x.answer()
    return DONE
  }
  const down = world.ask('GET', '/')
  const { x } = down
  const bytes = Buffer.from('held')
  assert.equal(x.out.write(bytes, 0, 4), false)
  bytes.fill(0)
  assert.equal(down.status, 0)
  x.resume(turn)
  assert.equal(down.status, 200)
  assert.equal(down.text, 'held')
  assert.equal(source.resumes, 1)
  x.out.write(Buffer.from(' on'), 0, 3)
  x.out.end(null)
  assert.equal(down.text, 'held on')
  assert.equal(down.isWhole, true)
})

test('a walk outward that waits twice, with a body that ends meanwhile, sends it whole once', () => {
  const { world, a, b, c } = threeSteps()
  const turns: number[] = []
  const wait = (x: Exchange): Flow => {
    turns.push(x.beginWait())
    return WAIT
  }
  a.response = wait
  b.response = wait
  c.request = (x) => {
    x.response.status = 200
    x.response.bodyLength = 4
    x.answer()
    return DONE
  }
  const down = world.ask('GET', '/')
  const { x } = down
  x.out.write(Buffer.from('body'), 0, 4)
  x.out.end(null)
  x.resume(turns[0] as number)
  assert.equal(down.status, 0)
  x.resume(turns[1] as number)
  assert.equal(down.text, 'body')
  assert.equal(down.isWhole, true)
})

class Upper implements InterposedSink {
  next: BodySink
  source: BodySource | null = null
  readonly #mark: string

  constructor(next: BodySink, mark: string) {
    this.next = next
    this.#mark = mark
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const bytes = Buffer.from(buffer.toString('latin1', start, end) + this.#mark)
    return this.next.write(bytes, 0, bytes.length)
  }

  end(): void {
    this.next.end(null)
  }

  abort(fault: Fault): void {
    this.next.abort(fault)
  }

  resume(): void {
    this.source?.resume()
  }

  cancel(fault: Fault): void {
    this.source?.cancel(fault)
  }
}

test('interposed sinks stand in the order of the walk: nearest to the origin first', () => {
  const { world, a, b, c } = threeSteps()
  for (const step of [a, b]) {
    step.response = (x) => {
      x.interpose(new Upper(x.down, step.name))
      return NEXT
    }
  }
  const source = new FakeUpstream({ name: '' })
  c.request = (x) => {
    x.response.status = 200
    x.response.bodyLength = BODY_UNKNOWN
    x.source = source
    x.answer()
    return DONE
  }
  const down = world.ask('GET', '/')
  down.x.out.write(Buffer.from('o'), 0, 1)
  assert.equal(down.text, 'oba')
  down.x.source?.resume()
  assert.equal(source.resumes, 1)
  world.engine.abandon(down.x, Faults.CLIENT_GONE)
  assert.equal(source.cancelled, Faults.CLIENT_GONE)
})

test('an answer given whole passes interposed sinks too', () => {
  const { world, a, c } = threeSteps()
  a.response = (x) => {
    x.response.bodyLength = BODY_UNKNOWN
    x.interpose(new Upper(x.down, '!'))
    return NEXT
  }
  c.request = (x) => answerText(x, 'hello')
  assert.equal(world.ask('GET', '/').text, 'hello!')
})

test('a step that answers instead of the origin cancels its upstream', () => {
  const { world, b, c } = threeSteps()
  const upstream = new FakeUpstream({ name: '' })
  c.request = (x) => {
    x.upstream = x.source = upstream
    x.response.status = 200
    x.response.bodyLength = 1000
    x.answer()
    return DONE
  }
  b.response = (x) => {
    x.clearAnswer()
    return answerText(x, 'instead')
  }
  const down = world.ask('GET', '/')
  assert.equal(down.text, 'instead')
  assert.equal(upstream.cancelled, NONE)
})
