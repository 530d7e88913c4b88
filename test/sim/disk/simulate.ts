/**
 * One seeded world of the cache on disk: one to three workers that store, find, purge, sweep and die over one disk that
 * keeps as few promises as it may. Several workers elect one, claim what they ask for, wait for each other's claims and tell each
 * other of purges, by Peers. What it must show: every hit whole and right, nothing that was purged and acknowledged, and, over
 * a disk that does as it is told, nothing older than what a client of any worker has seen.
 */
import { joinLocal } from '../../../src/core/local-peers.ts'
import { PeerHub } from '../../../src/core/peer-hub.ts'
import { Entry, type EntryStart } from '../../../src/cache/store/entry.ts'
import { CacheKey, keyHost } from '../../../src/cache/keys/key.ts'
import { readSearchRule } from '../../../src/cache/keys/no-vary-search.ts'
import { MemoryBody } from '../../../src/cache/store/memory-body.ts'
import { SharedCache } from '../../../src/cache/shared-cache.ts'
import { readTags } from '../../../src/cache/rules/tags.ts'
import { readVary, VARY_ANY } from '../../../src/cache/keys/vary.ts'
import { Timers } from '../../../src/core/timers.ts'
import type { Exchange } from '../../../src/http/exchange.ts'
import type { RequestHead } from '../../../src/http/message.ts'
import { StoredFields } from '../../../src/http/stored-fields.ts'
import { ManualClock } from '../../story/manual-clock.ts'
import { bodyOf, fieldsOf, requestFor } from '../../unit/cache/store-world.ts'
import { Random } from '../random.ts'
import { SimDisk } from '../sim-disk.ts'
import { Filling, type FillingOwner } from './filling.ts'
import { Seen, type Asked } from './seen.ts'
import { Spelling } from './spelling.ts'
import { bodyFor, concerns, lengthFor, targetsOf, type Purge, type Version } from './versions.ts'

const keys = new CacheKey('site', 'zone')
const hosts = ['a.example', 'b.example']
const steps = 120

export interface DiskSimOptions {
  /** Plants a bug: it must be found. */
  readonly forgetsSync?: boolean
  /** Something of the store is not done. */
  readonly sabotage?: (cache: SharedCache) => void
  /** Several workers that all want the same, over a disk that does as it is told. */
  readonly isCrowded?: boolean
  /** With parameters that do not matter. */
  readonly isSpelled?: boolean
}

export interface DiskSimResult {
  readonly problems: readonly string[]
  readonly hits: number
  readonly diskHits: number
  /** Of these, under a rule for parameters. */
  readonly ruledHits: number
}

export async function simulateDisk(seed: number, options: DiskSimOptions = {}): Promise<DiskSimResult> {
  const world = new DiskWorld(seed, options)
  await world.run()
  return world
}

class DiskWorld implements FillingOwner {
  readonly problems: string[] = []
  hits = 0
  diskHits = 0
  ruledHits = 0
  readonly #options: DiskSimOptions
  readonly #random: Random
  readonly clock = new ManualClock()
  readonly #timers = new Timers(this.clock)
  readonly #disk: SimDisk
  readonly #versions: Version[] = []
  readonly #purges: Purge[] = []
  readonly #workers: number
  readonly #isSound: boolean
  readonly #spelling: Spelling
  /** All want the same. */
  readonly #isCrowded: boolean
  /** Most has no room in memory, and much breaks off: files grow, and are given up. */
  readonly #isLarge: boolean
  readonly #seen = new Seen()
  /** What workers have told each other and not heard yet. */
  #frames: (() => void)[] = []
  #caches: SharedCache[] = []
  #filling: Filling[] = []
  #under: Promise<unknown>[] = []
  /** Finds that wait. */
  #looks = 0
  /** Moments: everything that is done has one. */
  #now = 0

  constructor(seed: number, options: DiskSimOptions) {
    this.#options = options
    const random = new Random(seed)
    this.#random = random
    const { isCrowded = false } = options
    this.#workers = random.chance(isCrowded ? 1 : 0.4) ? random.between(2, 3) : 1
    const isFailing = random.chance(isCrowded ? 0 : 0.4)
    const flips = random.chance(isCrowded ? 0 : 0.2) ? 3 : 0
    this.#isCrowded = random.chance(isCrowded ? 1 : 0.25)
    const isSmall = random.chance(isCrowded ? 0 : 0.2)
    this.#isLarge = !isSmall && random.chance(0.1)
    this.#spelling = new Spelling(seed, options.isSpelled)
    this.#isSound = !isFailing && flips === 0 && !isSmall && !this.#spelling.isMixed
    this.#disk = new SimDisk({
      random,
      failures: isFailing ? random.between(1, 10) : 0,
      flips,
      // With some slow ones, what is read on the spot and what is read through the pool take turns.
      slow: random.chance(0.5) ? random.between(1, 60) : 0,
      isRemote: random.chance(0.2),
      ...(isSmall ? { bytesMax: random.between(50_000, 300_000) } : {}),
      forgetsSync: options.forgetsSync ?? false,
    })
  }

  async run(): Promise<void> {
    await this.#start()
    for (let i = 0; i < steps && this.problems.length === 0; i++) {
      this.#now++
      await this.#step()
      await this.#pass()
    }
    // At the end all is well with the disk, and what is there is looked at once more.
    this.#disk.failures = 0
    await this.#settle()
    await this.#restart(this.#random.chance(0.7))
    for (const version of this.#versions.slice(-40))
      await this.#find(this.#pick(), version.url, version.variant)
    await this.#stop()
  }

  #pick(): SharedCache {
    return this.#random.pick(this.#caches)
  }

  /** Some time, and some of what is under way. */
  async #pass(): Promise<void> {
    const random = this.#random
    for (let turns = random.between(0, 12); turns > 0; turns--) {
      await Promise.resolve()
      if (random.chance(0.3)) this.#frames.shift()?.()
    }
    if (random.chance(0.2)) this.clock.advance(random.between(1, 50))
    if (random.chance(0.1)) await this.#settle()
  }

  async #settle(): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      await this.#hear()
      this.clock.advance(5)
      if (i > 3 && this.#disk.underWay === 0 && this.#looks === 0) break
    }
    await Promise.allSettled(this.#under)
    this.#under = []
  }

  async #start(): Promise<void> {
    const disk = { path: '/cache', bytesMax: this.#random.chance(0.3) ? 60_000 : 10_000_000 }
    const hub = new PeerHub()
    for (let i = 0; i < this.#workers; i++) {
      const settings = { bytesMax: 4_000_000, entryBytesMax: 0, whenDeserted: 'auto', disk } as const
      const cache = new SharedCache({
        clock: this.clock,
        timers: this.#timers,
        settings,
        peers:
          this.#workers === 1
            ? null
            : joinLocal(hub, { later: (deliver) => void this.#frames.push(deliver) }),
        disk: this.#disk,
      })
      this.#options.sabotage?.(cache)
      this.#caches.push(cache)
    }
    // Each has heard of the others before a client comes.
    for (let i = 0; i < 4; i++) await this.#hear()
    if (this.#random.chance(0.8)) await this.#settle()
  }

  /** What was told until now. */
  async #hear(): Promise<void> {
    await Promise.resolve()
    for (let count = this.#frames.length; count > 0; count--) this.#frames.shift()?.()
  }

  async #stop(): Promise<void> {
    const before = this.#caches
    this.#caches = []
    this.#filling = []
    for (const cache of before) cache.close()
    this.#under = []
    await this.#settle()
  }

  async #restart(isPowerLost: boolean): Promise<void> {
    const before = this.#caches
    this.#caches = []
    this.#filling = []
    // Else the process is killed, or ends what it has begun: the next one starts when it is gone.
    const isKilled = isPowerLost || this.#random.chance(0.5)
    this.#seen.forget()
    if (isPowerLost) this.#disk.losePower()
    else if (isKilled) this.#disk.kill()
    for (const cache of before) cache.close()
    if (isKilled) {
      this.#under = []
      // Nobody is there to hear them.
      this.#frames = []
    } else await this.#settle()
    await this.#start()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const kind = random.between(1, 100)
    if (kind <= 30) this.#fill()
    else if (kind <= 50) this.#goOn()
    else if (kind <= 78) this.#under.push(this.#find(this.#pick(), this.#url(), random.pick(['', 'x', 'y'])))
    else if (kind <= 88) this.#purge()
    else if (kind <= 92) this.#forgetMemory()
    else if (kind <= 95) this.#under.push(this.#keep())
    else await this.#restart(random.chance(0.6))
  }

  #url(): string {
    const random = this.#random
    if (this.#isCrowded) return `https://a.example/a/${random.between(1, 2)}`
    return `https://${random.pick(hosts)}/${random.pick(['a', 'b'])}/${random.between(1, 4)}`
  }

  // Storing

  #fill(): void {
    const random = this.#random
    const cache = this.#pick()
    const url = this.#url()
    const variant = random.pick(['', '', 'x', 'y'])
    const number = this.#versions.length + 1
    const length = lengthFor(random, this.#isLarge)
    const body = bodyFor(number, length)
    const spelled = this.#spelling.of(url)
    const entry = this.#entryFor(cache, spelled, variant, number, random.chance(0.2) ? -1 : length)
    const isRuled = entry.searchRule !== null
    this.#versions.push({ number, url, spelled, isRuled, variant, length, askedAt: this.#now })
    const filling = new Filling(this, cache, entry, body)
    this.#filling.push(filling)
    if (random.chance(0.5)) this.#goOnWith(filling)
  }

  #entryFor(cache: SharedCache, url: string, variant: string, number: number, statedLength: number): Entry {
    const request = requestFor(url, variant === '' ? {} : { v: variant })
    const fields = fieldsOf({
      'x-number': String(number),
      'surrogate-key': `t${number % 3}`,
      ...(variant === '' ? {} : { vary: 'v' }),
      ...this.#spelling.fields(),
    })
    const vary = readVary(fields, null)
    if (vary === VARY_ANY) throw new Error('not to be stored')
    const start: EntryStart = {
      key: keys.of(request),
      bornAt: cache.store.generation,
      site: 'site',
      host: keyHost(request),
      head: { status: 200, reason: '', fields: StoredFields.of(fields) },
      statedLength,
      vary,
      variant: vary === null ? '' : vary.variantOf(request),
      tags: readTags(fields, 'https://origin') ?? [],
      body: new MemoryBody(statedLength),
      searchRule: readSearchRule(fields),
    }
    const entry = new Entry(start)
    entry.responseMs = this.clock.nowMs()
    entry.freshnessMs = 1e9
    entry.freshUntilMs = entry.responseMs + 1e9
    entry.dateMs = number
    return entry
  }

  #goOn(): void {
    this.#filling = this.#filling.filter(({ isOver }) => !isOver)
    if (this.#filling.length > 0) this.#goOnWith(this.#random.pick(this.#filling))
  }

  #goOnWith(filling: Filling): void {
    const random = this.#random
    if (random.chance(this.#isLarge ? 0.3 : 0.1)) filling.cut()
    else filling.goOn(random.chance(0.7) ? Infinity : random.between(0, 100_000))
  }

  isAlive(cache: SharedCache): boolean {
    return this.#caches.includes(cache)
  }

  onSeen({ head }: Entry): void {
    const version = this.#versions[Number(head.fields.getByName('x-number')) - 1]
    if (version === undefined) return
    this.#seen.note(version)
    // Who has seen it asks again, and comes to any worker.
    this.#now++
    if (this.#random.chance(0.3)) this.#under.push(this.#find(this.#pick(), version.url, version.variant))
  }

  #forgetMemory(): void {
    const { store } = this.#pick()
    store.resize(0)
    store.resize(4_000_000)
  }

  async #keep(): Promise<void> {
    // One is elected.
    const disk = this.#caches[0]?.disk ?? null
    const keeper = disk?.keeper
    if (disk === null || keeper === null || keeper === undefined) return
    if (this.#random.chance(0.5)) await keeper.sweep(0).catch(() => {})
    else await disk.journal.rewrite().catch(() => {})
  }

  // Finding

  async #find(cache: SharedCache, url: string, variant: string): Promise<void> {
    const request = requestFor(this.#spelling.of(url), variant === '' ? {} : { v: variant })
    const key = keys.of(request)
    const startedAt = this.#now
    const seen = this.#isSound ? this.#seen.lastOf(url, variant) : 0
    const inMemory = cache.store.find(key, request)
    if (inMemory !== null) return this.#check(inMemory, { url, variant, startedAt, where: 'memory', seen })
    const life = this.#caches
    const entry = await this.#look(cache, key, request)
    if (entry === null || life !== this.#caches) return
    this.diskHits++
    if (entry.searchRule !== null) this.ruledHits++
    const { backing } = entry.body
    const count = backing === null ? 0 : entry.body.blocks.length
    for (let i = 0; i < count; i++)
      // A block that is damaged is not given: what was sent before is cut, and that is no hit.
      if ((await backing?.load(i)) === null) return
    this.#check(entry, { url, variant, startedAt, where: 'disk', seen })
  }

  /** As an exchange does that waits for it. */
  #look(cache: SharedCache, key: string, request: RequestHead): Promise<Entry | null> {
    const { promise, resolve } = Promise.withResolvers<Entry | null>()
    const found = (): Entry | null => cache.store.peek(key, request) ?? lookup?.entry ?? null
    const x = { request, step: 0, beginWait: () => 1, reenter: () => resolve(found()) }
    const lookup = cache.look(x as unknown as Exchange, [key], null)
    if (lookup === null || lookup.isOver) return Promise.resolve(found())
    lookup.park()
    this.#looks++
    return promise.finally(() => void this.#looks--)
  }

  #check(entry: Entry, { url, variant, startedAt, where, seen }: Asked): void {
    this.hits++
    const number = Number(entry.head.fields.getByName('x-number'))
    const version = this.#versions[number - 1]
    const say = (what: string): void =>
      void this.problems.push(`${what}: version ${number} of ${url} from ${where}`)
    if (version === undefined) return say('a head of nothing')
    const body = bodyOf(entry)
    if (body.length !== version.length) say(`${body.length} of ${version.length} bytes`)
    else if (!body.equals(bodyFor(number, body.length))) say('a body that is not right')
    const isFitting = version.variant === variant || version.variant === ''
    if (version.url !== url || !isFitting) say('an answer to something else')
    if (version.variant === variant && this.#seen.isOlder(version, seen)) say('older than what was seen')
    for (const purge of this.#purges) {
      if (purge.ackedAt > startedAt || version.askedAt >= purge.issuedAt || !concerns(purge.target, version))
        continue
      if (!purge.isSoft || !entry.isSoftPurged)
        say(
          `a purge at ${purge.issuedAt} did not last (asked at ${version.askedAt}, ${JSON.stringify(purge)})`,
        )
    }
  }

  // Purging

  #purge(): void {
    const random = this.#random
    const purge: Purge = {
      target: random.pick(targetsOf(this.#url(), this.#spelling, random)),
      isSoft: random.chance(0.3),
      issuedAt: this.#now,
      ackedAt: Infinity,
    }
    this.#purges.push(purge)
    this.#under.push(this.#purgeAll(purge))
  }

  async #purgeAll(purge: Purge): Promise<void> {
    const { target, isSoft } = purge
    const { missing } = await this.#pick().purge([{ target, isSoft }])
    this.#now++
    if (missing === 0) purge.ackedAt = this.#now++
  }
}
