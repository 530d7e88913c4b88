/**
 * TlsEngine: the part of a TLS transport that turns plain bytes into records and back. It is OpenSSL, reached in one
 * of two ways: 'wrap' (tls-wrap-engine.ts) uses what lies below Node's TLS sockets, directly over the descriptor;
 * 'socket' (tls-socket-engine.ts) uses a documented TLSSocket over any transport.
 *
 * Promises of both: the owner is called back in a later turn, never from within a call; one `write` is under way at a
 * time, and its bytes have been taken when it returns; nothing is reported after `dispose`.
 */
import type { ClientSecurity, ServerSecurity, TlsSession } from './security.ts'

export interface TlsEngineOwner {
  /** The handshake is done. */
  onSecure(): void
  /** `buffer[start, end)` was decrypted. Borrowed until the call returns. */
  onPlain(buffer: Buffer, start: number, end: number): void
  /**
   * What was written last has left, and the next may be written; `error` is '' or why it has not. For those alone to whom
   * `mayWrite` has said no.
   */
  onWritten(error: string): void
  /** The peer says no more: it sent close_notify, or FIN. */
  onPlainEnd(): void
  /** FIN came without close_notify, and could be told apart. */
  onTruncated(): void
  /** `shutdown` has sent all. */
  onShutdown(): void
  /** It is over: an error of the system, or a name of security.ts. */
  onEngineFailed(error: string): void
}

export type TlsRole =
  | { readonly isServer: true; readonly security: ServerSecurity }
  | { readonly isServer: false; readonly security: ClientSecurity }

export interface TlsEngine {
  /** ALPN's choice and the name that was asked for; '' before the handshake is done. */
  readonly protocol: string
  readonly serverName: string
  /** Does the kernel not take what was written? */
  readonly isBlocked: boolean
  /** Settled by the handshake. */
  session(): TlsSession
  /** Bytes that were read from the transport before TLS began, or around the engine. */
  receive(buffer: Buffer, start: number, end: number): void
  /** May something be written, or `shutdown` be called? False: `onWritten` comes when it may. */
  mayWrite(): boolean
  /** Only while `mayWrite`. */
  write(buffer: Buffer, start: number, end: number): void
  /** Sends close_notify and FIN; only while `mayWrite`. */
  shutdown(): void
  stopReading(): void
  startReading(): void
  /** From now on an end without close_notify is told as such. False: it cannot be told. */
  tellTruncation(): boolean
  /** The transport below takes more, where the engine writes to it. */
  onRoom?(): void
  dispose(): void
}
