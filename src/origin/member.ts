/**
 * OriginServer: one server of an origin: its place in the balancing, its pool, and the watch over its name if it has
 * one.
 */
import type { Clock } from '../core/clock.ts'
import { NONE, faultRow } from '../core/faults.ts'
import type { OriginProtocol } from '../http/dial.ts'
import type { ClientSecurity } from '../net/security.ts'
import { NameWatch, type NameWatchOwner } from './name-watch.ts'
import type { AddressSnapshot, ServerSnapshot } from './origin.ts'
import { PASSED } from './passing-over.ts'
import type { Member } from './policy.ts'
import { Pool, type PoolOwner } from './pool.ts'
import type { Resolver } from './resolver.ts'
import type { ServerUrl } from './server-url.ts'

/** The origin, as its servers see it. */
export interface OriginServerOwner extends PoolOwner {
  onNameFault(server: OriginServer, reason: string): void
  /** TLS to a server that is given as https. */
  securityOf(url: ServerUrl): ClientSecurity
  /** What is spoken with a server. */
  protocolOf(url: ServerUrl): OriginProtocol
}

export class OriginServer implements Member, NameWatchOwner {
  readonly name: string
  readonly url: ServerUrl
  readonly weight: number
  readonly pool: Pool
  inFlight = 0
  isAvailable = true
  readonly #owner: OriginServerOwner
  readonly #watch: NameWatch | null
  #hasNameFault = false

  constructor(url: ServerUrl, weight: number, owner: OriginServerOwner, clock: Clock, resolver: Resolver) {
    this.name = url.text
    this.url = url
    this.weight = weight
    this.#owner = owner
    this.pool = new Pool(this, owner, owner.protocolOf(url))
    if (url.isSecure) this.pool.security = owner.securityOf(url)
    this.#watch = url.isName ? new NameWatch(url.host, resolver, clock, owner.tuning, this) : null
  }

  start(): void {
    if (this.#watch === null) this.#setHosts([this.url.host])
    else {
      this.pool.setSource(this.#watch)
      this.#watch.ask()
    }
  }

  #setHosts(hosts: readonly string[]): void {
    const { port, path } = this.url
    this.pool.setAddresses(hosts.map((host) => ({ host, port, path })))
  }

  onAddresses(hosts: readonly string[]): void {
    this.#hasNameFault = false
    this.#setHosts(hosts)
  }

  onNoAddresses(reason: string): void {
    if (!this.#hasNameFault) this.#owner.onNameFault(this, reason)
    this.#hasNameFault = true
    this.pool.onUnresolved()
  }

  snapshot(nowMs: number): ServerSnapshot {
    const { endpoints, stock, room } = this.pool
    const addresses = endpoints.list.map(({ addressText, idle, connections, passing }): AddressSnapshot => {
      const passedOverMs = passing.state === PASSED ? Math.max(0, passing.untilMs - nowMs) : 0
      const { faults, isAvailable } = passing
      const fault = passing.fault === NONE ? '' : faultRow(passing.fault).name
      return { address: addressText, idle, connections, faults, fault, isAvailable, passedOverMs }
    })
    return {
      name: this.name,
      weight: this.weight,
      inFlight: this.inFlight,
      idle: addresses.reduce((sum, address) => sum + address.idle, 0),
      connecting: stock.connecting,
      connections: stock.count,
      waiting: room.size,
      isAvailable: this.isAvailable,
      addresses,
    }
  }

  close(): void {
    this.#watch?.close()
    this.pool.close()
  }
}
