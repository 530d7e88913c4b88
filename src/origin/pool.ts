/**
 * Pool: the connections to one server, and the room of the exchanges that wait for one.
 *
 * Promises:
 * - Where servers are told of clients (announcing.ts), a connection serves the client that it announced and no other:
 *   for each exchange that waits one is made.
 * - A ready connection is leased synchronously, the most recently used first, without allocating anything.
 * - Exchanges that wait are served by whichever connection is ready first, but a further attempt only by one that has
 *   served nobody, since the origin may be closing the others (Apache does when it is short of threads). A connection
 *   made for an exchange that left stays ready.
 * - Requests under way (`member.inFlight`) = those in the room + leases, at all times.
 * - Within the bounds, as many connections are being made as it takes to give a stream to each that waits. While it
 *   is not known how many streams one carries, one is made (the first tells whether it is HTTP/2). To an address in
 *   doubt one is made at a time, or one each `passOverMinMs`: a dead server is not hammered, and one that is back is
 *   noticed.
 * - While a connection is being made, or is in use, those that wait may hope; when neither is so and the last attempt
 *   failed, all are told at once.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { OriginProtocol } from '../http/dial.ts'
import { WAIT, type Exchange, type Upstream } from '../http/exchange.ts'
import type { ClientSecurity } from '../net/security.ts'
import type { ProxyVersion } from '../net/write-proxy-header.ts'
import type { TransportAddress } from '../net/transport.ts'
import { AnnouncedTarget, announcementOf } from './announcing.ts'
import { EndpointSet } from './endpoint-set.ts'
import { Endpoint, PooledConnection, type EndpointOwner } from './endpoint.ts'
import type { OriginTuning } from './options.ts'
import type { OriginWaiter } from './origin.ts'
import { GOOD, isConnectFault, isFaultOfServer } from './passing-over.ts'
import type { Member } from './policy.ts'
import { Standing, type StandingOwner } from './standing.ts'
import { Stock } from './stock.ts'
import { WaitingRoom } from './waiting-room.ts'
import type { Waiting } from './waiting.ts'

/** The origin, as the pools of its servers see it. */
export interface PoolOwner extends StandingOwner {
  /** Whoever waits in any of its rooms. */
  readonly waiting: Map<Exchange, Waiting>
  /** Is there an available server that x has not tried? */
  canGoElsewhere(x: Exchange): boolean
}

/** Where the addresses of a server by name come from. */
export interface AddressSource {
  /** The addresses seem wrong, or are wanted: asks soon. False: it has just been told that there are none. */
  ask(): boolean
}

export class Pool implements EndpointOwner {
  readonly member: Member
  readonly endpoints: EndpointSet = new EndpointSet()
  readonly stock: Stock
  readonly room: WaitingRoom
  readonly #standing: Standing
  readonly #owner: PoolOwner
  readonly #timers: Timers
  readonly #tuning: OriginTuning
  #source: AddressSource | null = null
  /** TLS to the server; set before its addresses. */
  security: ClientSecurity | null = null
  /** Streams leased on all its connections. */
  leases = 0
  readonly #protocol: OriginProtocol
  /** How servers are told of clients, each of whom has connections of his own then; null: they are not. */
  readonly #announces: ProxyVersion | null
  /** Streams that a connection may be expected to carry. */
  #streamsEach: number
  /** When its name last could not be resolved. */
  #unresolvedAtMs = -Infinity
  #isClosed = false

  constructor(member: Member, owner: PoolOwner, protocol: OriginProtocol) {
    const { timers, tuning } = owner
    this.member = member
    this.#owner = owner
    this.#timers = timers
    this.#tuning = tuning
    this.#protocol = protocol
    this.#announces = tuning.proxyProtocol
    this.#streamsEach = protocol === 'http/1.1' ? 1 : Infinity
    this.stock = new Stock(this.endpoints, timers, tuning)
    this.#standing = new Standing(member, this.endpoints, owner, (endpoint) => this.#knock(endpoint))
    this.room = new WaitingRoom(member, timers, tuning.waitMs, owner.waiting, () => this.#faultOfWait())
  }

  // Opening

  /** As `Origin.open`, of this server. */
  open(x: Exchange, waiter: OriginWaiter): Upstream | number {
    const nowMs = this.#timers.clock.nowMs()
    this.#owner.usedAtMs = nowMs
    const endpoint = this.endpoints.choose()
    // What lay idle may be dead; an attempt that is the last resort of a request does not rely on it.
    // (What is wanted by HTTP/1.1 only keeps its place in a session, and gets a fresh connection beside it.)
    const announcement = this.#announces === null ? null : announcementOf(this.#announces, x)
    if (endpoint !== null && (x.attempts === 0 || x.outgoing.isHttp1Only)) {
      const pooled = this.#takeReady(endpoint, announcement?.client ?? null, nowMs)
      if (pooled !== null) {
        this.#countAttempt(x)
        return this.#lease(pooled, x)
      }
    }
    if (this.#owner.waiting.size >= this.#tuning.waitingMax) return -Faults.ORIGIN_FULL
    if (endpoint === null && this.#source?.ask() !== true) return -Faults.ORIGIN_UNRESOLVED
    this.#countAttempt(x)
    // So that the log tells of it also when nobody answers there.
    x.upstreamAddress = endpoint?.addressText ?? ''
    this.room.add(x, waiter, nowMs, announcement)
    this.#dialForRoom(nowMs, endpoint)
    return WAIT
  }

  /** `client`: only on a connection of his; null: on any. */
  #takeReady(endpoint: Endpoint, client: string | null, nowMs: number): PooledConnection | null {
    const { stock } = this
    const pooled = client === null ? stock.take(endpoint, nowMs) : stock.takeOf(client, endpoint, nowMs)
    return pooled ?? (this.#isAtMax ? stock.takeAny(nowMs, client) : null)
  }

  get #isAtMax(): boolean {
    const { connectionsMax } = this.#tuning
    return connectionsMax !== 0 && this.stock.count >= connectionsMax
  }

  /** A request would have to wait for others to end. */
  get isFull(): boolean {
    if (!this.#isAtMax) return false
    // What is ready may be another client's: it counts where it can make room.
    return this.#announces === null ? !this.stock.hasReady : this.stock.firstIdle === null
  }

  #countAttempt(x: Exchange): void {
    x.attempts++
    x.tried.push(this.member)
  }

  #lease(pooled: PooledConnection, x: Exchange): Upstream {
    const { endpoint, connection } = pooled
    pooled.leases++
    this.leases++
    this.member.inFlight++
    if (endpoint.passing.state !== GOOD) {
      this.#standing.beginTrial(pooled)
      if (endpoint.trial === pooled) pooled.trialExchange ??= x
    }
    const upstream = connection.lease(x)
    if (connection.freeStreams === 0) endpoint.ready.remove(pooled)
    return upstream
  }

  // Making connections

  /** Do more wait than there are streams in the connections being made? */
  get #isShort(): boolean {
    if (this.#announces !== null) return this.room.undialed !== null
    const { connecting } = this.stock
    return this.room.size > (connecting === 0 ? 0 : connecting * this.#streamsEach)
  }

  /** Begins connections until each that waits has a stream in one, or a bound is met. `first` was just chosen. */
  #dialForRoom(nowMs: number, first: Endpoint | null = null): void {
    let endpoint = first
    while (this.#isShort) {
      endpoint ??= this.endpoints.choose()
      if (endpoint === null || !this.#mayDial(endpoint, nowMs)) return
      this.#dial(endpoint, nowMs, this.#announces === null ? null : this.room.undialed)
      endpoint = null
    }
  }

  #mayDial(endpoint: Endpoint, nowMs: number): boolean {
    const { connectingMax, passOverMinMs } = this.#tuning
    if (this.stock.connecting >= connectingMax) return false
    const isInDoubt = endpoint.passing.state !== GOOD && endpoint.connecting > 0
    if (isInDoubt && nowMs - endpoint.dialedAtMs < passOverMinMs) return false
    if (!this.#isAtMax) return true
    // Whoever waits beside an idle connection wants a fresh one: the idle one makes room.
    const idle = this.stock.firstIdle
    if (idle !== null) this.stock.drop(idle)
    return idle !== null
  }

  /** `waiting`: for whom, where each client has his own; null: for whoever comes, or for nobody. */
  #dial(endpoint: Endpoint, nowMs: number, waiting: Waiting | null): void {
    const announcement = waiting?.announcement ?? null
    const pooled = new PooledConnection(endpoint, this, announcement?.client ?? '')
    if (waiting !== null) waiting.dialed = pooled
    this.stock.begin(endpoint, nowMs)
    this.#standing.beginTrial(pooled)
    const target = announcement === null ? endpoint : new AnnouncedTarget(endpoint, announcement)
    pooled.connection = this.#owner.dial.dial(target, pooled)
  }

  /** A connection for nobody, to learn whether one can be made. */
  #knock(endpoint: Endpoint): void {
    if (this.stock.connecting >= this.#tuning.connectingMax || this.#isAtMax) return
    if (endpoint.connecting > 0) return
    this.#dial(endpoint, this.#timers.clock.nowMs(), null)
  }

  onConnected(pooled: PooledConnection): void {
    const { endpoint } = pooled
    const nowMs = this.#timers.clock.nowMs()
    pooled.isConnected = true
    pooled.connectedAtMs = nowMs
    this.stock.settle(endpoint)
    if (this.#protocol !== 'http/1.1') this.#streamsEach = Math.max(1, pooled.connection.freeStreams)
    if (endpoint.passing.onConnected()) this.#standing.acquit(endpoint)
    this.#offer(pooled, true)
    // Whose address was gone by then needs another.
    const left = this.#announces === null ? null : this.room.dialedBy(pooled)
    if (left !== null) left.dialed = null
    this.#dialForRoom(nowMs)
  }

  #onDialFailed(pooled: PooledConnection, fault: Fault): void {
    const { endpoint } = pooled
    this.stock.settle(endpoint)
    if (!endpoint.isGone && isConnectFault(fault)) {
      this.#standing.accuse(endpoint, fault, endpoint.trial === pooled)
      this.#source?.ask()
    }
    this.#standing.endTrial(pooled)
    this.#tellRoom(pooled, fault === NONE ? Faults.ORIGIN_UNREACHABLE : fault)
    this.#dialForRoom(this.#timers.clock.nowMs())
  }

  /** A connection could not be made. Where it was nobody's in particular, the first in the room has bad luck. */
  #tellRoom(pooled: PooledConnection, fault: Fault): void {
    const { room, stock, endpoints } = this
    const hasOther = endpoints.isAnyAvailable
    if (!hasOther) room.failWhere(fault, (x) => this.#owner.canGoElsewhere(x))
    const first = this.#announces === null ? room.first : room.dialedBy(pooled)
    if (first !== null) first.dialed = null
    if (first === null || !this.#isShort) return
    first.dialFaults++
    if (!hasOther || first.dialFaults >= endpoints.list.length) room.fail(first, fault)
    if (!hasOther && stock.connecting === 0 && this.leases === 0) room.failAll(fault)
  }

  #faultOfWait(): Fault {
    if (this.endpoints.list.length === 0) return Faults.ORIGIN_UNRESOLVED
    return this.isFull ? Faults.ORIGIN_FULL : Faults.ORIGIN_CONNECT_TIMEOUT
  }

  // Connections that come back and go

  onReleased(pooled: PooledConnection): void {
    if (pooled.isGone) return
    pooled.leases--
    this.leases--
    this.member.inFlight--
    if (pooled.leases === 0) this.#standing.endTrial(pooled)
    this.#offer(pooled, false)
    // It may have been closed rather than offered, and left its place to another.
    if (this.room.size > 0) this.#dialForRoom(this.#timers.clock.nowMs())
  }

  /** The peer allows more streams, or fewer, or none any more. */
  onFreeStreams(pooled: PooledConnection): void {
    if (pooled.isGone || !pooled.isConnected) return
    if (pooled.connection.freeStreams > 0) return this.#offer(pooled, pooled.connection.servedCount === 0)
    pooled.endpoint.ready.remove(pooled)
    if (pooled.leases === 0) this.stock.drop(pooled)
    if (this.room.size > 0) this.#dialForRoom(this.#timers.clock.nowMs())
  }

  onClosed(pooled: PooledConnection, fault: Fault): void {
    if (pooled.isGone) return
    this.stock.forget(pooled)
    if (!pooled.isConnected) return this.#onDialFailed(pooled, fault)
    this.leases -= pooled.leases
    this.member.inFlight -= pooled.leases
    pooled.leases = 0
    this.#standing.endTrial(pooled)
    this.#dialForRoom(this.#timers.clock.nowMs())
  }

  /** Gives the free streams of a connection to those that wait, and keeps what is left. */
  #offer(pooled: PooledConnection, isFresh: boolean): void {
    const { endpoint, connection } = pooled
    while (!endpoint.isGone && !pooled.isGone && connection.freeStreams > 0) {
      const waiting = this.#nextFor(pooled, isFresh)
      if (waiting === null) break
      waiting.waiter.onOpened(waiting.x, waiting.turn, this.#lease(pooled, waiting.x))
    }
    // Those told may have done anything meanwhile, and this may have run inside itself.
    if (pooled.isGone) return
    const isNobodys = this.#announces !== null && pooled.client === ''
    if (endpoint.isGone || this.#isClosed || isNobodys) {
      endpoint.ready.remove(pooled)
      if (pooled.leases === 0) this.stock.drop(pooled)
    } else if (connection.freeStreams > 0) this.stock.keep(pooled)
    // A session that carries nothing more lies in no list in which its time would come. One of HTTP/1.1 is closing by itself.
    else if (pooled.leases === 0 && this.#protocol !== 'http/1.1') this.stock.drop(pooled)
    // A trial whose client left before it was connected: the next request is one.
    if (pooled.leases === 0) this.#standing.endTrial(pooled)
  }

  #nextFor(pooled: PooledConnection, isFresh: boolean): Waiting | null {
    if (this.#announces === null) return this.room.take(isFresh)
    return this.room.takeOf(pooled.client, pooled, isFresh)
  }

  // What attempts have shown

  onAttemptSuccess(upstream: Upstream): void {
    for (const endpoint of this.endpoints.list) {
      if (endpoint.passing.state === GOOD || endpoint.addressText !== upstream.address) continue
      endpoint.passing.onAnswer()
      this.#standing.acquit(endpoint)
      this.#dialForRoom(this.#timers.clock.nowMs())
    }
  }

  onAttemptFault(x: Exchange, upstream: Upstream, fault: Fault): void {
    if (!isFaultOfServer(fault, upstream.isReused)) return
    const endpoint = this.endpoints.find(upstream.address)
    if (endpoint !== null) this.#standing.accuseFor(x, endpoint, fault)
  }

  onPassDeadline(endpoint: Endpoint): void {
    this.#standing.onPassDeadline(endpoint)
  }

  /** When it last had a fault, for the choice among servers that all are passed over. */
  get faultedAtMs(): number {
    return this.endpoints.list.length === 0 ? this.#unresolvedAtMs : this.endpoints.faultedAtMs
  }

  // Addresses

  setSource(source: AddressSource): void {
    this.#source = source
  }

  /** Where the server is now. What runs on other addresses ends there, and nothing more begins there. */
  setAddresses(addresses: readonly TransportAddress[]): void {
    const make = (address: TransportAddress): Endpoint => {
      const endpoint = new Endpoint(this.member, address, this.#protocol, this.#tuning, this)
      endpoint.security = this.security
      return endpoint
    }
    for (const endpoint of this.endpoints.replace(addresses, make)) {
      this.#standing.forget(endpoint)
      this.stock.clear(endpoint)
    }
    this.#standing.isUnresolved = false
    this.#dialForRoom(this.#timers.clock.nowMs())
  }

  /** The name leads nowhere. While addresses from before are known, they stay. */
  onUnresolved(): void {
    if (this.endpoints.list.length > 0) return
    this.#unresolvedAtMs = this.#timers.clock.nowMs()
    this.#standing.isUnresolved = true
    this.room.failAll(Faults.ORIGIN_UNRESOLVED)
  }

  /** Nothing is kept from now on. Who waits is still served, and who asks. */
  close(): void {
    this.#isClosed = true
    this.#standing.close()
    this.stock.close()
  }
}
