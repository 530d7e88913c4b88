/**
 * The bytes of a body, made from the number of its exchange: any byte that lands in another exchange's body, or at
 * another place of its own, is seen at once.
 */
export function patternByte(id: number, index: number): number {
  return (id * 131 + index * 7 + (index >>> 8) * 29 + 17) & 0xff
}

export function pattern(id: number, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from)
  for (let i = from; i < to; i++) bytes[i - from] = patternByte(id, i)
  return bytes
}

/** Index of the first wrong byte of `bytes`, which should stand at `from` in body `id`; -1 when all are right. */
export function mismatch(id: number, from: number, bytes: Buffer): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== patternByte(id, from + i)) return from + i
  return -1
}
