import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults, faultCount, faultRow } from '../../../src/core/faults.ts'
import { DONE, NEXT, type Handler } from '../../../src/http/exchange.ts'
import { FakeDown } from './fake-streams.ts'
import { World, planOf, routeOf } from './fakes.ts'

const failing = (fault: number): Handler => ({
  name: 'failing',
  onRequest(x) {
    x.fail(fault)
    return DONE
  },
})

function ask(fault: number, accept: string[], method = 'GET', changes = {}): FakeDown {
  return new World(planOf([failing(fault)], changes)).ask(method, '/', accept)
}

test('a browser gets HTML with status, sentence and request id', () => {
  const down = ask(Faults.ORIGIN_REFUSED, ['accept', 'text/html,application/xhtml+xml,*/*;q=0.8'])
  assert.equal(down.status, 502)
  assert.equal(down.field('content-type'), 'text/html; charset=utf-8')
  assert.equal(down.field('cache-control'), 'no-store')
  assert.match(down.text, /<title>502 Bad Gateway<\/title>/)
  assert.match(down.text, /The origin refused the connection\./)
  assert.match(down.text, /Request [0-9a-f]{12}-/)
  // Of the root: the canvas takes no colour from the body.
  assert.match(down.text, /:root \{ color-scheme: light dark \}/)
})

test('who asks for JSON gets problem details (RFC 9457)', () => {
  const down = ask(Faults.ACCESS_DENIED, ['accept', 'application/json, text/plain, */*'])
  assert.equal(down.field('content-type'), 'application/problem+json')
  const { requestId, ...problem } = JSON.parse(down.text)
  assert.deepEqual(problem, {
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    detail: 'Access is denied.',
  })
  assert.match(requestId, /^[0-9a-f]{12}-/)
})

test('everybody else gets text', () => {
  for (const accept of [[], ['accept', '*/*'], ['accept', 'image/png']]) {
    const down = ask(Faults.NO_ROUTE, accept)
    assert.equal(down.field('content-type'), 'text/plain; charset=utf-8')
    assert.match(down.text, /^404 Not Found\nNo route takes this request\.\nRequest /)
  }
})

test('HEAD gets the head alone, with the length that GET would have', () => {
  const down = ask(Faults.NO_ROUTE, [], 'HEAD')
  assert.equal(down.status, 404)
  assert.equal(down.text, '')
})

test('the operator’s page for the status wins', () => {
  const page = { body: Buffer.from('<h1>Back soon</h1>'), contentType: 'text/html' }
  const errorPages = { find: (status: number) => (status === 502 ? page : null) }
  const down = ask(Faults.ORIGIN_REFUSED, ['accept', 'application/json'], 'GET', { errorPages })
  assert.equal(down.text, '<h1>Back soon</h1>')
  assert.equal(down.field('content-type'), 'text/html')
  assert.equal(
    ask(Faults.NO_ROUTE, [], 'GET', { errorPages }).field('content-type')?.startsWith('text/plain'),
    true,
  )
})

test('503 that passes says when to come back, 405 says what is allowed', () => {
  assert.equal(ask(Faults.DRAINING, []).field('retry-after'), '1')
  assert.equal(ask(Faults.ORIGIN_NONE, []).field('retry-after'), undefined)
  assert.match(ask(Faults.METHOD_REFUSED, []).field('allow') ?? '', /GET, HEAD/)
})

test('every fault with a status is answered with it, and no page names an address', () => {
  for (let fault = 1; fault < faultCount; fault++) {
    const { status } = faultRow(fault)
    const down = ask(fault, ['accept', 'text/html'])
    if (status === 0) {
      assert.equal(down.status, 0)
      assert.equal(down.aborted, fault)
    } else {
      assert.equal(down.status, status)
      assert.doesNotMatch(down.text, /\d+\.\d+\.\d+\.\d+/)
    }
    assert.equal(down.mayReuse, status === 0 || !faultRow(fault).closes)
  }
})

test('Proxy-Status (RFC 9209) is sent only where it is turned on', () => {
  assert.equal(ask(Faults.ORIGIN_REFUSED, []).field('proxy-status'), undefined)
  const handlers = [failing(Faults.ORIGIN_REFUSED)]
  const forwarding = { ...planOf(handlers).forwarding, sendProxyStatus: true }
  const down = new World(planOf(handlers, { forwarding })).ask('GET', '/')
  assert.equal(down.field('proxy-status'), 'edge; error=connection_refused')
})

/** Marks our own error answers. */
const marking: Handler = {
  name: 'marking',
  onRequest: () => NEXT,
  onErrorAnswer: (x) => x.response.fields.add('x-mark', String(x.response.status)),
}

test('every step of the route may edit our error answer, begun or not', () => {
  const refused = failing(Faults.ORIGIN_REFUSED)
  for (const handlers of [
    [marking, refused],
    [refused, marking],
  ])
    assert.equal(new World(planOf(handlers)).ask('GET', '/').field('x-mark'), '502')
  const world = new World(planOf([marking]))
  world.plan.route = routeOf([marking], 10)
  const down = world.client('POST', '/')
  down.x.request.bodyLength = 11
  world.engine.serve(down.x)
  assert.deepEqual([down.status, down.field('x-mark')], [413, '413'])
})

test('where no route takes a request no step edits its answer', () => {
  const world = new World(planOf([marking]))
  world.plan.route = null
  const down = world.ask('GET', '/')
  assert.deepEqual([down.status, down.field('x-mark')], [404, undefined])
})

test('a step that throws over an error answer costs its edit and nothing more', () => {
  const throwing: Handler = {
    ...marking,
    onErrorAnswer() {
      throw new Error('a bug')
    },
  }
  const world = new World(planOf([throwing, failing(Faults.ORIGIN_REFUSED)]))
  assert.equal(world.ask('GET', '/').status, 502)
  assert.match(world.observer.notes[0]?.message ?? '', /a bug/)
})
