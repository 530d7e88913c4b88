/** What every CacheStore promises about purges: a part of store-suite.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../../src/cache/store/entry.ts'
import { CacheKey } from '../../../src/cache/keys/key.ts'
import type { PurgeTarget } from '../../../src/cache/store/store.ts'
import type { RequestHead } from '../../../src/http/message.ts'
import { entryFor, find, plainKeys, put, requestFor, type SmallStore } from './store-world.ts'

const page = 'https://www.example.com/page'

export function describePurges(makeSmall: SmallStore): void {
  const tagged = { fields: { 'surrogate-key': 'red round', 'cache-tag': 'Blue' } }
  const host = 'www.example.com'
  const kinds: [string, PurgeTarget, boolean][] = [
    ['everything', { kind: 'all' }, true],
    ['its site', { kind: 'all', site: 'site' }, true],
    ['another site', { kind: 'all', site: 'other' }, false],
    ['its host', { kind: 'host', host }, true],
    ['its host in another site', { kind: 'host', host, site: 'other' }, false],
    ['another host', { kind: 'host', host: 'example.com' }, false],
    ['a tag of it, whatever its case', { kind: 'tag', tag: 'blue' }, true],
    ['a tag of it, in its site', { kind: 'tag', tag: 'RED', site: 'site' }, true],
    ['a part of a tag', { kind: 'tag', tag: 're' }, false],
    ['a prefix', { kind: 'prefix', host, target: '/pa' }, true],
    ['a prefix as long as itself', { kind: 'prefix', host, target: '/page' }, true],
    ['a longer prefix', { kind: 'prefix', host, target: '/page/' }, false],
    ['a prefix in its site', { kind: 'prefix', host, target: '/', site: 'site' }, true],
    ['its URL', { kind: 'url', host, target: '/page' }, true],
    ['its URL in another site', { kind: 'url', host, target: '/page', site: 'other' }, false],
    ['another URL', { kind: 'url', host, target: '/pag' }, false],
    ['its key', { kind: 'key', key: plainKeys.of(requestFor(page)) }, true],
  ]

  for (const [words, target, isConcerned] of kinds) {
    test(`a purge of ${words} ${isConcerned ? 'concerns' : 'does not concern'} an entry`, () => {
      const { store, clock } = makeSmall()
      put(store, requestFor(page), tagged)
      const dry = store.purge({ target, isDry: true })
      clock.advance(100)
      assert.equal(dry.count, isConcerned ? 1 : 0)
      assert.notEqual(find(store, page), null, 'a dry run changes nothing')
      const soft = store.purge({ target, isSoft: true })
      assert.equal(find(store, page)?.isSoftPurged, isConcerned)
      clock.advance(100)
      assert.equal(soft.count, isConcerned ? 1 : 0)
      const hard = store.purge({ target })
      assert.equal(find(store, page) === null, isConcerned)
      clock.advance(100)
      assert.deepEqual([hard.count, hard.isCounted], [isConcerned ? 1 : 0, true])
      assert.equal(store.snapshot().entries, isConcerned ? 0 : 1)
    })

    test(`a purge of ${words} while it was asked for ${isConcerned ? 'keeps it out' : 'lets it in'}`, () => {
      const { store } = makeSmall()
      const asked = entryFor(store, requestFor(page), tagged)
      const growing = entryFor(store, requestFor(page), tagged)
      assert.equal(store.begin(growing), true)
      const report = store.purge({ target })
      assert.equal(store.begin(asked), !isConcerned)
      assert.equal(store.complete(growing), !isConcerned)
      assert.equal(report.count, 0, 'what is not stored is not counted')
    })
  }

  for (const isSoft of [false, true]) {
    test(`a URL with very many keys is purged at once${isSoft ? ', softly' : ''}, and counted later`, () => {
      const { store, clock } = makeSmall(100_000_000)
      const keys = new CacheKey('site', 'zone', { headers: ['x-who'] })
      const asked = Array.from({ length: 700 }, (_, i) => requestFor(page, { 'x-who': String(i) }))
      for (const request of asked) put(store, request, { keys })
      const other = requestFor(page + '/more', { 'x-who': '1' })
      put(store, other, { keys })
      const look = (request: RequestHead): Entry | null => store.find(keys.of(request), request)
      const report = store.purge({ target: { kind: 'url', host, target: '/page' }, isSoft })
      for (const request of asked.slice(0, 100)) assert.equal(look(request)?.isSoftPurged ?? !isSoft, true)
      put(store, asked[0] as RequestHead, { keys })
      clock.advance(1000)
      assert.deepEqual([report.count, report.isCounted], [700, true])
      assert.equal(look(asked[0] as RequestHead)?.isSoftPurged, false, 'what came after it stays')
      assert.equal(look(other)?.isSoftPurged, false)
      assert.equal(store.snapshot().entries, isSoft ? 701 : 2)
    })
  }

  test('a purge by URL takes every scheme, zone, variant, and what the operator put into the key', () => {
    const { store } = makeSmall()
    const chosen = new CacheKey('site', 'zone', { headers: ['x-who'] })
    const vary = { vary: 'Accept-Encoding' }
    put(store, requestFor(page))
    put(store, requestFor('http://www.example.com/page'))
    put(store, requestFor(page), { zone: 'other' })
    const who = { 'x-who': 'me' }
    put(store, requestFor(page, who), { keys: chosen, fields: vary })
    const zipped = put(store, requestFor(page, { ...who, 'accept-encoding': 'gzip' }), {
      keys: chosen,
      fields: vary,
    })
    store.remove(zipped as Entry)
    put(store, requestFor(page + '/more'))
    assert.equal(store.purge({ target: { kind: 'url', host, target: '/page' } }).count, 4)
    assert.equal(store.snapshot().entries, 1)
  })

  test('a report by its number tells what came of a purge', () => {
    const { store, clock } = makeSmall()
    for (let i = 0; i < 10; i++) put(store, requestFor(`https://www.example.com/${i % 2}/${i}`))
    const { generation } = store.purge({ target: { kind: 'prefix', host, target: '/1/' } })
    assert.equal(store.purgeReport(generation)?.isCounted, false)
    clock.advance(100)
    assert.deepEqual(
      [store.purgeReport(generation)?.count, store.purgeReport(generation)?.isCounted],
      [5, true],
    )
    assert.equal(store.purgeReport(generation + 1), null)
  })

  test('an entry concerned by two purges is counted by the first', () => {
    const { store, clock } = makeSmall()
    put(store, requestFor(page), tagged)
    const first = store.purge({ target: { kind: 'tag', tag: 'red' } })
    const second = store.purge({ target: { kind: 'tag', tag: 'round' } })
    const third = store.purge({ target: { kind: 'url', host, target: '/page' } })
    clock.advance(100)
    assert.deepEqual([first.count, second.count, third.count], [1, 0, 0])
  })
}

export function describeLatePurges(makeSmall: SmallStore): void {
  const host = 'www.example.com'

  test('after a rest nothing is left of purges but the numbers', () => {
    const { store, clock } = makeSmall()
    for (let i = 0; i < 50; i++) put(store, requestFor(`${page}/${i}`), { fields: { xkey: `t${i}` } })
    for (let i = 0; i < 50; i++) {
      store.purge({ target: { kind: 'prefix', host, target: `/page/${i}` } })
      store.purge({ target: { kind: 'tag', tag: `t${i + 25}` } })
      store.purge({ target: { kind: 'host', host: `h${i}.example` } })
      store.purge({ target: { kind: 'url', host, target: `/x${i}` } })
    }
    clock.advance(100_000)
    const { entries, purgeMarks, purgeRecords, pendingPurges } = store.snapshot()
    assert.deepEqual(
      { entries, purgeMarks, purgeRecords, pendingPurges },
      {
        entries: 0,
        purgeMarks: 0,
        purgeRecords: 0,
        pendingPurges: 0,
      },
    )
    assert.equal(clock.waiting, 0)
  })

  test('what was asked for before purges that are forgotten is not stored', () => {
    const { store, clock } = makeSmall()
    const asked = entryFor(store, requestFor(page))
    const growing = entryFor(store, requestFor(page + '/long'))
    store.begin(growing)
    store.purge({ target: { kind: 'tag', tag: 'whatever' } })
    clock.advance(100_000)
    assert.equal(store.begin(asked), false)
    assert.equal(store.complete(growing), true, 'one that was compared with them meanwhile is')
  })

  test('50,000 purges at once are remembered by few marks, and none is lost', () => {
    const { store, clock } = makeSmall()
    for (let i = 0; i < 20; i++) put(store, requestFor(`${page}/${i}`), { fields: { xkey: `t${i}` } })
    const asked = entryFor(store, requestFor(`${page}/asked`))
    const growing = entryFor(store, requestFor(`${page}/growing`))
    store.begin(growing)
    for (let i = 0; i < 22_000; i++) store.purge({ target: { kind: 'prefix', host, target: `/other/${i}` } })
    for (let i = 0; i < 28_000; i++) {
      store.purge({ target: { kind: 'tag', tag: `t${i}` } })
      store.purge({ target: { kind: 'url', host, target: `/page/${i}` } })
    }
    assert.ok(store.snapshot().purgeMarks <= 20_100, String(store.snapshot().purgeMarks))
    for (let i = 0; i < 20; i++) assert.equal(find(store, `${page}/${i}`), null)
    assert.equal(store.begin(asked), false)
    assert.equal(store.complete(growing), false)
    clock.advance(100_000)
    assert.equal(store.snapshot().purgeMarks, 0)
    assert.notEqual(put(store, requestFor(page)), null)
  })
}
