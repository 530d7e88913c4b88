/** Finds the client that holds the most connections, for the log line which says that there are too many. */
import type { ServerConnection } from '../http/serving.ts'
import { clientKeyText, readClientKey, type ClientKey } from './client-key.ts'

/** A client that holds less than this share is not the reason why there are too many. */
const tellingShare = 1 / 4

/**
 * Returns a sentence that begins with a blank; '' when nobody holds a significant share. It looks at every
 * connection, so it is meant for occasional messages.
 */
export function largestClientText(connections: Iterable<ServerConnection>): string {
  const counts = new Map<string, number>()
  const key: ClientKey = { high: 0, low: 0 }
  let all = 0
  let client = ''
  let most = 0
  for (const { remoteAddress = '' } of connections) {
    all++
    if (!readClientKey(remoteAddress, key)) continue
    const text = clientKeyText(key.high, key.low)
    const count = (counts.get(text) ?? 0) + 1
    counts.set(text, count)
    if (count <= most) continue
    client = text
    most = count
  }
  if (most < all * tellingShare || most < 2) return ''
  return ` ${client} holds ${most} of ${all}: limits.connectionsPerClientMax bounds what one client may.`
}
