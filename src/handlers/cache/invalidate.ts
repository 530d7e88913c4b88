/** What an answer to an unsafe method takes out of force (RFC 9111 §4.4), and which groups (RFC 9875 §3). */
import { invalidations } from '../../cache/invalidation.ts'
import { keyHost, type CacheKey } from '../../cache/key.ts'
import type { SharedCache } from '../../cache/shared-cache.ts'
import type { PurgeRequest } from '../../cache/store.ts'
import { groupTag } from '../../cache/tags.ts'
import type { Exchange } from '../../http/exchange.ts'

export function invalidate({ request, response }: Exchange, key: CacheKey, cache: SharedCache): void {
  const concerned = invalidations(request, response)
  if (concerned === null) return
  const host = keyHost(request)
  const { site } = key
  const origin = request.scheme + '://' + host
  const requests: PurgeRequest[] = concerned.targets.map((target) => ({
    target: { kind: 'url', host, target: key.targetOf(target), site },
  }))
  for (const group of concerned.groups)
    requests.push({ target: { kind: 'tag', tag: groupTag(origin, group), site } })
  cache.invalidate(requests)
}
