/** What a protocol server and the owner of the accepted connections know of each other, whatever the protocol. */
import type { DateText } from '../core/clock.ts'
import type { Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Transport } from '../net/transport.ts'
import type { Serve } from './exchange.ts'
import type { ConnectionLimits } from './limits.ts'

/** What a protocol server needs to serve a client's connection. */
export interface ServingContext {
  readonly serve: Serve
  readonly timers: Timers
  /** Must be read anew for each use: a reload may replace it. */
  readonly limits: ConnectionLimits
  readonly dateText: DateText
  /** The connection is gone. Called once, as the last call. */
  onClosed(connection: ServerConnection): void
  /** A client's connection is given up for a fault that belongs to no request. */
  onFault?(fault: Fault, peer: string): void
  /**
   * The client opens HTTP/2 with its first bytes (RFC 9113 §3.3) on a connection that was begun as HTTP/1. From
   * now on the transport must be served as HTTP/2, beginning with `buffer[start, end)`, which is borrowed until
   * this returns. Nothing more is heard of the old connection, not even `onClosed`. Absent: HTTP/2 is not
   * spoken here.
   */
  onHttp2?(
    connection: ServerConnection,
    transport: Transport,
    buffer: Buffer,
    start: number,
    end: number,
  ): void
}

/** A client's connection, in any protocol. */
export interface ServerConnection {
  /** Nothing is under way on it, not even part of a request. */
  readonly isIdle: boolean
  /**
   * Serves what is under way and nothing more, then closes. An idle connection is closed at once; one that has
   * not asked for anything yet has `drainMs` to do so. Tunnels stay.
   */
  drain(): void
  /** Closes now. Answers under way are cut visibly, and their exchanges are over when this returns. */
  destroy(): void
  /** The client's address; '' or absent where there is none. */
  readonly remoteAddress?: string
  /**
   * The bytes in memory for its requests: what the client does not take of answers, and an origin does not take
   * of requests. Absent: none.
   */
  readonly heldBytes?: number
  /** Memory is short: gives up the requests that hold some. */
  giveUpHeld?(): void
}
