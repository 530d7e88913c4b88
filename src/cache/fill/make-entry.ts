/**
 * Makes entries from what origins answered to a fill: from an answer that may be stored, and from a stored one that
 * the origin has confirmed. Nothing is stored here; that is for the store.
 */
import { dateText } from '../../http/dates.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { Field } from '../../http/known-fields.ts'
import { ResponseHead, type RequestHead } from '../../http/message.ts'
import { misspeltText } from '../../http/spelling.ts'
import { StoredFields } from '../../http/stored-fields.ts'
import type { Ask } from './ask.ts'
import { Entry, type EntryStart, type StoredHead } from '../store/entry.ts'
import { MemoryBody } from '../store/memory-body.ts'
import { readSearchRule, type SearchRule } from '../keys/no-vary-search.ts'
import { newRule, Rule, type Received, type StoredRule } from '../rules/rule.ts'
import { keepStoredFields, mayStore } from '../rules/storing.ts'
import { keepsStored } from '../rules/storing-reasons.ts'
import { readTags } from '../rules/tags.ts'
import { freshen } from '../rules/update.ts'
import { readVary, VARY_ANY } from '../keys/vary.ts'

/** What was known when the request was sent. */
export interface Sent {
  readonly ask: Ask
  /** As the client's, before it was edited for the origin: what Vary compares. */
  readonly request: RequestHead
  /** `CacheStore.generation` at that time. */
  readonly bornAt: number
}

/** For the edits before an entry's head is frozen. Nothing stays in it between calls. */
const scratch = new ResponseHead()

/** Would `entryFor` make one, as far as its rule tells? */
export function isStorable({ request, ask }: Sent, response: ResponseHead, received: Received): boolean {
  const rule = newRule()
  return mayStore(request, response, ask.policy, received, rule) >= 0 && (rule.flags & Rule.PARTIAL) === 0
}

/**
 * Is it the request that keeps the answer out, and not what the origin says of it? Then those who ask otherwise may share
 * what they get all the same.
 */
export function isRefusedForRequest(
  { request, ask }: Sent,
  response: ResponseHead,
  received: Received,
): boolean {
  const reason = mayStore(request, response, ask.policy, received, newRule())
  return reason < 0 ? keepsStored(reason) : hasMisspelt(request, readVary(response.fields, ask.folding))
}

/**
 * Fields that the answer varies by, in a spelling that some origins take for the same and the variant does not show: what
 * one client has sent so would be shown to all who sent nothing.
 */
function hasMisspelt({ fields }: RequestHead, vary: ReturnType<typeof readVary>): boolean {
  return vary !== null && vary !== VARY_ANY && misspeltText(fields, vary.names) !== ''
}

/** An entry with an empty body for the whole `response`; null when it may not be stored. */
export function entryFor(sent: Sent, response: ResponseHead, received: Received): Entry | null {
  const rule = newRule()
  if (mayStore(sent.request, response, sent.ask.policy, received, rule) < 0) return null
  // The whole was asked for: a part is no answer to anybody else.
  return (rule.flags & Rule.PARTIAL) === 0 ? newEntry(sent, response, rule) : null
}

/** The same for a part (206) that was asked for, under a key of parts. */
export function partFor(sent: Sent, response: ResponseHead, received: Received): Entry | null {
  const rule = newRule()
  if (mayStore(sent.request, response, sent.ask.policy, received, rule) < 0) return null
  return (rule.flags & Rule.PARTIAL) === 0 ? null : newEntry(sent, response, rule)
}

function newEntry(sent: Sent, response: ResponseHead, rule: StoredRule): Entry | null {
  scratch.reset()
  scratch.status = response.status
  scratch.reason = response.reason
  scratch.fields.copyFrom(response.fields)
  keepStoredFields(scratch.fields, sent.ask.policy)
  // What was answered without Date must not get a new one each time that it is sent (RFC 9110 §6.6.1).
  if (!scratch.fields.has(Field.DATE)) scratch.fields.addKnown(Field.DATE, dateText(rule.dateMs))
  const statedLength = response.bodyLength < 0 ? -1 : response.bodyLength
  return entryOf(sent, rule, statedLength, new MemoryBody(statedLength))
}

/** Where a 304 leads to. */
export interface Confirmed {
  readonly entry: Entry
  /** False: it answers those who wait, and must not be found again. */
  readonly isKept: boolean
}

/** `old` brought up to date with the 304 that confirmed it (RFC 9111 §4.3.4): the same body, another head. */
export function confirmedBy(sent: Sent, old: Entry, answer: ResponseHead, received: Received): Confirmed {
  const rule = newRule()
  fillHead(scratch, old.head)
  const isKept = freshen(sent.request, scratch, answer, sent.ask.policy, received, rule) > 0
  const entry = isKept ? entryOf(sent, rule, old.statedLength, old.body) : null
  return entry === null ? { entry: old, isKept: false } : { entry, isKept }
}

/** null: the answer depends on more than can be compared, or has more tags than a purge could find. */
function entryOf(sent: Sent, rule: StoredRule, statedLength: number, body: MemoryBody): Entry | null {
  const { ask, request, bornAt } = sent
  const vary = readVary(scratch.fields, ask.folding)
  const tags = readTags(scratch.fields, ask.origin)
  if (vary === VARY_ANY || tags === null || hasMisspelt(request, vary)) return null
  const start: EntryStart = {
    key: ask.key,
    bornAt,
    site: ask.site,
    host: ask.host,
    head: { status: scratch.status, reason: scratch.reason, fields: StoredFields.of(scratch.fields) },
    statedLength,
    vary,
    variant: vary === null ? '' : vary.variantOf(request),
    tags,
    body,
    searchRule: searchRuleFor(ask, scratch.fields),
  }
  return Object.assign(new Entry(start), rule)
}

/** The rule for parameters of an answer. Slices are found by their own keys only. */
export function searchRuleFor({ slice = null }: Ask, fields: FieldsView): SearchRule | null {
  return slice === null ? readSearchRule(fields) : null
}

/** Fills `into` with a stored head, for those who look at or edit one. */
export function fillHead(into: ResponseHead, stored: StoredHead): void {
  into.reset()
  into.status = stored.status
  into.reason = stored.reason
  into.fields.adopt(stored.fields)
}
