/**
 * A client of HTTP/2 in a test: says frames, lawful or not, and keeps what it hears as lines that read well.
 */
import { fieldId } from '../../src/http/known-fields.ts'
import { frameHeaderBytes, FrameType, writeFrameHeader, clientPreface } from '../../src/h2/frames.ts'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackDecoder } from '../../src/h2/hpack-decoder.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { settingsPayload } from '../../src/h2/settings.ts'
import { nameNumber, Pseudo } from '../../src/h2/static-table.ts'
import type { TransportEvents } from '../../src/net/transport.ts'
import type { WireEnd } from './wire.ts'

export interface Heard {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly payload: Buffer
  /** Of a header block, decoded. */
  readonly fields: string[]
}

const typeNames = Object.entries(FrameType)

export class H2Client implements TransportEvents {
  readonly end: WireEnd
  readonly block: HeaderBlock = new HeaderBlock()
  readonly encoder: HpackEncoder = new HpackEncoder(this.block)
  readonly decoder: HpackDecoder = new HpackDecoder()
  frames: Heard[] = []
  /** Names of fields that came as never to be indexed. */
  readonly secrets: string[] = []
  hasEnded = false
  closed: string | null = null
  /** Acknowledges SETTINGS and PING by itself, as clients do. */
  isPolite = true
  #bytes: Buffer = Buffer.alloc(0)
  #headers: { flags: number; id: number; pieces: Buffer[] } | null = null

  constructor(end: WireEnd) {
    this.end = end
    end.events = this
  }

  // Saying

  /** The preface and SETTINGS of [id, value, …]. */
  begin(settings: readonly number[] = []): void {
    this.end.writeBytes(clientPreface, 0, clientPreface.length)
    this.frame(FrameType.SETTINGS, 0, 0, settingsPayload(settings))
  }

  frame(type: number, flags: number, id: number, payload: Buffer | string = ''): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
    const header = Buffer.alloc(frameHeaderBytes)
    writeFrameHeader(header, 0, bytes.length, type, flags, id)
    this.end.writeBytes(header, 0, header.length)
    this.end.writeBytes(bytes, 0, bytes.length)
  }

  /** A header block of [name, value, …]; pseudo-fields by their names. */
  encode(list: readonly string[]): Buffer {
    this.encoder.begin(0)
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i] as string
      const number = nameNumber(name)
      if (number >= Pseudo.AUTHORITY) this.encoder.pseudo(number, list[i + 1] as string)
      else this.encoder.field(fieldId(name), name, list[i + 1] as string, false)
    }
    return Buffer.from(this.block.buffer.subarray(0, this.block.end))
  }

  headers(id: number, list: readonly string[], flags = 0x5): void {
    this.frame(FrameType.HEADERS, flags, id, this.encode(list))
  }

  get(id: number, path = '/', more: readonly string[] = []): void {
    this.headers(id, [...requestList('GET', path), ...more])
  }

  post(id: number, path = '/', more: readonly string[] = []): void {
    this.headers(id, [...requestList('POST', path), ...more], 0x4)
  }

  data(id: number, payload: Buffer | string, ends = false): void {
    this.frame(FrameType.DATA, ends ? 1 : 0, id, payload)
  }

  reset(id: number, code = 8): void {
    this.frame(FrameType.RST_STREAM, 0, id, uint32(code))
  }

  window(id: number, bytes: number): void {
    this.frame(FrameType.WINDOW_UPDATE, 0, id, uint32(bytes))
  }

  run(): void {
    this.end.wire.run()
  }

  // Hearing

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(start, end)])
    while (this.#bytes.length >= frameHeaderBytes) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < frameHeaderBytes + length) break
      const [type, flags] = [this.#bytes[3] as number, this.#bytes[4] as number]
      const id = this.#bytes.readUInt32BE(5)
      const payload = Buffer.from(this.#bytes.subarray(frameHeaderBytes, frameHeaderBytes + length))
      this.#bytes = this.#bytes.subarray(frameHeaderBytes + length)
      this.#onFrame(type, flags, id, payload)
    }
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FrameType.HEADERS) this.#headers = { flags, id, pieces: [] }
    if (this.#headers !== null) {
      this.#headers.pieces.push(payload)
      if ((flags & 4) === 0) return
      const whole = Buffer.concat(this.#headers.pieces)
      this.frames.push({ ...this.#headers, type: 1, payload: whole, fields: this.#decode(whole) })
      this.#headers = null
      return
    }
    this.frames.push({ type, flags, id, payload, fields: [] })
    if (!this.isPolite || (flags & 1) !== 0) return
    if (type === FrameType.SETTINGS) this.frame(FrameType.SETTINGS, 1, 0)
    if (type === FrameType.PING) this.frame(FrameType.PING, 1, 0, payload)
  }

  #decode(block: Buffer): string[] {
    const fields: string[] = []
    const fault = this.decoder.decode(block, 0, block.length, {
      onHeader: (name, value, _known, isSecret) => {
        if (isSecret) this.secrets.push(name)
        return fields.push(name, value) > 0
      },
    })
    if (fault !== 0) throw new Error('a header block of ours cannot be decoded')
    return fields
  }

  /**
   * What was heard since it was last asked, a line a frame, without SETTINGS, the connection's window and PINGs:
   * '1 HEADERS 200', '1 DATA 5', '1 DATA 0 END', '1 RST_STREAM 8', '0 GOAWAY 1 0'.
   */
  take(): string[] {
    const { frames } = this
    this.frames = []
    return frames.filter(isOfInterest).map(lineOf)
  }

  /** All DATA of a stream heard and not taken yet. */
  body(id: number): string {
    return this.frames
      .filter((frame) => frame.id === id && frame.type === FrameType.DATA)
      .map((frame) => frame.payload.toString('latin1'))
      .join('')
  }

  /** The fields of the `nth` header block on a stream, without Date. */
  fields(id: number, nth = 0): string[] {
    const blocks = this.frames.filter((frame) => frame.id === id && frame.type === FrameType.HEADERS)
    return withoutDate(blocks[nth]?.fields ?? [])
  }

  onDrain(): void {}

  onEnd(): void {
    this.hasEnded = true
    this.end.end()
  }

  onClose(error: string): void {
    this.closed = error
  }
}

function withoutDate(list: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < list.length; i += 2)
    if (list[i] !== 'date') kept.push(list[i] as string, list[i + 1] as string)
  return kept
}

export function requestList(method: string, path: string): string[] {
  return [':method', method, ':scheme', 'http', ':path', path, ':authority', 'a.example']
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function isOfInterest({ type, id }: Heard): boolean {
  return (
    type !== FrameType.SETTINGS && type !== FrameType.PING && !(type === FrameType.WINDOW_UPDATE && id === 0)
  )
}

function lineOf({ type, flags, id, payload, fields }: Heard): string {
  const name = typeNames.find(([, number]) => number === type)?.[0] ?? String(type)
  const isStreamEnd = (type === FrameType.DATA || type === FrameType.HEADERS) && (flags & 1) !== 0
  const end = isStreamEnd ? ' END' : ''
  if (type === FrameType.HEADERS)
    return `${id} HEADERS ${fields[0] === ':status' ? fields[1] : withoutDate(fields).join(' ')}${end}`
  if (type === FrameType.DATA) return `${id} DATA ${payload.length}${end}`
  if (type === FrameType.GOAWAY) return `0 GOAWAY ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)}`
  return `${id} ${name} ${payload.readUInt32BE(0)}`
}
