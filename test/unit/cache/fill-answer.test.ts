/** What is held back until other workers know of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BODY_NONE, BODY_UNKNOWN } from '../../../src/http/message.ts'
import { Faults } from '../../../src/core/faults.ts'
import type { FillsTold } from '../../../src/cache/fill/fills.ts'
import { Slice, type Version } from '../../../src/cache/fill/slice.ts'
import { FillWorld } from './fill-world.ts'

const fresh = ['Cache-Control', 'max-age=60']

/** Others that hear what they are told when the test says so. */
class Others implements FillsTold {
  readonly hasListeners = true
  readonly said: string[] = []
  readonly #waiting: (() => void)[] = []

  onAsked(): void {}

  onAnswer(key: string, isSoon: boolean, onHeard: () => void): boolean {
    this.said.push(`${key} ${isSoon ? 'soon' : 'long'}`)
    this.#waiting.push(onHeard)
    return true
  }

  onLong(key: string): void {
    this.said.push(`${key} long after all`)
  }

  onAnswered(key: string): void {
    this.said.push(`${key} answered`)
  }

  hear(): void {
    for (const call of this.#waiting.splice(0)) call()
  }
}

function made(): { world: FillWorld; others: Others } {
  const others = new Others()
  return { world: new FillWorld({}, {}, Infinity, others), others }
}

test('who waits for an answer that is stored gets it, and finds it stored, when the others know of it', () => {
  const { world, others } = made()
  const first = world.ask('GET', '/a')
  const asked = world.at(0).head(200, 10, fresh).body('01234').body('56789')
  assert.equal(asked.isWelcome, false)
  asked.end()
  const second = world.ask('GET', '/a')
  assert.deepEqual([first.status, first.text, second.text], [0, '', ''])
  others.hear()
  assert.deepEqual([first.text, second.text], ['0123456789', '0123456789'])
  assert.equal(world.ask('GET', '/a').text, '0123456789')
  assert.equal(world.asked.length, 1)
  assert.deepEqual(others.said, ['/a soon', '/a answered'])
  assert.ok(world.isAtRest)
})

test('the origin is paused meanwhile and goes on afterwards; one that has no length and no end is called long', () => {
  const { world, others } = made()
  const down = world.ask('GET', '/a')
  const asked = world.at(0).head(200, BODY_UNKNOWN, fresh).body('01234')
  others.hear()
  assert.equal(down.text, '01234')
  assert.ok(asked.resumes > 0)
  asked.body('56789').end()
  assert.equal(down.text, '0123456789')
  assert.deepEqual(others.said, ['/a soon', '/a long after all', '/a answered'])
  assert.ok(world.isAtRest)
})

test('an answer that is not stored is passed on at once', () => {
  const { world, others } = made()
  const down = world.ask('GET', '/a')
  world.at(0).head(200, 5, ['Cache-Control', 'no-store']).body('01234').end()
  assert.equal(down.text, '01234')
  assert.deepEqual(others.said, ['/a answered'])
})

test('a 304, and what takes the place of a stored answer without being stored, are held too', () => {
  const { world, others } = made()
  world.ask('GET', '/a')
  world.at(0).head(200, 5, ['Cache-Control', 'max-age=1', 'ETag', '"x"']).body('01234').end()
  others.hear()
  world.clock.advance(2000)
  const validated = world.ask('GET', '/a')
  world.at(1).head(304, BODY_NONE, ['Cache-Control', 'max-age=1', 'ETag', '"x"'])
  assert.equal(validated.status, 0)
  others.hear()
  assert.equal(validated.text, '01234')
  world.clock.advance(2000)
  const passed = world.ask('GET', '/a')
  world.at(2).head(200, 5, ['Cache-Control', 'no-store']).body('56789').end()
  assert.equal(passed.text, '')
  others.hear()
  assert.equal(passed.text, '56789')
  assert.ok(world.isAtRest)
})

test('an origin that breaks off meanwhile fails those who wait, and what is heard later does nothing', () => {
  const { world, others } = made()
  const down = world.ask('GET', '/a')
  world.at(0).head(200, 10, fresh).body('01234').fail(Faults.ORIGIN_TRUNCATED)
  others.hear()
  assert.notEqual(down.status, 200)
  assert.deepEqual(others.said, ['/a soon', '/a answered'])
  assert.ok(world.isAtRest)
})

function sliceOf(version: Version | null): Slice {
  return new Slice({ bytes: 10, number: 0, from: 1, indexKey: 'index', wholeKey: 'whole', version })
}

test('all that was told of a slice is settled, whatever becomes of it', () => {
  const { world, others } = made()
  // A whole of another version, where a slice was asked for.
  world.slices.set('/a', sliceOf({ validator: '"one"', length: 100 }))
  world.ask('GET', '/a')
  world.at(0).head(200, 5, [...fresh, 'ETag', '"two"'])
  others.hear()
  assert.deepEqual(others.said.splice(0), [
    'whole soon',
    'whole answered',
    `${sliceOf({ validator: '"one"', length: 100 }).key} answered`,
  ])
  // An origin that does not know ranges.
  world.slices.set('/b', sliceOf(null))
  world.ask('GET', '/b')
  world
    .at(1)
    .head(200, 5, [...fresh, 'ETag', '"two"'])
    .body('01234')
    .end()
  others.hear()
  assert.deepEqual(others.said, ['whole soon', 'whole answered', 'index answered'])
  assert.ok(world.isAtRest)
})
