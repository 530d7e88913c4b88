/** What an answer to an unsafe method invalidates: stored answers (RFC 9111 §4.4) and whole groups (RFC 9875 §3). */
import { invalidations } from '../../cache/rules/invalidation.ts'
import { keyHost, type CacheKey } from '../../cache/keys/key.ts'
import type { SharedCache } from '../../cache/shared-cache.ts'
import type { PurgeRequest } from '../../cache/store/store.ts'
import { groupTag } from '../../cache/rules/tags.ts'
import { NEXT, WAIT, type Exchange, type Flow } from '../../http/exchange.ts'

/** What there is to wait for before the answer is sent: that other workers do the same. null: nothing. */
export function invalidate(
  { request, response }: Exchange,
  key: CacheKey,
  cache: SharedCache,
): Promise<unknown> | null {
  const concerned = invalidations(request, response)
  if (concerned === null) return null
  const host = keyHost(request)
  const { site } = key
  const origin = request.scheme + '://' + host
  const requests: PurgeRequest[] = concerned.targets.map((target) => ({
    target: { kind: 'url', host, target: key.targetOf(target), site },
  }))
  for (const group of concerned.groups)
    requests.push({ target: { kind: 'tag', tag: groupTag(origin, group), site } })
  return cache.invalidate(requests)
}

/** Who has been told that something is changed must not find from another worker what it was before. null: nothing to wait for. */
export function goOnAfter(x: Exchange, ...others: readonly (Promise<unknown> | null)[]): Flow {
  const pending = others.filter((each) => each !== null)
  if (pending.length === 0) return NEXT
  const turn = x.beginWait()
  void Promise.all(pending).then(() => x.resume(turn))
  return WAIT
}
