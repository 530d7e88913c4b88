/**
 * Several texts, one after another, as bytes: first how many, then each with its length. One byte per character
 * (latin1).
 */

const lengthBytes = 4

export function writeTexts(texts: readonly string[]): Buffer {
  let total = lengthBytes
  for (const text of texts) total += lengthBytes + text.length
  const bytes = Buffer.allocUnsafe(total)
  let at = bytes.writeUInt32LE(texts.length, 0)
  for (const text of texts) {
    at = bytes.writeUInt32LE(text.length, at)
    at += bytes.write(text, at, 'latin1')
  }
  return bytes
}

/** Reads what `writeTexts` wrote, whose bytes are known to be undamaged. */
export class TextReader {
  readonly count: number
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.count = bytes.readUInt32LE(at)
    this.#at = at + lengthBytes
  }

  next(): string {
    const start = this.#at + lengthBytes
    const end = start + this.#bytes.readUInt32LE(this.#at)
    this.#at = end
    return start === end ? '' : this.#bytes.toString('latin1', start, end)
  }
}
