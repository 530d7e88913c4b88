/**
 * Origin: a named group of servers. PLACEHOLDER of the seam, to be filled by the origin room.
 */
import type { Fault } from '../core/faults.ts'
import type { Exchange, Upstream } from '../http/exchange.ts'

/** Told when a stream that had to be waited for is there, or cannot be had. */
export interface OriginWaiter {
  onOpened(x: Exchange, turn: number, upstream: Upstream): void
  onOpenFailed(x: Exchange, turn: number, fault: Fault): void
}

export interface Origin {
  readonly name: string
  open(x: Exchange, waiter: OriginWaiter): Upstream | number
}
