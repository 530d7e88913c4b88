/** What an origin is made of: its servers, its bounds, and what it needs from outside. The config compiles to it. */
import type { Clock } from '../core/clock.ts'
import type { FaultLevel } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Dial } from '../http/dial.ts'
import type { OriginTls } from '../net/client-security.ts'
import type { ProxyVersion } from '../net/write-proxy-header.ts'
import type { Resolver } from './resolver.ts'

export type PolicyName = 'round-robin' | 'least-requests'

export interface ServerOptions {
  /** As `parseServerUrl` reads it: 'http://10.0.0.11:3000', 'app.internal:8080', 'unix:/run/app.sock'. */
  readonly url: string
  /** Its share, 1 to `weightMax`; 1 when left out. */
  readonly weight?: number
}

/** The bounds of an origin. All counts are per worker process. */
export interface OriginTuning {
  readonly policy: PolicyName
  /** Is HTTP/2 offered to servers over TLS? They choose by ALPN. */
  readonly http2: boolean
  /**
   * Whether servers are told who the client is by a PROXY protocol header, as the first thing on each
   * connection, so that no connection serves two clients; null: they are not.
   */
  readonly proxyProtocol: ProxyVersion | null
  /** The time to connect to one address, TLS included. 5 s: two lost SYNs are sent again after 1 s and 3 s. */
  readonly connectMs: number
  /**
   * How long a connection may be idle. 4 s: a Node origin closes after 5, and whoever closes later loses the
   * race.
   */
  readonly idleMs: number
  /**
   * A connection older than this is not kept when it comes back; 0 = no bound. 1 h: behind one address of a balancer
   * new machines get their share, and what a connection has gathered at either end goes.
   */
  readonly connectionAgeMaxMs: number
  /**
   * How many connections to one server there may be, tunnels included; 0 = no bound. 8192: a WebSocket holds
   * one for hours, and three workers together stay below the 28,232 local ports that Linux has for one
   * destination.
   */
  readonly connectionsMax: number
  /**
   * How many connections to one server may be made at a time. 128: the smallest listen backlog in common use
   * (nginx has 511).
   */
  readonly connectingMax: number
  /**
   * How many requests to this origin may wait for a connection. 16,384: a burst of ten thousand clients on a
   * cold pool fits.
   */
  readonly waitingMax: number
  /** How long a request may wait for a connection. 10 s: two addresses, one after the other, may time out. */
  readonly waitMs: number
  /** For how long a server that faults gets no requests … */
  readonly passOverMinMs: number
  /** … doubling with each further fault up to this. */
  readonly passOverMaxMs: number
  /**
   * While a server that could not be connected to is passed over for longer than this, a connection is tried at these
   * intervals without risking a request, as long as the origin has traffic; 0 = never. 1 s: its share is back within 2.
   */
  readonly knockMs: number
  /** An address from DNS is asked for again after its TTL, but not sooner than this … */
  readonly ttlMinMs: number
  /** … nor later than this. */
  readonly ttlMaxMs: number
}

export const defaultTuning: OriginTuning = {
  policy: 'round-robin',
  http2: true,
  proxyProtocol: null,
  connectMs: 5000,
  idleMs: 4000,
  connectionAgeMaxMs: 3_600_000,
  connectionsMax: 8192,
  connectingMax: 128,
  waitingMax: 16_384,
  waitMs: 10_000,
  passOverMinMs: 250,
  passOverMaxMs: 10_000,
  knockMs: 1000,
  ttlMinMs: 1000,
  ttlMaxMs: 300_000,
}

export interface OriginOptions extends Partial<OriginTuning> {
  readonly name: string
  readonly servers: readonly ServerOptions[]
  /** TLS to servers given as https; left out: verified, with the public authorities. */
  readonly tls?: OriginTls
}

export interface OriginContext {
  readonly dial: Dial
  readonly timers: Timers
  readonly clock: Clock
  readonly resolver: Resolver
  /**
   * Writes to the errors log that a server is passed over or is back, or that a name cannot be resolved. It may
   * name servers.
   */
  onEvent?(level: FaultLevel, message: string): void
  /** Where the rotation starts, 0 ≤ n < 1, so that the workers do not all begin with the first server. */
  random?(): number
}
