/**
 * Who may use the admin listener: no web page. A page on another site can make a browser on this machine send
 * requests to a loopback port, under its own host name if it has its DNS name point here (DNS rebinding). So the Host
 * must be a loopback one, and a request that names an Origin, or says that it is cross-site, must come from that
 * Host.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { isLoopback } from './address.ts'

/** The host part of 'host[:port]', brackets taken off; '' when it is malformed. */
function hostOf(authority: string): string {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@?#]*))(?::\d*)?$/.exec(authority)
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase()
}

/** Why the request is refused, '' when it may pass. */
export function refusalOf(headers: IncomingHttpHeaders, isUnixSocket: boolean): string {
  const host = headers.host ?? ''
  // No browser speaks to a unix socket, and its file mode says who may: any Host will do there.
  if (!isUnixSocket && !isLoopback(hostOf(host))) return 'the Host is not a loopback name'
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'the request crosses sites'
  const { origin } = headers
  if (origin === undefined) return ''
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
    ? ''
    : 'the Origin is another one'
}
