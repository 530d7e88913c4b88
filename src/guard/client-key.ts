/**
 * The key by which a client is remembered: its IPv4 address, or the first 64 bits of its IPv6 address. That is the
 * least that one customer gets (RFC 6177 §2), and it contains more addresses than anybody could count.
 *
 * IPv4 keys have a first word that no IPv6 client has: ffff:ffff::/32 is multicast (RFC 4291 §2.7), which sends
 * nothing.
 */
import { readAddress } from './networks.ts'

const ipv4Word = 0xffff_ffff
const words = new Uint32Array(4)

export interface ClientKey {
  high: number
  low: number
}

/** Fills `key`. False for what is no address, as the '' of a unix socket. Allocates nothing. */
export function readClientKey(address: string, key: ClientKey): boolean {
  const family = readAddress(address, words)
  if (family === 0) return false
  key.high = family === 4 ? ipv4Word : (words[0] as number)
  key.low = family === 4 ? (words[0] as number) : (words[1] as number)
  return true
}

/** As people write it: '192.0.2.1', '2001:db8:0:1::/64'. */
export function clientKeyText(high: number, low: number): string {
  if (high === ipv4Word) return [low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255].join('.')
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff]
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`
}
