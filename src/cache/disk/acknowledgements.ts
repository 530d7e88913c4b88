/**
 * Acknowledgements: which of the other workers have heard what this one has told them. Whatever must not be answered
 * before all know of it waits here.
 *
 * Promises: each call is answered once, in the order in which the calls came: when every known worker has heard, has
 * left, or has had `patienceMs`. A worker that was silent for that long holds nobody up again until it is heard of. A
 * ticket is higher than all that were seen before, from any worker (Lamport's clock).
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'

/** A worker that is alive answers within a turn of its event loop: milliseconds, on a busy machine some tens of them. */
export const patienceMs = 1000

interface Waiting {
  readonly ticket: number
  readonly calls: readonly (() => void)[]
  readonly timer: ClockTimer
}

export class Acknowledgements {
  readonly #clock: Clock
  /** Tickets that each has heard, from the first on. */
  readonly #heard = new Map<number, number>()
  /** Those who have not answered in time. */
  readonly #silent: Set<number> = new Set()
  /** Tickets rise. */
  #waiting: Waiting[] = []
  #lastTicket = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Is there anybody to wait for? */
  get hasListeners(): boolean {
    return this.#heard.size > this.#silent.size
  }

  /** A worker is there, or has said something. */
  meet(peer: number): void {
    this.#silent.delete(peer)
    // What it was told before it was known is not waited for.
    if (!this.#heard.has(peer)) this.#heard.set(peer, this.#lastTicket)
  }

  /** Another worker has used this number. */
  see(ticket: number): void {
    if (ticket > this.#lastTicket) this.#lastTicket = ticket
  }

  /** The number under which it is told now what these calls wait for. */
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

  /** Answers those for whom everybody has heard. */
  #look(): void {
    let all = Infinity
    for (const [peer, heard] of this.#heard) if (!this.#silent.has(peer)) all = Math.min(all, heard)
    while (this.#waiting.length > 0 && (this.#waiting[0] as Waiting).ticket <= all) {
      const { timer, calls } = this.#waiting.shift() as Waiting
      timer.cancel()
      for (const call of calls) call()
    }
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#heard.clear()
    this.#silent.clear()
    this.#look()
  }
}
