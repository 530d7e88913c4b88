import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Faults, NONE, type Fault } from '../../../src/core/faults.ts'
import {
  DONE,
  NEXT,
  WAIT,
  nobody,
  type Downstream,
  type Exchange,
  type Handler,
  type Walk,
} from '../../../src/http/exchange.ts'
import { planOf, World } from './fakes.ts'

/** Records what each step hears, by the kind of exchange. */
class Step implements Handler {
  readonly name: string
  readonly heard: string[]
  onAsk: (x: Exchange) => typeof DONE | typeof NEXT | typeof WAIT = () => NEXT

  constructor(name: string, heard: string[]) {
    this.name = name
    this.heard = heard
  }

  #hear(what: string, x: Exchange): void {
    this.heard.push(`${this.name} ${what}${x.isChild ? ' child' : ''}`)
  }

  onRequest(x: Exchange): typeof DONE | typeof NEXT | typeof WAIT {
    this.#hear('request', x)
    return this.onAsk(x)
  }

  onResponse(x: Exchange): typeof NEXT {
    this.#hear('response', x)
    return NEXT
  }

  onFault(x: Exchange): typeof NEXT {
    this.#hear('fault', x)
    return NEXT
  }

  onAbandon(x: Exchange): void {
    this.#hear('abandon', x)
  }

  onFinish(x: Exchange): void {
    this.#hear('finish', x)
  }
}

class ChildDown {
  fault: Fault = NONE
  status = 0
  readonly down: Downstream = {
    ...nobody,
    sendWhole: (x) => (this.status = x.response.status),
    abort: (fault) => (this.fault = fault),
  }
}

/** outer · middle (which makes a child of the request) · end */
function familyWorld() {
  const heard: string[] = []
  const [outer, middle, end] = ['outer', 'middle', 'end'].map((name) => new Step(name, heard)) as [
    Step,
    Step,
    Step,
  ]
  const world = new World(planOf([outer, middle, end]))
  const child = new ChildDown()
  const made: { x: Exchange | null } = { x: null }
  middle.onAsk = (x) => {
    const mine = (x.walk as Walk).child(x, x.step + 1, child.down)
    made.x = mine
    mine.request.fields.add('x-mine', '1')
    mine.resume(mine.turn)
    x.beginWait()
    return WAIT
  }
  end.onAsk = () => WAIT
  return { world, heard, end, child, made }
}

describe('a child exchange', () => {
  it('walks the steps behind its maker only, with a copy of the head', () => {
    const { world, heard, end, child, made } = familyWorld()
    end.onAsk = (x) => {
      assert.equal(x.request.target, '/a?b')
      assert.equal(x.request.fields.getByName('accept'), 'text/css')
      assert.equal(x.request.fields.getByName('x-mine'), '1')
      x.response.status = 203
      x.answerWhole(null)
      return DONE
    }
    const down = world.ask('GET', '/a?b', ['Accept', 'text/css'])
    assert.equal(child.status, 203)
    assert.equal(down.x.request.fields.getByName('x-mine'), undefined)
    world.engine.endChild(made.x as Exchange, NONE)
    assert.deepEqual(heard, ['outer request', 'middle request', 'end request child', 'end finish child'])
  })

  it('is told of as a fetch and never as a request', () => {
    const { world, made } = familyWorld()
    world.ask('GET', '/a')
    world.engine.endChild(made.x as Exchange, Faults.CLIENT_GONE)
    assert.equal(world.observer.finished.length, 0)
    assert.equal(world.observer.fetched.length, 1)
    assert.deepEqual(world.observer.faults, [])
  })

  it('its fault comes to its maker, without an error page', () => {
    const { world, end, child } = familyWorld()
    end.onAsk = (x) => {
      x.fail(Faults.ORIGIN_REFUSED)
      return DONE
    }
    const down = world.ask('GET', '/a')
    assert.equal(child.fault, Faults.ORIGIN_REFUSED)
    assert.equal(child.status, 0)
    assert.equal(down.status, 0)
  })

  it('an exception of a step costs the child only', () => {
    const { world, end, child } = familyWorld()
    end.onAsk = () => {
      throw new Error('a bug')
    }
    const down = world.ask('GET', '/a')
    assert.equal(child.fault, Faults.INTERNAL)
    assert.equal(down.status, 0)
  })

  it('lives on when its exchange is gone, and holds the plan until it ends', () => {
    const { world, heard, made } = familyWorld()
    const down = world.ask('GET', '/a')
    const child = made.x as Exchange
    world.engine.swap(planOf([]))
    world.engine.abandon(down.x, Faults.CLIENT_GONE)
    world.engine.finish(down.x)
    assert.equal(world.plan.isClosed, false)
    assert.equal(world.engine.running, 1)
    assert.equal(child.request.target, '/a')
    heard.length = 0
    world.engine.endChild(child, Faults.CLIENT_GONE)
    assert.deepEqual(heard, ['end abandon child', 'end finish child'])
    assert.equal(world.plan.isClosed, true)
    assert.equal(world.engine.running, 0)
  })
})
