/**
 * least-requests: picks the server with the fewest requests under way for its weight; among equals, in turn by
 * weight. It suits requests that differ much in cost, and long-lived ones (WebSocket, SSE).
 *
 * Every member is looked at: with the few servers of an origin that costs less than drawing two at random, and
 * spreads better. The turns among equals matter: at low load all have none under way, and the first would get
 * everything.
 */
import type { UpstreamServer } from '../http/exchange.ts'
import type { Member } from './policy.ts'
import { RotatingPolicy } from './rotating-policy.ts'

export class LeastRequests extends RotatingPolicy {
  readonly name = 'least-requests'

  protected mark(members: readonly Member[], candidates: Uint8Array, tried: readonly UpstreamServer[]): void {
    let least: Member | null = null
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as Member
      candidates[i] = 0
      if (!member.isAvailable || tried.includes(member)) continue
      const difference = least === null ? -1 : loadDifference(member, least)
      if (difference > 0) continue
      if (difference < 0) {
        least = member
        candidates.fill(0, 0, i)
      }
      candidates[i] = 1
    }
  }
}

/** Below 0: `a` is less loaded for its weight. Multiplied crosswise, so that equal loads compare equal. */
function loadDifference(a: Member, b: Member): number {
  return a.inFlight * b.weight - b.inFlight * a.weight
}
