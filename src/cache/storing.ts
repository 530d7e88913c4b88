import type { Fields } from '../http/fields.ts'
import type { RequestHead, ResponseHead } from '../http/message.ts'
import type { CachePolicy } from './policy.ts'
import type { Received, StoredRule } from './rule.ts'
import { Storing, type StoreReason } from './storing-reasons.ts'

/**
 * May the answer be stored (RFC 9111 §3)? Positive: yes, and `into` (an entry) holds what verdicts need of it. Pure: the
 * heads are read only. Call `keepStoredFields` on the entry's own copy of the head afterwards.
 */
export function mayStore(
  request: RequestHead,
  response: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  void [request, response, policy, received, into]
  return Storing.NO_FRESHNESS
}

/** Takes out of a copy of the answer's fields what must not be stored (RFC 9111 §3.1), and Age, which is counted anew. */
export function keepStoredFields(fields: Fields, policy: CachePolicy): void {
  void [fields, policy]
}
