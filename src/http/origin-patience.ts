/**
 * OriginPatience: how long an origin is waited for, by the limits of the exchange: to connect, to take the request,
 * to begin its answer, and to go on with it. It is one deadline that is moved.
 *
 * Rules: the wait for the answer begins when the request has been sent whole; silence within an answer counts only
 * while we are ready to read; a client that sends its body slowly never counts against the origin.
 */
import { Faults, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { ExchangeLimits } from './limits.ts'

export const AWAITS_NOTHING = 0
export const AWAITS_CONNECT = 1
/** That the transport takes what was written. */
export const AWAITS_WRITE = 2
export const AWAITS_ANSWER = 3
/** Further bytes of a head or body that has begun. */
export const AWAITS_MORE = 4

/** For exchanges without a route, such as those of health checks. */
const limitsWithoutRoute: Pick<ExchangeLimits, 'firstByteMs' | 'betweenBytesMs' | 'originWriteMs'> = {
  firstByteMs: 60_000,
  betweenBytesMs: 60_000,
  originWriteMs: 60_000,
}

export interface AwaitingOwner {
  /** Written and not taken yet. */
  readonly unsentBytes: number
  onOriginTooSlow(fault: Fault): void
}

export class OriginPatience implements DeadlineOwner {
  awaits = AWAITS_NOTHING
  #limits = limitsWithoutRoute
  readonly #owner: AwaitingOwner
  readonly #timers: Timers
  readonly #deadline: Deadline
  #unsentBefore = 0

  constructor(owner: AwaitingOwner, timers: Timers) {
    this.#owner = owner
    this.#timers = timers
    this.#deadline = new Deadline(this)
  }

  get nowMs(): number {
    return this.#timers.clock.nowMs()
  }

  /** For the exchange that begins. */
  useLimits(limits: ExchangeLimits | undefined): void {
    this.#limits = limits ?? limitsWithoutRoute
  }

  awaitConnect(connectMs: number): void {
    this.awaits = AWAITS_CONNECT
    this.#timers.set(this.#deadline, connectMs)
  }

  awaitWrite(): void {
    this.awaits = AWAITS_WRITE
    this.#unsentBefore = this.#owner.unsentBytes
    this.#timers.set(this.#deadline, this.#limits.originWriteMs)
  }

  awaitAnswer(): void {
    this.awaits = AWAITS_ANSWER
    this.#unsentBefore = this.#owner.unsentBytes
    this.#timers.set(this.#deadline, this.#limits.firstByteMs)
  }

  awaitMore(): void {
    this.awaits = AWAITS_MORE
    this.#timers.set(this.#deadline, this.#limits.betweenBytesMs)
  }

  awaitNothing(): void {
    this.awaits = AWAITS_NOTHING
    this.#deadline.clear()
  }

  stop(): void {
    this.awaits = AWAITS_NOTHING
    this.#timers.remove(this.#deadline)
  }

  onDeadline(): void {
    switch (this.awaits) {
      case AWAITS_CONNECT:
        return this.#owner.onOriginTooSlow(Faults.ORIGIN_CONNECT_TIMEOUT)
      case AWAITS_WRITE:
        if (this.#owner.unsentBytes === 0) return this.awaitNothing()
        if (this.#owner.unsentBytes < this.#unsentBefore) return this.awaitWrite()
        return this.#owner.onOriginTooSlow(Faults.ORIGIN_WRITE_TIMEOUT)
      case AWAITS_ANSWER:
        if (this.#owner.unsentBytes === 0)
          return this.#owner.onOriginTooSlow(Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
        // The end of the request is still on its way.
        if (this.#owner.unsentBytes < this.#unsentBefore) return this.awaitAnswer()
        return this.#owner.onOriginTooSlow(Faults.ORIGIN_WRITE_TIMEOUT)
      case AWAITS_MORE:
        return this.#owner.onOriginTooSlow(Faults.ORIGIN_BETWEEN_BYTES_TIMEOUT)
    }
  }
}
