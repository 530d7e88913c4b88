/**
 * ClientConnections: how many connections each client holds, so that none holds more than
 * `limits.connectionsPerClientMax`. A client is an IPv4 address or an IPv6 network of 64 bits.
 *
 * Promises: a client at its bound gets another connection when one of its own is idle: that one is closed for it, so
 * that the many users behind one address are not locked out by connections that their browsers merely keep. Nobody
 * else's is touched. Nothing is counted while there is no bound. Memory is bounded by the number of connections: a
 * client without any is forgotten.
 */
import type { Clock } from '../core/clock.ts'
import type { ServerConnection } from '../http/serving.ts'
import { clientKeyText, readClientKey, type ClientKey } from './client-key.ts'

/**
 * How many of a client's connections, the oldest first, are searched for an idle one: a client that comes to be
 * refused must cost little.
 */
export const idleLookMax = 64
/** A line is logged at most this often. */
const noteMs = 10_000

/** The connections of one client, oldest first. */
type Held = Set<ServerConnection>

export interface ClientConnectionsOptions {
  readonly clock: Clock
  readonly note: (level: 'warn', message: string) => void
  /** Does this address speak for others, or is it let in whatever it does? */
  readonly isExempt: (address: string) => boolean
}

export class ClientConnections {
  /** How many connections were refused. */
  refusedCount = 0
  /** How many connections a client may have; 0: no bound. */
  #most = 0
  readonly #options: ClientConnectionsOptions
  readonly #clients: Map<string, Held> = new Map()
  readonly #homes: Map<ServerConnection, { readonly client: string; readonly held: Held }> = new Map()
  readonly #key: ClientKey = { high: 0, low: 0 }
  #untoldCount = 0
  #notedMs = -Infinity

  constructor(options: ClientConnectionsOptions) {
    this.#options = options
  }

  get isBounded(): boolean {
    return this.#most > 0
  }

  /** Applies to connections to come; `open` are those that count from the start. */
  configure(most: number, open: Iterable<ServerConnection>): void {
    const isBegun = most > 0 && this.#most === 0
    this.#most = most
    if (most === 0) {
      this.#clients.clear()
      this.#homes.clear()
    }
    if (isBegun) for (const connection of open) this.hold(connection, connection.remoteAddress ?? '')
  }

  /** Has this client as many connections as it may have, none of them idle? An idle one is closed to make room. */
  isFull(address: string): boolean {
    const client = this.#clientOf(address)
    const held = client === '' ? undefined : this.#clients.get(client)
    if (held === undefined || held.size < this.#most || this.#options.isExempt(address)) return false
    if (this.#makesRoom(held)) return false
    this.refusedCount++
    this.#tell(client, held.size)
    return true
  }

  #makesRoom(held: Held): boolean {
    let looked = 0
    for (const connection of held) {
      if (connection.isIdle) {
        // Closing takes time, so it stops counting now.
        this.release(connection)
        connection.destroy()
        return true
      }
      if (++looked === idleLookMax) break
    }
    return false
  }

  /** The client's key as text; '' for what is no address, and while there is no bound. */
  #clientOf(address: string): string {
    if (this.#most === 0 || !readClientKey(address, this.#key)) return ''
    return clientKeyText(this.#key.high, this.#key.low)
  }

  /** From now on this connection counts to the client at `address`. */
  hold(connection: ServerConnection, address: string): void {
    const client = this.#clientOf(address)
    if (client === '' || this.#options.isExempt(address)) return
    let held = this.#clients.get(client)
    if (held === undefined) this.#clients.set(client, (held = new Set()))
    held.add(connection)
    this.#homes.set(connection, { client, held })
  }

  /** `after` has taken the place of `before`. */
  replace(before: ServerConnection, after: ServerConnection): void {
    const home = this.#homes.get(before)
    if (home === undefined) return
    this.release(before)
    this.#clients.set(home.client, home.held)
    home.held.add(after)
    this.#homes.set(after, home)
  }

  /** The connection is gone. */
  release(connection: ServerConnection): void {
    const home = this.#homes.get(connection)
    if (home === undefined) return
    this.#homes.delete(connection)
    home.held.delete(connection)
    if (home.held.size === 0) this.#clients.delete(home.client)
  }

  #tell(client: string, count: number): void {
    this.#untoldCount++
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - this.#notedMs < noteMs) return
    const others = this.#untoldCount === 1 ? '' : ` (refused since the last such line: ${this.#untoldCount})`
    this.#notedMs = nowMs
    this.#untoldCount = 0
    const remedy = 'raise it, or name in trustedProxies or abuse.exempt whoever speaks for many'
    this.#options.note(
      'warn',
      `${client} holds ${count} connections, as many as limits.connectionsPerClientMax allows: another was refused${others}; ${remedy}`,
    )
  }
}
