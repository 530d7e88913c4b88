/**
 * NameWatch: the addresses behind one name, kept up to date by its TTL without making anybody wait.
 *
 * When the TTL is over the name is looked up again, while the old addresses go on being used. If the lookup fails
 * they stay in use, and it is repeated after a delay that doubles from 1 s to 30 s. When connections fail the name is
 * looked up at once (`ask`): the address may have moved long before its TTL ended (Docker's is 600 s).
 */
import type { Clock, ClockTimer } from '../core/clock.ts'
import type { Resolved, Resolver } from './resolver.ts'

export interface NameWatchOwner {
  onAddresses(hosts: readonly string[]): void
  /** `reason` says why, for people. */
  onNoAddresses(reason: string): void
}

export interface NameWatchTimes {
  readonly ttlMinMs: number
  readonly ttlMaxMs: number
}

/**
 * A name is never asked for more often than this, even if the config sets no minimum: a TTL of 0 must not
 * become a storm.
 */
const gapMinMs = 250
const failureMinMs = 1000
const failureMaxMs = 30_000
/** Doublings from the one to the other. */
const failuresCounted = 5

export class NameWatch {
  readonly #name: string
  readonly #resolver: Resolver
  readonly #clock: Clock
  readonly #ttlMinMs: number
  readonly #ttlMaxMs: number
  readonly #owner: NameWatchOwner
  #timer: ClockTimer | null = null
  #isAsking = false
  #answeredAtMs = -Infinity
  #failures = 0
  #isClosed = false

  constructor(name: string, resolver: Resolver, clock: Clock, times: NameWatchTimes, owner: NameWatchOwner) {
    this.#name = name
    this.#resolver = resolver
    this.#clock = clock
    this.#ttlMinMs = Math.max(gapMinMs, times.ttlMinMs)
    this.#ttlMaxMs = Math.max(this.#ttlMinMs, times.ttlMaxMs)
    this.#owner = owner
  }

  /** Asks now. True: an answer is on its way. False: the last one came less than `ttlMinMs` ago. */
  ask(): boolean {
    if (this.#isAsking) return true
    if (this.#clock.nowMs() - this.#answeredAtMs < this.#ttlMinMs) return false
    this.#timer?.cancel()
    this.#timer = null
    this.#isAsking = true
    this.#resolver.resolve(this.#name).then(this.#onResolved, this.#onRejected)
    return true
  }

  readonly #onResolved = ({ addresses, ttlMs }: Resolved): void => {
    if (addresses.length === 0) return this.#onRejected(new Error('it has no address'))
    this.#failures = 0
    this.#onAnswer(Math.min(Math.max(ttlMs, this.#ttlMinMs), this.#ttlMaxMs))
    this.#owner.onAddresses(addresses)
  }

  readonly #onRejected = (error: unknown): void => {
    this.#onAnswer(Math.min(failureMinMs * 2 ** this.#failures, failureMaxMs))
    this.#failures = Math.min(this.#failures + 1, failuresCounted)
    this.#owner.onNoAddresses(error instanceof Error ? error.message : String(error))
  }

  #onAnswer(askAgainMs: number): void {
    this.#isAsking = false
    this.#answeredAtMs = this.#clock.nowMs()
    if (this.#isClosed) return
    this.#timer = this.#clock.after(askAgainMs, () => {
      this.#answeredAtMs = -Infinity
      this.ask()
    })
  }

  /** Stops asking by itself. Whoever still needs an address may ask. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = null
  }
}
