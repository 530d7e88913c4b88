import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Timers } from '../../../src/core/timers.ts'
import { Engine } from '../../../src/engine/chain.ts'
import { FakeDown } from './fake-streams.ts'
import { fillRequest, HandClock, planOf, RecordingObserver } from './fakes.ts'

/** An engine that has no route at all, and one challenge open. */
function asked(method: string, target: string, open = new Map([['token', 'token.thumbprint']])): FakeDown {
  const clock = new HandClock()
  const engine = new Engine({
    clock,
    timers: new Timers(clock),
    observer: new RecordingObserver(),
    plan: planOf([], { router: { find: () => null, explain: () => null } }),
    challenges: { size: open.size, httpAnswer: (token) => open.get(token) ?? null },
  })
  const down = new FakeDown(engine)
  fillRequest(down.x, method, target, [])
  engine.serve(down.x)
  return down
}

const place = '/.well-known/acme-challenge/'

test('a challenge that is open is answered before any route (RFC 8555 §8.3)', () => {
  const down = asked('GET', place + 'token')
  assert.equal(down.status, 200)
  assert.equal(down.text, 'token.thumbprint')
})

test('tokens of others, other methods and other paths go to the routes', () => {
  for (const [method, target] of [
    ['GET', place + 'other'],
    ['GET', place],
    ['POST', place + 'token'],
    ['GET', place + 'token/x'],
    ['GET', '/token'],
  ] as const)
    assert.equal(asked(method, target).status, 404, `${method} ${target}`)
  assert.equal(asked('GET', place + 'token', new Map()).status, 404)
})
