/**
 * WaitingRoom: the exchanges that wait for a connection to one server, first come, first served.
 *
 * Invariants: each that waits counts as a request under way of the server, and is in the origin's table (by which a
 * client that left is found) exactly while it is in the room; each leaves once: taken, failed or cancelled.
 */
import type { Fault } from '../core/faults.ts'
import { List } from '../core/list.ts'
import type { Timers } from '../core/timers.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Announcement } from './announcing.ts'
import type { OriginWaiter } from './origin.ts'
import type { Member } from './policy.ts'
import { Waiting, type WaitingOwner } from './waiting.ts'

export class WaitingRoom implements WaitingOwner {
  readonly #member: Member
  readonly #timers: Timers
  readonly #waitMs: number
  readonly #table: Map<Exchange, Waiting>
  readonly #faultOfDeadline: () => Fault
  readonly #list = new List<Waiting>()

  /** `faultOfDeadline` says why one that waited too long was not served. */
  constructor(
    member: Member,
    timers: Timers,
    waitMs: number,
    table: Map<Exchange, Waiting>,
    faultOfDeadline: () => Fault,
  ) {
    this.#member = member
    this.#timers = timers
    this.#waitMs = waitMs
    this.#table = table
    this.#faultOfDeadline = faultOfDeadline
  }

  get size(): number {
    return this.#list.size
  }

  get first(): Waiting | null {
    return this.#list.first
  }

  add(x: Exchange, waiter: OriginWaiter, nowMs: number, announcement: Announcement | null): void {
    // A wait that its exchange did not cancel: the table has room for one only.
    const forgotten = this.#table.get(x)
    if (forgotten !== undefined) forgotten.owner.onWaitCancelled(forgotten)
    const waiting = new Waiting(x, waiter, this, announcement)
    this.#list.addLast(waiting)
    this.#table.set(x, waiting)
    this.#member.inFlight++
    this.#timers.set(waiting.deadline, this.#waitMs, nowMs)
  }

  /**
   * Takes out the first whose exchange still waits for this; null when there is none. `isFresh`: for a connection that
   * has served nobody yet, which alone is good enough for a further attempt.
   */
  take(isFresh: boolean): Waiting | null {
    let next: Waiting | null = null
    for (let waiting = this.#list.first; waiting !== null; waiting = next) {
      next = waiting.next
      if (waiting.isStale) this.#takeOut(waiting)
      else if (isFresh || waiting.x.attempts < 2) {
        this.#takeOut(waiting)
        return waiting
      }
    }
    return null
  }

  // Where servers are told of clients, each connection is made for one that waits.

  /** The first for whom none is being made. */
  get undialed(): Waiting | null {
    for (let waiting = this.#list.first; waiting !== null; waiting = waiting.next)
      if (waiting.dialed === null) return waiting
    return null
  }

  /** For whom `connection` is being made; null when he has left. */
  dialedBy(connection: object): Waiting | null {
    for (let waiting = this.#list.first; waiting !== null; waiting = waiting.next)
      if (waiting.dialed === connection) return waiting
    return null
  }

  /** As `take`, for a connection of this client's: first him for whom it was made. */
  takeOf(client: string, connection: object, isFresh: boolean): Waiting | null {
    let found = this.dialedBy(connection)
    for (let waiting = this.#list.first; waiting !== null && found === null; waiting = waiting.next) {
      const isHis = client !== '' && waiting.announcement?.client === client
      if (isHis && (isFresh || waiting.x.attempts < 2)) found = waiting
    }
    if (found === null) return null
    this.#takeOut(found)
    return found.isStale ? this.takeOf(client, connection, isFresh) : found
  }

  fail(waiting: Waiting, fault: Fault): void {
    this.#takeOut(waiting)
    if (!waiting.isStale) waiting.waiter.onOpenFailed(waiting.x, waiting.turn, fault)
  }

  /** Those that are there now; one that comes back while it is told waits anew. */
  failAll(fault: Fault): void {
    for (const waiting of this.#members()) if (waiting.list === this.#list) this.fail(waiting, fault)
  }

  /** Those that have somewhere else to go. */
  failWhere(fault: Fault, canGo: (x: Exchange) => boolean): void {
    for (const waiting of this.#members()) {
      if (waiting.list === this.#list && canGo(waiting.x)) this.fail(waiting, fault)
    }
  }

  onWaitDeadline(waiting: Waiting): void {
    this.fail(waiting, this.#faultOfDeadline())
  }

  onWaitCancelled(waiting: Waiting): void {
    this.#takeOut(waiting)
  }

  #members(): Waiting[] {
    const list: Waiting[] = []
    for (let waiting = this.#list.first; waiting !== null; waiting = waiting.next) list.push(waiting)
    return list
  }

  #takeOut(waiting: Waiting): void {
    if (!this.#list.remove(waiting)) return
    this.#table.delete(waiting.x)
    this.#timers.remove(waiting.deadline)
    this.#member.inFlight--
  }
}
