import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { H2Origin } from './h2-origin.ts'
import { ProxyWorld } from './proxy-world.ts'

/** What the `nth` session was asked, by number of its streams. */
function askedOf(origin: H2Origin): number[] {
  const lines = origin.take().filter((line) => line.includes(' HEADERS '))
  return lines.map((line) => Number(line.split(' ')[0]))
}

function worldWith(requests: number): ProxyWorld {
  const world = new ProxyWorld({ servers: ['h2c://10.0.0.11:3000'] })
  const client = world.h2Client()
  for (let i = 0; i < requests; i++) client.get(2 * i + 1)
  world.pass(10)
  return world
}

test('requests that an origin leaves behind, session after session, are served by those that follow', () => {
  const world = worldWith(10)
  let served = 0
  for (let nth = 0; served < 10; nth++) {
    const origin = world.h2Accepted[nth] as H2Origin
    const asked = askedOf(origin)
    // As nginx does after keepalive_requests.
    for (const id of asked.slice(0, 2)) origin.head(id, 200, [], true)
    origin.goaway(3)
    served += 2
    world.pass(10)
  }
  assert.equal(world.h2Accepted.length, 5)
  assert.deepEqual(
    world.observer.finished.map(({ status, attempts }) => [status, attempts]),
    [1, 1, 2, 2, 3, 3, 4, 4, 5, 5].map((attempts) => [200, attempts]),
  )
})

test('an origin that goes away again and again, and takes nothing, is not asked without end', () => {
  const world = worldWith(1)
  for (let nth = 0; nth < world.h2Accepted.length && nth < 20; nth++) {
    world.h2Accepted[nth]?.goaway(0)
    world.pass(10)
  }
  assert.equal(world.h2Accepted.length, 2)
  assert.deepEqual(
    world.observer.finished.map(({ status }) => status),
    [502],
  )
})
