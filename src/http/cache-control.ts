import type { Fields } from './fields.ts'
export const Directive = {
  NO_STORE: 1,
  NO_CACHE: 2,
  PRIVATE: 4,
  PUBLIC: 8,
  MUST_REVALIDATE: 16,
  PROXY_REVALIDATE: 32,
  MUST_UNDERSTAND: 64,
  IMMUTABLE: 128,
  NO_TRANSFORM: 256,
  ONLY_IF_CACHED: 512,
  MAX_STALE: 1024,
} as const
export class ResponseDirectives {
  bits = 0
  /** Seconds; -1 where not given. */
  maxAge = -1
  sharedMaxAge = -1
  whileRevalidate = -1
  ifError = -1
  /** Lower-case names in no-cache="…" and private="…". */
  fieldNames: readonly string[] = []
  /** The targeted field that decided; '' for Cache-Control itself. */
  target = ''
}
export class RequestDirectives {
  bits = 0
  maxAge = -1
  minFresh = -1
  /** Seconds; Infinity for max-stale without a number. */
  maxStale = -1
}
/** Of an answer: the first valid targeted field, else Cache-Control. */
export function readResponseDirectives(
  fields: Fields,
  targets: readonly string[],
  into: ResponseDirectives,
): void {
  void fields
  void targets
  void into
}
/** Cache-Control of a request, or Pragma where there is none (RFC 9111 §5.4). */
export function readRequestDirectives(fields: Fields, into: RequestDirectives): void {
  void fields
  void into
}
