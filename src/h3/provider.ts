/**
 * QuicProvider: whoever speaks QUIC and the framing of HTTP/3 for us. Node has no stable QUIC of its own, so a
 * package is plugged in here, and another one (or `node:quic`) can follow.
 *
 * Sessions and streams are numbers of the provider's; a number may be used again after `onSessionClosed`, never
 * before.
 *
 * Promises of every provider: no event comes from inside a call into the endpoint; after `onSessionClosed` nothing is
 * heard of the session or its streams; header sections come in the order in which they were sent, with the data in
 * order between them.
 */

/** Names and values as latin1 text; pseudo-fields by their names. */
export interface QuicField {
  readonly name: string
  readonly value: string
}

export interface QuicEvents {
  onSession(session: number, remoteAddress: string, remotePort: number): void
  /** A request's header section, or its trailers when it comes again. `ends`: nothing follows. */
  onHeaders(session: number, stream: number, fields: readonly QuicField[], ends: boolean): void
  /** `bytes` are the receiver's from now on. */
  onData(session: number, stream: number, bytes: Buffer): void
  onEnd(session: number, stream: number): void
  /** The client took the request back, or will not read its answer. */
  onReset(session: number, stream: number, code: number): void
  /** What was sent on the stream waits for the client's window. */
  onFull(session: number, stream: number): void
  /** It has left. */
  onRoom(session: number, stream: number): void
  /** After a call of any stream was not taken: try again. */
  onWritable(): void
  onSessionClosed(session: number): void
  /** The endpoint as a whole, or a stream: for the log. */
  onError(message: string): void
}

export interface QuicEndpoint {
  readonly host: string
  readonly port: number
  /** A final answer's header section, once. False: not taken now (`onWritable`). */
  sendHeaders(session: number, stream: number, fields: readonly QuicField[], ends: boolean): boolean
  /** Takes bytes of `buffer[start, end)` and says how many; -1 when an end without bytes is not taken now. */
  send(session: number, stream: number, buffer: Buffer, start: number, end: number, ends: boolean): number
  /** Trailers, and the end. False: not taken now. */
  sendTrailers(session: number, stream: number, fields: readonly QuicField[]): boolean
  /** Ends both directions of a stream that are still open, with this code. */
  reset(session: number, stream: number, code: number): void
  closeSession(session: number, code: number): void
  /** Resolves when nothing is left of it. */
  close(): Promise<void>
}

export interface QuicOptions {
  /** '' is every interface. */
  readonly host: string
  readonly port: number
  /** PEM: the certificate with its chain, and its key. */
  readonly certificate: string
  readonly key: string
  /** A session on which no packet comes is gone after this. */
  readonly idleMs: number
  readonly streamsMax: number
  readonly sessionsMax: number
}

export interface QuicProvider {
  /** With its version, for the log. */
  readonly name: string
  /** Throws when the port cannot be had or the certificate is not usable. */
  open(options: QuicOptions, events: QuicEvents): QuicEndpoint
}
