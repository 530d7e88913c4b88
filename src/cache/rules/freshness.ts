/**
 * Freshness (RFC 9111 §4.2): how long an answer is fresh, on whose word, and how old it was when it arrived.
 *
 * Dates have whole seconds, so whatever is compared with one is brought to whole seconds first; otherwise an answer
 * would be up to a second old as it arrives.
 */
import { Directive, readSeconds, secondsMax, type ResponseDirectives } from '../../http/cache-control.ts'
import { readDate } from '../../http/dates.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { trimSpace } from '../../http/tokens.ts'
import type { CachePolicy } from './policy.ts'
import type { Received } from './rule.ts'
import { isStaticAnswer } from './static-types.ts'
import { Storing, type StoreReason } from './storing-reasons.ts'

const secondMs = 1000

/** Statuses that may be fresh without anybody saying so (RFC 9110 §15.1). */
const heuristicStatuses: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
])

/** The value of Date in milliseconds, or when the answer arrived where there is none to be read (RFC 9110 §6.6.1). */
export function answerDateMs(fields: FieldsView, received: Received): number {
  const dateMs = dateOf(fields, Field.DATE, received)
  return Number.isNaN(dateMs) ? toSecond(received.responseWallMs) : dateMs
}

/** NaN where there is none, or one that is no date. */
function dateOf(fields: FieldsView, id: number, received: Received): number {
  const text = fields.get(id)
  return text === undefined ? NaN : readDate(text, received.responseWallMs)
}

/** Last-Modified in milliseconds, -1 where there is none to be read. */
export function lastModifiedOf(fields: FieldsView, received: Received): number {
  const dateMs = dateOf(fields, Field.LAST_MODIFIED, received)
  return Number.isNaN(dateMs) ? -1 : dateMs
}

function toSecond(ms: number): number {
  return Math.floor(ms / secondMs) * secondMs
}

/** corrected_initial_age (RFC 9111 §4.2.3). */
export function initialAgeMs(
  fields: FieldsView,
  dateMs: number,
  received: Received,
  policy: CachePolicy,
): number {
  const apparentMs = Math.max(0, toSecond(received.responseWallMs) - dateMs)
  const ageMs = ageValueMs(fields)
  const isDelayed = policy.countsDelay || ageMs > 0
  const delayMs = isDelayed ? Math.max(0, received.responseMs - received.requestMs) : 0
  return Math.max(apparentMs, ageMs + delayMs)
}

/** Age, of which the first member counts and one that is no number does not (RFC 9111 §5.1). */
function ageValueMs(fields: FieldsView): number {
  const text = fields.get(Field.AGE)
  if (text === undefined) return 0
  const comma = text.indexOf(',')
  return Math.max(0, readSeconds(trimSpace(comma < 0 ? text : text.slice(0, comma)))) * secondMs
}

/** How long an answer is fresh from the moment it was made, and by whose word. */
export interface Lifetime {
  readonly ms: number
  /** Of Storing: TTL, SHARED_MAX_AGE, MAX_AGE, EXPIRES, HEURISTIC or STATIC; 0 when nobody says anything. */
  readonly source: StoreReason
}

const silence: Lifetime = { ms: 0, source: 0 }

/** freshness_lifetime (RFC 9111 §4.2.1), the operator's word before the origin's where it is to be. */
export function lifetimeOf(
  request: RequestHead,
  response: ResponseHead,
  directives: ResponseDirectives,
  policy: CachePolicy,
  received: Received,
): Lifetime {
  const { fields } = response
  const rule = policy.ttl?.find(response.status, typeOf(fields), request.path) ?? null
  const ttl = rule === null ? null : { ms: rule.ttlMs, source: Storing.TTL }
  if (ttl !== null && rule?.overrides === true) return ttl
  // An estimate would be made of what may have been forbidden.
  if (policy.ignoresOrigin) return ttl ?? silence
  const stated = statedLifetime(fields, directives, received)
  if (stated !== silence) return stated
  return ttl ?? heuristicLifetime(request, response, directives, policy, received)
}

/** s-maxage before max-age before Expires (§4.2.1). */
function statedLifetime(fields: FieldsView, directives: ResponseDirectives, received: Received): Lifetime {
  const { sharedMaxAge, maxAge, target } = directives
  if (sharedMaxAge >= 0) return { ms: sharedMaxAge * secondMs, source: Storing.SHARED_MAX_AGE }
  if (maxAge >= 0) return { ms: maxAge * secondMs, source: Storing.MAX_AGE }
  // A targeted field speaks alone (RFC 9213 §2.2).
  if (target === '' && fields.has(Field.EXPIRES)) {
    return { ms: expiresLifetimeMs(fields, received), source: Storing.EXPIRES }
  }
  return silence
}

/** One that is no date is in the past (§5.3), and so are two that differ (§4.2.1). */
function expiresLifetimeMs(fields: FieldsView, received: Received): number {
  const text = fields.get(Field.EXPIRES) as string
  if (fields.countOf(Field.EXPIRES) > 1) {
    for (let i = 0; i < fields.size; i++) {
      if (fields.idAt(i) === Field.EXPIRES && fields.valueAt(i) !== text) return 0
    }
  }
  const expiresMs = readDate(text, received.responseWallMs)
  if (Number.isNaN(expiresMs)) return 0
  return Math.min(Math.max(0, expiresMs - answerDateMs(fields, received)), secondsMax * secondMs)
}

/** §4.2.2: only where nothing is stated, and only for statuses that allow it, or what is said to be public. */
function heuristicLifetime(
  request: RequestHead,
  response: ResponseHead,
  directives: ResponseDirectives,
  policy: CachePolicy,
  received: Received,
): Lifetime {
  const { fields, status } = response
  if (policy.heuristic === 'none' || fields.has(Field.PRAGMA)) return silence
  // An answer to POST is only fresh explicitly (RFC 9110 §9.3.3).
  if (request.method === 'POST') return silence
  const isPublic = (directives.bits & Directive.PUBLIC) !== 0
  if (!isPublic && !heuristicStatuses.has(status)) return silence
  const isStatic = isStaticAnswer(request, response)
  if (policy.heuristic === 'static' && !isStatic) return silence
  const modifiedMs = lastModifiedOf(fields, received)
  if (modifiedMs < 0) return isStatic && policy.staticMs > 0 ? staticLifetime(policy) : silence
  const sinceMs = Math.max(0, answerDateMs(fields, received) - modifiedMs)
  return { ms: Math.min(sinceMs * policy.heuristicShare, policy.heuristicMsMax), source: Storing.HEURISTIC }
}

function staticLifetime(policy: CachePolicy): Lifetime {
  return { ms: policy.staticMs, source: Storing.STATIC }
}

/** May an answer with this status be stored without a word about freshness (§3)? */
export function isHeuristicStatus(status: number): boolean {
  return heuristicStatuses.has(status)
}

/** Content-Type without its parameters, lower case; '' where there is none. */
export function typeOf(fields: FieldsView): string {
  const text = fields.get(Field.CONTENT_TYPE)
  if (text === undefined) return ''
  const semicolon = text.indexOf(';')
  return trimSpace(semicolon < 0 ? text : text.slice(0, semicolon)).toLowerCase()
}
