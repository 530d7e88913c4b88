/**
 * What trusted proxies say about the client: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239). They are read
 * from the right, since each hop appends: only what stands to the right of a trusted hop's entry was written by a
 * trusted hop.
 *
 * Promise: nothing to the left of the first untrusted address is ever believed. An entry that cannot be read ends the
 * walk.
 */
import { isIP } from 'node:net'

/** One hop of Forwarded; '' where it says nothing. */
export interface ForwardedHop {
  for: string
  proto: string
  host: string
}

/** No more hops than this are walked: a longer chain is made up. */
export const forwardedHopsMax = 32

/**
 * The address in a node identifier: '192.0.2.1', '192.0.2.1:80', '2001:db8::1', '[2001:db8::1]:80' (RFC 7239 §6).
 * IPv4-mapped IPv6 as IPv4. '' when there is none ('unknown', '_hidden', nonsense).
 */
export function nodeAddress(node: string): string {
  let text = node.trim()
  if (text.startsWith('[')) {
    const close = text.indexOf(']')
    if (close < 0 || !/^(:\d{1,5})?$/.test(text.slice(close + 1))) return ''
    text = text.slice(1, close)
    return isIP(text) === 6 ? plainAddress(text) : ''
  }
  const colon = text.indexOf(':')
  if (colon > 0 && colon === text.lastIndexOf(':') && /^\d{1,5}$/.test(text.slice(colon + 1)))
    text = text.slice(0, colon)
  return isIP(text) === 0 ? '' : plainAddress(text)
}

/** IPv4-mapped IPv6 as IPv4, IPv6 in lower case, without a zone. */
function plainAddress(address: string): string {
  const lower = address.toLowerCase()
  const mapped = lower.startsWith('::ffff:') ? lower.slice(7) : ''
  if (mapped !== '' && isIP(mapped) === 4) return mapped
  const zone = lower.indexOf('%')
  return zone < 0 ? lower : lower.slice(0, zone)
}

/** The elements of a plain comma list, the last `forwardedHopsMax` of them. */
export function listElements(value: string): string[] {
  return value
    .split(',')
    .slice(-forwardedHopsMax)
    .map((element) => element.trim())
}

/** The hops of a Forwarded value, left to right; null when it is malformed: then none of it is believed. */
export function readForwarded(value: string): ForwardedHop[] | null {
  const hops: ForwardedHop[] = [{ for: '', proto: '', host: '' }]
  // Each place of the text matches space in only one place of the pattern: with two, 30 KB of spaces take
  // seconds.
  const pair =
    /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?([;,]|$)/y
  for (;;) {
    const found = pair.exec(value)
    if (found === null) return null
    const hop = hops.at(-1) as ForwardedHop
    const text = found[2] ?? (found[3] ?? '').replace(/\\(.)/g, '$1')
    const name = (found[1] ?? '').toLowerCase()
    if (name === 'for' || name === 'proto' || name === 'host') hop[name] = text
    if (found[4] === '') return hops.slice(-forwardedHopsMax)
    if (found[4] === ',') hops.push({ for: '', proto: '', host: '' })
  }
}

/** The client according to the chain. */
export interface ChainEnd {
  address: string
  /** How many trusted hops are to the right of it in the chain. */
  hops: number
}

/**
 * Walks node identifiers from the right over the trusted ones. The first that is not trusted is the client; when all
 * are, the leftmost is. `peer` (trusted) is the answer when the rightmost cannot be read.
 */
export function walkChain(
  nodes: readonly string[],
  peer: string,
  trust: { isTrusted(address: string): boolean },
): ChainEnd {
  const end: ChainEnd = { address: peer, hops: 0 }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const address = nodeAddress(nodes[i] as string)
    if (address === '') return end
    end.address = address
    end.hops = nodes.length - 1 - i
    if (!trust.isTrusted(address)) return end
  }
  return end
}

/**
 * The element of the hop that is `hops` from the right; the leftmost when the list is shorter; '' of an empty
 * list.
 */
export function elementAtHop(elements: readonly string[], hops: number): string {
  return elements[Math.max(0, elements.length - 1 - hops)] ?? ''
}
