/**
 * A step that makes some requests wait, so that wake-ups come late: after the client has left, or when the exchange
 * already serves another request.
 */
import type { Clock } from '../../src/core/clock.ts'
import { NEXT, WAIT, type Exchange, type Flow, type Handler } from '../../src/http/exchange.ts'
import type { World } from './world.ts'

export class Delay implements Handler {
  readonly name = 'delay'
  readonly #world: World
  readonly #clock: Clock

  constructor(world: World, clock: Clock) {
    this.#world = world
    this.#clock = clock
  }

  onRequest(x: Exchange): Flow {
    const { random } = this.#world
    if (!random.chance(0.3)) return NEXT
    const turn = x.beginWait()
    this.#clock.after(random.next() * 60, () => x.resume(turn))
    // Somebody who wakes it twice must do no harm.
    if (random.chance(0.3)) this.#clock.after(60 + random.next() * 60, () => x.resume(turn))
    return WAIT
  }
}
