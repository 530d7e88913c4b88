/**
 * The verdict (RFC 9111 §4): what to do with a request, given the stored answer that was selected for it.
 *
 * The straight path of a hit is one comparison of times and three loads: nothing of the entry is parsed, and nothing of
 * the request unless it has Cache-Control or Pragma.
 */
import { Directive, RequestDirectives, readRequestDirectives } from '../../http/cache-control.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead } from '../../http/message.ts'
import type { CachePolicy } from './policy.ts'
import { Reasons, Verdict, verdictOf, type Reason } from './reasons.ts'
import { Rule, type StoredRule } from './rule.ts'

const secondMs = 1000

/** Of the request being judged. */
const asked = new RequestDirectives()

/** What to do with a request for which `rule` was selected. `nowMs`: monotonic. */
export function judge(rule: StoredRule, request: RequestHead, policy: CachePolicy, nowMs: number): Reason {
  if (nowMs < rule.freshUntilMs && !rule.isSoftPurged) {
    const { first } = request.fields
    const special =
      (first[Field.CACHE_CONTROL] as number) |
      (first[Field.PRAGMA] as number) |
      (first[Field.AUTHORIZATION] as number)
    if (special === 0) return Reasons.FRESH
  }
  return judgeSpecially(rule, request, policy, nowMs)
}

function judgeSpecially(rule: StoredRule, request: RequestHead, policy: CachePolicy, nowMs: number): Reason {
  readRequestDirectives(request.fields, asked)
  const reason = judgeUse(rule, request, policy, nowMs)
  const verdict = verdictOf(reason)
  if (verdict === Verdict.FRESH || verdict === Verdict.STALE) return reason
  return (asked.bits & Directive.ONLY_IF_CACHED) === 0 ? reason : Reasons.ONLY_IF_CACHED
}

function judgeUse(rule: StoredRule, request: RequestHead, policy: CachePolicy, nowMs: number): Reason {
  if (isGuarded(rule, request, policy)) return Reasons.AUTHORIZED
  const isFresh = nowMs < rule.freshUntilMs && !rule.isSoftPurged
  // What cannot be validated is of no more use by then in any case.
  const canBeValidated = (rule.flags & Rule.HAS_VALIDATOR) !== 0
  if (!isFresh && canBeValidated && nowMs >= keptUntilMs(rule)) return Reasons.NOT_KEPT
  if ((rule.flags & Rule.ALWAYS_VALIDATE) !== 0) return Reasons.NO_CACHE
  if (policy.obeysClient) {
    const refusal = refusalByClient(rule, isFresh, nowMs)
    if (refusal !== Reasons.FRESH) return refusal
  }
  return isFresh ? Reasons.FRESH : judgeStale(rule, policy, nowMs)
}

/** The request is authorized, and the stored answer was not given leave to be shared with such (RFC 9111 §3.5). */
function isGuarded(rule: StoredRule, request: RequestHead, policy: CachePolicy): boolean {
  if (!policy.guardsAuthorization || (rule.flags & Rule.SHARES_AUTHORIZED) !== 0) return false
  return request.fields.has(Field.AUTHORIZATION)
}

/** RFC 9111 §5.2.1. FRESH: the client has nothing against it. */
function refusalByClient(rule: StoredRule, isFresh: boolean, nowMs: number): Reason {
  if ((asked.bits & Directive.NO_CACHE) !== 0) return Reasons.CLIENT_NO_CACHE
  // A reload asks for max-age=0, and what is immutable cannot have changed (RFC 8246 §2).
  const isImmutable = isFresh && (rule.flags & Rule.IMMUTABLE) !== 0
  const { maxAge, minFresh } = asked
  if (maxAge >= 0 && !isImmutable && currentAgeMs(rule, nowMs) >= maxAge * secondMs)
    return Reasons.CLIENT_MAX_AGE
  if (minFresh >= 0 && rule.freshUntilMs - nowMs < minFresh * secondMs) return Reasons.CLIENT_MIN_FRESH
  return Reasons.FRESH
}

function judgeStale(rule: StoredRule, policy: CachePolicy, nowMs: number): Reason {
  const staleMs = staleForMs(rule, nowMs)
  const isForbidden = (rule.flags & Rule.NEVER_STALE) !== 0
  if (!isForbidden && asked.maxStale >= 0 && staleMs <= asked.maxStale * secondMs) return Reasons.MAX_STALE
  // Who says max-age does not want what is stale, unless max-stale says how stale (§5.2.1.1).
  if (policy.obeysClient && asked.maxAge >= 0) return Reasons.STALE
  return staleMs < rule.graceMs ? Reasons.WHILE_REVALIDATE : Reasons.STALE
}

/** How long it has been stale; 0 when a soft purge made it so, or it is fresh. */
function staleForMs(rule: StoredRule, nowMs: number): number {
  return Math.max(0, nowMs - rule.freshUntilMs)
}

/** What to do with a request for which nothing was selected, because of `reason` (MISS, VARY_MISS, PARTIAL_MISS …). */
export function judgeMiss(request: RequestHead, reason: Reason = Reasons.MISS): Reason {
  if (!request.fields.has(Field.CACHE_CONTROL)) return reason
  readRequestDirectives(request.fields, asked)
  return (asked.bits & Directive.ONLY_IF_CACHED) === 0 ? reason : Reasons.ONLY_IF_CACHED
}

/**
 * May the entry stand in for an origin that failed (RFC 9111 §4.2.4, §4.3.3; RFC 5861 §4)? `status`: of the origin's
 * answer, of which only 500, 502, 503 and 504 are failures; 0 when there was none.
 */
export function mayServeOnError(
  rule: StoredRule,
  request: RequestHead,
  policy: CachePolicy,
  status: number,
  nowMs: number,
): boolean {
  if (status !== 0 && status !== 500 && (status < 502 || status > 504)) return false
  if ((rule.flags & Rule.ALWAYS_VALIDATE) !== 0) return false
  if (isGuarded(rule, request, policy)) return false
  readRequestDirectives(request.fields, asked)
  // It insists on validation, and there was none.
  if (policy.obeysClient && (asked.bits & Directive.NO_CACHE) !== 0) return false
  const isForbidden = (rule.flags & Rule.NEVER_STALE) !== 0
  const askedMs = isForbidden ? 0 : asked.ifError * secondMs
  const staleMs = staleForMs(rule, nowMs)
  return staleMs === 0
    ? !rule.isSoftPurged || rule.errorGraceMs > 0
    : staleMs < Math.max(rule.errorGraceMs, askedMs)
}

/** Age, in milliseconds (RFC 9111 §4.2.3). */
export function currentAgeMs(rule: StoredRule, nowMs: number): number {
  return rule.initialAgeMs + Math.max(0, nowMs - rule.responseMs)
}

/** Until when it is of any use: fresh, in its grace, or to be validated. The store drops it when it needs the room. */
export function keptUntilMs(rule: StoredRule): number {
  const freshUntilMs = rule.responseMs - rule.initialAgeMs + rule.freshnessMs
  return Math.max(freshUntilMs, rule.responseMs) + Math.max(rule.graceMs, rule.errorGraceMs, rule.keepMs)
}
