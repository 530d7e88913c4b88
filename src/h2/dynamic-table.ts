/**
 * DynamicTable: the fields that one side of a connection has sent before and may refer to (RFC 7541 §2.3.2, §4). It
 * is a ring of ready strings, so a reference costs no new string.
 *
 * Invariants: `bytes` is the sum of name + value + 32 over all entries (RFC 7541 §4.1) and never above `bytesMax`;
 * entry 0 is the newest. Strings are latin1, so their length is their number of bytes; none is a slice that would
 * keep a whole head in memory.
 */
import { entryOverheadBytes } from '../http/pseudo-fields.ts'

/** A table's size until one says otherwise (RFC 9113 §6.5.2). */
export const defaultTableBytes = 4096

export class DynamicTable {
  bytes = 0
  count = 0
  bytesMax: number
  readonly names: string[] = []
  readonly values: string[] = []
  /** Per slot: the number of the name, or what its user wants to know of it. */
  readonly numbers: Int16Array
  readonly mask: number
  /** The slot of the newest. */
  head = -1

  /** `bytesLimit`: above this it will never be set. */
  constructor(bytesMax: number, bytesLimit: number) {
    this.bytesMax = bytesMax
    let slots = 1
    while (slots * entryOverheadBytes < bytesLimit) slots *= 2
    this.mask = slots - 1
    this.numbers = new Int16Array(slots)
  }

  /** The slot of entry `nth`, below `count`. */
  slotOf(nth: number): number {
    return (this.head - nth) & this.mask
  }

  /** The entry in a slot; it has gone, or was never there, unless that is below `count`. */
  nthOf(slot: number): number {
    return (this.head - slot) & this.mask
  }

  /** Puts an entry in, and out what it leaves no room for. One larger than the table empties it (RFC 7541 §4.4). The slot, or -1. */
  insert(name: string, value: string, number: number): number {
    const bytes = name.length + value.length + entryOverheadBytes
    this.#evictTo(this.bytesMax - bytes)
    if (bytes > this.bytesMax) return -1
    const slot = (this.head + 1) & this.mask
    this.head = slot
    this.names[slot] = name
    this.values[slot] = value
    this.numbers[slot] = number
    this.count++
    this.bytes += bytes
    return slot
  }

  resize(bytesMax: number): void {
    this.bytesMax = bytesMax
    this.#evictTo(bytesMax)
  }

  #evictTo(bytesMax: number): void {
    while (this.bytes > bytesMax && this.count > 0) {
      const slot = this.slotOf(--this.count)
      this.bytes -=
        (this.names[slot] as string).length + (this.values[slot] as string).length + entryOverheadBytes
      this.names[slot] = this.values[slot] = ''
    }
  }
}
