/**
 * Decides whether an answer may be stored (RFC 9111 §3), and what is remembered of it. Pure functions: nothing is
 * stored here.
 *
 * The order is the RFC's: the method, the status, the directives, what a shared cache must not share, and last
 * whether the stored answer would ever be of use.
 */
import { Directive, readRequestDirectives, readResponseDirectives } from '../../http/cache-control.ts'
import { RequestDirectives, ResponseDirectives } from '../../http/cache-control.ts'
import type { Fields } from '../../http/fields.ts'
import { FRAMING, Field, HOP_BY_HOP, fieldFlags } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { hasToken } from '../../http/tokens.ts'
import { answerDateMs, initialAgeMs, isHeuristicStatus, lastModifiedOf, lifetimeOf } from './freshness.ts'
import { isOwnLocation } from './locations.ts'
import type { CachePolicy } from './policy.ts'
import { Rule, type Received, type StoredRule } from './rule.ts'
import { Storing, type StoreReason } from './storing-reasons.ts'

/** Statuses whose meaning for caches is known here: must-understand lets those be stored (RFC 9111 §5.2.2.3). */
const understoodStatuses: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410, 411, 413, 414,
  415, 421, 422, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504,
])

/** Never of use to another request: what they say is about one request's own fields, or updates what is stored. */
const unstorableStatuses: ReadonlySet<number> = new Set([304, 412, 416])

/** Of the answer and the request being judged; nothing stays in them that is read later. */
const directives = new ResponseDirectives()
const requestDirectives = new RequestDirectives()

/**
 * May the answer be stored? Positive: yes, and `into` (an entry) holds what verdicts need of it. Negative: no, and why.
 * The heads are read only; `keepStoredFields` then takes out of the entry's own copy what must not be kept.
 */
export function mayStore(
  request: RequestHead,
  response: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  const refusal = response.upgrade !== '' ? Storing.UPGRADE : refusedMethod(request, response, policy)
  return refusal !== 0 ? refusal : mayKeep(request, response, policy, received, into)
}

/** The same of an answer to GET, whatever the method of the request is that brought it up to date. */
export function mayKeep(
  request: RequestHead,
  response: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  if (policy.ignoresOrigin) directives.reset()
  else readResponseDirectives(response.fields, policy.targets, directives)
  const refusal = refusalOf(request, response, policy)
  return refusal !== 0 ? refusal : remember(request, response, policy, received, into)
}

/** 0, as below: nothing forbids it. */
function refusalOf(request: RequestHead, response: ResponseHead, policy: CachePolicy): StoreReason {
  const { fields } = response
  const { bits } = directives
  return (
    refusedStatus(response) ||
    refusedByDirectives(response.status) ||
    (isNotToBeStored(request) ? Storing.CLIENT_NO_STORE : 0) ||
    ((bits & Directive.PRIVATE) !== 0 ? Storing.PRIVATE : 0) ||
    (request.fields.has(Field.AUTHORIZATION) && !isForAuthorized(policy) ? Storing.AUTHORIZATION : 0) ||
    (policy.cookies === 'refuse' && setsCookie(fields) ? Storing.SET_COOKIE : 0) ||
    (variesByAnything(fields) ? Storing.VARY_ANY : 0)
  )
}

function refusedMethod(request: RequestHead, response: ResponseHead, policy: CachePolicy): StoreReason {
  switch (request.method) {
    case 'GET':
      return 0
    case 'POST':
      return policy.storesPost ? refusedPost(request, response) : Storing.METHOD
    case 'QUERY':
      return policy.storesQuery ? 0 : Storing.METHOD
    default:
      return Storing.METHOD
  }
}

/** RFC 9110 §9.3.3: it must be what a GET of the same URL would get, and say how long. */
function refusedPost(request: RequestHead, response: ResponseHead): StoreReason {
  if (response.status !== 200) return Storing.STATUS
  const location = response.fields.get(Field.CONTENT_LOCATION)
  return location !== undefined && isOwnLocation(request, location) ? 0 : Storing.LOCATION
}

function refusedStatus({ status, fields }: ResponseHead): StoreReason {
  if (status < 200 || unstorableStatuses.has(status)) return Storing.STATUS
  return status === 206 && !hasOnePart(fields) ? Storing.PART : 0
}

/** no-store, unless must-understand stands beside it and the status is understood (RFC 9111 §5.2.2.3). */
function refusedByDirectives(status: number): StoreReason {
  const { bits } = directives
  if ((bits & Directive.MUST_UNDERSTAND) !== 0) {
    return understoodStatuses.has(status) ? 0 : Storing.NOT_UNDERSTOOD
  }
  return (bits & Directive.NO_STORE) !== 0 ? Storing.NO_STORE : 0
}

/** The client's no-store (RFC 9111 §5.2.1.5). */
export function isNotToBeStored(request: RequestHead): boolean {
  if (!request.fields.has(Field.CACHE_CONTROL)) return false
  readRequestDirectives(request.fields, requestDirectives)
  return (requestDirectives.bits & Directive.NO_STORE) !== 0
}

/** RFC 9111 §3.5. */
function isForAuthorized(policy: CachePolicy): boolean {
  const { bits, sharedMaxAge } = directives
  if ((bits & Directive.PUBLIC) !== 0 || sharedMaxAge >= 0) return true
  return policy.mustRevalidateShares && (bits & Directive.MUST_REVALIDATE) !== 0
}

/** A cookie that no-cache or private name is taken out of what is stored, and hurts nobody. */
function setsCookie(fields: FieldsView): boolean {
  return fields.has(Field.SET_COOKIE) && !directives.fieldNames.includes('set-cookie')
}

function variesByAnything(fields: FieldsView): boolean {
  const text = fields.combined(Field.VARY)
  return text !== undefined && hasToken(text, '*')
}

const partPattern = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15})$/i

/** One range of a whole whose length is known: others cannot be told apart from what they belong to. */
function hasOnePart(fields: FieldsView): boolean {
  if (fields.countOf(Field.CONTENT_RANGE) !== 1) return false
  const found = partPattern.exec(fields.get(Field.CONTENT_RANGE) as string)
  if (found === null) return false
  const [, first, last, length] = found
  return Number(first) <= Number(last) && Number(last) < Number(length)
}

/** Fills `into`; refuses what would never be of use. */
function remember(
  request: RequestHead,
  response: ResponseHead,
  policy: CachePolicy,
  received: Received,
  into: StoredRule,
): StoreReason {
  const { fields } = response
  const lifetime = lifetimeOf(request, response, directives, policy, received)
  if (lifetime.source === Storing.TTL && lifetime.ms === 0) return Storing.TTL_ZERO
  // An answer to POST must say itself how long it is good for, or nothing of it is.
  if (request.method === 'POST' && (lifetime.source === 0 || lifetime.ms === 0)) return Storing.NO_FRESHNESS
  const dateMs = answerDateMs(fields, received)
  into.dateMs = dateMs
  into.lastModifiedMs = lastModifiedOf(fields, received)
  into.etag = entityTagOf(fields)
  into.flags = flagsOf(request, response, policy)
  if (into.etag !== '' || into.lastModifiedMs >= 0) into.flags |= Rule.HAS_VALIDATOR
  into.isSoftPurged = false
  into.responseMs = received.responseMs
  // Whole: engines keep fractions outside of the object, and there are millions of entries.
  into.initialAgeMs = Math.ceil(initialAgeMs(fields, dateMs, received, policy))
  into.freshnessMs = lifetime.ms
  const isAlwaysValidated = (into.flags & Rule.ALWAYS_VALIDATE) !== 0
  into.freshUntilMs = isAlwaysValidated ? -Infinity : received.responseMs - into.initialAgeMs + lifetime.ms
  rememberGrace(into, response.status, lifetime.source, policy)
  into.keepMs = (into.flags & Rule.HAS_VALIDATOR) !== 0 ? policy.keepMs : 0
  return (into.storing = useOf(response.status, lifetime.source, into, policy))
}

/** The value of ETag when it is an entity-tag (RFC 9110 §8.8.3), else ''. */
function entityTagOf(fields: FieldsView): string {
  const text = fields.get(Field.ETAG) ?? ''
  return /^(?:W\/)?"[!#-~\x80-\xff]*"$/.test(text) ? text : ''
}

function flagsOf(request: RequestHead, response: ResponseHead, policy: CachePolicy): number {
  const { bits } = directives
  let flags = 0
  if ((bits & Directive.NO_CACHE) !== 0) flags |= Rule.ALWAYS_VALIDATE | Rule.NEVER_STALE
  if (isNeverStale(policy) || directives.sharedMaxAge >= 0) flags |= Rule.NEVER_STALE
  if (isForAuthorized(policy)) flags |= Rule.SHARES_AUTHORIZED
  if ((bits & Directive.IMMUTABLE) !== 0) flags |= Rule.IMMUTABLE
  if (response.status === 206) flags |= Rule.PARTIAL
  if (request.method === 'POST') flags |= Rule.FROM_POST
  if (policy.cookies === 'strip' && response.fields.has(Field.SET_COOKIE)) flags |= Rule.COOKIES_STRIPPED
  return flags
}

/** Forbidden whatever stands beside it (RFC 9111 §4.2.4). */
function isNeverStale(policy: CachePolicy): boolean {
  const { bits, sharedMaxAge } = directives
  const forbidding = Directive.MUST_REVALIDATE | Directive.PROXY_REVALIDATE | Directive.NO_CACHE
  return (bits & forbidding) !== 0 || (policy.isSharedMaxAgeStrict && sharedMaxAge >= 0)
}

/** stale-while-revalidate and stale-if-error (RFC 5861), or the operator's where the origin is silent. */
function rememberGrace(into: StoredRule, status: number, source: StoreReason, policy: CachePolicy): void {
  into.graceMs = 0
  into.errorGraceMs = 0
  if (isNeverStale(policy)) return
  const { whileRevalidate, ifError, sharedMaxAge } = directives
  // s-maxage forbids what nobody permits explicitly.
  const isSilentNo = sharedMaxAge >= 0
  // What was never fresh was never for everybody: only its origin can say that it may stand in for a failure.
  const isOpen = into.freshnessMs > 0 || (policy.trustsSilence && source !== 0)
  if (whileRevalidate >= 0) into.graceMs = whileRevalidate * 1000
  else if (!isSilentNo && isOpen) into.graceMs = policy.graceMs
  // One failure is no better than another.
  if (status >= 500) return
  if (ifError >= 0) into.errorGraceMs = ifError * 1000
  else if (!isSilentNo && isOpen) into.errorGraceMs = policy.errorGraceMs
}

/** Why it is stored, or that it would be of no use: never fresh, never served stale, nothing to validate it by. */
function useOf(status: number, source: StoreReason, rule: StoredRule, policy: CachePolicy): StoreReason {
  const isAlwaysValidated = (rule.flags & Rule.ALWAYS_VALIDATE) !== 0
  if (source !== 0 && rule.freshnessMs > rule.initialAgeMs && !isAlwaysValidated) return source
  // RFC 9111 §3, last item: somebody says so, or the status does.
  const isSaid = source !== 0 || (directives.bits & (Directive.PUBLIC | Directive.NO_CACHE)) !== 0
  const isTrusted = policy.trustsSilence && !policy.ignoresOrigin && isHeuristicStatus(status)
  if (!isSaid && !isTrusted) return Storing.NO_FRESHNESS
  if ((rule.flags & Rule.HAS_VALIDATOR) !== 0) return Storing.VALIDATOR
  return rule.graceMs > 0 || rule.errorGraceMs > 0 ? Storing.GRACE : Storing.NO_FRESHNESS
}

/**
 * Takes out of a copy of the answer's fields what must not be stored (RFC 9111 §3.1, and §5.2.2.4 and §5.2.2.7 with
 * field names), Age, which is counted anew, and what belonged to one message only.
 */
export function keepStoredFields(fields: Fields, policy: CachePolicy): void {
  if (policy.ignoresOrigin) directives.reset()
  else readResponseDirectives(fields, policy.targets, directives)
  for (let i = 0; i < fields.size; i++) {
    if (fields.isLive(i) && isUnstorable(fields.idAt(i))) fields.removeAt(i)
  }
  if (policy.cookies !== 'keep') fields.removeKnown(Field.SET_COOKIE)
  for (const name of directives.fieldNames) fields.remove(name)
}

/** Is it of one connection or message only, or counted anew? */
export function isUnstorable(id: number): boolean {
  if (id === 0) return false
  if ((fieldFlags(id) & (HOP_BY_HOP | FRAMING)) !== 0) return true
  return id === Field.AGE || id === Field.TRAILER || id === Field.PROXY_AUTHENTICATION_INFO
}
