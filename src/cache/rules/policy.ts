/**
 * CachePolicy: what the operator says about storing and serving, compiled once per route. The rules of RFC 9111 are
 * not in it: they are code. It settles the points that the RFC leaves to a cache (docs/decisions tells each).
 *
 * Its presets are two modes. `rfc` does everything that RFC 9111 allows a shared cache, and obeys what a client asks.
 * `smart`, the default, is for a cache that stands in front of an origin on its owner's behalf: clients cannot make
 * the origin work, nothing that carries a cookie is shared, and answers about which the origin says nothing are kept
 * only if their type is static.
 */

export type CacheMode = 'rfc' | 'smart'

/** A time to live that the operator sets. */
export interface TtlRule {
  /** 0: not to be stored. */
  readonly ttlMs: number
  /** True: wins over max-age, s-maxage and Expires. False: only where the origin states no freshness. */
  readonly overrides: boolean
}

/** Finds the operator's rule for an answer; null when there is none. `type`: Content-Type without parameters, lower case. */
export interface TtlRules {
  find(status: number, type: string, path: string): TtlRule | null
}

/** What becomes of an answer with Set-Cookie: not stored · stored without it · stored with it, as RFC 9111 §7.3 has it. */
export type CookieRule = 'refuse' | 'strip' | 'keep'

export interface CachePolicy {
  readonly mode: CacheMode
  readonly ttl: TtlRules | null
  /** Freshness without a word of the origin: none · static types only · all that RFC 9111 §4.2.2 allows. */
  readonly heuristic: 'none' | 'static' | 'all'
  /** Of the time since Last-Modified (RFC 9111 §4.2.2: typically a tenth). 0 to 1. */
  readonly heuristicShare: number
  /** Of heuristic freshness, at most. */
  readonly heuristicMsMax: number
  /** Heuristic freshness of a static type without Last-Modified; 0: none. */
  readonly staticMs: number
  /** How long past its freshness an answer is served while it is validated, where the origin says nothing. */
  readonly graceMs: number
  /** How long past its freshness an answer is served when the origin fails, where the origin says nothing. */
  readonly errorGraceMs: number
  /** How long past its freshness an answer is kept to be validated. */
  readonly keepMs: number
  /**
   * What the origin gives no lifetime is kept all the same if it can be validated, and what it gives the lifetime 0 may
   * stand in for an origin that fails. (A page with an ETag and no other word may be one user's.)
   */
  readonly trustsSilence: boolean
  /**
   * The time that the origin took adds to an answer's age also where no other cache is on the way (RFC 9111 §4.2.3).
   * Then what takes longer to make than its max-age is never served from the cache.
   */
  readonly countsDelay: boolean
  /** The origin's Cache-Control, Expires and Pragma count for nothing: only `ttl` decides. */
  readonly ignoresOrigin: boolean
  /** The client's no-cache, max-age, min-fresh and Pragma count. no-store, max-stale and only-if-cached always do. */
  readonly obeysClient: boolean
  readonly cookies: CookieRule
  /** s-maxage forbids staleness (RFC 9111 §5.2.2.10) even beside an explicit stale-while-revalidate or stale-if-error. */
  readonly isSharedMaxAgeStrict: boolean
  /** must-revalidate alone opens an answer to a request with Authorization to others (RFC 9111 §3.5). */
  readonly mustRevalidateShares: boolean
  /** A request with Authorization is served only what §3.5 would have let it store. */
  readonly guardsAuthorization: boolean
  /** A POST answer with explicit freshness and its own URL as Content-Location answers later GETs (RFC 9110 §9.3.3). */
  readonly storesPost: boolean
  /** The answer to a QUERY is stored: the key then holds the request body. */
  readonly storesQuery: boolean
  /** Targeted fields in the order of RFC 9213 §2.2: the first that is valid decides. Lower case. */
  readonly targets: readonly string[]
}

const secondMs = 1000
const hourMs = 3600 * secondMs
const dayMs = 24 * hourMs

const common = {
  ttl: null,
  heuristicShare: 0.1,
  graceMs: 0,
  errorGraceMs: dayMs,
  ignoresOrigin: false,
  storesQuery: false,
  targets: ['cdn-cache-control'],
} as const

export const rfcPolicy: CachePolicy = {
  ...common,
  mode: 'rfc',
  heuristic: 'all',
  heuristicMsMax: 7 * dayMs,
  staticMs: 0,
  keepMs: 7 * dayMs,
  trustsSilence: true,
  countsDelay: true,
  obeysClient: true,
  cookies: 'keep',
  isSharedMaxAgeStrict: true,
  mustRevalidateShares: true,
  guardsAuthorization: false,
  storesPost: true,
}

export const smartPolicy: CachePolicy = {
  ...common,
  mode: 'smart',
  heuristic: 'static',
  heuristicMsMax: dayMs,
  staticMs: 600 * secondMs,
  keepMs: 7 * dayMs,
  trustsSilence: false,
  countsDelay: false,
  obeysClient: false,
  cookies: 'refuse',
  isSharedMaxAgeStrict: false,
  mustRevalidateShares: false,
  guardsAuthorization: true,
  storesPost: true,
}
