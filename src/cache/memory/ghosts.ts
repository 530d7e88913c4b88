/**
 * GhostTable: marks of keys that were recently evicted, 8 bytes each. A key is found for as many further evictions as
 * there are entries. Two keys with the same 32 bits are taken for one, and a mark may be overwritten by another; that
 * costs a better or worse place in a queue and nothing else.
 */

const slotsMin = 1024
const slotsMax = 1 << 24

export class GhostTable {
  #prints = new Uint32Array(slotsMin)
  /** Number of the eviction that wrote it. */
  #written = new Uint32Array(slotsMin)
  #evictions = 0
  #lifetime = 0

  /** `entries`: how many there are in the store, which is how many evictions long the mark is to be found. */
  add(key: string, entries: number): void {
    this.#lifetime = entries
    if (entries * 2 > this.#prints.length && this.#prints.length < slotsMax) this.#grow(entries)
    this.#evictions = (this.#evictions + 1) >>> 0
    const print = hashOf(key)
    const slot = print & (this.#prints.length - 1)
    this.#prints[slot] = print
    this.#written[slot] = this.#evictions
  }

  /** Room for twice as many; the old marks keep their places where they fit. */
  #grow(entries: number): void {
    let length = this.#prints.length
    while (length < entries * 2 && length < slotsMax) length *= 2
    const prints = new Uint32Array(length)
    const written = new Uint32Array(length)
    for (let i = 0; i < this.#prints.length; i++) {
      const print = this.#prints[i] as number
      prints[print & (length - 1)] = print
      written[print & (length - 1)] = this.#written[i] as number
    }
    this.#prints = prints
    this.#written = written
  }

  /** Was `key` thrown out lately? Its mark is taken away. */
  take(key: string): boolean {
    if (this.#evictions === 0) return false
    const print = hashOf(key)
    const slot = print & (this.#prints.length - 1)
    if (this.#prints[slot] !== print) return false
    this.#prints[slot] = 0
    return (this.#evictions - (this.#written[slot] as number)) >>> 0 < this.#lifetime
  }
}

/** 32 bits of a text, well mixed, never 0. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return (hash ^ (hash >>> 15)) >>> 0 || 1
}
