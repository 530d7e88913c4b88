import type { RequestHead } from '../http/message.ts'
import type { CachePolicy } from './policy.ts'
import { Reasons, type Reason } from './reasons.ts'
import type { StoredRule } from './rule.ts'

/** What to do with a request for which `rule` was selected (RFC 9111 §4). `nowMs`: monotonic. */
export function judge(rule: StoredRule, request: RequestHead, policy: CachePolicy, nowMs: number): Reason {
  void [rule, request, policy, nowMs]
  return Reasons.STALE
}

/** What to do with a request for which nothing was selected: MISS, or ONLY_IF_CACHED. */
export function judgeMiss(request: RequestHead): Reason {
  void request
  return Reasons.MISS
}

/**
 * May the entry stand in for an origin that failed (RFC 9111 §4.2.4, §4.3.3; RFC 5861 §4)? `status`: of the origin's
 * answer (only 500, 502, 503, 504 count as failing), 0 when there was none.
 */
export function mayServeOnError(
  rule: StoredRule,
  request: RequestHead,
  status: number,
  nowMs: number,
): boolean {
  void [rule, request, status, nowMs]
  return false
}

/** Age, in milliseconds (RFC 9111 §4.2.3). */
export function currentAgeMs(rule: StoredRule, nowMs: number): number {
  return rule.initialAgeMs + Math.max(0, nowMs - rule.responseMs)
}

/** Is it worth keeping any longer, for freshness, grace or validation? */
export function keptUntilMs(rule: StoredRule): number {
  void rule
  return 0
}
