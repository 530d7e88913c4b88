/** Frames of HTTP/2 as the simulated client writes and reads them: whole ones, by a reader of its own. */
import { frameHeaderBytes, FrameType, writeFrameHeader } from '../../src/h2/frames.ts'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackDecoder } from '../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { Pseudo } from '../../src/h2/static-table.ts'

export function frameOf(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes)
  writeFrameHeader(header, 0, payload.length, type, flags, id)
  return Buffer.concat([header, payload])
}

export function uint32Of(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const pseudoNumbers = new Map<string, number>([
  [':authority', Pseudo.AUTHORITY],
  [':method', Pseudo.METHOD],
  [':path', Pseudo.PATH],
  [':scheme', Pseudo.SCHEME],
  [':protocol', Pseudo.PROTOCOL],
])

export interface FrameEvents {
  /** Fields of a header block, pseudo-fields by their names. */
  onHeaders(id: number, fields: Map<string, string>, ends: boolean): void
  onFrame(type: number, flags: number, id: number, payload: Buffer): void
  onBad(reason: string): void
}

export class FrameCodec {
  readonly #block = new HeaderBlock()
  readonly #encoder = new HpackEncoder(this.#block)
  readonly #decoder = new HpackDecoder()
  readonly #events: FrameEvents
  #bytes: Buffer = Buffer.alloc(0)
  #fragments: Buffer[] = []
  #ends = false

  constructor(events: FrameEvents) {
    this.#events = events
  }

  headers(id: number, list: readonly (readonly [string, string])[], ends: boolean): Buffer {
    this.#encoder.begin(0)
    for (const [name, value] of list) {
      const number = pseudoNumbers.get(name)
      if (number === undefined) this.#encoder.field(0, name, value, false)
      else this.#encoder.pseudo(number, value)
    }
    const block = Buffer.from(this.#block.buffer.subarray(0, this.#block.end))
    return frameOf(FrameType.HEADERS, ends ? 5 : 4, id, block)
  }

  feed(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length >= frameHeaderBytes) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (length > 16_384) return this.#events.onBad(`a frame of ${length} bytes`)
      if (this.#bytes.length < frameHeaderBytes + length) return
      const [type, flags] = [this.#bytes[3] as number, this.#bytes[4] as number]
      const id = this.#bytes.readUInt32BE(5)
      const payload = this.#bytes.subarray(frameHeaderBytes, frameHeaderBytes + length)
      this.#bytes = this.#bytes.subarray(frameHeaderBytes + length)
      if (type === FrameType.HEADERS || type === FrameType.CONTINUATION)
        this.#onBlock(type, flags, id, payload)
      else this.#events.onFrame(type, flags, id, payload)
    }
  }

  #onBlock(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FrameType.HEADERS) this.#ends = (flags & 1) !== 0
    this.#fragments.push(payload)
    if ((flags & 4) === 0) return
    const block = Buffer.concat(this.#fragments)
    this.#fragments = []
    const fields = new Map<string, string>()
    const sink = { onHeader: (name: string, value: string) => fields.set(name, value).size > 0 }
    if (this.#decoder.decode(block, 0, block.length, sink) !== 0) return this.#events.onBad('a header block')
    this.#events.onHeaders(id, fields, this.#ends)
  }
}
