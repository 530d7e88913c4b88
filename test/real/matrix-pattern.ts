/** Bytes of which each is known by its place, so that one that is lost, doubled or moved is seen. */

export const patternBytes = 64 * 1024

/** A period that no power of two divides: what is moved by a buffer's size is seen, too. */
const period = 65_521
const pattern = Buffer.from(
  Array.from({ length: period + patternBytes }, (_, i) => ((i % period) * 31 + ((i % period) >> 8)) & 255),
)

/** `length` bytes (at most `patternBytes`) of the pattern from `at` on. */
export function patternAt(at: number, length: number): Buffer {
  const start = at % period
  return pattern.subarray(start, start + length)
}

/** Checks pieces as they come. */
export class PatternCheck {
  bytes = 0

  take(piece: Buffer): void {
    for (let at = 0; at < piece.length; at += patternBytes) {
      const part = piece.subarray(at, at + patternBytes)
      if (!part.equals(patternAt(this.bytes, part.length))) throw new Error(`wrong bytes at ${this.bytes}`)
      this.bytes += part.length
    }
  }
}
