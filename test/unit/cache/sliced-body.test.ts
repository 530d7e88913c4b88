import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../../src/cache/store/entry.ts'
import { Growth, type Follower } from '../../../src/cache/store/growth.ts'
import { BodySpan, MemoryBody } from '../../../src/cache/store/memory-body.ts'
import { Outcome, type Reader } from '../../../src/cache/fill/reader.ts'
import { Slice } from '../../../src/cache/fill/slice.ts'
import { SlicedBody, type SliceSource } from '../../../src/cache/fill/sliced-body.ts'
import { Faults, NONE } from '../../../src/core/faults.ts'
import type { Exchange } from '../../../src/http/exchange.ts'
import type { CacheStore } from '../../../src/cache/store/store.ts'

const bytes = 1000
const slice = new Slice({
  bytes,
  number: 2,
  from: 0,
  indexKey: 'index',
  wholeKey: 'whole',
  version: { validator: '"one"', length: 5000 },
})

const nobody = { onAdvance: () => {}, onDeserted: () => {} }

test('who reads on in a slice that is asked for again does not hold its fill back at the beginning', () => {
  const placed: Reader[] = []
  const store = { generation: 1, find: () => null, peek: () => null } as unknown as CacheStore
  const source: SliceSource = { store, place: (reader) => placed.push(reader), refresh: () => {} }
  const x = { request: {} } as Exchange
  const ask = { key: slice.key, slice } as unknown as ConstructorParameters<typeof SlicedBody>[2]
  const body = new SlicedBody(x, source, ask, { validator: '"one"', length: 5000 })
  const reader = {
    position: 2700,
    onGrown: () => {},
    onBroken: () => assert.fail('it is asked for once more'),
  }
  const entry = { body: new MemoryBody(bytes) } as Entry
  const first = new Growth(nobody)
  body.seed(2, entry, first)
  body.follow(reader as unknown as Follower)
  body.advance(reader as unknown as Follower)
  assert.equal(first.front, 700)
  first.broken(Faults.ORIGIN_TRUNCATED)
  const second = new Growth(nobody)
  Object.assign(placed[0] as Reader, { outcome: Outcome.FILLED, entry, growth: second, fault: NONE })
  placed[0]?.wake()
  assert.equal(second.front, 700)
})

test('who begins in the middle of a slice that is not there yet does not hold its fill back at the beginning', () => {
  const placed: Reader[] = []
  const store = { generation: 1, find: () => null, peek: () => null } as unknown as CacheStore
  const source: SliceSource = { store, place: (reader) => placed.push(reader), refresh: () => {} }
  const ask = { key: slice.key, slice } as unknown as ConstructorParameters<typeof SlicedBody>[2]
  const body = new SlicedBody({ request: {} } as Exchange, source, ask, { validator: '"one"', length: 5000 })
  const growth = new Growth(nobody)
  body.follow({ position: 3600, onGrown: () => {} } as unknown as Follower)
  // The second of several ranges: nothing of this slice was read before.
  assert.equal(body.readAt(3600, new BodySpan()), false)
  const entry = { body: new MemoryBody(bytes) } as Entry
  Object.assign(placed[0] as Reader, { outcome: Outcome.FILLED, entry, growth, fault: NONE })
  placed[0]?.wake()
  assert.equal(growth.front, 600)
})

test('who goes back in a slice to bytes that are gone asks for it anew', () => {
  const placed: Reader[] = []
  const store = { generation: 1, find: () => null, peek: () => null } as unknown as CacheStore
  const source: SliceSource = { store, place: (reader) => placed.push(reader), refresh: () => {} }
  const ask = { key: slice.key, slice } as unknown as ConstructorParameters<typeof SlicedBody>[2]
  const body = new SlicedBody({ request: {} } as Exchange, source, ask, { validator: '"one"', length: 5000 })
  const reader = { position: 2700, onGrown: () => {} }
  // What no store takes is a window that moves on: of this one nothing is left.
  const entry = { body: { readAt: () => false } } as unknown as Entry
  body.seed(2, entry, new Growth(nobody))
  body.follow(reader as unknown as Follower)
  body.advance(reader as unknown as Follower)
  reader.position = 2300
  body.advance(reader as unknown as Follower)
  assert.equal(body.readAt(2300, new BodySpan()), false)
  assert.equal(placed.length, 1)
})
