import type { RequestHead, ResponseHead } from '../http/message.ts'
import type { CachePolicy } from './policy.ts'
import type { Received, StoredRule } from './rule.ts'
import { Storing, type StoreReason } from './storing-reasons.ts'

/** Adds the validators of a stored answer to a request that asks whether it is still right (RFC 9111 §4.3.1). */
export function addValidators(request: RequestHead, rule: StoredRule, stored: ResponseHead): void {
  void [request, rule, stored]
}

/** Is the stored answer the one that this 304 speaks of (RFC 9111 §4.3.4)? If not, it updates nothing. */
export function isUpdatedBy(rule: StoredRule, stored: ResponseHead, notModified: ResponseHead): boolean {
  void [rule, stored, notModified]
  return false
}

/**
 * Brings a COPY of the stored head up to date with a 304 (RFC 9111 §3.2) and judges it anew. Positive: replace the
 * entry's head by `stored` and its rule by `into`. Negative: serve it this once, then remove the entry.
 */
export function freshen(
  request: RequestHead,
  stored: ResponseHead,
  notModified: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  void [request, stored, notModified, policy, received, into]
  return Storing.NO_FRESHNESS
}

/** What a 200 to HEAD says of the stored GET (RFC 9111 §4.3.5). */
export const Head = { UPDATES: 1, INVALIDATES: 2, SAYS_NOTHING: 3 } as const

/** UPDATES: call `freshen` with it. INVALIDATES: the stored answer is another one by now: `invalidateRule`. */
export function headSays(rule: StoredRule, stored: ResponseHead, answer: ResponseHead): number {
  void [rule, stored, answer]
  return Head.SAYS_NOTHING
}
