import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from '../../../src/core/faults.ts'
import { createProxy, defaultProxyOptions, type ProxyOptions } from '../../../src/handlers/proxy.ts'
import { DONE, Exchange, NEXT, WAIT, type Handler } from '../../../src/http/exchange.ts'
import { Fields } from '../../../src/http/fields.ts'
import { BODY_UNKNOWN } from '../../../src/http/message.ts'
import { FakeOrigin } from '../engine/fake-streams.ts'
import { World, beginBody, fillRequest, planOf, routeOf } from '../engine/fakes.ts'

interface Setting {
  world: World
  origin: FakeOrigin
}

function setUp(steps: Handler[] = [], options: Partial<ProxyOptions> = {}): Setting {
  const origin = new FakeOrigin('http://10.0.0.11:3000', 'http://10.0.0.12:3000')
  const plan = planOf([])
  const world = new World(plan)
  const { clock, observer } = world
  const proxy = createProxy(
    { ...defaultProxyOptions, origin, ...options },
    { clock, observer, forwarding: plan.forwarding },
  )
  plan.route = routeOf([...steps, proxy])
  return { world, origin }
}

test('callbacks from an attempt that is not current are dropped and counted', () => {
  const { world, origin } = setUp()
  const old = origin.upstream()
  old.isReused = true
  origin.next.push(old, origin.upstream(1))
  const down = world.ask('GET', '/')
  old.fail(Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(origin.opened.length, 2)
  old.head(200, {}, 5)
  old.piece('stale')
  old.done()
  old.fail(Faults.ORIGIN_TRUNCATED)
  old.receiver?.onInformational(down.x, old, down.x.informational)
  assert.equal(world.observer.stale, 5)
  assert.equal(down.status, 0)
  origin.opened[1]?.answer(200, {}, 'fresh')
  assert.equal(down.text, 'fresh')
})

test('what an upstream says after the exchange was abandoned, or serves another, reaches nobody', () => {
  const { world, origin } = setUp()
  const down = world.ask('GET', '/')
  const [upstream] = origin.opened
  world.engine.abandon(down.x, Faults.CLIENT_GONE)
  assert.equal(upstream?.cancelled, Faults.CLIENT_GONE)
  world.engine.finish(down.x)
  const next = world.ask('GET', '/next')
  assert.equal(next.x, down.x)
  upstream?.head(200, { 'x-old': '1' }, 3)
  upstream?.piece('old')
  assert.equal(next.status, 0)
  assert.equal(world.observer.stale, 2)
})

test('an exchange that waits for a connection is sent when it is there', () => {
  const { world, origin } = setUp()
  origin.next.push(WAIT)
  const down = world.ask('GET', '/')
  const wait = origin.waits[0]
  assert.ok(wait !== undefined)
  const upstream = origin.upstream()
  wait.waiter.onOpened(wait.x, wait.turn, upstream)
  assert.equal(upstream.sent?.target, '/')
  upstream.answer(200, {}, 'waited')
  assert.equal(down.text, 'waited')
})

test('a client that leaves gives up its place; a connection that comes all the same is given back', () => {
  const { world, origin } = setUp()
  origin.next.push(WAIT)
  const down = world.ask('GET', '/')
  const wait = origin.waits[0]
  assert.ok(wait !== undefined)
  world.engine.abandon(down.x, Faults.CLIENT_GONE)
  assert.equal(origin.cancelledWaits, 1)
  const upstream = origin.upstream()
  wait.waiter.onOpened(wait.x, wait.turn, upstream)
  assert.equal(upstream.sent, null)
  assert.equal(upstream.cancelled, Faults.CLIENT_GONE)
  wait.waiter.onOpenFailed(wait.x, wait.turn, Faults.ORIGIN_REFUSED)
  assert.equal(down.status, 0)
})

test('connections that cannot be made are tried with each server and once more, then it fails', () => {
  const { world, origin } = setUp()
  origin.next.push(...Array.from({ length: 10 }, () => WAIT))
  const down = world.ask('GET', '/')
  for (let i = 0; i < 10 && down.status === 0; i++) {
    const wait = origin.waits[i]
    assert.ok(wait !== undefined)
    wait.waiter.onOpenFailed(wait.x, wait.turn, Faults.ORIGIN_REFUSED)
  }
  assert.equal(origin.waits.length, 3)
  assert.equal(down.status, 502)
  assert.equal(world.observer.faults.length, 3)
})

test('when nobody is left to try, the client is told why the last one failed', () => {
  const { world, origin } = setUp()
  const first = origin.upstream()
  first.isReused = true
  origin.next.push(first, -Faults.ORIGIN_NONE)
  const down = world.ask('GET', '/')
  first.fail(Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(down.status, 502)
  assert.equal(world.observer.finished[0]?.fault, Faults.ORIGIN_CLOSED_EARLY)
})

test('an origin that has nobody at all is 503', () => {
  const { world, origin } = setUp()
  origin.next.push(-Faults.ORIGIN_NONE)
  assert.equal(world.ask('GET', '/').status, 503)
})

test('each attempt that fails is told to the origin and to the observer once', () => {
  const { world, origin } = setUp()
  const [a, b] = [origin.upstream(0), origin.upstream(1)]
  a.isReused = b.isReused = true
  origin.next.push(a, b)
  const down = world.ask('GET', '/')
  a.fail(Faults.ORIGIN_CLOSED_EARLY)
  b.fail(Faults.ORIGIN_CLOSED_EARLY)
  assert.equal(down.status, 502)
  assert.deepEqual(origin.attemptFaults, [Faults.ORIGIN_CLOSED_EARLY, Faults.ORIGIN_CLOSED_EARLY])
  assert.deepEqual(world.observer.faults, [Faults.ORIGIN_CLOSED_EARLY, Faults.ORIGIN_CLOSED_EARLY])
  assert.equal(world.observer.finished.length, 1)
})

test('a body is gathered only for requests that could be sent again', () => {
  for (const [method, replays] of [
    ['PUT', true],
    ['POST', false],
  ] as const) {
    const { world, origin } = setUp()
    const upstream = origin.upstream()
    upstream.isReused = true
    origin.next.push(upstream)
    const down = world.client(method, '/')
    beginBody(down.x, BODY_UNKNOWN)
    world.engine.serve(down.x)
    down.x.body.push(Buffer.from('abc'), 0, 3)
    assert.equal(down.x.body.isReplayable, replays)
    upstream.fail(Faults.ORIGIN_CLOSED_EARLY)
    assert.equal(origin.opened.length, replays ? 2 : 1)
    if (replays) assert.equal(Buffer.concat(origin.opened[1]?.body ?? []).toString(), 'abc')
  }
})

test('what an origin refuses unseen is sent again with its body, also a POST; what it may have seen is not', () => {
  for (const [fault, replays] of [
    [Faults.ORIGIN_STREAM_REFUSED, true],
    [Faults.ORIGIN_GOING_AWAY, true],
    [Faults.ORIGIN_STREAM_RESET, false],
    [Faults.ORIGIN_CLOSED_EARLY, false],
  ] as const) {
    const { world, origin } = setUp()
    origin.mayRefuseUnseen = true
    const upstream = origin.upstream()
    upstream.isReused = true
    origin.next.push(upstream)
    const down = world.client('POST', '/')
    beginBody(down.x, BODY_UNKNOWN)
    world.engine.serve(down.x)
    down.x.body.push(Buffer.from('abc'), 0, 3)
    upstream.fail(fault)
    assert.equal(origin.opened.length, replays ? 2 : 1)
    if (replays) assert.equal(Buffer.concat(origin.opened[1]?.body ?? []).toString(), 'abc')
  }
})

test('a step that rewrites the target changes what the origin is asked for', () => {
  const rewrite: Handler = {
    name: 'rewrite',
    onRequest(x) {
      x.rewrittenTarget = '/inner?a=b'
      return NEXT
    },
  }
  const { world, origin } = setUp([rewrite])
  world.ask('GET', '/outer?a=b')
  assert.equal(origin.opened[0]?.sent?.target, '/inner?a=b')
})

test('trailers lose what must not stand in them', () => {
  const { world, origin } = setUp()
  const down = world.ask('GET', '/')
  const upstream = origin.opened[0]
  upstream?.head(200, {}, BODY_UNKNOWN)
  upstream?.piece('x')
  const trailers = new Fields()
  trailers.add('Content-Length', '1')
  trailers.add('X-Sum', '2')
  upstream?.done(trailers)
  assert.deepEqual(down.trailers, ['X-Sum', '2'])
})

test('an answer that a step holds back, and whose origin then breaks off, becomes an error answer', () => {
  let turn = 0
  const slow: Handler = {
    name: 'slow',
    onRequest: () => NEXT,
    onResponse(x) {
      turn = x.beginWait()
      return WAIT
    },
  }
  const { world, origin } = setUp([slow])
  const down = world.ask('GET', '/')
  const { x } = down
  const upstream = origin.opened[0]
  upstream?.head(200, {}, 10)
  assert.equal(upstream?.piece('half'), false)
  upstream?.fail(Faults.ORIGIN_TRUNCATED)
  assert.equal(down.status, 502)
  assert.doesNotMatch(down.text, /half/)
  assert.equal(x.resume(turn), false)
})

test('explain tells target, fields and server, and sends nothing', () => {
  const { world, origin } = setUp([], { hostHeader: 'origin' })
  const x = new Exchange()
  fillRequest(x, 'GET', '/a', ['accept', '*/*', 'connection', 'te', 'te', 'trailers'])
  x.isDry = true
  x.requestId = 'id-1'
  const said: string[] = []
  const handler = world.plan.route?.handlers[0]
  assert.equal(
    handler?.explain?.(x, (sentence) => void said.push(sentence)),
    DONE,
  )
  const text = said.join('\n')
  assert.match(text, /asks origin "app", http:\/\/10\.0\.0\.11:3000/)
  assert.match(text, /GET \/a/)
  assert.match(text, /host: 10\.0\.0\.11:3000/)
  assert.match(text, /x-request-id: id-1/)
  assert.doesNotMatch(text, /^ *te:|trailers/m)
  assert.equal(origin.opened.length, 0)
})
