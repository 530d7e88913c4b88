/**
 * What a header block says, as lines, for tests of both directions.
 */
import { Faults } from '../../../src/core/faults.ts'
import { HeaderBlock } from '../../../src/h2/header-block.ts'
import { HpackDecoder, type HeaderSink } from '../../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../../src/h2/hpack-encoder.ts'
import { nameNumber } from '../../../src/h2/static-table.ts'
import { knownFieldCount } from '../../../src/http/known-fields.ts'

export type Line = readonly [name: string, value: string]

export class ListSink implements HeaderSink {
  readonly lines: Line[] = []
  readonly known: number[] = []
  readonly secrets: string[] = []
  readonly linesMax: number

  constructor(linesMax: number = Infinity) {
    this.linesMax = linesMax
  }

  onHeader(name: string, value: string, known: number, isSecret: boolean): boolean {
    this.lines.push([name, value])
    this.known.push(known)
    if (isSecret) this.secrets.push(name)
    return this.lines.length < this.linesMax
  }
}

/** The lines of a block, or 'bad'. */
export function decoded(decoder: HpackDecoder, block: Buffer): Line[] | 'bad' {
  const sink = new ListSink()
  // Surrounded by bytes that would be a field: nobody may look at them.
  const buffer = Buffer.concat([Buffer.from([0x82]), block, Buffer.from([0x82])])
  const fault = decoder.decode(buffer, 1, buffer.length - 1, sink)
  return fault === Faults.H2_COMPRESSION_ERROR ? 'bad' : sink.lines
}

/** Writes lines as one block, pseudo-fields by their numbers. */
export function encoded(encoder: HpackEncoder, block: HeaderBlock, lines: readonly Line[]): Buffer {
  encoder.begin(0)
  for (const [name, value] of lines) {
    const number = nameNumber(name.toLowerCase())
    if (number >= knownFieldCount) encoder.pseudo(number, value)
    else encoder.field(number, name, value, false)
  }
  return Buffer.from(block.buffer.subarray(0, block.end))
}
