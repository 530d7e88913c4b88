/**
 * What is counted for one route or one server, in typed arrays, so that a request only adds numbers and allocates
 * nothing.
 *
 * Counts are doubles: exact up to 2^53, where 32 bits would wrap within a day.
 */
import { CacheResult, cacheResultNames } from '../http/cache-result.ts'
import { labelText, setSample, type MetricsSnapshot } from './metrics.ts'

/**
 * The upper bounds of the buckets in milliseconds. Caddy's start at 5 ms; an edge on a fast network has most of
 * its requests below that.
 */
export const bucketsMs: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

const bucketCount = bucketsMs.length

export class Histogram {
  /** The last bucket counts what is above all bounds. */
  readonly #buckets = new Float64Array(bucketCount + 1)
  #sumMs = 0

  add(ms: number): void {
    let i = 0
    while (i < bucketCount && ms > (bucketsMs[i] as number)) i++
    const buckets = this.#buckets
    buckets[i] = (buckets[i] as number) + 1
    this.#sumMs += ms
  }

  /** Adds what another has counted. */
  fold(other: Histogram): void {
    for (let i = 0; i <= bucketCount; i++)
      this.#buckets[i] = (this.#buckets[i] as number) + (other.#buckets[i] as number)
    this.#sumMs += other.#sumMs
  }

  /** Writes `_bucket`, `_sum` and `_count` with these labels in front of `le`. Nothing while it is empty. */
  write(snapshot: MetricsSnapshot, name: string, ...labels: readonly string[]): void {
    let count = 0
    const keys: [string, number][] = []
    for (let i = 0; i <= bucketCount; i++) {
      count += this.#buckets[i] as number
      const bound = i === bucketCount ? '+Inf' : String((bucketsMs[i] as number) / 1000)
      keys.push(['_bucket' + labelText(...labels, 'le', bound), count])
    }
    if (count === 0) return
    for (const [key, value] of keys) setSample(snapshot, name, key, value)
    const text = labelText(...labels)
    setSample(snapshot, name, '_sum' + text, this.#sumMs / 1000)
    setSample(snapshot, name, '_count' + text, count)
  }
}

/** Methods with a label of their own; any other is OTHER, since clients choose what they send. */
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'QUERY',
  'OTHER',
] as const
const methodCount = methods.length

function methodIndex(method: string): number {
  switch (method) {
    case 'GET':
      return 0
    case 'HEAD':
      return 1
    case 'POST':
      return 2
    case 'PUT':
      return 3
    case 'PATCH':
      return 4
    case 'DELETE':
      return 5
    case 'OPTIONS':
      return 6
    case 'CONNECT':
      return 7
    case 'QUERY':
      return 8
    default:
      return 9
  }
}

/** 0 (no answer), then 100 to 599; an origin's 999 counts as 600. */
const codeSlots = 502

function codeSlot(status: number): number {
  if (status === 0) return 0
  return status >= 100 && status < 600 ? status - 99 : codeSlots - 1
}

function codeText(slot: number): string {
  return slot === 0 ? '0' : slot === codeSlots - 1 ? 'other' : String(slot + 99)
}

/** Counts by method and exact status. A row is made when a status is first seen: most routes see three. */
export class CodeCounts {
  readonly #rowOf = new Uint16Array(codeSlots)
  #counts = new Float64Array(methodCount * 4)
  #rows = 0

  add(method: string, status: number): void {
    const slot = codeSlot(status)
    let row = this.#rowOf[slot] as number
    if (row === 0) row = this.#addRow(slot)
    const at = (row - 1) * methodCount + methodIndex(method)
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  #addRow(slot: number): number {
    const row = ++this.#rows
    if (row * methodCount > this.#counts.length) {
      const counts = new Float64Array(this.#counts.length * 2)
      counts.set(this.#counts)
      this.#counts = counts
    }
    this.#rowOf[slot] = row
    return row
  }

  fold(other: CodeCounts): void {
    other.each((slot, method, count) => {
      const row = (this.#rowOf[slot] as number) || this.#addRow(slot)
      const at = (row - 1) * methodCount + method
      this.#counts[at] = (this.#counts[at] as number) + count
    })
  }

  each(visit: (slot: number, method: number, count: number) => void): void {
    for (let slot = 0; slot < codeSlots; slot++) {
      const row = this.#rowOf[slot] as number
      if (row === 0) continue
      for (let method = 0; method < methodCount; method++) {
        const count = this.#counts[(row - 1) * methodCount + method] as number
        if (count > 0) visit(slot, method, count)
      }
    }
  }
}

export { codeText, methods as methodNames }

/** The counts of one route. */
export class RouteSeries {
  readonly site: string
  readonly route: string
  readonly codes: CodeCounts = new CodeCounts()
  readonly duration: Histogram = new Histogram()
  receivedBytes = 0
  sentBytes = 0
  /** Requests by CacheResult; null until one has asked the cache. */
  cache: Float64Array | null = null
  cachedBytes = 0
  /** Bytes of answers that came from an origin: to clients that asked the cache, and to the cache itself. */
  fetchedBytes = 0

  constructor(site: string, route: string) {
    this.site = site
    this.route = route
  }

  fold(other: RouteSeries): void {
    this.codes.fold(other.codes)
    this.duration.fold(other.duration)
    this.receivedBytes += other.receivedBytes
    this.sentBytes += other.sentBytes
    this.cachedBytes += other.cachedBytes
    this.fetchedBytes += other.fetchedBytes
    if (other.cache === null) return
    this.cache ??= new Float64Array(cacheResultNames.length)
    for (let i = 0; i < other.cache.length; i++)
      this.cache[i] = (this.cache[i] as number) + (other.cache[i] as number)
  }

  /** Counts an exchange that asked the cache and is over. */
  addCached(result: CacheResult, bytes: number): void {
    this.cache ??= new Float64Array(cacheResultNames.length)
    this.cache[result] = (this.cache[result] as number) + 1
    if (result <= CacheResult.REVALIDATED || result === CacheResult.COLLAPSED) this.cachedBytes += bytes
  }
}

/** The counts of one server of an origin. */
export class ServerSeries {
  readonly name: string
  readonly codes: CodeCounts = new CodeCounts()
  readonly firstByte: Histogram = new Histogram()
  readonly faults: Float64Array

  constructor(name: string, faultCount: number) {
    this.name = name
    this.faults = new Float64Array(faultCount)
  }

  fold(other: ServerSeries): void {
    this.codes.fold(other.codes)
    this.firstByte.fold(other.firstByte)
    for (let i = 0; i < this.faults.length; i++)
      this.faults[i] = (this.faults[i] as number) + (other.faults[i] as number)
  }
}

/** What the cache did for one site: requests by what it did, and bytes. */
export interface SiteCache {
  readonly requests: Record<string, number>
  /** Bytes sent to clients by routes with a cache. */
  sentBytes: number
  fetchedBytes: number
  /** Bytes sent without being fetched; below 0 where more was fetched than asked for, as by warming. */
  savedBytes: number
}

/** By site, for those that have a cache. */
export function siteCaches(routes: Iterable<RouteSeries>): Record<string, SiteCache> {
  const sites: Record<string, SiteCache> = {}
  for (const { site, cache, sentBytes, fetchedBytes } of routes) {
    if (cache === null) continue
    const one = (sites[site] ??= { requests: {}, sentBytes: 0, fetchedBytes: 0, savedBytes: 0 })
    for (const [result, name] of cacheResultNames.entries()) {
      if (name !== '') one.requests[name] = (one.requests[name] ?? 0) + (cache[result] as number)
    }
    one.sentBytes += sentBytes
    one.fetchedBytes += fetchedBytes
    one.savedBytes += sentBytes - fetchedBytes
  }
  return sites
}
