import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, NONE } from '../../../src/core/faults.ts'
import { DONE, NEXT, WAIT } from '../../../src/http/exchange.ts'
import { BODY_UNKNOWN, HTTP_1_0 } from '../../../src/http/message.ts'
import { World, beginBody, planOf, routeOf } from './fakes.ts'
import { answerText, threeSteps } from './steps.ts'

test('a request goes inward in order and its answer outward over the steps before the one that gave it', () => {
  const { world, c, log } = threeSteps()
  c.request = (x) => answerText(x, 'hello')
  const down = world.ask('GET', '/')
  assert.equal(down.text, 'hello')
  assert.deepEqual(log, [
    'a request',
    'b request',
    'c request',
    'b response',
    'a response',
    'c finish',
    'b finish',
    'a finish',
  ])
  assert.equal(world.observer.finished.length, 1)
})

test('a step in the middle that answers is passed by no step behind it', () => {
  const { world, b, log } = threeSteps()
  b.request = (x) => answerText(x, '')
  world.ask('GET', '/')
  assert.deepEqual(log, ['a request', 'b request', 'a response', 'b finish', 'a finish'])
})

test('a step that waits and resumes goes on with the next one', () => {
  const { world, b, c, log } = threeSteps()
  let turn = 0
  b.request = (x) => {
    turn = x.beginWait()
    return WAIT
  }
  c.request = (x) => answerText(x, 'late')
  const down = world.ask('GET', '/')
  assert.equal(down.status, 0)
  assert.equal(down.x.resume(turn), true)
  assert.equal(down.text, 'late')
  assert.deepEqual(log.slice(0, 3), ['a request', 'b request', 'c request'])
})

test('a step that waits and reenters is run again', () => {
  const { world, b, log } = threeSteps()
  let turn = 0
  b.request = (x) => {
    if (turn !== 0) return answerText(x, 'again')
    turn = x.beginWait()
    return WAIT
  }
  const down = world.ask('GET', '/')
  down.x.reenter(turn)
  assert.equal(down.text, 'again')
  assert.deepEqual(log.slice(0, 3), ['a request', 'b request', 'b request'])
})

test('a wake-up that carries an old turn does nothing', () => {
  const { world, b } = threeSteps()
  let turn = 0
  b.request = (x) => {
    turn = x.beginWait()
    return WAIT
  }
  const down = world.ask('GET', '/')
  const { x } = down
  world.engine.abandon(x, Faults.CLIENT_GONE)
  assert.equal(x.resume(turn), false)
  world.engine.finish(x)
  assert.equal(x.resume(turn), false)
  assert.equal(down.status, 0)
})

test('an exchange that is abandoned tells its steps, and is told of once with the first fault', () => {
  const { world, b, log } = threeSteps()
  b.request = (x) => {
    x.beginWait()
    return WAIT
  }
  const down = world.ask('GET', '/')
  const { x } = down
  world.engine.abandon(x, Faults.CLIENT_GONE)
  world.engine.abandon(x, Faults.READ_TIMEOUT)
  world.engine.finish(x)
  world.engine.finish(x)
  assert.deepEqual(log.slice(2), ['b abandon', 'a abandon', 'b finish', 'a finish'])
  assert.deepEqual(
    world.observer.finished.map(({ fault }) => fault),
    [Faults.CLIENT_GONE],
  )
  assert.deepEqual(world.observer.faults, [Faults.CLIENT_GONE])
})

test('an answer given after the client has gone is not sent', () => {
  const { world, c } = threeSteps()
  c.request = (x) => {
    x.beginWait()
    return WAIT
  }
  const down = world.ask('GET', '/')
  world.engine.abandon(down.x, Faults.CLIENT_GONE)
  answerText(down.x, 'nobody reads this')
  down.x.fail(Faults.ORIGIN_REFUSED)
  assert.equal(down.status, 0)
})

test('a fault goes outward, and the step that answers it is passed outward as with any answer', () => {
  const { world, b, c, log } = threeSteps()
  c.request = (x) => {
    x.fail(Faults.ORIGIN_REFUSED)
    return DONE
  }
  b.fault = (x) => answerText(x, 'stale')
  const down = world.ask('GET', '/')
  assert.equal(down.text, 'stale')
  assert.equal(log.includes('a fault'), false)
  assert.equal(log.includes('a response'), true)
})

test('a fault that no step answers gets our error answer with its status', () => {
  const { world, c, log } = threeSteps()
  c.request = (x) => {
    x.fail(Faults.ORIGIN_CONNECT_TIMEOUT)
    return DONE
  }
  const down = world.ask('GET', '/')
  assert.equal(down.status, 504)
  assert.equal(log.includes('a fault'), true)
  assert.deepEqual(world.observer.faults, [Faults.ORIGIN_CONNECT_TIMEOUT])
  assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_CONNECT_TIMEOUT)
})

test('a fault after the head was sent cuts the answer', () => {
  const { world, c } = threeSteps()
  c.request = (x) => {
    x.response.status = 200
    x.response.bodyLength = 10
    x.answer()
    return DONE
  }
  const down = world.ask('GET', '/')
  down.x.out.write(Buffer.from('half'), 0, 4)
  down.x.fail(Faults.ORIGIN_TRUNCATED)
  assert.equal(down.aborted, Faults.ORIGIN_TRUNCATED)
  assert.equal(down.isWhole, false)
  assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_TRUNCATED)
})

test('an exception in a step gives 500 and a log entry with its stack, and the next request is served', () => {
  for (const where of ['request', 'response'] as const) {
    const { world, b, c } = threeSteps()
    c.request = (x) => answerText(x, 'fine')
    b[where] = () => {
      throw new Error('broken step')
    }
    const down = world.ask('GET', '/')
    assert.equal(down.status, 500)
    assert.doesNotMatch(down.text, /broken step/)
    assert.match(world.observer.notes[0]?.message ?? '', /broken step\n +at /)
    assert.equal(world.observer.finished[0]?.fault, Faults.INTERNAL)
    b[where] = () => NEXT
    assert.equal(world.ask('GET', '/').text, 'fine')
  }
})

test('an exception while a fault is handled ends in one 500', () => {
  const { world, b, c } = threeSteps()
  c.request = (x) => {
    x.fail(Faults.ORIGIN_REFUSED)
    return DONE
  }
  b.fault = () => {
    throw new Error('broken twice')
  }
  assert.equal(world.ask('GET', '/').status, 500)
  assert.equal(world.observer.finished.length, 1)
})

test('an exception after the exchange was finished does not touch the one that follows in its place', () => {
  const { world, c } = threeSteps()
  const others: ReturnType<World['client']>[] = []
  c.request = (x) => {
    answerText(x, 'first')
    // The exchange is free again and serves another client, when the first step's bug shows.
    others.push(world.client('GET', '/second'))
    throw new Error('too late to matter')
  }
  const down = world.ask('GET', '/')
  assert.equal(down.text, 'first')
  const [second] = others
  assert.equal(second?.x, down.x)
  assert.equal(second?.status, 0)
  assert.equal(world.observer.notes.length, 1)
})

test('an exception in onFinish keeps no other step from hearing of the end', () => {
  const { world, c, log } = threeSteps()
  c.onFinish = () => {
    throw new Error('broken end')
  }
  c.request = (x) => answerText(x, 'fine')
  assert.equal(world.ask('GET', '/').text, 'fine')
  assert.deepEqual(log.slice(-2), ['b finish', 'a finish'])
  assert.equal(world.observer.finished.length, 1)
})

test('a second answer is a bug: the one under way is cut, never mixed', () => {
  const { world, c } = threeSteps()
  c.request = (x) => {
    x.response.status = 200
    x.response.bodyLength = 5
    x.answer()
    x.answerWhole(Buffer.from('other'))
    return DONE
  }
  const down = world.ask('GET', '/')
  assert.equal(down.aborted, Faults.INTERNAL)
  assert.equal(down.text, '')
})

test('a 1xx passes outward, but not to HTTP/1.0 and not after the head', () => {
  for (const [version, expected] of [
    [11, 1],
    [HTTP_1_0, 0],
  ] as const) {
    const { world, c, log } = threeSteps()
    c.request = (x) => {
      x.informational.status = 103
      x.inform()
      return answerText(x, 'final')
    }
    const down = world.client('GET', '/')
    down.x.request.version = version
    world.engine.serve(down.x)
    assert.equal(down.informational.length, expected)
    assert.equal(log.filter((entry) => entry.endsWith('informational')).length, expected * 2)
    assert.equal(down.text, 'final')
  }
})

test('a stated length over the limit is 413 before any step runs and before 100 (Continue)', () => {
  const { world, log } = threeSteps()
  world.plan.route = routeOf(world.plan.route?.handlers ?? [], 10)
  const down = world.client('POST', '/')
  const stream = beginBody(down.x, 11, true)
  world.engine.serve(down.x)
  assert.equal(down.status, 413)
  assert.equal(down.mayReuse, false)
  assert.deepEqual(log, [])
  assert.equal(stream.continues, 0)
})

test('a body whose length is the limit is taken, and one of unknown length is bounded by it', () => {
  const { world, c } = threeSteps()
  world.plan.route = routeOf(world.plan.route?.handlers ?? [], 10)
  c.request = (x) => answerText(x, 'taken')
  const exact = world.client('POST', '/')
  beginBody(exact.x, 10)
  world.engine.serve(exact.x)
  assert.equal(exact.status, 200)
  const chunked = world.client('POST', '/')
  beginBody(chunked.x, BODY_UNKNOWN)
  chunked.finishes = false
  world.engine.serve(chunked.x)
  assert.equal(chunked.x.body.bytesMax, 10)
})

test('a request that no route takes is 404, and the errors log says why', () => {
  const world = new World(planOf([]))
  world.plan.route = null
  const down = world.ask('GET', '/nowhere?secret=1')
  assert.equal(down.status, 404)
  assert.equal(world.observer.notes.length, 1)
  const { message } = world.observer.notes[0] as { message: string }
  assert.match(message, /GET http:\/\/www\.example\.com\/nowhere .*no site has this host/)
  assert.doesNotMatch(message, /secret/)
})

test('at most ten unrouted requests a second are explained, and all are told of', () => {
  const world = new World(planOf([]))
  world.plan.route = null
  for (let i = 0; i < 100; i++) world.ask('GET', '/')
  assert.equal(world.observer.notes.length, 10)
  assert.equal(world.observer.finished.length, 100)
  world.clock.advance(1000)
  world.ask('GET', '/')
  assert.equal(world.observer.notes.length, 11)
})

test('maintenance answers everything with 503 and when to come back', () => {
  const world = new World(planOf([], { maintenance: Faults.MAINTENANCE }))
  const down = world.ask('GET', '/')
  assert.equal(down.status, 503)
  assert.equal(down.field('retry-after'), '120')
})

test('a refused head is answered from the fault table and told of once', () => {
  const world = new World(planOf([]))
  const down = world.client('GET', '/')
  world.engine.refuse(down.x, Faults.HEAD_TOO_LARGE)
  assert.equal(down.status, 431)
  assert.equal(down.mayReuse, false)
  assert.deepEqual(world.observer.refused, [Faults.HEAD_TOO_LARGE])
  assert.equal(world.observer.finished.length, 0)
})

test('exchanges are used again, and begin clean', () => {
  const { world, c } = threeSteps()
  c.request = (x) => answerText(x, 'fine')
  const first = world.client('GET', '/', ['x-a', '1'])
  const { x } = first
  world.engine.serve(x)
  const second = world.client('GET', '/')
  assert.equal(second.x, x)
  assert.equal(x.isFinished, false)
  assert.equal(x.request.fields.toArray().length, 0)
  assert.equal(x.response.status, 0)
  assert.equal(x.fault, NONE)
})

test('a new plan serves new exchanges; the old one is closed when its last exchange is finished', () => {
  const { world, c } = threeSteps()
  c.request = (x) => {
    x.beginWait()
    return WAIT
  }
  const down = world.ask('GET', '/')
  const next = planOf([c])
  world.engine.swap(next)
  assert.equal(world.plan.isClosed, false)
  assert.equal(world.engine.running, 1)
  answerText(down.x, 'old plan')
  assert.equal(down.text, 'old plan')
  assert.equal(world.plan.isClosed, true)
  assert.equal(world.engine.running, 0)
  assert.equal(next.isClosed, false)
})

test('a plan that nobody uses is closed as it is replaced', () => {
  const world = new World(planOf([]))
  world.engine.swap(planOf([]))
  assert.equal(world.plan.isClosed, true)
})
