/** What every CacheStore promises (src/cache/store/store.ts). Each implementation runs it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Entry } from '../../../src/cache/store/entry.ts'
import type { CacheStore, PurgeTarget } from '../../../src/cache/store/store.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { ManualClock } from '../../story/manual-clock.ts'
import { describeLatePurges, describePurges } from './store-purges.ts'
import { runSchedule } from './store-schedule.ts'
import {
  bodyOf,
  entryFor,
  fieldsOf,
  find,
  plainKeys,
  put,
  requestFor,
  type SmallStore,
} from './store-world.ts'
import { StoredFields } from '../../../src/http/stored-fields.ts'

export interface StoreOptions {
  readonly clock: Clock
  readonly bytesMax: number
  readonly entryBytesMax?: number
  readonly onEvict?: (entry: Entry) => void
}

export type StoreMaker = (options: StoreOptions) => CacheStore

const page = 'https://www.example.com/page'

/** The same answer with another head, as a 304 makes it. */
function confirmed(old: Entry, bornAt: number): Entry {
  const { key, site, host, statedLength, vary, variant, body, tagNames } = old
  const head = { status: 200, reason: '', fields: StoredFields.of(fieldsOf({ 'x-version': '2' })) }
  return new Entry({ key, site, host, head, statedLength, vary, variant, body, tags: tagNames, bornAt })
}

export function describeStore(name: string, make: StoreMaker, seeds: number): void {
  const makeSmall = (bytesMax = 1_000_000) => {
    const clock = new ManualClock()
    return { clock, store: make({ clock, bytesMax }) }
  }
  describe(name, () => {
    describeGrowing(makeSmall)
    describeVariants(makeSmall)
    describeHeads(makeSmall)
    describePurges(makeSmall)
    describeLatePurges(makeSmall)
    describeRoom(make)
    test(`${seeds} random schedules agree with a plain model`, () => {
      for (let seed = 1; seed <= seeds; seed++) runSchedule(seed, make, 300)
    })
  })
}

function describeGrowing(makeSmall: SmallStore): void {
  test('a growing entry is found when its body is whole, and not before', () => {
    const { store } = makeSmall()
    const body = Buffer.from('hello')
    const entry = entryFor(store, requestFor(page), { body })
    assert.equal(store.begin(entry), true)
    assert.equal(store.append(entry, body, 0, 3), true)
    assert.equal(find(store, page), null)
    assert.equal(store.append(entry, body, 3, 5), true)
    assert.equal(store.complete(entry), true)
    assert.equal(find(store, page), entry)
    assert.deepEqual(bodyOf(entry), body)
  })

  test('an abandoned entry is never found and counts for nothing', () => {
    const { store } = makeSmall()
    const entry = entryFor(store, requestFor(page), { isStated: false })
    assert.equal(store.begin(entry), true)
    assert.equal(store.append(entry, Buffer.alloc(1000), 0, 1000), true)
    store.abandon(entry)
    store.abandon(entry)
    assert.equal(store.complete(entry), false)
    assert.equal(store.append(entry, Buffer.alloc(1), 0, 1), false)
    assert.equal(find(store, page), null)
    const { bytes, entries, growing, purgeRecords } = store.snapshot()
    assert.deepEqual(
      { bytes, entries, growing, purgeRecords },
      { bytes: 0, entries: 0, growing: 0, purgeRecords: 0 },
    )
  })

  test('a small body of unknown length counts for its own bytes once it is whole, not for a block', () => {
    const { store } = makeSmall()
    const small = put(store, requestFor(page), { body: Buffer.alloc(100), isStated: false }) as Entry
    assert.ok(small.bytes < 2000, String(small.bytes))
    assert.equal(store.snapshot().bytes, small.bytes)
  })

  test('the entry that was stored before is found until the new one is whole', () => {
    const { store } = makeSmall()
    const old = put(store, requestFor(page), { body: Buffer.from('old') })
    const fresh = entryFor(store, requestFor(page))
    store.begin(fresh)
    assert.equal(find(store, page), old)
    store.complete(fresh)
    assert.equal(find(store, page), fresh)
    assert.equal(old?.isStored, false)
    assert.equal(store.snapshot().entries, 1)
  })

  test('has tells of what is stored for other requests, and not of what was purged', () => {
    const { store } = makeSmall()
    const request = requestFor(page, { v: 'x' })
    const key = plainKeys.of(request)
    assert.equal(store.has(key), false)
    assert.ok(put(store, request, { fields: { vary: 'v' } }))
    assert.equal(store.find(key, requestFor(page, { v: 'y' })), null)
    assert.equal(store.has(key), true)
    store.purge({ target: { kind: 'all' } })
    assert.equal(store.has(key), false)
  })

  test('peek finds without counting a hit or a miss', () => {
    const { store } = makeSmall()
    const request = requestFor(page)
    const entry = put(store, request)
    assert.equal(store.peek(plainKeys.of(request), request), entry)
    assert.equal(store.snapshot().hits + store.snapshot().misses, 0)
    find(store, page)
    find(store, page + '/other')
    assert.deepEqual([store.snapshot().hits, store.snapshot().misses, entry?.hits], [1, 1, 1])
    assert.deepEqual(store.topEntries(10), [entry])
  })
}

function describeVariants(makeSmall: SmallStore): void {
  const vary = { vary: 'Accept-Encoding' }

  test('each variant is found by the requests that it fits (RFC 9111 §4.1)', () => {
    const { store } = makeSmall()
    const zipped = put(store, requestFor(page, { 'accept-encoding': 'gzip' }), { fields: vary })
    const plain = put(store, requestFor(page), { fields: vary })
    assert.equal(find(store, page, { 'accept-encoding': 'gzip' }), zipped)
    assert.equal(find(store, page), plain)
    assert.equal(find(store, page, { 'accept-encoding': 'br' }), null)
    assert.equal(store.snapshot().entries, 2)
  })

  test('of two that fit the one with the later Date is found', () => {
    const { store } = makeSmall()
    const late = put(store, requestFor(page, { a: '1' }), { fields: { vary: 'a' }, dateMs: 2000 })
    const early = put(store, requestFor(page, { b: '1' }), { fields: { vary: 'b' }, dateMs: 1000 })
    assert.equal(find(store, page, { a: '1', b: '1' }), late)
    assert.equal(find(store, page, { b: '1' }), early)
  })

  test('an answer without Vary takes the place of all variants, and one with Vary that of one without', () => {
    const { store } = makeSmall()
    put(store, requestFor(page, { 'accept-encoding': 'gzip' }), { fields: vary })
    put(store, requestFor(page, { 'accept-encoding': 'br' }), { fields: vary })
    const all = put(store, requestFor(page))
    assert.equal(store.snapshot().entries, 1)
    assert.equal(find(store, page, { 'accept-encoding': 'gzip' }), all)
    put(store, requestFor(page, { 'accept-encoding': 'br' }), { fields: vary })
    assert.equal(find(store, page, { 'accept-encoding': 'gzip' }), null)
    assert.equal(store.snapshot().entries, 1)
  })

  test('of 1,000 variants of one key the last 128 are kept', () => {
    const { store } = makeSmall(10_000_000)
    for (let i = 0; i < 1000; i++)
      put(store, requestFor(page, { cookie: `id=${i}` }), { fields: { vary: 'cookie' } })
    assert.equal(store.snapshot().entries, 128)
    assert.notEqual(find(store, page, { cookie: 'id=999' }), null)
    assert.notEqual(find(store, page, { cookie: 'id=872' }), null)
    assert.equal(find(store, page, { cookie: 'id=871' }), null)
  })

  test('parameters that No-Vary-Search names do not part requests, others do', () => {
    const { store } = makeSmall()
    const rule = { 'no-vary-search': 'params=("utm")' }
    const entry = put(store, requestFor(page + '?a=1&utm=x'), { fields: rule })
    assert.equal(find(store, page + '?utm=y&a=1'), entry)
    assert.equal(find(store, page + '?a=1'), entry)
    assert.equal(find(store, page + '?a=2'), null)
    const url: PurgeTarget = { kind: 'url', host: 'www.example.com', target: '/page?a=1&utm=z' }
    assert.equal(store.purge({ target: url }).count, 1)
    assert.equal(find(store, page + '?a=1'), null)
  })

  test('a purge by URL or prefix with a query also reaches what was stored under a rule for queries', () => {
    const { store, clock } = makeSmall()
    const fields = { 'no-vary-search': 'params=("utm")' }
    const host = 'www.example.com'
    for (const target of ['/page?other=1', '/page?utm=q']) {
      put(store, requestFor(page + '?a=1'), { fields })
      store.purge({ target: { kind: target.includes('utm') ? 'prefix' : 'url', host, target } })
      assert.equal(find(store, page + '?a=1'), null, target)
    }
    put(store, requestFor(page + '?a=1'), { fields })
    store.purge({ target: { kind: 'prefix', host, target: '/page' } })
    clock.advance(100)
    assert.equal(store.snapshot().entries, 0)
  })
}

function describeHeads(makeSmall: SmallStore): void {
  test('a validated answer keeps its body and gets the new head', () => {
    const { store } = makeSmall()
    const old = put(store, requestFor(page), { body: Buffer.from('same'), fields: { xkey: 'a' } }) as Entry
    const fresh = confirmed(old, store.generation)
    assert.equal(store.replaceHead(old, fresh), true)
    assert.equal(find(store, page), fresh)
    assert.equal(fresh.body, old.body)
    assert.equal(store.snapshot().bytes, fresh.bytes)
    assert.equal(store.purge({ target: { kind: 'tag', tag: 'a' }, isDry: true }).count, 1)
    assert.equal(store.replaceHead(old, confirmed(old, store.generation)), false, 'the old one is not stored')
  })

  test('validation makes a softly purged answer fresh, if it was asked for after the purge', () => {
    const { store } = makeSmall()
    const old = put(store, requestFor(page)) as Entry
    const before = store.generation
    store.purge({ target: { kind: 'all' }, isSoft: true })
    assert.equal(find(store, page)?.isSoftPurged, true)
    const early = confirmed(old, before)
    assert.equal(store.replaceHead(old, early), true)
    assert.equal(find(store, page)?.isSoftPurged, true)
    assert.equal(store.replaceHead(early, confirmed(old, store.generation)), true)
    assert.equal(find(store, page)?.isSoftPurged, false)
  })

  test('a validation that took longer than purges are remembered for is not believed', () => {
    const { store, clock } = makeSmall()
    const before = store.generation
    put(store, requestFor('https://other.example/'))
    store.purge({ target: { kind: 'host', host: 'other.example' }, isSoft: true })
    const old = put(store, requestFor(page)) as Entry
    clock.advance(60_000)
    assert.equal(store.snapshot().purgeMarks, 0)
    assert.equal(store.replaceHead(old, confirmed(old, before)), false)
    assert.equal(find(store, page), old)
  })

  test('other forms of an answer count for its bytes, and go with it', () => {
    const { store } = makeSmall()
    const entry = put(store, requestFor(page), { body: Buffer.alloc(1000) }) as Entry
    const { bytes } = entry
    const form = { name: 'br', head: entry.head, body: entry.body }
    assert.equal(store.addDerived(entry, form), true)
    assert.ok(entry.bytes >= bytes + 1000)
    assert.equal(store.snapshot().bytes, entry.bytes)
    store.remove(entry)
    assert.equal(store.snapshot().bytes, 0)
    assert.equal(store.addDerived(entry, form), false)
  })
}

function describeRoom(make: StoreMaker): void {
  test('an entry larger than the limit is refused by what it says, and cut off when it does not say', () => {
    const store = make({ clock: new ManualClock(), bytesMax: 1_000_000, entryBytesMax: 100_000 })
    const body = Buffer.alloc(99_000)
    assert.equal(put(store, requestFor(page), { body: Buffer.alloc(100_000) }), null)
    const unstated = entryFor(store, requestFor(page), { isStated: false })
    assert.equal(store.begin(unstated), true)
    assert.equal(store.append(unstated, body, 0, 60_000), true)
    assert.equal(store.append(unstated, body, 0, 60_000), false)
    assert.equal(unstated.isGrowing, false)
    assert.equal(store.snapshot().bytes, 0)
    assert.notEqual(put(store, requestFor(page), { body: Buffer.alloc(90_000) }), null)
    assert.equal(store.entryBytesMax, 100_000)
  })

  test('one entry may be an eighth of the store when nothing else is said', () => {
    assert.equal(make({ clock: new ManualClock(), bytesMax: 8_000_000 }).entryBytesMax, 1_000_000)
  })

  test('growing entries take half of the store at most, and never what they cannot have', () => {
    const store = make({ clock: new ManualClock(), bytesMax: 1_000_000 })
    let taken = 0
    for (let i = 0; i < 20; i++) {
      const entry = entryFor(store, requestFor(`${page}/${i}`), { body: Buffer.alloc(90_000) })
      if (store.begin(entry)) taken++
    }
    assert.equal(taken, 5)
    assert.ok(store.snapshot().growingBytes <= 500_000)
    assert.equal(store.snapshot().refused, 15)
  })

  test('what is asked for again outlives a scan of ten times the store', () => {
    const evicted: Entry[] = []
    const store = make({
      clock: new ManualClock(),
      bytesMax: 200_000,
      onEvict: (entry) => void evicted.push(entry),
    })
    for (let i = 0; i < 20; i++) put(store, requestFor(`${page}/hot/${i}`), { body: Buffer.alloc(1000) })
    for (let i = 0; i < 1000; i++) {
      if (i % 20 === 0) for (let k = 0; k < 20; k++) find(store, `${page}/hot/${k}`)
      put(store, requestFor(`${page}/cold/${i}`), { body: Buffer.alloc(1000) })
    }
    for (let i = 0; i < 20; i++) assert.notEqual(find(store, `${page}/hot/${i}`), null, `hot ${i}`)
    assert.equal(new Set(evicted).size, evicted.length)
    assert.equal(store.snapshot().evictions, evicted.length)
  })

  test('a smaller limit holds at once', () => {
    const store = make({ clock: new ManualClock(), bytesMax: 1_000_000 })
    for (let i = 0; i < 100; i++) put(store, requestFor(`${page}/${i}`), { body: Buffer.alloc(5000) })
    store.resize(100_000)
    assert.ok(store.snapshot().bytes <= 100_000)
    assert.ok(store.snapshot().entries >= 10)
  })

  test('an entry thrown out while it is read stays readable', () => {
    const store = make({ clock: new ManualClock(), bytesMax: 10_000_000 })
    const body = Buffer.alloc(1_000_000, 'abcdefghij')
    const entry = put(store, requestFor(page), { body }) as Entry
    store.purge({ target: { kind: 'all' } })
    assert.equal(find(store, page), null)
    assert.deepEqual(bodyOf(entry), body)
  })
}
