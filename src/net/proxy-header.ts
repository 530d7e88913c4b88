/**
 * The header of the PROXY protocol (versions 1 and 2): it names the real client of a connection, and is sent by a
 * proxy that passes on a protocol without reading it. It comes once, before the first byte of that protocol.
 *
 * Invariant: an address is '' (and its port 0) where the header gives none. Otherwise it is an IP address in the text
 * form that the system itself would use, IPv4-mapped IPv6 as IPv4.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** What version 2 begins with: no protocol's first bytes. */
export const proxySignature: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Type numbers of version 2's additional values (§2.2). */
export const ProxyValue = {
  ALPN: 0x01,
  AUTHORITY: 0x02,
  CRC32C: 0x03,
  NOOP: 0x04,
  UNIQUE_ID: 0x05,
  SSL: 0x20,
} as const

export class ProxyHeader {
  version: 1 | 2 = 1
  /** The sender speaks for itself (LOCAL) or does not know for whom (UNKNOWN): the connection's own addresses hold. */
  isLocal = true
  sourceAddress = ''
  sourcePort = 0
  destinationAddress = ''
  destinationPort = 0
  /** The client spoke TLS to the sender, which took it off. */
  isEncrypted = false
  /** The protocol that the sender and the client agreed on by ALPN ('h2'); '' when it is not told. */
  alpn = ''
  /** The server name that the client asked the sender for; '' when it is not told. */
  authority = ''
  /** The sender's name for the connection, at most 128 bytes as latin1; '' when it is not told. */
  uniqueId = ''
}

/** An address of version 1 in the system's text; '' when it is none of that family. */
export function addressOfText(text: string, isIPv6Expected: boolean): string {
  if (!isIPv6Expected) return isIPv4(text) ? text : ''
  // A zone is the sender's own matter, and says nothing here.
  return isIPv6(text) && !text.includes('%') ? systemText(text) : ''
}

/** The 16 bytes at `at` as an IPv6 address. */
export function ipv6Text(bytes: Buffer, at: number): string {
  const groups: string[] = []
  for (let i = at; i < at + 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16))
  return systemText(groups.join(':'))
}

export function ipv4Text(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

function systemText(ipv6: string): string {
  const { address } = new SocketAddress({ address: ipv6, family: 'ipv6' })
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
}
