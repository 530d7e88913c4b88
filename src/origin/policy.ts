/**
 * BalancerPolicy: which server of an origin takes the next request. Slow on change, quick on request.
 *
 * Promises of every policy (held by test/unit/origin/policy-suite.ts): `pick` never gives a member that is in `tried`
 * or is not available; gives null only when there is none; allocates nothing; and after `rebuild` gives only members
 * of the new list. `peek` gives what the next `pick` would give, and changes nothing.
 */
import type { Exchange, UpstreamServer } from '../http/exchange.ts'

/** A server of an origin, as policies see it. Origin keeps the numbers up to date. */
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
  /** `x` for policies that hash something of it. */
  pick(x: Exchange, tried: readonly UpstreamServer[]): Member | null
  peek(x: Exchange, tried: readonly UpstreamServer[]): Member | null
}
