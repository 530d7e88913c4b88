/**
 * Networks: a set of IP networks (CIDR) that is looked up once per request. A binary trie in one Int32Array for each
 * family: a lookup walks at most 32 or 128 bits and allocates nothing, however many networks there are.
 *
 * Invariants: node 0 is the root; a child of 0 means "none", since nothing points back at the root; COVERED as a
 * child means that every address below is in the set. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are looked up as
 * IPv4.
 */
const COVERED = -1
const NO_ADDRESS = 0

export class Networks {
  #ipv4 = new Trie()
  #ipv6 = new Trie()
  readonly #words = new Uint32Array(4)
  /** How many networks were added. */
  size = 0

  /** Adds '10.0.0.0/8', '2001:db8::/32' or a single address. Says what is wrong with it, or '' when it was added. */
  add(text: string): string {
    const slash = text.indexOf('/')
    const address = slash < 0 ? text : text.slice(0, slash)
    const family = readAddress(address, this.#words)
    if (family === NO_ADDRESS)
      return `"${text}" is not an IP address or network such as 10.0.0.0/8 or fd00::/8`
    const isMapped = family === 4 && address.includes(':')
    const bitsMax = isMapped ? 128 : family === 4 ? 32 : 128
    let bits = bitsMax
    if (slash >= 0) {
      const lengthText = text.slice(slash + 1)
      if (!/^(0|[1-9]\d{0,2})$/.test(lengthText) || Number(lengthText) > bitsMax) {
        return `"${text}": the prefix length is a number from 0 to ${bitsMax}`
      }
      bits = Number(lengthText)
    }
    if (isMapped) {
      if (bits < 96) return `"${text}": a network of IPv4-mapped addresses has a prefix length of at least 96`
      bits -= 96
    }
    const stray = strayBits(this.#words, bits, family === 4 ? 32 : 128)
    if (stray) return `"${text}": the address has bits set beyond its prefix length of ${bits}`
    ;(family === 4 ? this.#ipv4 : this.#ipv6).add(this.#words, bits)
    this.size++
    return ''
  }

  /** Is this address, as text, in one of the networks? False for what is no address, as the '' of a unix socket. */
  has(address: string): boolean {
    if (this.size === 0) return false
    const family = readAddress(address, this.#words)
    if (family === NO_ADDRESS) return false
    return family === 4 ? this.#ipv4.has(this.#words, 32) : this.#ipv6.has(this.#words, 128)
  }
}

class Trie {
  /** Two children per node. */
  #children = new Int32Array(128)
  #nodeCount = 1
  #isAll = false

  add(words: Uint32Array, bits: number): void {
    if (bits === 0) this.#isAll = true
    let node = 0
    for (let i = 0; i < bits; i++) {
      const at = node * 2 + bitAt(words, i)
      if (this.#children[at] === COVERED) return
      if (i === bits - 1) {
        this.#children[at] = COVERED
        return
      }
      if (this.#children[at] === 0) {
        // In two statements, since making a node may replace the array.
        const made = this.#newNode()
        this.#children[at] = made
      }
      node = this.#children[at] as number
    }
  }

  #newNode(): number {
    const node = this.#nodeCount++
    if (this.#nodeCount * 2 > this.#children.length) {
      const children = new Int32Array(this.#children.length * 2)
      children.set(this.#children)
      this.#children = children
    }
    return node
  }

  has(words: Uint32Array, bits: number): boolean {
    if (this.#isAll) return true
    const children = this.#children
    let node = 0
    for (let i = 0; i < bits; i++) {
      node = children[node * 2 + bitAt(words, i)] as number
      if (node <= 0) return node === COVERED
    }
    return false
  }
}

function bitAt(words: Uint32Array, i: number): number {
  return ((words[i >> 5] as number) >>> (31 - (i & 31))) & 1
}

function strayBits(words: Uint32Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bitAt(words, i) === 1) return true
  return false
}

/** Fills `words` from an address as text. Returns 4, 6, or 0 for what is no address; 4 for an IPv4-mapped one. */
export function readAddress(text: string, words: Uint32Array): 0 | 4 | 6 {
  if (text.indexOf(':') >= 0) return readIPv6(text, words)
  const address = readIPv4(text, 0)
  if (address < 0) return NO_ADDRESS
  words[0] = address
  return 4
}

/**
 * Reads `text[from…]` as dotted decimal; -1 for what is not. Leading zeros are refused: some readers take them
 * for octal.
 */
function readIPv4(text: string, from: number): number {
  let address = 0
  let part = -1
  let parts = 0
  for (let i = from; i <= text.length; i++) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i)
    if (code === 0x2e) {
      if (part < 0 || ++parts > 4) return -1
      address = address * 256 + part
      part = -1
    } else if (code >= 0x30 && code <= 0x39) {
      if (part === 0) return -1
      part = (part < 0 ? 0 : part * 10) + code - 0x30
      if (part > 255) return -1
    } else return -1
  }
  return parts === 4 ? address : -1
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

const groups = new Uint16Array(8)

/** RFC 4291 §2.2. A zone ('%eth0') is no part of the address and is read over. */
function readIPv6(text: string, words: Uint32Array): 0 | 4 | 6 {
  const zone = text.indexOf('%')
  const end = zone < 0 ? text.length : zone
  groups.fill(0)
  let count = 0
  let gapAt = -1
  let i = 0
  if (text.startsWith('::')) {
    gapAt = 0
    i = 2
  }
  while (i < end) {
    const start = i
    let value = 0
    for (; i < end; i++) {
      const digit = hexValue(text.charCodeAt(i))
      if (digit < 0) break
      value = value * 16 + digit
      if (i - start >= 4) return NO_ADDRESS
    }
    if (i < end && text.charCodeAt(i) === 0x2e) {
      if (count > 6) return NO_ADDRESS
      const tail = readIPv4(zone < 0 ? text : text.slice(0, end), start)
      if (tail < 0) return NO_ADDRESS
      groups[count++] = tail >>> 16
      groups[count++] = tail & 0xffff
      i = end
      break
    }
    if (i === start || count === 8) return NO_ADDRESS
    groups[count++] = value
    if (i === end) break
    if (text.charCodeAt(i) !== 0x3a) return NO_ADDRESS
    i++
    if (text.charCodeAt(i) === 0x3a && i < end) {
      if (gapAt >= 0) return NO_ADDRESS
      gapAt = count
      i++
    } else if (i === end) return NO_ADDRESS
  }
  return spreadGroups(count, gapAt, words)
}

/** Opens the gap of '::' and puts the eight groups into four words. */
function spreadGroups(count: number, gapAt: number, words: Uint32Array): 0 | 4 | 6 {
  if (gapAt < 0 ? count !== 8 : count > 7) return NO_ADDRESS
  if (gapAt >= 0) {
    const moved = count - gapAt
    for (let k = 1; k <= moved; k++) {
      groups[8 - k] = groups[count - k] as number
      if (8 - k !== count - k) groups[count - k] = 0
    }
  }
  for (let k = 0; k < 4; k++) words[k] = (groups[k * 2] as number) * 65536 + (groups[k * 2 + 1] as number)
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) {
    words[0] = words[3] as number
    return 4
  }
  return 6
}
