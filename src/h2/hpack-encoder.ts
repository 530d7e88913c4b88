/**
 * HpackEncoder: encodes the header blocks of one connection, in the order in which they are sent (RFC 7541).
 *
 * The first value of a name enters the table, then any value that comes twice in a row. So a field that changes with
 * each message (a date, a path, an id) does not push out those that stay, and one that seems to change but does not
 * (a client that asks for one thing again and again) costs one byte.
 *
 * Promises: credentials never enter the table, and are marked so that they enter no table further on (RFC 7541
 * §7.1.3); Huffman coding is used only where it is shorter; a block begins with the changes of the table's size that
 * the peer must be told of (RFC 7541 §4.2).
 */
import { DynamicTable, defaultTableBytes } from './dynamic-table.ts'
import type { HeaderBlock } from './header-block.ts'
import { codeBits } from './huffman-code.ts'
import { encodeHuffman } from './huffman.ts'
import {
  nameCount,
  numberedName,
  staticCount,
  staticFirst,
  staticIndexByName,
  staticRun,
  staticValues,
} from './static-table.ts'
import { CHANGING, SECRET, strangerTreatment, treatments } from './treatments.ts'

/** Names without a number that one connection tells apart; when there are more, it begins again. */
const strangersMax = 64

/** An entry may take this part of the table; a larger one would drive out most of the others. */
const entryPartMax = 4

/** Entries of one name that a value is compared with. */
const comparisonsMax = 4

/** Bytes of the longest integer that is written. */
const integerBytes = 6

export class HpackEncoder {
  readonly #block: HeaderBlock
  readonly #table: DynamicTable
  readonly #tableBytesLimit: number
  /** Per name: 1 + the slot of its newest entry. Per slot: 1 + that of the entry with the same name before it. May be stale. */
  readonly #newest: Uint16Array = new Uint16Array(nameCount + strangersMax)
  readonly #older: Uint16Array
  /** Per name: a sum over the last literal. A chance meeting of two costs an entry of the table, nothing else. */
  readonly #lastSum: Int32Array = new Int32Array(nameCount + strangersMax)
  #strangers: Map<string, number> | null = null
  readonly #strangerTreatments: Uint8Array = new Uint8Array(strangersMax)
  /** Changes of the table's size that the next block begins with; -1 for none. */
  #smallestBytes = -1
  #nextBytes = -1
  /** The sum over the string that was measured last. */
  #sum = 0

  /** Writes to `block`. Of the table that the peer allows, `tableBytesLimit` is used at most. */
  constructor(block: HeaderBlock, tableBytesLimit: number = defaultTableBytes) {
    this.#block = block
    this.#tableBytesLimit = tableBytesLimit
    this.#table = new DynamicTable(defaultTableBytes, Math.max(tableBytesLimit, defaultTableBytes))
    this.#older = new Uint16Array(this.#table.mask + 1)
    this.allowTable(defaultTableBytes)
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, in bytes. Counts from the next block on. */
  allowTable(bytes: number): void {
    const bytesMax = Math.min(bytes, this.#tableBytesLimit)
    if (bytesMax === (this.#nextBytes < 0 ? this.#table.bytesMax : this.#nextBytes)) return
    if (this.#smallestBytes < 0 || bytesMax < this.#smallestBytes) this.#smallestBytes = bytesMax
    this.#nextBytes = bytesMax
  }

  /** Begins a block, behind `reserve` bytes that are left free. */
  begin(reserve: number): void {
    this.#block.begin(reserve)
    if (this.#nextBytes < 0) return
    this.#block.reserve(2 * integerBytes)
    if (this.#smallestBytes < this.#nextBytes) this.#resize(this.#smallestBytes)
    this.#resize(this.#nextBytes)
    this.#smallestBytes = this.#nextBytes = -1
  }

  #resize(bytes: number): void {
    this.#table.resize(bytes)
    this.#writeInteger(0x20, 0x1f, bytes)
  }

  /** A pseudo-field by its number in `Pseudo`. They stand before the fields. */
  pseudo(number: number, value: string): void {
    this.#encode(number, '', value, treatments[number] as number)
  }

  /** A field by its known number or, where that is 0, its name in any case. `isSecret`: it came as never to be indexed. */
  field(id: number, name: string, value: string, isSecret: boolean): void {
    if (id !== 0) return this.#encode(id, '', value, isSecret ? SECRET : (treatments[id] as number))
    const lowerName = name.toLowerCase()
    const number = this.#strangers?.get(lowerName) ?? this.#meet(lowerName)
    const treatment = isSecret ? SECRET : (this.#strangerTreatments[number - nameCount] as number)
    this.#encode(number, lowerName, value, treatment)
  }

  /** Gives a name a number of this connection. */
  #meet(lowerName: string): number {
    this.#strangers ??= new Map()
    if (this.#strangers.size === strangersMax) {
      this.#strangers.clear()
      this.#newest.fill(0, nameCount)
      this.#lastSum.fill(0, nameCount)
    }
    const number = nameCount + this.#strangers.size
    this.#strangers.set(lowerName, number)
    this.#strangerTreatments[number - nameCount] = strangerTreatment(lowerName)
    return number
  }

  #encode(number: number, lowerName: string, value: string, treatment: number): void {
    let nameIndex = 0
    if (number < nameCount) {
      nameIndex = staticFirst[number] as number
      const index = nameIndex === 0 ? 0 : findStatic(number, value)
      if (index > 0) return this.#writeIndex(index)
    } else nameIndex = staticIndexByName.get(lowerName) ?? 0
    const newest = this.#newestOf(number)
    if (newest >= 0) {
      const index = treatment === SECRET ? 0 : this.#find(newest, number, value)
      if (index > 0) return this.#writeIndex(index)
      if (nameIndex === 0) nameIndex = this.#indexOf(newest)
    }
    this.#writeLiteral(number, nameIndex, lowerName, value, newest < 0 && treatment !== CHANGING, treatment)
  }

  #writeLiteral(
    number: number,
    nameIndex: number,
    lowerName: string,
    value: string,
    isFirst: boolean,
    treatment: number,
  ): void {
    const codedBytes = this.#measure(value)
    const isAgain = this.#sum === this.#lastSum[number]
    this.#lastSum[number] = this.#sum
    const name = lowerName === '' ? numberedName(number) : lowerName
    this.#block.reserve(3 * integerBytes + name.length + value.length)
    const isKept = treatment !== SECRET && (isFirst || isAgain) && this.#hasRoomFor(name, value)
    if (isKept) this.#writeInteger(0x40, 0x3f, nameIndex)
    else this.#writeInteger(treatment === SECRET ? 0x10 : 0, 0x0f, nameIndex)
    if (nameIndex === 0) this.#writeString(name, this.#measure(name))
    this.#writeString(value, codedBytes)
    if (isKept) this.#keep(number, name, value)
  }

  // The table

  #indexOf(slot: number): number {
    return staticCount + 1 + this.#table.nthOf(slot)
  }

  /** The slot of the newest entry of a name, -1 when there is none any more. */
  #newestOf(number: number): number {
    const slot = (this.#newest[number] as number) - 1
    return slot >= 0 && this.#isLive(slot, number) ? slot : -1
  }

  #isLive(slot: number, number: number): boolean {
    const table = this.#table
    return table.nthOf(slot) < table.count && table.numbers[slot] === number
  }

  /** The index of an entry with this name and value, 0 when there is none among the newest. */
  #find(newest: number, number: number, value: string): number {
    const table = this.#table
    let slot = newest
    for (let n = 0; n < comparisonsMax; n++) {
      if (table.values[slot] === value) return this.#indexOf(slot)
      const older = (this.#older[slot] as number) - 1
      if (older < 0 || table.nthOf(older) <= table.nthOf(slot) || !this.#isLive(older, number)) return 0
      slot = older
    }
    return 0
  }

  #hasRoomFor(name: string, value: string): boolean {
    return name.length + value.length <= this.#table.bytesMax / entryPartMax
  }

  #keep(number: number, name: string, value: string): void {
    // A slice would keep the whole head that it was cut from.
    const own = Buffer.from(value, 'latin1').toString('latin1')
    const slot = this.#table.insert(name, own, number)
    if (slot < 0) return
    this.#older[slot] = this.#newest[number] as number
    this.#newest[number] = slot + 1
  }

  // Bytes

  /** Bytes of `text` when it is coded; its sum is in `#sum`. */
  #measure(text: string): number {
    let bits = 0
    let sum = text.length + 1
    for (let i = 0; i < text.length; i++) {
      const byte = text.charCodeAt(i)
      bits += codeBits[byte & 0xff] as number
      sum = (Math.imul(sum, 31) + byte) | 0
    }
    this.#sum = sum
    return (bits + 7) >>> 3
  }

  #writeIndex(index: number): void {
    const block = this.#block
    block.reserve(integerBytes)
    if (index < 0x7f) block.buffer[block.end++] = 0x80 | index
    else this.#writeInteger(0x80, 0x7f, index)
  }

  #writeInteger(flags: number, prefix: number, value: number): void {
    const block = this.#block
    const { buffer } = block
    if (value < prefix) {
      buffer[block.end++] = flags | value
      return
    }
    buffer[block.end++] = flags | prefix
    let rest = value - prefix
    for (; rest >= 0x80; rest >>>= 7) buffer[block.end++] = 0x80 | (rest & 0x7f)
    buffer[block.end++] = rest
  }

  #writeString(text: string, codedBytes: number): void {
    const block = this.#block
    if (codedBytes < text.length) {
      this.#writeInteger(0x80, 0x7f, codedBytes)
      block.end = encodeHuffman(text, block.buffer, block.end)
      return
    }
    this.#writeInteger(0, 0x7f, text.length)
    for (let i = 0; i < text.length; i++) block.buffer[block.end++] = text.charCodeAt(i)
  }
}

/** The index of an entry of the static table with this value, 0 when there is none. */
function findStatic(number: number, value: string): number {
  const first = staticFirst[number] as number
  const end = first + (staticRun[number] as number)
  for (let index = first; index < end; index++) if (staticValues[index] === value) return index
  return 0
}
