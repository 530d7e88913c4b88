/**
 * BalancerPolicy: which server of an origin takes the next request. It may be slow when members change, and must be
 * quick for a request.
 *
 * Promises of every policy (held by test/unit/origin/policy-suite.ts): `pick` never returns a member that is in
 * `tried` or is not available; it returns null only when there is none; it allocates nothing; and after `rebuild` it
 * returns only members of the new list. `peek` returns what the next `pick` would, and changes nothing.
 */
import type { Exchange, UpstreamServer } from '../http/exchange.ts'

/** A server of an origin, as policies see it. The origin keeps the numbers up to date. */
export interface Member extends UpstreamServer {
  /** 1 to `weightMax`. */
  readonly weight: number
  /** Requests under way. */
  inFlight: number
  /** False while it is passed over after faults, or drained. */
  isAvailable: boolean
}

/** The greatest weight of a server: enough for shares of a thousandth, small enough that sums stay exact. */
export const weightMax = 1000

export interface BalancerPolicy {
  readonly name: string
  /** Members, weights or availability have changed. */
  rebuild(members: readonly Member[]): void
  /** `x` is for policies that hash something of it. */
  pick(x: Exchange, tried: readonly UpstreamServer[]): Member | null
  peek(x: Exchange, tried: readonly UpstreamServer[]): Member | null
}
