/** The names that a certificate is for (subjectAltName, RFC 5280 §4.2.1.6): host names, wildcards and IP addresses. */
import { isIP, isIPv6 } from 'node:net'
import { implicit, sequence } from './der.ts'

/** GeneralNames of DNS names and IP addresses. */
export function generalNames(names: readonly string[]): Buffer {
  return sequence(...names.map((name) => generalName(name)))
}

function generalName(name: string): Buffer {
  return isIP(name) === 0 ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, addressBytes(name))
}

/** 4 or 16 bytes of an IP address. */
export function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  // The WHATWG parser writes every IPv6 address in one form, a trailing IPv4 part included.
  const canonical = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
  const bytes = Buffer.alloc(16)
  groups.forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2))
  return bytes
}

/**
 * What a client asks for by SNI that wants an answer for an address, which SNI has no room for: its name in the reverse zone
 * (RFC 8738 §6). Of a host name: itself.
 */
export function askedName(name: string): string {
  if (isIP(name) === 0) return name
  const bytes = addressBytes(name)
  if (bytes.length === 4) return bytes.toReversed().join('.') + '.in-addr.arpa'
  return Array.from(bytes.toString('hex')).toReversed().join('.') + '.ip6.arpa'
}

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** A host name of letters, digits and hyphens, lower case, of at most 253 bytes (RFC 1123 §2.1); or '*.' before one. */
export function isSubjectName(name: string): boolean {
  if (isIP(name) !== 0) return true
  const host = name.startsWith('*.') ? name.slice(2) : name
  if (host.length === 0 || host.length > 253) return false
  const labels = host.split('.')
  return labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

export function isWildcard(name: string): boolean {
  return name.startsWith('*.')
}

/** Is a certificate that has these names for `name`, a host's, a wildcard or an address? */
export function isAmong(names: readonly string[], name: string): boolean {
  if (isIP(name) === 0) return names.some((pattern) => covers(pattern, name))
  // An address has several spellings.
  return names.some((other) => isIP(other) !== 0 && addressBytes(other).equals(addressBytes(name)))
}

/** Does a certificate for `pattern` stand for `name` (RFC 9525 §6.3)? A wildcard stands for one label. */
export function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true
  if (!isWildcard(pattern) || isIP(name) !== 0) return false
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot + 1) === pattern.slice(2)
}
