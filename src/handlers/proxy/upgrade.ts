/**
 * Which protocols of a client's Upgrade field the origin is asked for (RFC 9110 §7.8).
 *
 * Upgrades of HTTP itself are never passed on: after a 101 to h2c, requests would bypass every step of the route
 * unseen, and TLS begun inside a connection that we read is of no use to anybody.
 */
import type { Exchange } from '../../http/exchange.ts'
import { HTTP_1_1 } from '../../http/message.ts'

function isPassedOn(protocol: string): boolean {
  return protocol !== '' && protocol !== 'h2c' && !/^(h2|h3|http|tls)(\/|-|$)/.test(protocol)
}

/** The value of Upgrade to send, lower case; '' for none. HTTP/1.0 has no Upgrade. */
export function upgradeToAsk(x: Exchange): string {
  const { upgrade, version } = x.request
  if (upgrade === '' || version < HTTP_1_1) return ''
  if (upgrade === 'websocket') return upgrade
  return upgrade
    .split(',')
    .map((protocol) => protocol.trim())
    .filter(isPassedOn)
    .join(', ')
}

/** Did the origin switch to one of those that it was asked for? */
export function wasAsked(x: Exchange): boolean {
  const chosen = x.response.upgrade.toLowerCase()
  if (chosen === '') return false
  return x.outgoing.upgrade.split(',').some((protocol) => protocol.trim() === chosen)
}
