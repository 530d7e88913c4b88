/**
 * Endpoint: one address of a server, with the connections to it that can take a stream. PooledConnection: one of
 * them.
 *
 * Invariants: a connection is in `ready` exactly while it can be leased from, and is idle while `leases` is 0.
 * `ready` is in the order of last use: taking from its end (the most recently used) lets surplus connections age at
 * its front. The pool's record of a connection is the owner that the Dial is given, so no table has to map one to the
 * other.
 */
import { Deadline, type DeadlineOwner } from '../core/timers.ts'
import type { Fault } from '../core/faults.ts'
import { List, type ListNode } from '../core/list.ts'
import type { ConnectionOwner, DialTarget, OriginConnection, OriginProtocol, Sounding } from '../http/dial.ts'
import type { Exchange, UpstreamServer } from '../http/exchange.ts'
import type { ClientSecurity } from '../net/security.ts'
import type { TransportAddress } from '../net/transport.ts'
import { ownOpening } from './announcing.ts'
import type { OriginTuning } from './options.ts'
import { PassingOver, type PassOverTimes } from './passing-over.ts'
import { addressText } from './server-url.ts'

/** The pool, as its endpoints and connections see it. */
export interface EndpointOwner {
  onConnected(pooled: PooledConnection): void
  onReleased(pooled: PooledConnection): void
  onFreeStreams(pooled: PooledConnection): void
  onClosed(pooled: PooledConnection, fault: Fault): void
  onPassDeadline(endpoint: Endpoint): void
}

export class PooledConnection implements ConnectionOwner, ListNode<PooledConnection> {
  previous: PooledConnection | null = null
  next: PooledConnection | null = null
  list: object | null = null
  readonly endpoint: Endpoint
  readonly #owner: EndpointOwner
  /** Set right after `dial`, which calls nothing before it returns. */
  connection!: OriginConnection
  isConnected = false
  /** It is closed, or was destroyed by us: it no longer counts, and whatever is still heard of it is ignored. */
  isGone = false
  leases = 0
  connectedAtMs = 0
  /** From this time on it is not used again, by `Clock.nowMs`. */
  idleUntilMs = Infinity
  /** Whose attempt on it is the trial of a faulted endpoint (`endpoint.trial` is this), as soon as it is leased. */
  trialExchange: Exchange | null = null

  /** The client that was announced on it; '': none, or one without an address. */
  readonly client: string

  constructor(endpoint: Endpoint, owner: EndpointOwner, client: string) {
    this.endpoint = endpoint
    this.client = client
    this.#owner = owner
  }

  onConnected(): void {
    this.#owner.onConnected(this)
  }

  onReleased(): void {
    this.#owner.onReleased(this)
  }

  onFreeStreams(): void {
    this.#owner.onFreeStreams(this)
  }

  onClosed(_connection: OriginConnection, fault: Fault): void {
    this.#owner.onClosed(this, fault)
  }
}

export class Endpoint implements DialTarget, DeadlineOwner {
  readonly server: UpstreamServer
  readonly address: TransportAddress
  readonly protocol: OriginProtocol
  readonly addressText: string
  readonly connectMs: number
  security: ClientSecurity | null = null
  /** The key of connections that belong to no client. */
  readonly opening: Buffer | null
  readonly passing: PassingOver
  readonly passDeadline: Deadline = new Deadline(this)
  readonly ready: List<PooledConnection> = new List()
  readonly #owner: EndpointOwner
  /** How many connections are open or being made, and how many of them are being made. */
  connections = 0
  connecting = 0
  /** When the youngest connection was begun. */
  dialedAtMs = -Infinity
  /** It is of the other address family, and stands in when no other can be connected to. */
  isSpare = false
  /** The name no longer leads here: what is running may end, nothing new begins. */
  isGone = false
  /** The sounding that tells when a server that fell silent runs again. */
  sounding: Sounding | null = null
  /** The connection on which the trial runs. */
  trial: PooledConnection | null = null

  constructor(
    server: UpstreamServer,
    address: TransportAddress,
    protocol: OriginProtocol,
    options: PassOverTimes & Pick<OriginTuning, 'connectMs' | 'proxyProtocol'>,
    owner: EndpointOwner,
  ) {
    this.server = server
    this.address = address
    this.protocol = protocol
    this.addressText = addressText(address.host, address.port, address.path)
    this.connectMs = options.connectMs
    this.opening = ownOpening(options.proxyProtocol)
    this.passing = new PassingOver(options)
    this.#owner = owner
  }

  onDeadline(): void {
    this.#owner.onPassDeadline(this)
  }

  /** How many of `ready` are idle. */
  get idle(): number {
    let n = 0
    for (let pooled = this.ready.first; pooled !== null; pooled = pooled.next) if (pooled.leases === 0) n++
    return n
  }
}
