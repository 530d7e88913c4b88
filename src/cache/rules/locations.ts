/**
 * Location and Content-Location as targets of the request's own origin: what they name there may be stored under a
 * key, or be out of date. What they name elsewhere belongs to another owner (RFC 9111 §4.4).
 */
import type { RequestHead } from '../../http/message.ts'

/** The target in origin form ('/a?b'), '' when it lies elsewhere or cannot be read. */
export function ownTarget(request: RequestHead, location: string): string {
  const base = baseOf(request)
  const url = base === null ? null : URL.parse(location, base)
  if (base === null || url === null || url.origin !== base.origin) return ''
  return url.pathname + url.search
}

/** Does it name the URL of the request itself? */
export function isOwnLocation(request: RequestHead, location: string): boolean {
  const base = baseOf(request)
  return base !== null && ownTarget(request, location) === base.pathname + base.search
}

/** The client's URL, null where HTTP/1.0 named no host or the target is none. */
function baseOf(request: RequestHead): URL | null {
  if (request.authority === '' || !request.target.startsWith('/')) return null
  return URL.parse(`${request.scheme}://${request.authority}${request.target}`)
}
