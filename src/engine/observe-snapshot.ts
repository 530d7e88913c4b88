/** Turns what Observe has counted into a MetricsSnapshot. It runs once per scrape, off the hot path. */
import { faultCount, faultRow } from '../core/faults.ts'
import { cacheResultNames } from '../http/cache-result.ts'
import { labelText, Metric, setSample, type MetricsSnapshot } from './metrics.ts'
import { codeText, methodNames, type RouteSeries, type ServerSeries } from './series.ts'
import type { Logs } from './logs.ts'
import type { Origin } from '../origin/origin.ts'

/** Numbers that other parts keep, read for each snapshot. */
export interface ObserveGauges {
  inFlight(): number
  connections(): number
  connectionsTotal(): number
  tunnels(): number
  /** Bytes that wait in memory for slow peers. */
  heldBytes?(): number
  /** Connections passed on unread. */
  passages?(): number
  /** TLS handshakes: under way, and done by version: [all, of them resumed]. */
  handshakes?(): { readonly count: number; readonly done: ReadonlyMap<string, readonly [number, number]> }
  isDraining(): boolean
  /** How many clients are turned away, and how often one was. */
  bans?(): { readonly clients: number; readonly total: number }
  /** null or absent: this process has no cache. */
  cache?(): CacheGauges | null
  /** null or absent: there are no automatic certificates. */
  certificates?(): CertificateGauges | null
}

/** The numbers about automatic certificates. */
export interface CertificateGauges {
  /** The names of the config, and until when the certificate of each is valid: seconds since 1970, 0 for none. */
  readonly notAfterSeconds: ReadonlyMap<string, number>
  readonly onDemand: number
  readonly ordered: number
  readonly failed: number
}

/** The numbers about the cache's store. */
export interface CacheGauges {
  readonly entries: number
  readonly bytes: number
  readonly bytesMax: number
  readonly growingBytes: number
  readonly evictions: number
  readonly evictedBytes: number
  readonly purged: number
  readonly refused: number
  /** null or absent: there is no disk. */
  readonly disk?: DiskGauges | null
}

/** The numbers about the cache on disk. */
export interface DiskGauges {
  readonly entries: number
  readonly bytes: number
  readonly bytesMax: number
  readonly hits: number
  readonly misses: number
  readonly writes: number
  readonly writtenBytes: number
  readonly writeFailures: number
  readonly writesDropped: number
  readonly damaged: number
  readonly evictions: number
}

export interface Observed {
  readonly gauges: ObserveGauges
  readonly logs: Logs
  readonly requestFaults: Float64Array
  readonly faults: Float64Array
  readonly staleCallbacks: number
  readonly retries: number
  readonly fetches: number
  readonly noRoute: RouteSeries
  readonly goneRoutes: RouteSeries
  readonly otherServers: ServerSeries
  readonly routeSeries: Iterable<RouteSeries>
  readonly serverSeries: Iterable<ServerSeries>
  readonly origins: Iterable<Origin>
}

export function writeSnapshot(seen: Observed): MetricsSnapshot {
  const snapshot: MetricsSnapshot = {}
  for (const series of seen.routeSeries) writeRoute(snapshot, series)
  writeRoute(snapshot, seen.noRoute)
  writeRoute(snapshot, seen.goneRoutes)
  writeFaults(snapshot, Metric.REQUEST_FAULTS, seen.requestFaults)
  writeFaults(snapshot, Metric.FAULTS, seen.faults)
  for (const series of seen.serverSeries) writeServer(snapshot, series)
  writeServer(snapshot, seen.otherServers)
  for (const origin of seen.origins) writeOrigin(snapshot, origin)
  setSample(snapshot, Metric.RETRIES, '', seen.retries)
  setSample(snapshot, Metric.STALE_CALLBACKS, '', seen.staleCallbacks)
  const { gauges } = seen
  setSample(snapshot, Metric.IN_FLIGHT, '', gauges.inFlight())
  setSample(snapshot, Metric.CONNECTIONS, '', gauges.connections())
  setSample(snapshot, Metric.CONNECTIONS_TOTAL, '', gauges.connectionsTotal())
  const bans = gauges.bans?.()
  setSample(snapshot, Metric.CLIENT_BANS, '', bans?.total ?? 0)
  setSample(snapshot, Metric.CLIENTS_BANNED, '', bans?.clients ?? 0)
  setSample(snapshot, Metric.HELD_BYTES, '', gauges.heldBytes?.() ?? 0)
  setSample(snapshot, Metric.TUNNELS, '', gauges.tunnels())
  setSample(snapshot, Metric.TCP_CONNECTIONS, '', gauges.passages?.() ?? 0)
  setSample(snapshot, Metric.DRAINING, '', gauges.isDraining() ? 1 : 0)
  writeCache(snapshot, seen)
  writeHandshakes(snapshot, seen)
  writeCertificates(snapshot, seen)
  writeLogs(snapshot, seen.logs)
  return snapshot
}

function writeHandshakes(snapshot: MetricsSnapshot, { gauges }: Observed): void {
  const seen = gauges.handshakes?.()
  if (seen === undefined) return
  setSample(snapshot, Metric.HANDSHAKES_UNDER_WAY, '', seen.count)
  for (const [version, [all, resumed]] of seen.done) {
    const keyOf = (isResumed: string): string => labelText('version', version, 'resumed', isResumed)
    setSample(snapshot, Metric.HANDSHAKES, keyOf('no'), all - resumed)
    setSample(snapshot, Metric.HANDSHAKES, keyOf('yes'), resumed)
  }
}

function writeCertificates(snapshot: MetricsSnapshot, { gauges }: Observed): void {
  const seen = gauges.certificates?.() ?? null
  if (seen === null) return
  for (const [name, seconds] of seen.notAfterSeconds)
    setSample(snapshot, Metric.CERTIFICATE_END, labelText('name', name), seconds)
  setSample(snapshot, Metric.CERTIFICATES_ON_DEMAND, '', seen.onDemand)
  setSample(snapshot, Metric.CERTIFICATE_ORDERS, labelText('result', 'ok'), seen.ordered)
  setSample(snapshot, Metric.CERTIFICATE_ORDERS, labelText('result', 'failed'), seen.failed)
}

function writeRoute(snapshot: MetricsSnapshot, series: RouteSeries): void {
  const { site, route } = series
  series.codes.each((code, method, count) => {
    const key = labelText(
      'site',
      site,
      'route',
      route,
      'method',
      methodNames[method] as string,
      'code',
      codeText(code),
    )
    setSample(snapshot, Metric.REQUESTS, key, count)
  })
  series.duration.write(snapshot, Metric.REQUEST_DURATION, 'site', site, 'route', route)
  const key = labelText('site', site, 'route', route)
  if (series.receivedBytes > 0) setSample(snapshot, Metric.REQUEST_BODY_BYTES, key, series.receivedBytes)
  if (series.sentBytes > 0) setSample(snapshot, Metric.RESPONSE_BYTES, key, series.sentBytes)
}

function writeFaults(snapshot: MetricsSnapshot, name: string, counts: Float64Array): void {
  for (let fault = 1; fault < faultCount; fault++) {
    const count = counts[fault] as number
    if (count === 0) continue
    const row = faultRow(fault)
    setSample(snapshot, name, labelText('fault', row.name, 'side', row.side), count)
  }
}

function writeServer(snapshot: MetricsSnapshot, series: ServerSeries): void {
  const byCode = new Map<number, number>()
  series.codes.each((code, _, count) => byCode.set(code, (byCode.get(code) ?? 0) + count))
  for (const [code, count] of byCode)
    setSample(
      snapshot,
      Metric.UPSTREAM_REQUESTS,
      labelText('upstream', series.name, 'code', codeText(code)),
      count,
    )
  series.firstByte.write(snapshot, Metric.UPSTREAM_FIRST_BYTE, 'upstream', series.name)
  for (let fault = 1; fault < faultCount; fault++) {
    const count = series.faults[fault] as number
    if (count === 0) continue
    const key = labelText('upstream', series.name, 'fault', faultRow(fault).name)
    setSample(snapshot, Metric.UPSTREAM_FAULTS, key, count)
  }
}

function writeOrigin(snapshot: MetricsSnapshot, origin: Origin): void {
  for (const server of origin.snapshot().servers) {
    const key = labelText('origin', origin.name, 'upstream', server.name)
    setSample(snapshot, Metric.UPSTREAM_HEALTHY, key, server.isAvailable ? 1 : 0)
    setSample(snapshot, Metric.UPSTREAM_CONNECTIONS, key, server.connections)
    setSample(snapshot, Metric.UPSTREAM_IN_FLIGHT, key, server.inFlight)
  }
}

function writeLogs(snapshot: MetricsSnapshot, logs: Logs): void {
  for (const log of ['access', 'errors'] as const) {
    const [accepted, dropped, errors] = logs.counts(log)
    const key = labelText('log', log)
    setSample(snapshot, Metric.LOG_LINES, key, accepted)
    setSample(snapshot, Metric.LOG_DROPPED, key, dropped)
    setSample(snapshot, Metric.LOG_WRITE_ERRORS, key, errors)
  }
  setSample(snapshot, Metric.LOG_SUPPRESSED, '', logs.errorsLog.suppressed)
}

/** By site, since the routes of one site often share what they store. */
function writeCache(snapshot: MetricsSnapshot, seen: Observed): void {
  const store = seen.gauges.cache?.() ?? null
  for (const { site, cache, cachedBytes, fetchedBytes } of [...seen.routeSeries, seen.goneRoutes]) {
    if (cache === null) continue
    for (let result = 1; result < cache.length; result++) {
      const count = cache[result] as number
      const status = cacheResultNames[result] as string
      if (count > 0)
        addSample(snapshot, Metric.CACHE_REQUESTS, labelText('site', site, 'status', status), count)
    }
    addSample(snapshot, Metric.CACHE_BYTES, labelText('site', site), cachedBytes)
    addSample(snapshot, Metric.CACHE_FETCHED, labelText('site', site), fetchedBytes)
  }
  if (store === null) return
  setSample(snapshot, Metric.CACHE_FETCHES, '', seen.fetches)
  setSample(snapshot, Metric.CACHE_ENTRIES, '', store.entries)
  setSample(snapshot, Metric.CACHE_USED, '', store.bytes + store.growingBytes)
  setSample(snapshot, Metric.CACHE_LIMIT, '', store.bytesMax)
  setSample(snapshot, Metric.CACHE_EVICTIONS, '', store.evictions)
  setSample(snapshot, Metric.CACHE_EVICTED, '', store.evictedBytes)
  setSample(snapshot, Metric.CACHE_PURGED, '', store.purged)
  setSample(snapshot, Metric.CACHE_REFUSED, '', store.refused)
  if (store.disk !== null && store.disk !== undefined) writeDisk(snapshot, store.disk)
}

function writeDisk(snapshot: MetricsSnapshot, disk: DiskGauges): void {
  setSample(snapshot, Metric.DISK_FILES, '', disk.entries)
  setSample(snapshot, Metric.DISK_USED, '', disk.bytes)
  setSample(snapshot, Metric.DISK_LIMIT, '', disk.bytesMax)
  setSample(snapshot, Metric.DISK_HITS, '', disk.hits)
  setSample(snapshot, Metric.DISK_MISSES, '', disk.misses)
  setSample(snapshot, Metric.DISK_WRITES, '', disk.writes)
  setSample(snapshot, Metric.DISK_WRITTEN, '', disk.writtenBytes)
  setSample(snapshot, Metric.DISK_FAILURES, labelText('why', 'failed'), disk.writeFailures)
  setSample(snapshot, Metric.DISK_FAILURES, labelText('why', 'dropped'), disk.writesDropped)
  setSample(snapshot, Metric.DISK_DAMAGED, '', disk.damaged)
  setSample(snapshot, Metric.DISK_EVICTIONS, '', disk.evictions)
}

function addSample(snapshot: MetricsSnapshot, name: string, key: string, value: number): void {
  setSample(snapshot, name, key, value + (snapshot[name]?.[key] ?? 0))
}
