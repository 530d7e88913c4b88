/**
 * Invalidation (RFC 9111 §4.4, RFC 9875 §3): what an answer to an unsafe method invalidates. The answer is the one
 * that goes to the client: its Location is public.
 */
import { Field } from '../../http/known-fields.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import { readStringList } from '../../http/structured.ts'
import { ownTarget } from './locations.ts'

const safeMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'PROPFIND',
  'REPORT',
  'SEARCH',
])

/** Methods that change nothing (RFC 9110 §9.2.1 and the registry). One that is not known may change anything. */
export function isSafe(method: string): boolean {
  return safeMethods.has(method)
}

export interface Invalidations {
  /** Targets in origin form ('/a?b') of the request's own origin, the request's first. Each once. */
  readonly targets: readonly string[]
  /** Cache-Group-Invalidation: groups of the request's own origin. */
  readonly groups: readonly string[]
}

/** null: nothing, as the method is safe, or the answer is an error that changed nothing. */
export function invalidations(request: RequestHead, response: ResponseHead): Invalidations | null {
  const { status, fields } = response
  if (isSafe(request.method) || status < 200 || status > 399) return null
  const targets = new Set([request.target])
  for (const id of [Field.LOCATION, Field.CONTENT_LOCATION]) {
    const location = fields.get(id)
    const target = location === undefined ? '' : ownTarget(request, location)
    if (target !== '') targets.add(target)
  }
  const list = fields.combined(Field.CACHE_GROUP_INVALIDATION)
  return { targets: [...targets], groups: list === undefined ? [] : (readStringList(list) ?? []) }
}
