/**
 * The cache of a plan: the settings of the shared cache, and the step of each route that has one.
 *
 * The cache itself belongs to the process and outlives the plan (`LastingContext.openCache`). It is asked for only
 * when a route needs it, so a config without one costs nothing.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { DiskSettings } from '../cache/disk/options.ts'
import { CacheKey } from '../cache/keys/key.ts'
import { rfcPolicy, smartPolicy, type CachePolicy } from '../cache/rules/policy.ts'
import { SharedCache, type CacheSettings } from '../cache/shared-cache.ts'
import type { VaryFolding } from '../cache/keys/vary.ts'
import { createCache } from '../handlers/cache.ts'
import { Bypass, type NamedTests } from '../handlers/cache/bypass.ts'
import { PurgeMethod } from '../handlers/cache/purge-method.ts'
import { TtlTable } from '../handlers/cache/ttl.ts'
import type { Handler } from '../http/exchange.ts'
import type { RouteCacheDocument } from './cache-schema.ts'
import type { LastingContext } from './compile-context.ts'
import type { ConfigDocument } from './document.ts'
import { networksOf } from './quantities.ts'

/** What a route gives its cache step. */
export interface CachePlace {
  readonly site: string
  /** The zone that applies when the route names none. */
  readonly zone: string
  /** The step's place in the route. */
  readonly slot: number
  /** As `CacheOptions` has it. */
  readonly keysTarget: boolean
}

export class CacheCompiler {
  readonly #document: ConfigDocument
  readonly #context: LastingContext
  readonly #baseDirectory: string
  #cache: SharedCache | null = null
  /** A cache that was made for this plan alone; null when there is none. */
  #own: SharedCache | null = null

  /** Relative paths start at `baseDirectory`. */
  constructor(document: ConfigDocument, context: LastingContext, baseDirectory: string) {
    this.#document = document
    this.#context = context
    this.#baseDirectory = baseDirectory
  }

  /** null: no route has a cache. */
  get settings(): CacheSettings | null {
    return this.#cache === null ? null : this.#settings()
  }

  step(route: RouteCacheDocument, place: CachePlace): Handler {
    const { clock } = this.#context
    const cache = (this.#cache ??= this.#open())
    const { cache: top, forwarding } = this.#document
    const key = new CacheKey(place.site, route.zone ?? place.zone, route.key)
    const options = {
      key,
      policy: policyOf(route),
      folding: foldingOf(route),
      bypass: bypassOf(route),
      minUses: route.minUses,
      sliceBytes: route.slice ?? 0,
      purgeMethod: top.purge.length === 0 ? null : new PurgeMethod(cache, networksOf(top.purge), key),
      slot: place.slot,
      keysTarget: place.keysTarget,
      statusName: forwarding.name ?? 'headgate',
    }
    return createCache(options, { clock, cache })
  }

  #open(): SharedCache {
    const settings = this.#settings()
    const { clock, timers, openCache } = this.#context
    if (openCache !== undefined) return openCache(settings)
    this.#own = new SharedCache({ clock, timers, settings, peers: null })
    return this.#own
  }

  #settings(): CacheSettings {
    return settingsOf(this.#document, this.#baseDirectory, this.#context.sharedFolder ?? null)
  }

  close(): void {
    this.#own?.close()
  }
}

/** The share of `memory` that becomes the folder in memory that the workers share. */
const sharedShare = 1 / 2
/** What a small file takes in a tmpfs: a page and its metadata. */
const blockBytes = 4096
const fileBytes = 1024

/** `sharedFolder` is where workers share what they cache if the document does not say; null means nowhere. */
export function settingsOf(
  { cache, workers }: Pick<ConfigDocument, 'cache' | 'workers'>,
  baseDirectory: string,
  sharedFolder: DiskSettings | null,
): CacheSettings {
  const count = workers === 'auto' ? availableParallelism() : workers
  const { memory, disk } = cache
  const rest = { entryBytesMax: cache.entryMax ?? 0, whenDeserted: cache.abandoned }
  const ownDisk =
    disk === undefined || disk === false
      ? null
      : { path: resolve(baseDirectory, disk.path), bytesMax: disk.size }
  if (count === 1 || disk !== undefined || sharedFolder === null)
    return { bytesMax: Math.floor(memory / count), disk: ownDisk, ...rest }
  const { path } = sharedFolder
  const sharedBytes = Math.min(Math.floor(memory * sharedShare), sharedFolder.bytesMax)
  const bytesMax = Math.floor((memory - sharedBytes) / count)
  return { bytesMax, disk: { path, bytesMax: sharedBytes, blockBytes, fileBytes }, ...rest }
}

/** The largest answer that a worker stores, with what an entry costs beside its body. */
export function entryBytesMaxOf(document: Pick<ConfigDocument, 'cache' | 'workers'>): number {
  // This assumes that a folder in memory takes its share: whether it does is only known at run time.
  const { bytesMax, entryBytesMax } = settingsOf(document, '', { path: '', bytesMax: Infinity })
  return entryBytesMax === 0 ? Math.floor(bytesMax / 8) : entryBytesMax
}

function policyOf(route: RouteCacheDocument): CachePolicy {
  const preset = route.mode === 'rfc' ? rfcPolicy : smartPolicy
  return {
    ...preset,
    ttl: route.ttl === undefined ? null : ttlOf(route.ttl),
    ...(route.grace === undefined ? {} : { graceMs: route.grace }),
    ...(route.errorGrace === undefined ? {} : { errorGraceMs: route.errorGrace }),
    ...(route.keep === undefined ? {} : { keepMs: route.keep }),
    ...(route.setCookie === undefined ? {} : { cookies: route.setCookie }),
    ignoresOrigin: route.ignoreOrigin,
    storesQuery: route.storeQuery,
  }
}

function ttlOf(rules: NonNullable<RouteCacheDocument['ttl']>): TtlTable {
  return new TtlTable(
    rules.map(({ ttl, override, status, type, path }) => ({
      ttlMs: ttl,
      overrides: override,
      statuses: status ?? [],
      types: type ?? [],
      paths: path ?? [],
    })),
  )
}

function foldingOf({ vary }: RouteCacheDocument): VaryFolding | null {
  if (vary === undefined) return null
  const { encodings, types, languages } = vary
  return {
    ...(encodings === undefined ? {} : { encodings }),
    ...(types === undefined ? {} : { types }),
    ...(languages === undefined ? {} : { languages }),
  }
}

function bypassOf({ bypass }: RouteCacheDocument): Bypass | null {
  if (bypass === undefined) return null
  const { cookie, header, query, path } = bypass
  return new Bypass({
    cookies: testsOf(cookie),
    headers: testsOf(header, true),
    query: testsOf(query),
    paths: path ?? [],
  })
}

type WrittenTests = NonNullable<NonNullable<RouteCacheDocument['bypass']>['cookie']>

function testsOf(tests: WrittenTests | undefined, isField = false): NamedTests {
  return Object.fromEntries(
    Object.entries(tests ?? {}).map(([name, wanted]) => [
      isField ? name.toLowerCase() : name,
      typeof wanted === 'object' ? new RegExp(wanted.regex) : wanted,
    ]),
  )
}
