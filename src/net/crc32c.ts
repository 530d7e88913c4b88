/** CRC-32C (Castagnoli, RFC 3309): the checksum of the PROXY protocol's version 2. */

const table: Uint32Array = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0x82_f6_3b_78 : rest >>> 1
  table[byte] = rest
}

/** Of `bytes[start, end)`, with the four bytes at `zeroAt` taken as 0: where the sum itself stands. */
export function crc32c(bytes: Buffer, start: number, end: number, zeroAt: number): number {
  let sum = 0xff_ff_ff_ff
  for (let i = start; i < end; i++) {
    const byte = i >= zeroAt && i < zeroAt + 4 ? 0 : (bytes[i] as number)
    sum = (sum >>> 8) ^ (table[(sum ^ byte) & 0xff] as number)
  }
  return (sum ^ 0xff_ff_ff_ff) >>> 0
}
