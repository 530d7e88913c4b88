/**
 * Transport: a two-way stream of bytes with a peer at the other end, and the seam under every protocol. It may be a
 * socket, a TLS socket, an upgraded stream of HTTP/2, or a seeded wire of the tests.
 *
 * Promises of every implementation (held by test/unit/net/transport-suite.ts):
 * - `events.onClose` comes exactly once, as the last call, also after `destroy()` or `reset()`.
 * - Bytes handed to `onBytes` are borrowed: they are valid until the call returns.
 * - Bytes handed to `write…` are copied (or have reached the kernel) before the call returns.
 * - What is written within one event leaves in one write: writes are staged, and the stage is sent when the current
 *   event returns, or in a microtask when there is none. `flush()` sends it at once. A large write may leave at once,
 *   together with what was staged before it, so that it need not be copied.
 * - When both sides have sent FIN and everything has left, the transport closes by itself: `onClose('')`.
 * - After a write failed, what the peer had sent before is still delivered while reading is not paused (the early
 *   answer to an upload may be there); then `onClose('ECONNRESET')` comes and never `onEnd`. A transport over TLS, or
 *   over a socket in the plain way, may close at once.
 * - No event is delivered from inside a call into the transport: each comes in a later turn.
 */
import type { ProxyHeader } from './proxy-header.ts'
import type { ClientSecurity, ConnectionGuard, TlsSession } from './security.ts'

export interface TransportEvents {
  /** `buffer[start, end)` arrived. Borrowed until the call returns. */
  onBytes(buffer: Buffer, start: number, end: number): void
  /** After a write returned false: what was written has left, and more is welcome. */
  onDrain(): void
  /** The peer sent FIN. Not noticed while reads are paused: Node reports neither FIN nor RST then. */
  onEnd(): void
  /** The transport is gone. `error` is the system's name of the cause ('ECONNRESET', 'EPIPE', …) or ''. */
  onClose(error: string): void
}

export interface Transport {
  /** Who is told; may be replaced at any time (an upgrade hands the transport to a tunnel). */
  events: TransportEvents
  /** The peer's address as text, IPv4-mapped IPv6 as IPv4; '' for a unix socket. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** Our address and port, as the peer sees them. */
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
  /** What ALPN chose (RFC 7301): 'h2', 'http/1.1'; '' without TLS, or where nothing was chosen. */
  readonly protocol: string
  /** The name that the client asked for by SNI, lower case; ''. */
  readonly serverName: string
  /** What a proxy in front told of the client, whose addresses the four above then are; null or left out: nothing. */
  readonly introduction?: ProxyHeader | null
  /** The peer that is really there, where `introduction` tells of another; '' when it is the client itself. */
  readonly relayAddress?: string
  /** The address and port of ours where the connection itself ends, whatever `introduction` says; left out: as above. */
  readonly arrivedAt?: { readonly address: string; readonly port: number }
  /** From now on its peer is who `header` says. Where it cannot (a stream inside of another), nobody is announced. */
  introduce?(header: ProxyHeader): void
  /** What the TLS handshake has settled; null or left out without TLS. */
  readonly tls?: TlsSession | null
  /** Where clients are asked for certificates: what it may be used for; null or left out: for anything. */
  readonly guard?: ConnectionGuard | null
  /**
   * From now on `onEnd` comes only for an end that the peer has said itself: over TLS anybody on the way can make a FIN,
   * only the peer close_notify (RFC 9112 §9.8). What is cut then closes with TLS_TRUNCATED. False: that cannot be told.
   * Left out: its ends are the peer's, as far as anybody's are.
   */
  relyOnEnd?(): boolean
  /** Written and not yet taken by the kernel, the stage included. */
  readonly unsentBytes: number
  /** Bytes read from and written to the peer so far. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** False after destroy(), reset() or onClose. */
  readonly isOpen: boolean
  /** Writes text whose characters are all below 256 (latin1). False: hold on until `onDrain`. */
  writeText(text: string): boolean
  /** Writes `buffer[start, end)`. False: hold on until `onDrain`. The bytes were taken all the same. */
  writeBytes(buffer: Buffer, start: number, end: number): boolean
  /** Sends the stage now. */
  flush(): void
  /**
   * What the kernel holds that the peer has not acknowledged; -1 where that cannot be told. Costs a look at a table of
   * the system's: only for a peer that seems to stand still.
   */
  unacknowledgedBytes?(): number
  /** Stops and starts reading. While paused the kernel's buffer fills and the peer is held back. */
  pause(): void
  resume(): void
  readonly isPaused: boolean
  /** Sends what was written, then FIN; reading goes on. */
  end(): void
  /** Closes both ways; what was written and has not left is lost. */
  destroy(): void
  /** Closes with RST where the transport can: the peer sees that what it got is not whole. */
  reset(): void
}

/** Where to connect to. `path` for a unix socket; else an address (not a name) and a port. */
export interface TransportAddress {
  readonly host: string
  readonly port: number
  readonly path: string
}

/** Makes outgoing transports. */
export interface Connector {
  /**
   * Starts connecting. `onConnect` comes once, with `security` when the handshake is done, or `events.onClose(error)` does
   * and nothing else; for what TLS found the error is one of security.ts. The transport may be destroyed meanwhile.
   * `opening` is sent before anything else, TLS included.
   */
  connect(
    address: TransportAddress,
    events: TransportEvents,
    onConnect: () => void,
    security?: ClientSecurity | null,
    opening?: Buffer | null,
  ): Transport
}
