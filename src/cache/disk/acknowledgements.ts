/**
 * Acknowledgements: which of the other workers have heard what this one has told them. Whatever must not be answered
 * before all know of it waits here.
 *
 * Promises: each call is answered once, in the order in which the calls came: when every known worker has heard, has
 * left, or has had `patienceMs`. A worker that was silent for that long holds nobody up again until it is heard of. A
 * ticket is higher than all that were seen before, from any worker (Lamport's clock).
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'

/** A live worker answers within a turn of its event loop: milliseconds, or some tens of them on a busy machine. */
export const patienceMs = 1000

interface Waiting {
  readonly ticket: number
  readonly calls: readonly (() => void)[]
  readonly timer: ClockTimer
}

export class Acknowledgements {
  readonly #clock: Clock
  /** The ticket up to which each has heard everything. */
  readonly #heard = new Map<number, number>()
  /** The workers that have not answered in time. */
  readonly #silent: Set<number> = new Set()
  /** Tickets only rise. */
  #waiting: Waiting[] = []
  #lastTicket = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Is there anybody to wait for? */
  get hasListeners(): boolean {
    return this.#heard.size > this.#silent.size
  }

  /** A worker is present, or has said something. */
  meet(peer: number): void {
    this.#silent.delete(peer)
    // Nothing that it was told before it was known is waited for.
    if (!this.#heard.has(peer)) this.#heard.set(peer, this.#lastTicket)
  }

  /** Another worker has used this ticket. */
  see(ticket: number): void {
    if (ticket > this.#lastTicket) this.#lastTicket = ticket
  }

  /** The ticket under which the others are now told what these calls wait for. */
  ask(calls: readonly (() => void)[]): number {
    const ticket = ++this.#lastTicket
    const timer = this.#clock.after(patienceMs, () => this.#giveUp(ticket))
    this.#waiting.push({ ticket, calls, timer })
    return ticket
  }

  /** `peer` has heard everything up to `ticket`. */
  hear(peer: number, ticket: number): void {
    this.meet(peer)
    if (ticket > (this.#heard.get(peer) ?? 0)) this.#heard.set(peer, ticket)
    this.#look()
  }

  leave(peer: number): void {
    this.#heard.delete(peer)
    this.#silent.delete(peer)
    this.#look()
  }

  #giveUp(ticket: number): void {
    for (const [peer, heard] of this.#heard) if (heard < ticket) this.#silent.add(peer)
    this.#look()
  }

  /** Answers the calls whose ticket everybody has heard. */
  #look(): void {
    let all = Infinity
    for (const [peer, heard] of this.#heard) if (!this.#silent.has(peer)) all = Math.min(all, heard)
    while (this.#waiting.length > 0 && (this.#waiting[0] as Waiting).ticket <= all) {
      const { timer, calls } = this.#waiting.shift() as Waiting
      timer.cancel()
      for (const call of calls) call()
    }
  }

  /** Stops waiting for anybody. */
  close(): void {
    this.#heard.clear()
    this.#silent.clear()
    this.#look()
  }
}
