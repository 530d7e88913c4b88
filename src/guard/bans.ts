/**
 * Bans: Offenders, shared by all workers. An offence counts in each of them, and a client that one turns away is
 * turned away by all, since its next connection may reach any of them.
 *
 * Between workers a record takes 16 bytes: the client's key, for how many ms it is still turned away (0: it is an
 * offence and nothing more), and how many bans in a row that makes. No clock is compared with another's.
 */
import type { Clock } from '../core/clock.ts'
import type { Peers } from '../core/peers.ts'
import { readClientKey, type ClientKey } from './client-key.ts'
import { Offenders, type Banned, type OffenderRules } from './offenders.ts'

const topic = 'client-bans'
const recordBytes = 16

export class Bans {
  /** How many bans were given here. */
  count = 0
  readonly #offenders: Offenders
  readonly #peers: Peers | null
  readonly #key: ClientKey = { high: 0, low: 0 }

  constructor(clock: Clock, peers: Peers | null, rules: OffenderRules) {
    this.#offenders = new Offenders(clock, rules)
    this.#peers = peers
    peers?.onSnapshot(topic, () => this.#snapshot())
    peers?.onMessage(topic, ({ bytes }) => this.#hear(bytes))
  }

  /** Applies these settings to offences to come. */
  configure(rules: OffenderRules): void {
    this.#offenders.rules = rules
  }

  /** Is anybody turned away? */
  get hasBanned(): boolean {
    return this.#offenders.hasBanned
  }

  get bannedCount(): number {
    return this.#offenders.bannedCount
  }

  banned(most: number): Banned[] {
    return this.#offenders.banned(most)
  }

  has(address: string): boolean {
    if (!this.hasBanned || !readClientKey(address, this.#key)) return false
    return this.#offenders.isBanned(this.#key.high, this.#key.low)
  }

  /**
   * Counts an offence of this client. Returns for how many ms the client is turned away because of it; 0: it is
   * not, or it was already.
   */
  offend(address: string): number {
    if (!readClientKey(address, this.#key)) return 0
    const { high, low } = this.#key
    if (this.#offenders.isBanned(high, low)) return 0
    const banMs = this.#offenders.offend(high, low)
    if (banMs > 0) this.count++
    this.#peers?.send(topic, recordOf(high, low, banMs, this.#offenders.bansOf(high, low)))
    return banMs
  }

  clear(): void {
    this.#offenders.clear()
  }

  #snapshot(): Uint8Array {
    const records: Buffer[] = []
    this.#offenders.eachBanned((high, low, remainingMs, bans) =>
      records.push(recordOf(high, low, remainingMs, bans)),
    )
    return Buffer.concat(records)
  }

  #hear(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at + recordBytes <= bytes.byteLength; at += recordBytes) {
      const high = view.getUint32(at)
      const low = view.getUint32(at + 4)
      const remainingMs = view.getUint32(at + 8)
      if (remainingMs > 0) this.#offenders.ban(high, low, remainingMs, view.getUint32(at + 12))
      else this.#offenders.offend(high, low)
    }
  }
}

function recordOf(high: number, low: number, remainingMs: number, bans: number): Buffer {
  const record = Buffer.allocUnsafe(recordBytes)
  record.writeUInt32BE(high, 0)
  record.writeUInt32BE(low, 4)
  record.writeUInt32BE(Math.ceil(remainingMs), 8)
  record.writeUInt32BE(bans, 12)
  return record
}
