/**
 * Stock: the connections to one server, counted, with the ready ones kept for the next request.
 *
 * Promise: a connection that was idle beyond its time by the clock is never taken, however late its close is noticed.
 * (The clock is read anew for this: after the event loop stood still, FINs of the origin are still unread while the
 * next request is served.)
 */
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { EndpointSet } from './endpoint-set.ts'
import type { Endpoint, PooledConnection } from './endpoint.ts'

export interface StockTimes {
  readonly idleMs: number
  readonly connectionAgeMaxMs: number
}

export class Stock implements DeadlineOwner {
  readonly #endpoints: EndpointSet
  readonly #timers: Timers
  readonly #times: StockTimes
  readonly #idleDeadline: Deadline = new Deadline(this)
  /** Connections open or being made. */
  count = 0
  /** Those being made. */
  connecting = 0

  constructor(endpoints: EndpointSet, timers: Timers, times: StockTimes) {
    this.#endpoints = endpoints
    this.#timers = timers
    this.#times = times
  }

  /** A connection is being made. */
  begin(endpoint: Endpoint, nowMs: number): void {
    this.count++
    this.connecting++
    endpoint.connections++
    endpoint.connecting++
    endpoint.dialedAtMs = nowMs
  }

  /** It has been made, or could not be. */
  settle(endpoint: Endpoint): void {
    this.connecting--
    endpoint.connecting--
  }

  /** The one most recently used, which stays in its place. */
  take(endpoint: Endpoint, nowMs: number): PooledConnection | null {
    for (let pooled = endpoint.ready.last; pooled !== null; pooled = endpoint.ready.last) {
      if (pooled.connection.freeStreams === 0) endpoint.ready.remove(pooled)
      else if (pooled.leases > 0 || nowMs < pooled.idleUntilMs) return pooled
      else this.drop(pooled)
    }
    return null
  }

  /** The same among those of one client. Who is new has none, and is about to have one made: that costs more than the look. */
  takeOf(client: string, endpoint: Endpoint, nowMs: number): PooledConnection | null {
    if (client === '') return null
    for (let pooled = endpoint.ready.last; pooled !== null; pooled = pooled.previous) {
      if (pooled.client !== client || pooled.connection.freeStreams === 0) continue
      if (pooled.leases > 0 || nowMs < pooled.idleUntilMs) return pooled
    }
    return null
  }

  /** One to any address in order; `client`: of his, null: anybody's. */
  takeAny(nowMs: number, client: string | null): PooledConnection | null {
    for (const endpoint of this.#endpoints.list) {
      if (!endpoint.passing.isAvailable) continue
      const pooled = client === null ? this.take(endpoint, nowMs) : this.takeOf(client, endpoint, nowMs)
      if (pooled !== null) return pooled
    }
    return null
  }

  /** Can a stream be had without waiting? */
  get hasReady(): boolean {
    return this.#endpoints.list.some(({ ready }) => ready.size > 0)
  }

  /** Of each address the longest idle comes first; that of the first address which has one. */
  get firstIdle(): PooledConnection | null {
    for (const endpoint of this.#endpoints.list) {
      for (let pooled = endpoint.ready.first; pooled !== null; pooled = pooled.next)
        if (pooled.leases === 0) return pooled
    }
    return null
  }

  /** It has free streams that nobody waits for. */
  keep(pooled: PooledConnection): void {
    const { ready } = pooled.endpoint
    const { connectionAgeMaxMs } = this.#times
    const nowMs = this.#timers.clock.nowMs()
    const isOld = connectionAgeMaxMs > 0 && nowMs - pooled.connectedAtMs >= connectionAgeMaxMs
    if (pooled.leases > 0) {
      // What is under way on an old one ends there, and nothing begins.
      if (isOld) ready.remove(pooled)
      else if (pooled.list === null) ready.addLast(pooled)
      return
    }
    const { keepAliveMs } = pooled.connection
    const idleMs = keepAliveMs < 0 ? this.#times.idleMs : Math.min(this.#times.idleMs, keepAliveMs)
    if (isOld || idleMs <= 0) return this.drop(pooled)
    pooled.idleUntilMs = nowMs + idleMs
    ready.remove(pooled)
    ready.addLast(pooled)
    if (!this.#idleDeadline.isSet()) this.#timers.set(this.#idleDeadline, idleMs, nowMs)
  }

  /** Closes one that nobody leases. */
  drop(pooled: PooledConnection): void {
    this.forget(pooled)
    pooled.connection.destroy()
  }

  /** It is gone. */
  forget(pooled: PooledConnection): void {
    const { endpoint } = pooled
    pooled.isGone = true
    endpoint.ready.remove(pooled)
    endpoint.connections--
    this.count--
  }

  /** Nothing more begins on the connections to this address. */
  clear(endpoint: Endpoint): void {
    let next: PooledConnection | null = null
    for (let pooled = endpoint.ready.first; pooled !== null; pooled = next) {
      next = pooled.next
      if (pooled.leases === 0) this.drop(pooled)
      else endpoint.ready.remove(pooled)
    }
  }

  /**
   * Closes what lay idle too long, from the front: the longest idle. One behind it whose own time is shorter (its
   * origin said so) waits for its turn at the front; it is not used any more in any case.
   */
  onDeadline(): void {
    const nowMs = this.#timers.clock.nowMs()
    let nextMs = Infinity
    for (const { ready } of this.#endpoints.list) {
      let pooled = ready.first
      while (pooled !== null && (pooled.leases > 0 || nowMs >= pooled.idleUntilMs)) {
        const after: PooledConnection | null = pooled.next
        if (pooled.leases === 0) this.drop(pooled)
        pooled = after
      }
      if (pooled !== null) nextMs = Math.min(nextMs, pooled.idleUntilMs)
    }
    if (nextMs !== Infinity) this.#timers.set(this.#idleDeadline, nextMs - nowMs, nowMs)
  }

  close(): void {
    this.#timers.remove(this.#idleDeadline)
    for (const endpoint of this.#endpoints.list) this.clear(endpoint)
  }
}
