/**
 * round-robin: the servers in turn, each as often as its weight says. It suits servers that are alike and requests
 * that are.
 */
import type { UpstreamServer } from '../http/exchange.ts'
import type { Member } from './policy.ts'
import { RotatingPolicy } from './rotating-policy.ts'

export class RoundRobin extends RotatingPolicy {
  readonly name = 'round-robin'

  protected mark(members: readonly Member[], candidates: Uint8Array, tried: readonly UpstreamServer[]): void {
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as Member
      candidates[i] = member.isAvailable && !tried.includes(member) ? 1 : 0
    }
  }
}
