/** What Cache-Status tells of an answer that the origin was asked for (RFC 9211 §2.2 to §2.6). */
import type { PartKeeper } from '../../cache/fill/part-keeper.ts'
import { Outcome, Reader } from '../../cache/fill/reader.ts'
import type { CacheStatus } from '../../cache/rules/cache-status.ts'
import { reasonRow, Reasons, type Reason } from '../../cache/rules/reasons.ts'
import { ttlSeconds } from '../../cache/serve/serve.ts'
import type { Entry } from '../../cache/store/entry.ts'
import { isParticular } from '../../http/conditional.ts'
import type { Exchange } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'
import type { ReasonedAsk } from './asked.ts'

/** What asked it, for a client. */
export type Asked = Reader | PartKeeper

export function reasonOf({ ask }: Asked): Reason {
  return (ask as ReasonedAsk).reason
}

/** Why nothing was selected: `isKept`, there are answers to other requests; `isVaried`: there may be, on disk. */
export function missed(what: { part: Entry | null; isKept: boolean; isVaried: boolean }): Reason {
  if (what.part !== null) return Reasons.PARTIAL_MISS
  return what.isKept ? Reasons.VARY_MISS : what.isVaried ? Reasons.SOME_MISS : Reasons.MISS
}

export function addStatus({ response }: Exchange, text: string): void {
  response.fields.addKnown(Field.CACHE_STATUS, text)
}

export function forwardedText(status: CacheStatus, reader: Reader): string {
  const { isFirst, isStored, isValidated, x } = reader
  // Of a 200 a client may be sent 304, 206 or 416, and without fwd-status that would be the origin's.
  const isTold = isValidated || isParticular(x.request)
  const outcome = { status: isTold ? reader.status : 0, isStored, isCollapsed: !isFirst }
  return status.forwarded(reasonRow(reasonOf(reader)).forwarded, outcome)
}

/** The stored answer stands in for an origin that failed, by `answered` (its status) or by its silence (0). */
export function standInText(
  status: CacheStatus,
  asked: Asked,
  entry: Entry,
  nowMs: number,
  answered: number,
): string {
  const isCollapsed = asked instanceof Reader && asked.outcome === Outcome.STALE && !asked.isFirst
  const outcome = { status: answered, isStored: false, isCollapsed }
  const { forwarded } = reasonRow(reasonOf(asked))
  return status.standIn(forwarded, outcome, ttlSeconds(entry, nowMs), reasonRow(Reasons.IF_ERROR).name)
}
