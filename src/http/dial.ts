/**
 * Dial: how a pool gets connections without knowing a protocol. A connection carries one stream at a time (HTTP/1.1)
 * or many (HTTP/2); the pool leases streams and is told when they come back.
 *
 * Promises of every implementation: after `dial` returns, exactly one of `onConnected` and `onClosed` comes first, in
 * a later turn; `onClosed` comes exactly once and last; `onReleased` comes once for each lease that ended while the
 * connection lives. A leased stream whose connection dies tells its own receiver first, then the owner.
 */
import type { Fault } from '../core/faults.ts'
import type { ClientSecurity } from '../net/security.ts'
import type { TransportAddress } from '../net/transport.ts'
import type { Exchange, Upstream, UpstreamServer } from './exchange.ts'

/**
 * The protocol spoken with a server. 'negotiated': whatever ALPN settles in the TLS handshake, HTTP/2 or
 * HTTP/1.1.
 */
export type OriginProtocol = 'http/1.1' | 'h2' | 'negotiated'

/** Where to connect to, as the pool says it. */
export interface DialTarget {
  readonly server: UpstreamServer
  readonly address: TransportAddress
  readonly protocol: OriginProtocol
  /** 'ip:port' or 'unix:/path'. */
  readonly addressText: string
  readonly connectMs: number
  /** TLS; null or left out: none. */
  readonly security?: ClientSecurity | null
  /**
   * What is sent before anything else, TLS included, to say who the client is (PROXY protocol); null or absent:
   * nothing.
   */
  readonly opening?: Buffer | null
}

export interface OriginConnection {
  readonly target: DialTarget
  /** How many more streams can be leased now. 0 while connecting, busy or draining. */
  readonly freeStreams: number
  /** How many answers were received on it. */
  readonly servedCount: number
  /** How long it may be idle: `Keep-Alive: timeout=` less a margin; -1 when the origin said nothing. */
  readonly keepAliveMs: number
  /** How long connecting took. */
  readonly connectMs: number
  lease(x: Exchange): Upstream
  /** Closes it; the receivers of running leases are told. */
  destroy(): void
}

export interface ConnectionOwner {
  onConnected(connection: OriginConnection): void
  /** A lease ended; the connection can serve another (`freeStreams` > 0), or is about to be closed. */
  onReleased(connection: OriginConnection): void
  /**
   * The peer has changed `freeStreams`: it allows more or fewer, or is about to close. Comes only after
   * `onConnected`.
   */
  onFreeStreams(connection: OriginConnection): void
  /** It is gone. Before `onConnected`: it could not be made, and `fault` says why. Later: NONE, or the reason. */
  onClosed(connection: OriginConnection, fault: Fault): void
}

/** A connection on which nothing is asked, to learn when a server that fell silent runs again. */
export interface Sounding {
  /** Ends it; nothing more is reported. */
  stop(): void
}

export interface Dial {
  dial(target: DialTarget, owner: ConnectionOwner): OriginConnection
  /**
   * Connects, and says that nothing will be asked. `onOver` comes once, in a later turn: how long the peer took to
   * close in turn, or -1 when no connection could be made. Absent: the protocol has no such thing.
   */
  sound?(target: DialTarget, onOver: (waitedMs: number) => void): Sounding
}
