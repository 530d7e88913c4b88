/**
 * Huffman coding of strings in HPACK (RFC 7541 §5.2).
 *
 * Decoding looks up 8 bits at a time: every character that fields are usually made of has a code of at most 8 bits,
 * so each takes one lookup. The rare longer codes are walked bit by bit. The tables take 512 bytes.
 *
 * Invariants: `decodeHuffman` writes at most `huffmanBytesMax(length)` bytes; padding must be a prefix of EOS shorter
 * than 8 bits, and EOS itself is an error.
 */
import {
  EOS,
  codeBits,
  codeBitsMax,
  codes,
  codesOf,
  firstCode,
  firstPlace,
  symbolsInOrder,
} from './huffman-code.ts'

/** Per 8 bits: the length of the code that they begin with, 0 when it is longer; and its symbol. */
const shortBits = new Uint8Array(256)
const shortSymbol = new Uint8Array(256)

for (let symbol = 0; symbol < EOS; symbol++) {
  const bits = codeBits[symbol] as number
  if (bits > 8) continue
  const from = (codes[symbol] as number) << (8 - bits)
  shortBits.fill(bits, from, from + (1 << (8 - bits)))
  shortSymbol.fill(symbol, from, from + (1 << (8 - bits)))
}

/** The shortest code has 5 bits: no string grows more when it is decoded. */
export function huffmanBytesMax(codedBytes: number): number {
  return Math.floor((codedBytes * 8) / 5)
}

/** Decodes `source[start, end)` to the beginning of `into`. How many bytes that are, or -1 when it is not well coded. */
export function decodeHuffman(source: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let written = 0
  // The low `count` bits of `bits` are read and not used yet.
  let bits = 0
  let count = 0
  let at = start
  for (;;) {
    while (count <= 24 && at < end) {
      bits = (bits << 8) | (source[at++] as number)
      count += 8
    }
    if (count < 8) break
    const next = (bits >>> (count - 8)) & 0xff
    const length = shortBits[next] as number
    if (length > 0) {
      count -= length
      into[written++] = shortSymbol[next] as number
      continue
    }
    let code = next
    let codeLength = 8
    let rest = count - 8
    // Codes of up to 30 bits do not fit into what is left of 32: take bytes as they are needed.
    for (;;) {
      if (rest === 0) {
        // All that was left is the beginning of a long code. As padding it is too long (RFC 7541 §5.2).
        if (at === end) return -1
        bits = source[at++] as number
        rest = 8
      }
      rest--
      code = (code << 1) | ((bits >>> rest) & 1)
      codeLength++
      const nth = code - (firstCode[codeLength] as number)
      if (nth < (codesOf[codeLength] as number)) {
        const symbol = symbolsInOrder[(firstPlace[codeLength] as number) + nth] as number
        if (symbol === EOS) return -1
        into[written++] = symbol
        break
      }
      if (codeLength === codeBitsMax) return -1
    }
    count = rest
  }
  return endDecoding(bits, count, written, into)
}

/** Fewer than 8 bits are left: characters of 5 to 7 bits, then padding of ones. */
function endDecoding(bits: number, count: number, written: number, into: Uint8Array): number {
  while (count > 0) {
    const ones = (1 << count) - 1
    const left = bits & ones
    if (left === ones) return written
    const next = (left << (8 - count)) & 0xff
    const length = shortBits[next] as number
    if (length === 0 || length > count) return -1
    into[written++] = shortSymbol[next] as number
    count -= length
  }
  return written
}

/** Codes `text` (latin1) to `into` from `at` on; there must be room. The place behind it. */
export function encodeHuffman(text: string, into: Uint8Array, at: number): number {
  let bits = 0
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff
    let length = codeBits[symbol] as number
    let code = codes[symbol] as number
    if (length > 16) {
      // At most 7 + 14 bits here, and 7 + 16 below: a number of 32 bits holds them.
      bits = (bits << (length - 16)) | (code >>> 16)
      count += length - 16
      while (count >= 8) into[at++] = bits >>> (count -= 8)
      code &= 0xffff
      length = 16
    }
    bits = (bits << length) | code
    count += length
    while (count >= 8) into[at++] = bits >>> (count -= 8)
  }
  if (count > 0) into[at++] = (bits << (8 - count)) | (0xff >>> count)
  return at
}
