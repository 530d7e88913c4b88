/** ALPN (RFC 7301 §3.1): lists of protocol names as a handshake carries them, each name preceded by its length. */

/** Of lists that live as long as what they belong to: each is asked for with every connection. */
const known = new WeakMap<readonly string[], Buffer>()

/** Names of 1 to 255 bytes. For the same list, which must not change, the same bytes. */
export function alpnBytes(protocols: readonly string[]): Buffer {
  let bytes = known.get(protocols)
  if (bytes === undefined) {
    bytes = Buffer.concat(protocols.map(alpnName))
    known.set(protocols, bytes)
  }
  return bytes
}

function alpnName(name: string): Buffer {
  return Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1')
}

/** Where in `offered` the first of `wanted` stands that is offered; -1 when none is. */
export function alpnOffset(offered: Buffer, wanted: readonly string[]): number {
  let best = -1
  let bestRank = wanted.length
  for (let at = 0; at < offered.length;) {
    const length = offered[at] as number
    const rank = wanted.indexOf(offered.toString('latin1', at + 1, at + 1 + length))
    if (rank >= 0 && rank < bestRank) {
      best = at
      bestRank = rank
    }
    at += 1 + length
  }
  return best
}
