/**
 * SharedCache: the one cache of a process: the store, the fills under way into it, and the way by which purges reach those
 * of other workers. It outlives the plans that use it, so a reload keeps what is stored.
 */
import type { Clock } from '../core/clock.ts'
import type { Peers } from '../core/peers.ts'
import type { Timers } from '../core/timers.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Ask } from './ask.ts'
import type { FillLimits } from './fill-limits.ts'
import { Fills } from './fills.ts'
import { MemoryStore } from './memory-store.ts'
import { PurgePeers, totalOf, type PurgeTotal } from './purge-peers.ts'
import type { Reader } from './reader.ts'
import type { CacheStore, PurgeRequest, StoreSnapshot } from './store.ts'

export interface CacheSettings {
  /** Of this process. */
  readonly bytesMax: number
  /** The largest answer that is kept; 0: an eighth of the store. */
  readonly entryBytesMax: number
  /** What becomes of a fill whose last reader has left. */
  readonly whenDeserted: FillLimits['whenDeserted']
}

export interface SharedCacheOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: CacheSettings
  /** null: this process is alone. */
  readonly peers: Peers | null
  /** Other bounds of fills than the default ones, as for tests. */
  readonly fillLimits?: Partial<FillLimits>
}

/** A purge that is counted by a walk over the store is answered without the rest of the count after this long … */
const countMs = 500
/** … looked at this often. */
const lookMs = 10

/** Entries that `status` names. */
const topMax = 10

export class SharedCache {
  readonly store: CacheStore
  readonly #options: SharedCacheOptions
  readonly #peers: PurgePeers | null
  #fills: Fills
  #settings: CacheSettings
  /** Those of settings that are no more: they end what they have begun. */
  readonly #oldFills: Set<Fills> = new Set()

  constructor(options: SharedCacheOptions) {
    const { clock, settings, peers } = options
    const { bytesMax, entryBytesMax } = settings
    this.#options = options
    this.#settings = settings
    this.store = new MemoryStore({ clock, bytesMax, ...(entryBytesMax === 0 ? {} : { entryBytesMax }) })
    this.#fills = this.#makeFills()
    this.#peers = peers === null ? null : new PurgePeers(peers, clock, (requests) => this.purgeHere(requests))
  }

  #makeFills(): Fills {
    const { clock, timers, fillLimits } = this.#options
    const { whenDeserted } = this.#settings
    return new Fills({ store: this.store, clock, timers, limits: { ...fillLimits, whenDeserted } })
  }

  /** A plan with these settings is in force. null: no route of it has a cache, and what is stored goes. */
  configure(settings: CacheSettings | null): void {
    const before = this.#settings
    this.#settings = settings ?? { ...before, bytesMax: 0 }
    const { bytesMax, entryBytesMax } = this.#settings
    if (bytesMax !== before.bytesMax || entryBytesMax !== before.entryBytesMax)
      this.store.resize(bytesMax, entryBytesMax)
    if (this.#settings.whenDeserted === before.whenDeserted) return
    if (this.#fills.size > 0) this.#oldFills.add(this.#fills)
    this.#fills = this.#makeFills()
    for (const fills of this.#oldFills) if (fills.size === 0) this.#oldFills.delete(fills)
  }

  get fills(): Fills {
    return this.#fills
  }

  /** As `Fills.ask`. */
  ask(x: Exchange, ask: Ask): Reader {
    return this.#fills.ask(x, ask)
  }

  /** As `Fills.place`. */
  place(reader: Reader): void {
    this.#fills.place(reader)
  }

  /** As `Fills.refresh`. */
  refresh(x: Exchange, ask: Ask): void {
    this.#fills.refresh(x, ask)
  }

  /** Purges the store of this process only: somebody else tells the others. */
  purgeHere(requests: readonly PurgeRequest[]): PurgeTotal {
    return totalOf(requests.map((request) => this.store.purge(request)))
  }

  /**
   * The same. What it purges is gone when this returns; it resolves when the counts are final, or have grown for
   * `countMs`.
   */
  async purgeAndCount(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    const { clock } = this.#options
    const reports = requests.map((request) => this.store.purge(request))
    const endMs = clock.nowMs() + countMs
    while (reports.some(({ isCounted }) => !isCounted) && clock.nowMs() < endMs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.after(lookMs, resolve)
      await promise
    }
    return totalOf(reports)
  }

  /** Purges in all workers, and resolves when all have. */
  purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    return this.#peers?.purge(requests) ?? Promise.resolve(this.purgeHere(requests))
  }

  /** Purges here at once, and in the other workers soon. */
  invalidate(requests: readonly PurgeRequest[]): void {
    if (this.#peers === null) this.purgeHere(requests)
    else this.#peers.tell(requests)
  }

  snapshot(): StoreSnapshot & { readonly fills: number } {
    let fills = this.#fills.size
    for (const old of this.#oldFills) fills += old.size
    return { ...this.store.snapshot(), fills }
  }

  /** For people: the numbers, and what is found most often. */
  status(): object {
    const top = this.store.topEntries(topMax).map((entry) => ({
      url: entry.key.split('\n', 1)[0],
      site: entry.site,
      status: entry.head.status,
      bytes: entry.bytes,
      hits: entry.hits,
    }))
    return { ...this.snapshot(), top }
  }

  close(): void {
    this.#peers?.close()
    this.#fills.close()
    for (const fills of this.#oldFills) fills.close()
    this.store.close()
  }
}
