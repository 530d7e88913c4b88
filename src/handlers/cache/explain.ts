/** What the cache step says for `headgate explain`: the key, the folded fields, and the freshness sum in words. */
import type { Entry } from '../../cache/store/entry.ts'
import type { CacheKey } from '../../cache/keys/key.ts'
import type { CachePolicy } from '../../cache/rules/policy.ts'
import { reasonRow, Reasons, Verdict, verdictOf } from '../../cache/rules/reasons.ts'
import { Rule } from '../../cache/rules/rule.ts'
import { storeReasonSentence } from '../../cache/rules/storing-reasons.ts'
import type { VaryFolding } from '../../cache/keys/vary.ts'
import { currentAgeMs, judge, judgeMiss } from '../../cache/rules/verdict.ts'
import { DONE, NEXT, type Exchange, type Flow } from '../../http/exchange.ts'
import type { CacheOptions } from './options.ts'
import { passedBy, passedConfig, passedMethod } from './passed.ts'
import { isKeyedByContent } from './query-content.ts'

type Say = (sentence: string) => void

export interface Explained {
  readonly key: CacheKey
  readonly policy: CachePolicy
  readonly folding: VaryFolding | null
}

/** What is looked for. */
export function explainRequest(x: Exchange, { key, policy, folding }: Explained, say: Say): void {
  say(`mode ${policy.mode}`)
  for (const sentence of key.describe(x.request)) say(`key: ${sentence}`)
  for (const [name, values] of Object.entries(folding ?? {})) {
    if (values !== undefined) say(`folds the ${name} that the client takes into one of ${values.join(', ')}`)
  }
}

/** null: it does not pass the cache by. */
export function explainPassed(
  x: Exchange,
  { bypass, policy }: Pick<CacheOptions, 'bypass' | 'policy'>,
  say: Say,
): Flow | null {
  const passed = passedBy(x, bypass)
  if (passed === null) return null
  if (passed === passedMethod && policy.storesQuery && isKeyedByContent(x, bypass)) {
    say('what the request encloses is a part of the key: only the server that gets it can tell more')
    return NEXT
  }
  const why = passed === passedConfig ? ` (${bypass?.why(x) ?? ''})` : ''
  say(`passes the cache by: ${reasonRow(passed.reason).sentence}${why}`)
  return NEXT
}

/** What is stored for a request, and where. */
export interface Places {
  /** In memory. */
  readonly entry: Entry | null
  /** As `SharedCache.peekOnDisk`. */
  readonly onDisk: Entry | null | undefined
  /** There is something in memory under its key, if only for other requests. */
  readonly isKept: boolean
}

/** What would be done with the request. */
export function explainVerdict(
  { request }: Exchange,
  places: Places,
  policy: CachePolicy,
  nowMs: number,
  say: Say,
): Flow {
  const entry = places.entry ?? places.onDisk ?? null
  const missed = places.isKept ? Reasons.VARY_MISS : Reasons.MISS
  const reason = entry === null ? judgeMiss(request, missed) : judge(entry, request, policy, nowMs)
  if (entry !== null) explainEntry(entry, nowMs, say)
  explainPlace(places, say)
  say(reasonRow(reason).sentence)
  const verdict = verdictOf(reason)
  return verdict === Verdict.FRESH || verdict === Verdict.STALE ? DONE : NEXT
}

function explainPlace({ entry, onDisk }: Places, say: Say): void {
  if (onDisk === undefined) return
  if (entry !== null)
    say(onDisk === null ? 'it is in memory, and not on disk' : 'it is in memory and on disk')
  else if (onDisk !== null) say('it is on disk, and not in memory')
}

/** What is stored. */
export function explainEntry(entry: Entry, nowMs: number, say: Say): void {
  const { status, fields } = entry.head
  say(`stored: ${status}, ${entry.body.length} bytes, ${fields.size} fields`)
  if (entry.vary !== null) say(`varies by ${entry.vary.names.join(', ')}: ${JSON.stringify(entry.variant)}`)
  say(storeReasonSentence(entry.storing))
  const age = currentAgeMs(entry, nowMs)
  const left = entry.freshnessMs - age
  say(
    `age ${seconds(entry.initialAgeMs)} when it came + ${seconds(age - entry.initialAgeMs)} here = ${seconds(age)}; ` +
      `fresh for ${seconds(entry.freshnessMs)}: ${left > 0 ? `${seconds(left)} left` : `stale for ${seconds(-left)}`}`,
  )
  if (entry.isSoftPurged) say('purged softly: to be treated as stale')
  if ((entry.flags & Rule.NEVER_STALE) !== 0) say('never served stale')
  else if (entry.graceMs > 0) say(`served while it is validated for ${seconds(entry.graceMs)} more`)
  if (entry.errorGraceMs > 0)
    say(`stands in for an origin that fails for ${seconds(entry.errorGraceMs)} more`)
  if (entry.tagNames.length > 0) say(`tags ${entry.tagNames.join(', ')}`)
}

function seconds(ms: number): string {
  return Math.round(ms / 1000) + ' s'
}
