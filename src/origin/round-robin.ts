/** round-robin: the servers in turn, each as often as its weight says. For servers that are alike and requests that are. */
import type { Exchange, UpstreamServer } from '../http/exchange.ts'
import type { BalancerPolicy, Member } from './policy.ts'
import { SmoothRotation } from './smooth-rotation.ts'

export class RoundRobin implements BalancerPolicy {
  readonly name = 'round-robin'
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

  #choose(tried: readonly UpstreamServer[]): number {
    for (let i = 0; i < this.#members.length; i++) {
      const member = this.#members[i] as Member
      this.#candidates[i] = member.isAvailable && !tried.includes(member) ? 1 : 0
    }
    return this.#rotation.choose(this.#candidates)
  }
}
