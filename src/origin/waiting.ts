/**
 * Waiting: an exchange in a pool's waiting room. It is served, first come, first served, by whichever connection is
 * ready first: one that was begun for it, one begun for another, or one that comes back.
 */
import type { Exchange } from '../http/exchange.ts'
import type { ListNode } from '../core/list.ts'
import { Deadline, type DeadlineOwner } from '../core/timers.ts'
import type { Announcement } from './announcing.ts'
import type { OriginWaiter } from './origin.ts'

export interface WaitingOwner {
  onWaitDeadline(waiting: Waiting): void
  /** It was taken out of its exchange's hands: the client left. */
  onWaitCancelled(waiting: Waiting): void
}

export class Waiting implements ListNode<Waiting>, DeadlineOwner {
  previous: Waiting | null = null
  next: Waiting | null = null
  list: object | null = null
  readonly x: Exchange
  readonly turn: number
  readonly waiter: OriginWaiter
  readonly owner: WaitingOwner
  readonly deadline: Deadline = new Deadline(this)
  /** Where servers are told of clients: whose connection it needs. */
  readonly announcement: Announcement | null
  /** The connection that is made for it, where each client has his own. */
  dialed: object | null = null
  /** Addresses that could not be connected to while it was the first to be served. */
  dialFaults = 0

  constructor(x: Exchange, waiter: OriginWaiter, owner: WaitingOwner, announcement: Announcement | null) {
    this.announcement = announcement
    this.x = x
    this.turn = x.beginWait()
    this.waiter = waiter
    this.owner = owner
  }

  onDeadline(): void {
    this.owner.onWaitDeadline(this)
  }

  /** The exchange went on without it: it was finished, or waits for something else. */
  get isStale(): boolean {
    return this.x.turn !== this.turn
  }
}
