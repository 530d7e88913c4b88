/**
 * RotatingPolicy: what the policies that pick in turn among candidates have in common. Each policy says who the
 * candidates are; the smooth rotation says whose turn it is among them, and `peek` looks without giving the turn
 * away.
 */
import type { Exchange, UpstreamServer } from '../http/exchange.ts'
import type { BalancerPolicy, Member } from './policy.ts'
import { SmoothRotation } from './smooth-rotation.ts'

export abstract class RotatingPolicy implements BalancerPolicy {
  abstract readonly name: string
  readonly #rotation: SmoothRotation
  #members: readonly Member[] = []
  /** 1 for each member that may be picked this time. It is kept so that a pick allocates nothing. */
  #candidates: Uint8Array = new Uint8Array(0)

  constructor(random: () => number) {
    this.#rotation = new SmoothRotation(random)
  }

  /** Writes 1 to `candidates` for each member that may take the request, 0 for the others. */
  protected abstract mark(
    members: readonly Member[],
    candidates: Uint8Array,
    tried: readonly UpstreamServer[],
  ): void

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
    this.mark(this.#members, this.#candidates, tried)
    return this.#rotation.choose(this.#candidates)
  }
}
