/** What the cache step keeps for a request that waits: why it could not be answered at once. */
import type { Ask } from '../../cache/fill/ask.ts'
import type { Reason } from '../../cache/rules/reasons.ts'

export interface ReasonedAsk extends Ask {
  readonly reason: Reason
}
