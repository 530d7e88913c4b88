/**
 * least-requests: the server with the fewest requests under way for its weight; among equals, in turn by weight. For
 * requests that differ much in cost, and for long-lived ones (WebSocket, SSE).
 *
 * Every member is looked at: with the few servers of an origin that costs less than drawing two at random, and spreads
 * better. The turns among equals matter: at low load all have none under way, and the first would get everything.
 */
import type { Exchange, UpstreamServer } from '../http/exchange.ts'
import type { BalancerPolicy, Member } from './policy.ts'
import { SmoothRotation } from './smooth-rotation.ts'

export class LeastRequests implements BalancerPolicy {
  readonly name = 'least-requests'
  readonly #rotation: SmoothRotation
  #members: readonly Member[] = []
  /** 1 for each member that may be picked this time; kept, so that a pick allocates nothing. */
  #candidates: Uint8Array = new Uint8Array(0)

  constructor(random: () => number) {
    this.#rotation = new SmoothRotation(random)
  }

  rebuild(members: readonly Member[]): void {
    this.#members = members.slice()
    this.#candidates = new Uint8Array(members.length)
    this.#rotation.rebuild(members)
  }

  pick(_x: Exchange, tried: readonly UpstreamServer[]): Member | null {
    const i = this.#choose(tried)
    if (i < 0) return null
    this.#rotation.advance(this.#candidates, i)
    return this.#members[i] as Member
  }

  peek(_x: Exchange, tried: readonly UpstreamServer[]): Member | null {
    return this.#members[this.#choose(tried)] ?? null
  }

  /** Marks those that are least loaded, and asks the rotation whose turn it is among them. */
  #choose(tried: readonly UpstreamServer[]): number {
    const members = this.#members
    const candidates = this.#candidates
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
    return this.#rotation.choose(candidates)
  }
}

/** Below 0: `a` is less loaded for its weight. Multiplied crosswise, so that equal loads compare equal. */
function loadDifference(a: Member, b: Member): number {
  return a.inFlight * b.weight - b.inFlight * a.weight
}
