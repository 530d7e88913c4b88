/**
 * AbuseWatch: turns away, before TLS and for a while, clients whose connections had to be cut off for abuse again and
 * again. Being cut off costs an attacker nothing, while each new connection costs us its setup: so an attacker
 * returns at once, thousands of times a second, and those connections do the harm, not what is cut off in each.
 *
 * Promises: only what no honest client does counts, namely using up a budget against floods. The address is the
 * client's, also behind a relay with PROXY protocol. Relays, trusted proxies and what the config exempts are never
 * turned away, since many clients are behind them.
 */
import type { Clock } from '../core/clock.ts'
import { Faults, faultRow, type Fault } from '../core/faults.ts'
import type { Peers } from '../core/peers.ts'
import type { AbusePlan } from '../engine/plan.ts'
import { Bans } from '../guard/bans.ts'
import type { Banned } from '../guard/offenders.ts'

const offences: ReadonlySet<Fault> = new Set([
  Faults.H2_RESET_FLOOD,
  Faults.H2_ERROR_FLOOD,
  Faults.H2_CONTINUATION_FLOOD,
  Faults.H2_SETTINGS_FLOOD,
  Faults.H2_PING_FLOOD,
  Faults.H2_PRIORITY_FLOOD,
  Faults.H2_EMPTY_DATA_FLOOD,
  Faults.H2_WINDOW_FLOOD,
  Faults.H2_SLOW_FLOOD,
  Faults.H3_RESET_FLOOD,
  Faults.H3_ERROR_FLOOD,
])

export interface AbuseWatchOptions {
  readonly clock: Clock
  readonly peers: Peers | null
  readonly note: (level: 'warn', message: string) => void
  /** Does this address speak for others, by a PROXY protocol header or by fields of its requests? */
  readonly isRelay: (address: string) => boolean
}

export class AbuseWatch {
  readonly #options: AbuseWatchOptions
  #bans: Bans | null = null
  /** null: nobody is turned away. */
  #plan: AbusePlan | null = null

  constructor(options: AbuseWatchOptions) {
    this.#options = options
  }

  configure(plan: AbusePlan | null): void {
    this.#plan = plan
    if (plan === null) this.#bans?.clear()
    else if (this.#bans === null) this.#bans = new Bans(this.#options.clock, this.#options.peers, plan)
    else this.#bans.configure(plan)
  }

  /** Is anybody turned away? */
  get isTurningAway(): boolean {
    return this.#plan !== null && this.#bans?.hasBanned === true
  }

  turnsAway(address: string): boolean {
    return this.isTurningAway && this.#bans?.has(address) === true && !this.isExempt(address)
  }

  /** Is this client never turned away, whatever it does? */
  isExempt(address: string): boolean {
    return this.#plan?.isExempt(address) === true || this.#options.isRelay(address)
  }

  /** A connection from this address was given up for `fault`. */
  onFault(fault: Fault, address: string): void {
    if (this.#plan === null || !offences.has(fault) || this.isExempt(address)) return
    const banMs = this.#bans?.offend(address) ?? 0
    if (banMs === 0) return
    const seconds = Math.round(banMs / 100) / 10
    const why = `its connections are cut off again and again, the last for ${faultRow(fault).name}`
    this.#options.note('warn', `${address} is turned away for ${seconds} s: ${why}`)
  }

  get banCount(): number {
    return this.#bans?.count ?? 0
  }

  get bannedCount(): number {
    return this.#plan === null ? 0 : (this.#bans?.bannedCount ?? 0)
  }

  /** Those that are turned away the longest, at most `most` of them. */
  banned(most: number): Banned[] {
    return this.#plan === null ? [] : (this.#bans?.banned(most) ?? [])
  }
}
