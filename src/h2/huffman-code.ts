/**
 * The Huffman code of HPACK (RFC 7541 Appendix B), given as the length of each symbol's code; the codes follow from
 * that. The code is canonical: shorter codes come before longer ones, equal lengths are in the order of their
 * symbols, and each code is the one before plus one. So there are no 257 codes in which to make a slip.
 */

/** The symbol behind the 256 bytes: end of string. It never stands in a string (RFC 7541 §5.2). */
export const EOS = 256

/** No code is longer, in bits. */
export const codeBitsMax = 30

/** Bits of the code of each byte, and of EOS. */
// prettier-ignore
export const codeBits: Uint8Array = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
)

/** The code of each symbol, in the low bits. */
export const codes: Uint32Array = new Uint32Array(codeBits.length)

/** Symbols in the order of their codes. */
export const symbolsInOrder: Uint16Array = new Uint16Array(codeBits.length)

/** Per length: the first code of that length, how many there are, and the place of the first in `symbolsInOrder`. */
export const firstCode: Uint32Array = new Uint32Array(codeBitsMax + 1)
export const codesOf: Uint16Array = new Uint16Array(codeBitsMax + 1)
export const firstPlace: Uint16Array = new Uint16Array(codeBitsMax + 1)

let code = 0
let place = 0
for (let bits = 1; bits <= codeBitsMax; bits++) {
  code *= 2
  firstCode[bits] = code
  firstPlace[bits] = place
  for (let symbol = 0; symbol <= EOS; symbol++) {
    if (codeBits[symbol] !== bits) continue
    codes[symbol] = code++
    symbolsInOrder[place++] = symbol
  }
  codesOf[bits] = place - (firstPlace[bits] as number)
}
