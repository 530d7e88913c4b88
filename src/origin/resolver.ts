/**
 * Resolver: names to addresses, as a seam. `SystemResolver` (system-resolver.ts) is the system's; tests bring their
 * own. It is off the hot path, so a promise is fine.
 */

export interface Resolved {
  /**
   * IPv4 and IPv6 literals, at least one, most wanted first. Those of the first one's family are all used in turn;
   * those of the other family stand in when none of them can be connected to.
   */
  readonly addresses: readonly string[]
  /** How long they hold, in milliseconds. */
  readonly ttlMs: number
}

export interface Resolver {
  /** Rejects with an Error whose message says why, when the name has no address or nobody can be asked. */
  resolve(name: string): Promise<Resolved>
}
