/**
 * Writes the header of the PROXY protocol, which tells a server behind us who the client is. Both addresses must be
 * of one family, so an IPv4 address beside an IPv6 one is written as IPv4-mapped. A client without an address (a unix
 * socket) is UNKNOWN.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { crc32c } from './crc32c.ts'
import { proxySignature, ProxyValue } from './proxy-header.ts'

export type ProxyVersion = 'v1' | 'v2'

/** Both ends of the client's connection, as it sees them. */
export interface ClientConnection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** What version 2 can tell besides; '' is left out. */
export interface ProxyValues {
  /** The server name the client asked for, at most 255 bytes. */
  readonly authority?: string
  readonly alpn?: string
}

export function writeProxyHeader(
  version: ProxyVersion,
  client: ClientConnection,
  values: ProxyValues = {},
): Buffer {
  return version === 'v1' ? Buffer.from(proxyLine(client), 'latin1') : proxyBinary(client, values)
}

/** Of a connection that is nobody's but ours: a check. */
export function writeOwnProxyHeader(version: ProxyVersion): Buffer {
  if (version === 'v1') return Buffer.from(unknownLine, 'latin1')
  return Buffer.from([...proxySignature, VERSION_2_LOCAL, UNSPECIFIED, 0, 0])
}

const unknownLine = 'PROXY UNKNOWN\r\n'

function proxyLine(client: ClientConnection): string {
  const { remotePort, localPort } = client
  const source = withoutZone(client.remoteAddress)
  const destination = withoutZone(client.localAddress)
  if (!isAddressed(source, destination)) return unknownLine
  if (isIPv4(source) && isIPv4(destination))
    return `PROXY TCP4 ${source} ${destination} ${remotePort} ${localPort}\r\n`
  return `PROXY TCP6 ${asIPv6(source)} ${asIPv6(destination)} ${remotePort} ${localPort}\r\n`
}

const VERSION_2_LOCAL = 0x20
const VERSION_2_PROXY = 0x21
const UNSPECIFIED = 0x00
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21

function proxyBinary(client: ClientConnection, { authority = '', alpn = '' }: ProxyValues): Buffer {
  const source = withoutZone(client.remoteAddress)
  const destination = withoutZone(client.localAddress)
  const isIPv4Only = isIPv4(source) && isIPv4(destination)
  const family = !isAddressed(source, destination) ? UNSPECIFIED : isIPv4Only ? TCP_OVER_IPV4 : TCP_OVER_IPV6
  const addresses =
    family === UNSPECIFIED
      ? []
      : isIPv4Only
        ? [...ipv4Bytes(source), ...ipv4Bytes(destination)]
        : [...ipv6Bytes(asIPv6(source)), ...ipv6Bytes(asIPv6(destination))]
  const ports = family === UNSPECIFIED ? [] : [...uint16(client.remotePort), ...uint16(client.localPort)]
  const told = [
    ...value(ProxyValue.ALPN, Buffer.from(alpn, 'latin1')),
    ...value(ProxyValue.AUTHORITY, Buffer.from(authority, 'utf8')),
  ]
  const sum = told.length > 0 ? [ProxyValue.CRC32C, 0, 4, 0, 0, 0, 0] : []
  const rest = [...addresses, ...ports, ...told, ...sum]
  const header = Buffer.from([...proxySignature, VERSION_2_PROXY, family, ...uint16(rest.length), ...rest])
  if (sum.length > 0) {
    const sumAt = header.length - 4
    header.writeUInt32BE(crc32c(header, 0, header.length, sumAt), sumAt)
  }
  return header
}

function value(type: number, bytes: Buffer): number[] {
  return bytes.length === 0 ? [] : [type, ...uint16(bytes.length), ...bytes]
}

function uint16(number: number): number[] {
  return [number >> 8, number & 0xff]
}

function isAddressed(source: string, destination: string): boolean {
  return (isIPv4(source) || isIPv6(source)) && (isIPv4(destination) || isIPv6(destination))
}

/** The interface of a link-local address means nothing elsewhere. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%')
  return zone < 0 ? address : address.slice(0, zone)
}

function asIPv6(address: string): string {
  return isIPv4(address) ? `::ffff:${address}` : address
}

function ipv4Bytes(address: string): number[] {
  return address.split('.').map(Number)
}

/** Of a right address, which may be shortened by '::' and end in dotted form. */
function ipv6Bytes(address: string): number[] {
  const [before = '', after] = address.split('::')
  const head = groupBytes(before)
  const tail = groupBytes(after ?? '')
  const gap = after === undefined ? [] : Array.from({ length: 16 - head.length - tail.length }, () => 0)
  return [...head, ...gap, ...tail]
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text
    .split(':')
    .flatMap((group) => (group.includes('.') ? ipv4Bytes(group) : uint16(Number.parseInt(group, 16))))
}
