/**
 * Announcing: tells servers that read a PROXY protocol header who the client is, as the first thing on each
 * connection. What follows on that connection belongs to that client and no other: the server may have admitted it by
 * its address, or by what it said on the connection.
 *
 * The client is the one that all other rules go by (`x.clientAddress`): the peer itself, the client that a PROXY
 * header announced to us, or the one that a trusted proxy named. In the last case its port is unknown and given as 0.
 */
import type { DialTarget, OriginProtocol } from '../http/dial.ts'
import type { Exchange, UpstreamServer } from '../http/exchange.ts'
import type { ClientSecurity } from '../net/security.ts'
import type { TransportAddress } from '../net/transport.ts'
import {
  writeOwnProxyHeader,
  writeProxyHeader,
  type ClientConnection,
  type ProxyVersion,
} from '../net/write-proxy-header.ts'

export interface Announcement {
  /**
   * The client whose connection it is; '' for a client without an address, which may be anybody: the connection
   * serves one request.
   */
  readonly client: string
  readonly opening: Buffer
}

export function announcementOf(version: ProxyVersion, x: Exchange): Announcement {
  const { clientAddress, down } = x
  const isPeer = clientAddress === '' || clientAddress === down.remoteAddress
  const address = isPeer ? down.remoteAddress : clientAddress
  const client: ClientConnection = {
    remoteAddress: address,
    remotePort: isPeer ? down.remotePort : 0,
    localAddress: localAddressFor(address, down.localAddress ?? ''),
    localPort: down.localPort,
  }
  const { remotePort, localAddress, localPort } = client
  return {
    client: address === '' ? '' : `${address} ${remotePort} ${localAddress} ${localPort}`,
    opening: writeProxyHeader(version, client),
  }
}

/** Unknown for a client of QUIC: there is no address of its family. */
function localAddressFor(address: string, known: string): string {
  if (known !== '' || address === '') return known
  return address.includes(':') ? '::' : '0.0.0.0'
}

/** What a connection that belongs to no client begins with. */
export function ownOpening(version: ProxyVersion | null): Buffer | null {
  return version === null ? null : writeOwnProxyHeader(version)
}

/** The address of a server, for the connections of one client. */
export class AnnouncedTarget implements DialTarget {
  readonly server: UpstreamServer
  readonly address: TransportAddress
  readonly protocol: OriginProtocol
  readonly addressText: string
  readonly connectMs: number
  readonly security: ClientSecurity | null
  readonly opening: Buffer

  constructor(target: DialTarget, { opening }: Announcement) {
    this.server = target.server
    this.address = target.address
    this.protocol = target.protocol
    this.addressText = target.addressText
    this.connectMs = target.connectMs
    this.security = target.security ?? null
    this.opening = opening
  }
}
