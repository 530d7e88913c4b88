/** What a protocol server and the owner of the accepted connections know of each other, whatever the protocol. */
import type { DateText } from '../core/clock.ts'
import type { Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Transport } from '../net/transport.ts'
import type { Serve } from './exchange.ts'
import type { ConnectionLimits } from './limits.ts'

/** What a server needs to serve a client's connection with. */
export interface ServingContext {
  readonly serve: Serve
  readonly timers: Timers
  /** Read anew for each use: a reload may replace it. */
  readonly limits: ConnectionLimits
  readonly dateText: DateText
  /** The connection is gone. Once, and the last that is heard of it. */
  onClosed(connection: ServerConnection): void
  /** A client's connection is given up for what belongs to no request. */
  onFault?(fault: Fault, peer: string): void
  /**
   * The client of a connection that was begun as HTTP/1 opens HTTP/2 with its first bytes (RFC 9113 §3.3): the transport
   * is to be served as that from now on, `buffer[start, end)` first (borrowed until it returns). Of the connection
   * nothing more is heard, `onClosed` included. Left out: HTTP/2 is not spoken here.
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
  /** Nothing is under way on it, not even a part of a request. */
  readonly isIdle: boolean
  /**
   * Serves what is under way and nothing more, then closes. A connection at rest is closed now; one that has not asked
   * anything yet has `drainMs` for it. Tunnels stay.
   */
  drain(): void
  /** Closes now. Answers under way are cut visibly, and their exchanges are over when this returns. */
  destroy(): void
  /** The client; '' or left out where there is none to tell. */
  readonly remoteAddress?: string
  /** In memory for its requests: what the client does not take, or an origin does not take of it. Left out: nothing. */
  readonly heldBytes?: number
  /** Memory is short: what holds some is given up. */
  giveUpHeld?(): void
}
