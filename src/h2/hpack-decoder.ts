/**
 * HpackDecoder: decodes the header blocks of one connection, in the order in which they came (RFC 7541).
 *
 * Promises: a block is decoded to its end whatever the sink says, since the table must be what the peer believes it
 * to be. A fault ends the connection (RFC 9113 §4.3). Literals are bounded by the bytes of the block (which the
 * caller bounds), indexed entries by the sink: an entry costs no string, only a call, and not even that once the sink
 * has refused. Names and values are checked once, when they come in; table entries remember the result.
 */
import { COLON, HTAB, SP, tokenClass, valueClass } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { fieldIdAt, fieldName } from '../http/known-fields.ts'
import { NAME_BAD, VALUE_BAD, type HeaderSink } from '../http/pseudo-fields.ts'
import { DynamicTable, defaultTableBytes } from './dynamic-table.ts'
import { decodeHuffman, huffmanBytesMax } from './huffman.ts'
import { nameNumber, staticCount, staticNames, staticNumbers, staticValues } from './static-table.ts'

export { NAME_BAD, VALUE_BAD, type HeaderSink } from '../http/pseudo-fields.ts'

/** Bytes of an integer behind its prefix; 2^28 is more than any index or length here (RFC 7541 §5.1). */
const integerBytesMax = 4

const lowerTokenClass = Uint8Array.from(tokenClass, (is, byte) => (byte >= 0x41 && byte <= 0x5a ? 0 : is))

/** Strings are decoded into it, and cut from it before the next. One for the process. */
let scratch: Buffer = Buffer.allocUnsafeSlow(8192)

export class HpackDecoder {
  readonly #table: DynamicTable
  readonly #tableBytesMax: number
  // Where the reading is; and what was read last.
  #at = 0
  #integer = 0
  #name = ''
  #number = 0
  #value = ''
  #isValueBad = false

  /**
   * `tableBytesMax`: what our SETTINGS_HEADER_TABLE_SIZE says, at least 4096. Below that the peer would have to be told, and
   * to answer, before it counts (RFC 7541 §4.2).
   */
  constructor(tableBytesMax: number = defaultTableBytes) {
    this.#tableBytesMax = Math.max(tableBytesMax, defaultTableBytes)
    this.#table = new DynamicTable(defaultTableBytes, this.#tableBytesMax)
  }

  /** Decodes a whole block, its CONTINUATION included. NONE, or H2_COMPRESSION_ERROR. */
  decode(buffer: Buffer, start: number, end: number, sink: HeaderSink): Fault {
    let keeps = true
    let isAtStart = true
    this.#at = start
    while (this.#at < end) {
      const byte = buffer[this.#at] as number
      if ((byte & 0xe0) === 0x20) {
        if (!isAtStart || !this.#resize(buffer, end)) return Faults.H2_COMPRESSION_ERROR
        continue
      }
      isAtStart = false
      if (byte >= 0x80) {
        if (!this.#readInteger(buffer, end, 0x7f) || !this.#look(this.#integer))
          return Faults.H2_COMPRESSION_ERROR
      } else if (!this.#readLiteral(buffer, end, byte)) return Faults.H2_COMPRESSION_ERROR
      if (keeps) keeps = sink.onHeader(this.#name, this.#value, this.#number, (byte & 0xf0) === 0x10)
    }
    return NONE
  }

  /** A change of the table's size (RFC 7541 §6.3). */
  #resize(buffer: Buffer, end: number): boolean {
    if (!this.#readInteger(buffer, end, 0x1f) || this.#integer > this.#tableBytesMax) return false
    this.#table.resize(this.#integer)
    return true
  }

  /** Takes an entry by its index (RFC 7541 §2.3.3). */
  #look(index: number): boolean {
    if (index <= staticCount) {
      this.#name = staticNames[index] as string
      this.#value = staticValues[index] as string
      this.#number = staticNumbers[index] as number
      return index > 0
    }
    const table = this.#table
    const nth = index - staticCount - 1
    if (nth >= table.count) return false
    const slot = table.slotOf(nth)
    this.#name = table.names[slot] as string
    this.#value = table.values[slot] as string
    this.#number = table.numbers[slot] as number
    return true
  }

  #readLiteral(buffer: Buffer, end: number, byte: number): boolean {
    const isIndexed = byte >= 0x40
    if (!this.#readInteger(buffer, end, isIndexed ? 0x3f : 0x0f)) return false
    if (this.#integer === 0 ? !this.#readName(buffer, end) : !this.#look(this.#integer)) return false
    // An entry whose value was bad has a name that is good.
    if (this.#number === VALUE_BAD) this.#number = nameNumber(this.#name)
    if (!this.#readValue(buffer, end)) return false
    if (this.#isValueBad && this.#number >= 0) this.#number = VALUE_BAD
    if (isIndexed) this.#table.insert(this.#name, this.#value, this.#number)
    return true
  }

  /** Reads an integer whose prefix is masked by `prefix` (RFC 7541 §5.1). */
  #readInteger(buffer: Buffer, end: number, prefix: number): boolean {
    let value = (buffer[this.#at++] as number) & prefix
    if (value === prefix) {
      for (let shift = 0; ; shift += 7) {
        if (this.#at === end || shift === integerBytesMax * 7) return false
        const byte = buffer[this.#at++] as number
        value += (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
    }
    this.#integer = value
    return true
  }

  /** Makes out the bytes of a string. Its end is `#at` afterwards; -1: it is coded, and decoded to `scratch`. */
  #readName(buffer: Buffer, end: number): boolean {
    const coded = this.#at < end && (buffer[this.#at] as number) >= 0x80
    if (!this.#readLength(buffer, end)) return false
    const start = this.#at
    this.#at += this.#integer
    if (!coded) return this.#takeName(buffer, start, this.#at)
    const length = decodeString(buffer, start, this.#at)
    return length >= 0 && this.#takeName(scratch, 0, length)
  }

  #takeName(bytes: Buffer, start: number, end: number): boolean {
    const first = start < end && bytes[start] === COLON ? start + 1 : start
    let isGood = first < end
    for (let i = first; i < end; i++) if (lowerTokenClass[bytes[i] as number] === 0) isGood = false
    const known = isGood && first === start ? fieldIdAt(bytes, start, end) : 0
    this.#name = known > 0 ? fieldName(known) : latin1(bytes, start, end)
    this.#number = known > 0 ? known : isGood ? nameNumber(this.#name) : NAME_BAD
    return true
  }

  #readValue(buffer: Buffer, end: number): boolean {
    const coded = this.#at < end && (buffer[this.#at] as number) >= 0x80
    if (!this.#readLength(buffer, end)) return false
    const start = this.#at
    this.#at += this.#integer
    if (!coded) return this.#takeValue(buffer, start, this.#at)
    const length = decodeString(buffer, start, this.#at)
    return length >= 0 && this.#takeValue(scratch, 0, length)
  }

  #takeValue(bytes: Buffer, start: number, end: number): boolean {
    this.#isValueBad = false
    this.#value = ''
    if (start === end) return true
    let isGood = !isSpace(bytes[start] as number) && !isSpace(bytes[end - 1] as number)
    for (let i = start; i < end; i++) if (valueClass[bytes[i] as number] === 0) isGood = false
    this.#isValueBad = !isGood
    this.#value = latin1(bytes, start, end)
    return true
  }

  /** The length of a string that lies in the block as a whole. */
  #readLength(buffer: Buffer, end: number): boolean {
    return this.#at < end && this.#readInteger(buffer, end, 0x7f) && this.#integer <= end - this.#at
  }
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB
}

/** Decodes to `scratch`; how many bytes, -1 when it is badly coded. */
function decodeString(buffer: Buffer, start: number, end: number): number {
  const bytesMax = huffmanBytesMax(end - start)
  if (bytesMax > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.max(bytesMax, scratch.length * 2))
  return decodeHuffman(buffer, start, end, scratch)
}

function latin1(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end)
}
