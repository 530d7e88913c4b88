import type { RequestHead, ResponseHead } from '../http/message.ts'

/** Methods that change nothing (RFC 9110 §9.2.1). One that is not known may change anything. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

export interface Invalidations {
  /** Targets in origin form ('/a?b') of the request's own origin, the request's first. Each once. */
  readonly targets: readonly string[]
  /** Cache-Group-Invalidation (RFC 9875 §3). */
  readonly groups: readonly string[]
}

/** What an answer takes out of force (RFC 9111 §4.4); null when nothing: a safe method, or an error. */
export function invalidations(request: RequestHead, response: ResponseHead): Invalidations | null {
  void [request, response]
  return null
}
