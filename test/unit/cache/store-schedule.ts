/**
 * A random schedule of everything that can be done with a store, from a seed, compared step by step with a model
 * (store-model.ts). A failure names the seed.
 */
import assert from 'node:assert/strict'
import type { Entry } from '../../../src/cache/store/entry.ts'
import { CacheKey } from '../../../src/cache/keys/key.ts'
import type { CacheStore, PurgeTarget } from '../../../src/cache/store/store.ts'
import type { RequestHead } from '../../../src/http/message.ts'
import { Random } from '../../sim/random.ts'
import { ManualClock } from '../../story/manual-clock.ts'
import { StoreModel } from './store-model.ts'
import type { StoreMaker } from './store-suite.ts'
import { bodyOf, entryFor, requestFor } from './store-world.ts'

const hosts = ['a.example', 'b.example:8080']
const sites = ['one', 'two']
const zones = ['z', 'y']
const paths = ['/', '/img/', '/img/a', '/img/ab', '/img/abc', '/x?a=1', '/x']
const prefixes = [...paths, '/img/abcdef', '/i', '/x?']
const tags = ['red', 'green', 'blue', 'Red Green', 'a b c d e f g h', '']
const encodings = ['gzip', 'br', 'br, gzip', '']
const chosen = new CacheKey('one', 'chosen', { headers: ['x-who'] })

class Schedule {
  readonly #random: Random
  readonly #clock = new ManualClock()
  readonly #model = new StoreModel()
  readonly #store: CacheStore
  readonly #bodies = new Map<Entry, Buffer>()

  constructor(seed: number, make: StoreMaker) {
    this.#random = new Random(seed)
    const bytesMax = this.#random.pick([20_000, 100_000, 1_000_000])
    const { clock } = { clock: this.#clock }
    this.#store = make({ clock, bytesMax, onEvict: (entry) => this.#model.evict(entry) })
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#step()
      this.#checkLimits()
    }
    this.#settle()
    this.#store.close()
  }

  #step(): void {
    const dice = this.#random.between(0, 99)
    if (dice < 25) this.#find()
    else if (dice < 60) this.#putWhole()
    else if (dice < 66) this.#start()
    else if (dice < 80) this.#goOn()
    else if (dice < 88) this.#purge()
    else if (dice < 91) this.#replaceHead()
    else if (dice < 93) this.#derive()
    else if (dice < 94) this.#remove()
    else if (dice < 99) this.#clock.advance(this.#random.pick([1, 5, 50, 1000, 31_000]))
    else this.#settle()
  }

  #request(): { request: RequestHead; keys: CacheKey } {
    const { pick } = { pick: <T>(list: readonly T[]): T => this.#random.pick(list) }
    const fields: Record<string, string> = {}
    const encoding = pick(encodings)
    if (encoding !== '') fields['accept-encoding'] = encoding
    const keys = this.#random.chance(0.2) ? chosen : new CacheKey(pick(sites), pick(zones))
    if (keys === chosen) fields['x-who'] = pick(['me', 'you'])
    const scheme = pick(['http', 'https'])
    return { request: requestFor(`${scheme}://${pick(hosts)}${pick(paths)}`, fields), keys }
  }

  #find(): void {
    const { request, keys } = this.#request()
    const key = keys.of(request)
    const entry = this.#store.find(key, request)
    const expected = Array.from(this.#model.live).filter((each) => {
      return each.key === key && (each.vary === null || each.vary.variantOf(request) === each.variant)
    })
    assert.equal(expected.length, entry === null ? 0 : 1, `what is there is found: ${key}`)
    if (entry === null) return
    assert.equal(entry, expected[0])
    assert.equal(entry.isSoftPurged, this.#model.soft.has(entry), 'soft purges are told')
    assert.deepEqual(bodyOf(entry), this.#bodies.get(entry))
  }

  /** An answer comes at once. */
  #putWhole(): void {
    const entry = this.#start()
    const body = this.#bodies.get(entry) as Buffer
    if (!this.#store.begin(entry)) {
      this.#model.underWay.delete(entry)
      return
    }
    while (entry.isGrowing && entry.body.length < body.length) this.#append(entry, body)
    if (entry.isGrowing) this.#complete(entry)
  }

  /** An answer is asked for. */
  #start(): Entry {
    const { request, keys } = this.#request()
    const body = Buffer.alloc(this.#random.pick([0, 1, 100, 1500, this.#random.skewed(30_000)]))
    for (let i = 0; i < body.length; i++) body[i] = this.#random.between(0, 255)
    const fields: Record<string, string> = {}
    const tag = this.#random.pick(tags)
    if (tag !== '') fields['surrogate-key'] = tag
    if (this.#random.chance(0.4)) fields['vary'] = 'Accept-Encoding'
    const entry = entryFor(this.#store, request, { keys, fields, body, isStated: this.#random.chance(0.7) })
    this.#bodies.set(entry, body)
    this.#model.underWay.set(entry, 'clean')
    return entry
  }

  /** One of those under way gets on: its head comes, more of its body, the end; or it breaks off. */
  #goOn(): void {
    const all = Array.from(this.#model.underWay.keys())
    if (all.length === 0) return
    const entry = this.#random.pick(all)
    const body = this.#bodies.get(entry) as Buffer
    if (!entry.isGrowing) {
      if (!this.#store.begin(entry)) this.#model.underWay.delete(entry)
      else
        assert.notEqual(
          this.#model.underWay.get(entry),
          'hard',
          'what was purged while asked for is not taken',
        )
      return
    }
    if (this.#random.chance(0.05)) {
      this.#store.abandon(entry)
      this.#model.underWay.delete(entry)
    } else if (entry.body.length < body.length) this.#append(entry, body)
    else this.#complete(entry)
  }

  #append(entry: Entry, body: Buffer): void {
    const start = entry.body.length
    const end = Math.min(body.length, start + this.#random.between(1, body.length))
    if (!this.#store.append(entry, body, start, end)) {
      this.#model.underWay.delete(entry)
      assert.ok(!entry.isGrowing, 'what does not fit is abandoned')
    }
  }

  #complete(entry: Entry): void {
    const isPurged = this.#model.underWay.get(entry) === 'hard'
    assert.equal(this.#store.complete(entry), !isPurged, 'stored, unless it was purged meanwhile')
    if (isPurged) this.#model.underWay.delete(entry)
    else this.#model.store(entry)
  }

  #purge(): void {
    const target = this.#target()
    const isSoft = this.#random.chance(0.25)
    const isDry = this.#random.chance(0.2)
    const before = this.#store.generation
    const report = this.#store.purge({ target, isSoft, isDry })
    const count = this.#model.purge(target, isSoft, isDry)
    if (!isDry) assert.ok(this.#store.generation > before, 'each purge has its own number')
    if (report.generation > 0) assert.equal(this.#store.purgeReport(report.generation)?.count, report.count)
    this.#model.reports.push({ report, target, count })
    this.#model.checkReports()
  }

  #target(): PurgeTarget {
    const site = this.#random.chance(0.5) ? { site: this.#random.pick(sites) } : {}
    const host = this.#random.pick(hosts)
    const target = this.#random.pick(prefixes)
    switch (this.#random.between(0, 12)) {
      case 0:
        return this.#random.chance(0.3) ? { kind: 'all', ...site } : { kind: 'host', host, ...site }
      case 1:
      case 2:
      case 3:
      case 4:
        return { kind: 'tag', tag: this.#random.pick(['red', 'GREEN', 'a', 'h', 'none']), ...site }
      case 5:
      case 6:
      case 7:
        return { kind: 'prefix', host, target, ...site }
      case 8: {
        const { request, keys } = this.#request()
        return { kind: 'key', key: keys.of(request) }
      }
      default:
        return { kind: 'url', host, target, ...site }
    }
  }

  #anyLive(): Entry | null {
    const all = Array.from(this.#model.live)
    return all.length === 0 ? null : this.#random.pick(all)
  }

  /** A stored answer was validated; sometimes a purge came between question and answer. */
  #replaceHead(): void {
    const old = this.#anyLive()
    if (old === null) return
    const fresh = this.#confirmed(old)
    const isPurgedBetween = this.#random.chance(0.3)
    if (isPurgedBetween) {
      const count = this.#model.purge({ kind: 'host', host: old.host }, false, false)
      const report = this.#store.purge({ target: { kind: 'host', host: old.host } })
      this.#model.reports.push({ report, target: { kind: 'host', host: old.host }, count })
    }
    assert.equal(this.#store.replaceHead(old, fresh), !isPurgedBetween)
    if (isPurgedBetween) return
    this.#model.live.delete(old)
    this.#model.store(fresh)
    this.#bodies.set(fresh, this.#bodies.get(old) as Buffer)
  }

  /** An entry with the body of `old` and another head, born now. */
  #confirmed(old: Entry): Entry {
    const { key, site, host, head, statedLength, vary, variant, body, tagNames } = old
    const start = { key, site, host, head, statedLength, vary, variant, body, tags: tagNames }
    return new (old.constructor as typeof Entry)({ ...start, bornAt: this.#store.generation })
  }

  #derive(): void {
    const entry = this.#anyLive()
    if (entry === null) return
    const before = entry.bytes
    const wasTaken = this.#store.addDerived(entry, { name: 'br', head: entry.head, body: entry.body })
    assert.equal(entry.bytes > before, wasTaken, 'another form counts for its bytes')
    assert.equal(entry.derived !== null && wasTaken, wasTaken)
  }

  #remove(): void {
    const entry = this.#anyLive()
    if (entry === null) return
    this.#store.remove(entry)
    this.#store.remove(entry)
    this.#model.live.delete(entry)
  }

  #checkLimits(): void {
    const { bytes, bytesMax } = this.#store.snapshot()
    assert.ok(bytes <= bytesMax, 'the limit holds after every call')
  }

  /** Lets the background finish: then every count and sum must be exact. */
  #settle(): void {
    this.#clock.advance(2000)
    const { live, underWay } = this.#model
    const { entries, bytes, growing, growingBytes, pendingPurges } = this.#store.snapshot()
    assert.equal(pendingPurges, 0)
    const growingNow = Array.from(underWay.keys()).filter((entry) => entry.isGrowing)
    assert.equal(entries, live.size, 'entries')
    assert.equal(growing, growingNow.length, 'growing entries')
    assert.equal(growingBytes, bytesOf(growingNow), 'bytes of growing entries')
    assert.equal(bytes, bytesOf(live) + growingBytes, 'bytes')
    for (const entry of live) assert.ok(entry.isStored && entry.isWhole)
    for (const { report } of this.#model.reports)
      assert.ok(report.isCounted, 'in the end every purge is counted')
    this.#model.checkReports()
    this.#model.reports.length = 0
    this.#checkCounts()
  }

  /** Counts by tag, host and site, asked for by dry runs. */
  #checkCounts(): void {
    const targets: PurgeTarget[] = [{ kind: 'all' }, { kind: 'all', site: 'one' }]
    for (const host of hosts) targets.push({ kind: 'host', host }, { kind: 'host', host, site: 'two' })
    for (const tag of ['red', 'green', 'a', 'none']) targets.push({ kind: 'tag', tag })
    for (const target of targets) {
      const report = this.#store.purge({ target, isDry: true })
      assert.equal(report.isCounted, true)
      assert.equal(report.count, this.#model.purge(target, false, true), JSON.stringify(target))
    }
  }
}

function bytesOf(entries: Iterable<Entry>): number {
  let bytes = 0
  for (const entry of entries) bytes += entry.bytes
  return bytes
}

export function runSchedule(seed: number, make: StoreMaker, steps: number): void {
  try {
    new Schedule(seed, make).run(steps)
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error })
  }
}
