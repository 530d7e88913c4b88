/**
 * The bounds of a connection with a client or an origin. Each has a name, a default with its reason, and a test that
 * crosses it. The config overrides them (`limits`, `timeouts`); the protocol servers and clients enforce them.
 */
export interface ConnectionLimits {
  /**
   * The request line or status line, in bytes. 16 KiB: Chrome's and nginx's practice is 8; signed URLs run to
   * 10.
   */
  readonly startLineBytesMax: number
  /** Start line and header section together, in bytes. */
  readonly headBytesMax: number
  /** Fields of a header or trailer section. */
  readonly fieldsMax: number
  /** Trailer section, in bytes. */
  readonly trailerBytesMax: number
  /** Extensions of one chunk, in bytes. Nobody uses them; they are read over and never forwarded (RFC 9112 §7.1.1). */
  readonly chunkExtensionBytesMax: number
  /** From the first byte of a head to its end; also to the first head of a fresh connection. */
  readonly headMs: number
  /** How long a kept-alive connection may be without a request. */
  readonly idleMs: number
  /** Body bytes a second that a client must reach while we are ready to read, averaged over the window. */
  readonly bodyBytesPerSecondMin: number
  /** Body bytes a second that a client must take while we have some to send, averaged over the window. */
  readonly readBytesPerSecondMin: number
  /**
   * The window over which the two rates are averaged, and how long an upload may stand still. The reader of an
   * answer may stand still three times as long, since its progress is seen in large steps.
   */
  readonly rateWindowMs: number
  /** Requests on one connection; then it is closed. 0 = no limit. */
  readonly requestsMax: number
  /** Bytes of further requests read while an answer is under way, so that a client's departure is noticed. */
  readonly readAheadBytesMax: number
  /** After an early answer, at most this much of an unfinished upload is read and discarded … */
  readonly drainBytesMax: number
  /** … and this long, then close (RFC 9112 §9.6: closing with unread bytes resets the answer away). */
  readonly drainMs: number
  /** 1xx answers before a final one. */
  readonly informationalMax: number
  /** Bytes written and not yet taken by the peer before the producer is held back. */
  readonly unsentBytesMax: number
  /** HTTP/2: requests under way on one connection; a further one is refused unprocessed, and may be sent again. */
  readonly h2StreamsMax: number
  /** What a FIN after a whole request means: true = the client may still read (half-close), false = it has gone. */
  readonly halfClose: boolean
}

export const defaultLimits: ConnectionLimits = {
  startLineBytesMax: 16 * 1024,
  headBytesMax: 32 * 1024,
  fieldsMax: 100,
  trailerBytesMax: 8 * 1024,
  chunkExtensionBytesMax: 1024,
  headMs: 10_000,
  idleMs: 60_000,
  bodyBytesPerSecondMin: 256,
  readBytesPerSecondMin: 256,
  rateWindowMs: 20_000,
  requestsMax: 0,
  readAheadBytesMax: 64 * 1024,
  drainBytesMax: 64 * 1024,
  drainMs: 1000,
  informationalMax: 16,
  unsentBytesMax: 256 * 1024,
  h2StreamsMax: 128,
  halfClose: false,
}

/**
 * Deadlines and limits of an exchange, merged when the config is compiled: a route's override an origin's, and
 * those the top level's.
 */
export interface ExchangeLimits {
  /** Time to connect, TLS included. */
  readonly connectMs: number
  /** From the whole request sent to the first byte of the answer's head. */
  readonly firstByteMs: number
  /** Between two reads of an answer's body, while we are ready to read. */
  readonly betweenBytesMs: number
  /** Between two writes that the origin takes, while we have something to write. */
  readonly originWriteMs: number
  /** A tunnel in which neither side sends anything for this long is closed. */
  readonly tunnelIdleMs: number
  readonly requestBodyBytesMax: number
}

/**
 * The defaults for one exchange. Waits are judged phase by phase, never in total: a long upload that keeps
 * coming is no fault. 60 s to the first byte and between bytes is what proxies have had for twenty years, so
 * slow reports and long polls work. An hour for a tunnel: chat and game sockets rest for minutes, and TCP
 * notices one that is dead. There is no bound for bodies: they are streamed, not stored.
 */
export const defaultExchangeLimits: ExchangeLimits = {
  connectMs: 5000,
  firstByteMs: 60_000,
  betweenBytesMs: 60_000,
  originWriteMs: 60_000,
  tunnelIdleMs: 3_600_000,
  requestBodyBytesMax: Infinity,
}
