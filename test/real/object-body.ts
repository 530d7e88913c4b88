/** A large object of which every byte is known: no two stretches are alike, so that what is lost or misplaced shows. */

export function objectOf(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.ceil(size / 4) * 4)
  let word = 2_463_534_242
  for (let at = 0; at < bytes.length; at += 4) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    bytes.writeInt32LE(word | 0, at)
  }
  return bytes.subarray(0, size)
}
