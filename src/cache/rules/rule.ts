/**
 * StoredRule: what the policy found out about an answer when it was stored, as bits and numbers. A verdict reads
 * nothing else of the entry, so a hit parses no field of the stored answer. Class Entry has these members itself.
 *
 * Times are of the monotonic clock (Clock.nowMs), so setting the wall clock neither ages nor rejuvenates what is
 * stored. A store that outlives the process keeps the age, and makes `responseMs` anew from it.
 */

/** Bits of `flags`. */
export const Rule = {
  /** no-cache without field names: validated before every use (RFC 9111 §5.2.2.4). */
  ALWAYS_VALIDATE: 1,
  /** must-revalidate, proxy-revalidate or s-maxage: never served stale (RFC 9111 §4.2.4). */
  NEVER_STALE: 2,
  /** RFC 9111 §3.5 lets it answer requests with Authorization other than its own. */
  SHARES_AUTHORIZED: 4,
  /** The body is a part: status 206. */
  PARTIAL: 8,
  /** immutable: a fresh one is not validated because the client reloads (RFC 8246). */
  IMMUTABLE: 32,
  /** Content-Location names the target, and the method was POST: it answers GET (RFC 9110 §9.3.3). */
  FROM_POST: 64,
  /** Set-Cookie is taken out of what is stored. */
  COOKIES_STRIPPED: 128,
  /** Carries an ETag or a Last-Modified: validation may spare the body. */
  HAS_VALIDATOR: 256,
} as const

export interface StoredRule {
  flags: number
  /** Why it was stored: a positive code of Storing. */
  storing: number
  /** The store's: a soft purge made it stale, with its grace still standing. */
  isSoftPurged: boolean
  /** When the head arrived, by the monotonic clock. */
  responseMs: number
  /** corrected_initial_age (RFC 9111 §4.2.3). */
  initialAgeMs: number
  /** freshness_lifetime (RFC 9111 §4.2.1). */
  freshnessMs: number
  /** The moment it stops being fresh; -Infinity where it must always be validated. One comparison decides most hits. */
  freshUntilMs: number
  /** stale-while-revalidate: how long past freshness. */
  graceMs: number
  /** stale-if-error: how long past freshness. */
  errorGraceMs: number
  /** How long past freshness it is worth keeping. */
  keepMs: number
  /** As it stands in the field; '' for none. */
  etag: string
  /** By the wall; -1 for none or one that is no date. */
  lastModifiedMs: number
  /** Date, or when the answer arrived where there is none. By the wall. */
  dateMs: number
}

export function newRule(): StoredRule {
  return {
    flags: 0,
    storing: 0,
    isSoftPurged: false,
    responseMs: 0,
    initialAgeMs: 0,
    freshnessMs: 0,
    freshUntilMs: 0,
    graceMs: 0,
    errorGraceMs: 0,
    keepMs: 0,
    etag: '',
    lastModifiedMs: -1,
    dateMs: 0,
  }
}

/** A copy, for another entry of the same answer. */
export function copyOfRule(rule: StoredRule): StoredRule {
  const { flags, storing, isSoftPurged, responseMs, initialAgeMs, freshnessMs, freshUntilMs } = rule
  const { graceMs, errorGraceMs, keepMs, etag, lastModifiedMs, dateMs } = rule
  const times = { responseMs, initialAgeMs, freshnessMs, freshUntilMs, graceMs, errorGraceMs, keepMs }
  return { ...times, flags, storing, isSoftPurged, etag, lastModifiedMs, dateMs }
}

/** When an exchange with the origin took place. */
export interface Received {
  /** The request left: monotonic. */
  readonly requestMs: number
  /** The head of the answer was whole: monotonic. */
  readonly responseMs: number
  /** The same moment by the wall, which Date and Expires are compared with. */
  readonly responseWallMs: number
}
