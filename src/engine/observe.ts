/**
 * Observe: counts what happens and writes the two logs.
 *
 * Promises: a finished or refused exchange is counted once and has exactly one line in the access log, unless the
 * queue was full, which is counted; nothing is allocated for a request but its line; series are created by the config
 * (routes, servers), never by what clients send.
 */
import { faultCount, faultRow, NONE, type Fault, type FaultLevel } from '../core/faults.ts'
import { systemClock, type Clock } from '../core/clock.ts'
import { CacheResult } from '../http/cache-result.ts'
import type { Exchange, RouteInfo, UpstreamServer } from '../http/exchange.ts'
import { VERSION_TCP } from '../http/message.ts'
import { Logs } from './logs.ts'
import type { MetricsSnapshot } from './metrics.ts'
import type { Origin } from '../origin/origin.ts'
import type { Observer } from './observer.ts'
import type { Plan } from './plan.ts'
import { RouteSeries, ServerSeries, siteCaches, type SiteCache } from './series.ts'
import { writeSnapshot, type ObserveGauges } from './observe-snapshot.ts'

export type { MetricsSnapshot } from './metrics.ts'
export type { ObserveGauges } from './observe-snapshot.ts'

const noGauges: ObserveGauges = {
  inFlight: () => 0,
  connections: () => 0,
  connectionsTotal: () => 0,
  tunnels: () => 0,
  isDraining: () => false,
}

export interface ObserveOptions {
  readonly clock?: Clock
  /** Do several processes write the same logs? */
  readonly isShared?: boolean
}

/** More servers than an edge has; further ones, as with names that change all the time, are counted together. */
export const serverSeriesMax = 1000

export class Observe implements Observer {
  gauges: ObserveGauges = noGauges
  readonly logs: Logs
  readonly requestFaults: Float64Array = new Float64Array(faultCount)
  readonly faults: Float64Array = new Float64Array(faultCount)
  staleCallbacks = 0
  retries = 0
  /** How many exchanges no client asked for: fills, revalidations. */
  fetches = 0
  /** Requests that no route took, and heads that could not be read. */
  readonly noRoute: RouteSeries = new RouteSeries('', '')
  /** The counts of routes and servers that the config no longer has: sums must not go down. */
  readonly goneRoutes: RouteSeries = new RouteSeries('', 'removed')
  readonly otherServers: ServerSeries = new ServerSeries('other', faultCount)
  #routes = new Map<string, RouteSeries>()
  #routeSeries = new WeakMap<RouteInfo, RouteSeries>()
  readonly #servers = new Map<string, ServerSeries>()
  origins: Iterable<Origin> = []
  #serverSeries = new WeakMap<UpstreamServer, ServerSeries>()
  #lastRoute: RouteInfo | null = null
  #lastSeries: RouteSeries = this.noRoute
  #lastServer: UpstreamServer | null = null
  #lastServerSeries: ServerSeries = this.otherServers

  constructor(options: ObserveOptions = {}) {
    this.logs = new Logs(options.clock ?? systemClock, options.isShared ?? false)
  }

  /** Opens the logs of a plan that may soon be in force. Throws a sentence when one cannot be opened. */
  prepare(plan: Plan): void {
    this.logs.prepare(plan.log)
  }

  /** Drops the plan that `prepare` was given. */
  discard(): void {
    this.logs.discard()
  }

  /** Switches to a plan that was prepared. */
  use(plan: Plan): void {
    this.logs.commit()
    const routes = new Map<string, RouteSeries>()
    const routeSeries = new WeakMap<RouteInfo, RouteSeries>()
    for (const route of plan.routes) {
      const series =
        routes.get(route.name) ?? this.#routes.get(route.name) ?? new RouteSeries(route.site, route.name)
      routes.set(route.name, series)
      routeSeries.set(route, series)
    }
    for (const [name, series] of this.#routes) if (!routes.has(name)) this.goneRoutes.fold(series)
    this.#routes = routes
    this.#routeSeries = routeSeries
    this.#lastRoute = null
    this.origins = [...plan.origins.values()]
  }

  onFinish(x: Exchange, nowMs: number): void {
    const status = x.isHeadSent ? x.response.status : 0
    this.#count(x, status, x.fault, nowMs - x.startMs)
  }

  /** It is counted for its server, but neither as a client's request nor in the access log. */
  onFetch(x: Exchange): void {
    this.fetches++
    if (x.route !== null) this.#ofRoute(x.route).fetchedBytes += x.bytesSent
    if (x.attempts > 0) this.#countUpstream(x, x.isHeadSent ? x.response.status : 0)
  }

  onRefuse(x: Exchange, fault: Fault, nowMs: number): void {
    const status = x.response.status === 0 ? faultRow(fault).status : x.response.status
    this.#count(x, status, fault, nowMs - x.startMs)
    this.onFault(x, fault)
  }

  #count(x: Exchange, status: number, fault: Fault, totalMs: number): void {
    const series = x.route === null ? this.noRoute : this.#ofRoute(x.route)
    series.codes.add(x.request.method, status)
    series.receivedBytes += x.body.receivedBytes
    series.sentBytes += x.bytesSent
    if (x.cacheResult !== CacheResult.NONE) series.addCached(x.cacheResult, x.bytesSent)
    // A tunnel lives for hours, as does a connection that is passed on: they would hide what the histogram is
    // for.
    if (status !== 101 && x.request.version !== VERSION_TCP) series.duration.add(totalMs)
    if (fault !== NONE) this.requestFaults[fault] = (this.requestFaults[fault] as number) + 1
    if (x.attempts > 0) {
      this.#countUpstream(x, status)
      // Otherwise the answer was for a fill, which is counted separately.
      if (x.tried.length > 0 && x.cacheResult !== CacheResult.NONE) series.fetchedBytes += x.bytesSent
    }
    const { access, accessLog } = this.logs
    if (access !== null && accessLog !== null) access.push(accessLog.line(x, status, fault, totalMs))
  }

  #countUpstream(x: Exchange, status: number): void {
    const server = x.tried[x.tried.length - 1]
    // Attempts without servers are those of a fill, which is counted separately.
    if (server === undefined) return
    this.retries += x.attempts - 1
    const series = this.#ofServer(server)
    series.codes.add(x.request.method, status)
    if (x.firstByteMs >= 0) series.firstByte.add(x.firstByteMs)
  }

  /** An exchange may still hold the route of a plan that is gone. */
  #ofRoute(route: RouteInfo): RouteSeries {
    // A WeakMap lookup costs as much as all the counting, and requests come in runs.
    if (route === this.#lastRoute) return this.#lastSeries
    let series = this.#routeSeries.get(route)
    if (series === undefined) {
      series = this.#routes.get(route.name) ?? this.goneRoutes
      this.#routeSeries.set(route, series)
    }
    this.#lastRoute = route
    this.#lastSeries = series
    return series
  }

  #ofServer(server: UpstreamServer): ServerSeries {
    if (server === this.#lastServer) return this.#lastServerSeries
    this.#lastServer = server
    return (this.#lastServerSeries = this.#serverSeries.get(server) ?? this.#addServer(server))
  }

  #addServer(server: UpstreamServer): ServerSeries {
    let series = this.#servers.get(server.name)
    if (series === undefined) {
      if (this.#servers.size >= serverSeriesMax) series = this.otherServers
      else this.#servers.set(server.name, (series = new ServerSeries(server.name, faultCount)))
    }
    this.#serverSeries.set(server, series)
    return series
  }

  onFault(x: Exchange, fault: Fault): void {
    this.faults[fault] = (this.faults[fault] as number) + 1
    const server = x.upstream?.server ?? x.tried[x.tried.length - 1]
    if (server !== undefined && faultRow(fault).side === 'origin') {
      const { faults } = this.#ofServer(server)
      faults[fault] = (faults[fault] as number) + 1
    }
    // What failed in a fill was already reported by the fill's own exchange, with the server.
    const isOfFill = x.attempts > 0 && x.tried.length === 0
    if (isOfFill && faultRow(fault).side === 'origin') return
    this.logs.errorsLog.fault(x, fault)
  }

  /** A connection was given up before it asked anything; `peer` is its address. */
  onConnectionFault(fault: Fault, peer: string): void {
    this.faults[fault] = (this.faults[fault] as number) + 1
    this.logs.errorsLog.connectionFault(fault, peer)
  }

  onStaleCallback(): void {
    this.staleCallbacks++
  }

  note(level: FaultLevel, message: string): void {
    this.logs.errorsLog.note(level, message)
  }

  /** What the cache did for each site. */
  siteCaches(): Record<string, SiteCache> {
    return siteCaches([...this.#routes.values()])
  }

  get routeSeries(): Iterable<RouteSeries> {
    return this.#routes.values()
  }

  get serverSeries(): Iterable<ServerSeries> {
    return this.#servers.values()
  }

  /** All counters and gauges of this process. */
  snapshot(): MetricsSnapshot {
    return writeSnapshot(this)
  }

  async reopenLogs(): Promise<void> {
    await this.logs.reopen()
  }

  /** Writes what waits for at most `deadlineMs` and closes the logs. */
  async close(deadlineMs: number): Promise<void> {
    await this.logs.close(deadlineMs)
  }

  /** Writes what waits at once, for a process that ends without returning to the event loop. */
  flushNow(): void {
    this.logs.flushNow()
  }
}
