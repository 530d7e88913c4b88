/**
 * A WebSocket that echoes (RFC 6455), for the demo's origins: the package has no WebSocket library, and an echo needs
 * little. Text and binary messages come back as they came; a ping is answered; a close is answered and ends it.
 *
 * Bounds: a message of more than `messageBytesMax` closes with 1009; frames that break the rules close with 1002.
 */
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'

const messageBytesMax = 1024 * 1024
const keyMagic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const CONTINUATION = 0
const CLOSE = 8
const PING = 9
const PONG = 10

/** A frame in a buffer: its parts, and where the next one starts. */
interface Frame {
  readonly isFinal: boolean
  readonly opcode: number
  readonly payload: Buffer
  readonly next: number
}

/** RFC 6455 §4.2.2: what proves to the client that its key was read. */
export function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + keyMagic)
    .digest('base64')
}

/** Reads the frame that starts at `at`; null while it is not whole; a number is the code to close with. */
function readFrame(bytes: Buffer, at: number): Frame | null | number {
  if (bytes.length < at + 2) return null
  const first = bytes.readUInt8(at)
  const second = bytes.readUInt8(at + 1)
  // RFC 6455 §5.1, §5.2: a client's frame is masked, and no extension gave the reserved bits a meaning.
  if ((second & 0x80) === 0 || (first & 0x70) !== 0) return 1002
  const short = second & 0x7f
  const start = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
  if (bytes.length < start + 4) return null
  const length =
    short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
  if (length > messageBytesMax) return 1009
  const next = start + 4 + length
  if (bytes.length < next) return null
  const payload = Buffer.from(bytes.subarray(start + 4, next))
  for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (bytes[start + (i & 3)] ?? 0)
  return { isFinal: (first & 0x80) !== 0, opcode: first & 0x0f, payload, next }
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head.writeUInt8(0x80 | opcode, 0)
  if (length < 126) head.writeUInt8(length, 1)
  else if (length < 65_536) {
    head.writeUInt8(126, 1)
    head.writeUInt16BE(length, 2)
  } else {
    head.writeUInt8(127, 1)
    head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, payload])
}

class Echo {
  readonly #socket: Duplex
  #bytes: Buffer = Buffer.alloc(0)
  /** Frames of a message whose last has not come. */
  #parts: Buffer[] = []
  #partsBytes = 0
  #opcode = 0

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.push(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.destroy())
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    let at = 0
    while (!this.#socket.writableEnded) {
      const read = readFrame(this.#bytes, at)
      if (read === null) break
      if (typeof read === 'number') return this.#close(read)
      at = read.next
      this.#take(read)
    }
    this.#bytes = this.#bytes.subarray(at)
  }

  #take(one: Frame): void {
    if (one.opcode === CLOSE) {
      this.#socket.end(frame(CLOSE, one.payload.subarray(0, 2)))
    } else if (one.opcode === PING) {
      this.#socket.write(frame(PONG, one.payload))
    } else if (one.opcode < CLOSE) {
      this.#takePart(one)
    }
  }

  #takePart(one: Frame): void {
    const isFirst = one.opcode !== CONTINUATION
    // RFC 6455 §5.4: a message's frames follow each other, no other message between.
    if (isFirst === this.#parts.length > 0) return this.#close(1002)
    if (isFirst) this.#opcode = one.opcode
    this.#parts.push(one.payload)
    this.#partsBytes += one.payload.length
    if (this.#partsBytes > messageBytesMax) return this.#close(1009)
    if (!one.isFinal) return
    this.#socket.write(frame(this.#opcode, Buffer.concat(this.#parts)))
    this.#parts = []
    this.#partsBytes = 0
  }

  #close(code: number): void {
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code, 0)
    this.#socket.end(frame(CLOSE, payload))
  }
}

/** Answers an upgrade request whose key is `key`, and echoes from then on. `greeting` is sent first, as text. */
export function echoOn(socket: Duplex, head: Buffer, key: string, greeting: string): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
  )
  const echo = new Echo(socket)
  socket.write(frame(1, Buffer.from(greeting)))
  if (head.length > 0) echo.push(head)
}
