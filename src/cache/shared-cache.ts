/**
 * SharedCache: the one cache of a process: the store, the fills under way into it, and the connection through which
 * purges reach the caches of other workers. It outlives the plans that use it, so a reload keeps what is stored.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Peers } from '../core/peers.ts'
import type { Timers } from '../core/timers.ts'
import type { Exchange } from '../http/exchange.ts'
import type { RequestHead, ResponseHead } from '../http/message.ts'
import type { Ask } from './fill/ask.ts'
import type { Disk } from './disk/disk.ts'
import { DiskStore } from './disk/disk-store.ts'
import type { DiskSettings } from './disk/options.ts'
import { fileDisk } from './disk/file-disk.ts'
import type { Lookup } from './disk/lookup.ts'
import { processOwner } from './disk/process-owner.ts'
import type { DiskSnapshot } from './disk/snapshot.ts'
import type { Entry } from './store/entry.ts'
import type { FillLimits } from './fill/fill-limits.ts'
import { Fills, type FillsTold } from './fill/fills.ts'
import type { PartKeeper } from './fill/part-keeper.ts'
import type { PostKeeper } from './fill/post-keeper.ts'
import { MemoryStore } from './memory/memory-store.ts'
import { PurgeOrders } from './purge/purge-orders.ts'
import { PurgePeers } from './purge/purge-peers.ts'
import { totalOf, type PurgeTotal } from './purge/purge-total.ts'
import { UrlSpellings } from './purge/url-spellings.ts'
import type { Reader } from './fill/reader.ts'
import { CacheStatus } from './rules/cache-status.ts'
import { EntryServer } from './serve/serve.ts'
import { marked, type PurgeCounts } from './store/purge-request.ts'
import type { CacheStore, PurgeRequest, StoreBelow, StoreSnapshot } from './store/store.ts'
import type { VaryFolding } from './keys/vary.ts'

export interface CacheSettings {
  /** Of this process. */
  readonly bytesMax: number
  /** The largest answer that is kept; 0: an eighth of the store. */
  readonly entryBytesMax: number
  /** What becomes of a fill whose last reader has left. */
  readonly whenDeserted: FillLimits['whenDeserted']
  /** null, or left out: memory only. */
  readonly disk?: DiskSettings | null
}

export interface SharedCacheOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: CacheSettings
  /** null: this process is alone. */
  readonly peers: Peers | null
  /** Other bounds of fills than the default ones, as for tests. */
  readonly fillLimits?: Partial<FillLimits>
  /** The folder is not opened before `open` or `configure` is called. */
  readonly opensLater?: boolean
  /** The file system; Node's when left out. */
  readonly disk?: Disk
  /** Something that the operator should know. */
  readonly warn?: (sentence: string) => void
}

/** A purge that is counted by a walk over the store is answered without the rest of the count after this long … */
const countMs = 500
/** … looked at this often. */
const lookMs = 10

/** Entries that `status` names. */
const topMax = 10

export class SharedCache {
  readonly store: CacheStore
  readonly #memory: MemoryStore
  #disk: DiskStore | null = null
  #isOpen = false
  readonly #options: SharedCacheOptions
  readonly #peers: PurgePeers | null
  readonly #orders: PurgeOrders = new PurgeOrders()
  /** Of the routes that use it. */
  readonly spellings: UrlSpellings = new UrlSpellings()
  /** Who else must know what origins are asked for. */
  readonly told: FillsTold
  #fills: Fills
  #settings: CacheSettings
  /** Those of settings that are no more: they end what they have begun. */
  readonly #oldFills: Set<Fills> = new Set()
  readonly #servers: Map<string, EntryServer> = new Map()

  constructor(options: SharedCacheOptions) {
    const { clock, settings, peers } = options
    const { bytesMax, entryBytesMax } = settings
    this.#options = options
    this.#settings = settings
    const below: StoreBelow = {
      begin: (...started) => this.#disk?.begin(...started) ?? null,
      replaceHead: (old, fresh) => this.#disk?.replaceHead(old, fresh) ?? false,
      onStored: (entry) => this.#disk?.onStored(entry),
      onRemoved: (entry) => this.#disk?.onRemoved(entry),
      onReplaced: (key) => this.#disk?.onReplaced(key),
    }
    const limits = { bytesMax, ...(entryBytesMax === 0 ? {} : { entryBytesMax }) }
    this.told = this.#makeTold()
    this.store = this.#memory = new MemoryStore({ clock, below, ...limits })
    this.#fills = this.#makeFills()
    this.#peers = peers === null ? null : new PurgePeers(peers, clock, (...asked) => this.purgeHere(...asked))
    if (options.opensLater !== true) this.open()
  }

  /** It is going to be used: opens its folder. Twice is harmless. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#openDisk(this.#settings.disk ?? null)
  }

  #makeTold(): FillsTold {
    const diskOf = (): DiskStore | null => this.#disk
    return {
      get hasListeners() {
        return diskOf()?.told.hasListeners === true
      },
      onAsked: (key) => this.#disk?.told.onAsked(key),
      onAnswer: (...news) => this.#disk?.told.onAnswer(...news) === true,
      onLong: (key) => this.#disk?.told.onLong(key),
      onAnswered: (...ended) => this.#disk?.told.onAnswered(...ended),
    }
  }

  // The disk

  #openDisk(settings: DiskSettings | null): void {
    const closed = this.#disk?.close()
    if (this.#disk !== null) this.#memory.forgetBeneath()
    this.#disk = null
    if (settings === null) return
    const { clock, timers, peers, disk = fileDisk, warn } = this.#options
    const writer = randomBytes(6).toString('hex')
    const owner = disk === fileDisk ? { owner: processOwner } : {}
    const onForeign = (key: string): void => this.#fills.remember(key, 0)
    const more = { ...owner, onForeign, ...(warn === undefined ? {} : { warn }) }
    const options = { disk, clock, timers, settings, writer, peers, ...more }
    this.#disk = new DiskStore(this.#memory, options)
    void this.#disk.open(closed)
  }

  #configureDisk(settings: DiskSettings | null, before: DiskSettings | null): void {
    if (settings?.path !== before?.path) this.#openDisk(settings)
    else if (settings !== null && settings.bytesMax !== before?.bytesMax)
      this.#disk?.resize(settings.bytesMax)
  }

  get clock(): Clock {
    return this.#options.clock
  }

  /** Of all routes that have this name in Cache-Status: the texts and heads that it keeps are the same for them. */
  serverNamed(statusName: string): EntryServer {
    let server = this.#servers.get(statusName)
    if (server === undefined) {
      server = new EntryServer(this.clock, new CacheStatus(statusName))
      this.#servers.set(statusName, server)
    }
    return server
  }

  get disk(): DiskStore | null {
    return this.#disk
  }

  /** As `DiskStore.look`. null: there is nothing to look at. `stays`: what is found gets into memory at once. */
  look(x: Exchange, keys: readonly string[], folding: VaryFolding | null, stays = false): Lookup | null {
    if (this.#disk === null || this.#fills.isKnown(keys[0] ?? '')) return null
    return this.#disk.look(x, keys, folding, stays)
  }

  /** What there is on disk of a part of an answer. A promise: it must be waited for, and does not reject. */
  findPart(
    key: string,
    request: RequestHead,
    folding: VaryFolding | null,
  ): Entry | null | Promise<Entry | null> {
    if (this.#disk === null || this.#fills.isKnown(key)) return null
    return this.#disk.findPart({ key, request, folding, from: -1 })
  }

  /** What there is on disk, for people. undefined: there is no disk, or nobody can tell at once. */
  peekOnDisk(key: string, request: RequestHead, folding: VaryFolding | null): Entry | null | undefined {
    return this.#disk?.peekNow({ key, request, folding, from: -1 })
  }

  /** As `DiskStore.lookNewer`, for an entry that is not fresh. */
  lookNewer(x: Exchange, key: string, folding: VaryFolding | null): Lookup | null {
    return this.#disk === null || this.#fills.isKnown(key) ? null : this.#disk.lookNewer(x, key, folding)
  }

  // Settings

  #makeFills(): Fills {
    const { clock, timers, fillLimits } = this.#options
    const { whenDeserted } = this.#settings
    return new Fills({
      store: this.store,
      clock,
      timers,
      limits: { ...fillLimits, whenDeserted },
      told: this.told,
    })
  }

  /** A plan with these settings is in force. null: no route of it has a cache, and what is stored goes. */
  configure(settings: CacheSettings | null): void {
    const before = this.#settings
    this.#settings = settings ?? { ...before, bytesMax: 0, disk: null }
    const { bytesMax, entryBytesMax } = this.#settings
    if (bytesMax !== before.bytesMax || entryBytesMax !== before.entryBytesMax)
      this.store.resize(bytesMax, entryBytesMax)
    if (this.#isOpen) this.#configureDisk(this.#settings.disk ?? null, before.disk ?? null)
    else this.open()
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

  /** As `Fills.refresh`, unless another worker does it. */
  refresh(x: Exchange, ask: Ask): void {
    if (this.#disk?.isClaimed(ask.key) !== true) this.#fills.refresh(x, ask)
  }

  // Purging

  /** Purges the store in memory, unless it has been told by the journal on disk. */
  #purgeMemory(requests: readonly PurgeRequest[]): PurgeCounts[] {
    return requests.map(
      (request) => this.#disk?.purgeMemory(request) ?? { above: this.store.purge(request), below: null },
    )
  }

  get #isSharing(): boolean {
    return this.#disk !== null
  }

  /**
   * Purges the stores of this process only: somebody else tells the others. With a disk it resolves when the purge would
   * survive a restart; where that cannot be had this process counts as missing. `onCarriedOut`: as in PurgeHere.
   */
  purgeHere(
    requests: readonly PurgeRequest[],
    onCarriedOut: (() => void) | null = null,
  ): PurgeTotal | Promise<PurgeTotal> {
    const total = totalOf(this.#purgeMemory(requests), this.#isSharing)
    if (this.#disk !== null) return this.#kept(this.#disk.purge(requests, onCarriedOut), total)
    onCarriedOut?.()
    return total
  }

  async #kept(kept: Promise<void>, total: PurgeTotal): Promise<PurgeTotal> {
    try {
      await kept
      return total
    } catch (error) {
      const why = error instanceof Error ? error.message : ''
      this.#options.warn?.(`a purge could not be written to the cache's folder: ${why}`)
      return { ...total, missing: total.missing + 1 }
    }
  }

  /**
   * The same. What it purges is gone when this returns; it resolves when the counts are final, or have grown for
   * `countMs`.
   */
  async purgeAndCount(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    const { clock } = this.#options
    const told = marked(requests).flatMap((request) => this.spellings.of(request))
    const counts = this.#purgeMemory(told)
    const id = told[0]?.id ?? ''
    const isSharing = this.#isSharing
    this.#orders.keep(id, counts, isSharing)
    const total = (): PurgeTotal => totalOf(counts, isSharing, id)
    const kept = this.#disk === null ? null : this.#kept(this.#disk.purge(told), totalOf([]))
    const endMs = clock.nowMs() + countMs
    while (!total().isCounted && clock.nowMs() < endMs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.after(lookMs, resolve)
      await promise
    }
    const missing = kept === null ? 0 : (await kept).missing
    return { ...total(), missing }
  }

  /** What has been counted until now of what `purgeAndCount` gave this id; null: it is not remembered. */
  purgeTotal(id: string): PurgeTotal | null {
    return this.#orders.find(id)
  }

  /** Purges in all workers, and resolves when all have. */
  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    return this.#peers?.purge(marked(requests)) ?? this.purgeHere(requests)
  }

  /** Resolves when other workers know that another answer has come and is being kept; null: there are none. */
  announce(kept: PartKeeper | PostKeeper, response: ResponseHead): Promise<void> | null {
    const { promise, resolve } = Promise.withResolvers<void>()
    kept.isAnnounced = this.#fills.announce(kept.ask, response, resolve)
    return kept.isAnnounced ? promise : null
  }

  /** Purges here at once. Resolves when the other workers have too, or are silent; null: there are none. */
  invalidate(requests: readonly PurgeRequest[]): Promise<unknown> | null {
    if (this.#peers !== null) return this.#peers.carryOut(marked(requests))
    void this.purgeHere(requests)
    return null
  }

  snapshot(): StoreSnapshot & { readonly fills: number; readonly disk: DiskSnapshot | null } {
    let fills = this.#fills.size
    for (const old of this.#oldFills) fills += old.size
    return { ...this.store.snapshot(), fills, disk: this.#disk?.snapshot() ?? null }
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
    void this.#disk?.close()
    for (const fills of this.#oldFills) fills.close()
    this.store.close()
  }
}
