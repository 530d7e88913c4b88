/**
 * CacheResult: what the cache did for a request, as one number. It is counted per site and written to the access log.
 * The reason is in the cache's own table (cache/rules/reasons.ts).
 */
export const CacheResult = {
  /** No cache was asked. */
  NONE: 0,
  /** Answered from what is stored, which is fresh. */
  HIT: 1,
  /** Answered from what is stored though it is no longer fresh: while it is validated, or because the origin fails. */
  STALE: 2,
  /** Answered from what is stored after the origin said that it is still right. */
  REVALIDATED: 3,
  /** Answered by the origin. */
  MISS: 4,
  /** Answered by what another request had just asked the origin for. */
  COLLAPSED: 5,
  /** Passed by the cache. */
  BYPASS: 6,
  /** Asked the cache, and got no answer of an origin. */
  ERROR: 7,
} as const

export type CacheResult = (typeof CacheResult)[keyof typeof CacheResult]

/** By number; '' where no cache was asked. */
export const cacheResultNames: readonly string[] = [
  '',
  'hit',
  'stale',
  'revalidated',
  'miss',
  'collapsed',
  'bypass',
  'error',
]
