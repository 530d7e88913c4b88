/**
 * Standing: which of a server's addresses are trusted, and so whether the server is available: accusations, trials
 * and acquittals (see passing-over.ts for the states), knocking and sounding.
 *
 * Knocking: while an address that could not be connected to is passed over for long, connections that risk no request
 * are tried at intervals. Without them a server that was away for a minute would wait up to `passOverMaxMs` for its
 * share. Knocking goes on only while the origin has traffic, so that nothing runs at rest.
 *
 * Sounding: an address that fell silent is connected to once more and told that nothing will be asked. A stopped
 * process closes that connection only when it runs again, and the address is then due at once, however long its time
 * has grown. A process that closes it promptly is alive, and silent for another reason: its time stays what it is.
 */
import { NONE, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Dial } from '../http/dial.ts'
import type { Exchange } from '../http/exchange.ts'
import type { EndpointSet } from './endpoint-set.ts'
import type { Endpoint, PooledConnection } from './endpoint.ts'
import type { OriginTuning } from './options.ts'
import { GOOD, isSilence, PASSED } from './passing-over.ts'
import type { Member } from './policy.ts'

/** The origin, as it hears of standings. */
export interface StandingOwner {
  readonly tuning: OriginTuning
  readonly timers: Timers
  readonly dial: Dial
  /** There is no other server: it goes on being tried, so nothing is gained by knowing more of it. */
  readonly hasOneServer: boolean
  /** When somebody last asked for a stream. */
  usedAtMs: number
  /** `member.isAvailable` has changed. */
  onAvailability(): void
  /** An address is passed over (fault), or is in order again (NONE). */
  onVerdict(endpoint: Endpoint, fault: Fault): void
}

/** A living process closes a connection on which nothing is asked well before this; a busy one perhaps later. */
export const promptMs = 200

/** Knocking goes on this long after the last request. */
const inUseMs = 10_000

export class Standing {
  readonly #member: Member
  readonly #endpoints: EndpointSet
  readonly #owner: StandingOwner
  readonly #knock: (endpoint: Endpoint) => void
  #isUnresolved = false
  #isClosed = false

  /** `knock` begins a connection for nobody. */
  constructor(
    member: Member,
    endpoints: EndpointSet,
    owner: StandingOwner,
    knock: (endpoint: Endpoint) => void,
  ) {
    this.#member = member
    this.#endpoints = endpoints
    this.#owner = owner
    this.#knock = knock
  }

  /** Its name leads nowhere, or does again. */
  set isUnresolved(isUnresolved: boolean) {
    this.#isUnresolved = isUnresolved
    this.update()
  }

  /** A fault that speaks against the server. */
  accuse(endpoint: Endpoint, fault: Fault, isTrial: boolean): void {
    const { passing, trial } = endpoint
    const nowMs = this.#owner.timers.clock.nowMs()
    if (!passing.onFault(fault, isTrial, nowMs)) return
    if (trial !== null) trial.trialExchange = endpoint.trial = null
    this.#setDeadline(endpoint, nowMs)
    this.#owner.onVerdict(endpoint, fault)
    this.update()
    if (isSilence(fault)) this.#sound(endpoint)
  }

  #sound(endpoint: Endpoint): void {
    if (this.#isClosed || endpoint.isGone || endpoint.sounding !== null) return
    if (this.#owner.hasOneServer && this.#endpoints.list.length === 1) return
    endpoint.sounding =
      this.#owner.dial.sound?.(endpoint, (waitedMs) => this.#onSounded(endpoint, waitedMs)) ?? null
  }

  #onSounded(endpoint: Endpoint, waitedMs: number): void {
    endpoint.sounding = null
    if (waitedMs < promptMs || endpoint.passing.state !== PASSED) return
    this.#owner.timers.remove(endpoint.passDeadline)
    endpoint.passing.becomeDue()
    this.update()
  }

  /** Nothing more is to be learned of it. */
  forget(endpoint: Endpoint): void {
    this.#owner.timers.remove(endpoint.passDeadline)
    endpoint.sounding?.stop()
    endpoint.sounding = null
  }

  /** As `accuse`, for an attempt of x: not when it began before what is known already. */
  accuseFor(x: Exchange, endpoint: Endpoint, fault: Fault): void {
    const { passing, trial } = endpoint
    const isTrial = trial !== null && trial.trialExchange === x
    if (!isTrial && passing.state !== GOOD && x.startMs <= passing.faultedAtMs) return
    this.accuse(endpoint, fault, isTrial)
  }

  /** `passing` has become GOOD. */
  acquit(endpoint: Endpoint): void {
    if (endpoint.trial !== null) endpoint.trial.trialExchange = endpoint.trial = null
    this.forget(endpoint)
    this.#owner.onVerdict(endpoint, NONE)
    this.update()
  }

  /** An attempt on `pooled` begins: when its endpoint is due, it is the trial. */
  beginTrial(pooled: PooledConnection): void {
    const { endpoint } = pooled
    if (!endpoint.passing.beginTrial()) return
    endpoint.trial = pooled
    this.update()
  }

  /** The attempt on `pooled` is over, and nothing was learned if nothing was said before. */
  endTrial(pooled: PooledConnection): void {
    const { endpoint } = pooled
    if (endpoint.trial !== pooled) return
    pooled.trialExchange = endpoint.trial = null
    if (endpoint.passing.endTrial()) this.update()
  }

  /** Recalculates whether the server is available, and tells. */
  update(): void {
    const { list, isAnyAvailable } = this.#endpoints
    const isAvailable = !this.#isUnresolved && (list.length === 0 || isAnyAvailable)
    if (isAvailable === this.#member.isAvailable) return
    this.#member.isAvailable = isAvailable
    this.#owner.onAvailability()
  }

  onPassDeadline(endpoint: Endpoint): void {
    const { passing } = endpoint
    const nowMs = this.#owner.timers.clock.nowMs()
    if (nowMs >= passing.untilMs) {
      passing.becomeDue()
      this.update()
      return
    }
    if (!passing.needsAnswer && nowMs - this.#owner.usedAtMs <= inUseMs) this.#knock(endpoint)
    this.#setDeadline(endpoint, nowMs)
  }

  /** To the end of its while, or to the next knock. */
  #setDeadline(endpoint: Endpoint, nowMs: number): void {
    if (this.#isClosed) return
    const { knockMs } = this.#owner.tuning
    const leftMs = endpoint.passing.untilMs - nowMs
    this.#owner.timers.set(endpoint.passDeadline, knockMs > 0 ? Math.min(leftMs, knockMs) : leftMs, nowMs)
  }

  close(): void {
    this.#isClosed = true
    for (const endpoint of this.#endpoints.list) this.forget(endpoint)
  }
}
