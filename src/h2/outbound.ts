/**
 * Outbound: what a session sends. Frames go to the transport's stage, so that what is sent within one event leaves in
 * one write. DATA is sent as far as the two windows (RFC 9113 §5.2) and the transport allow; the rest waits in the
 * memory of its stream.
 *
 * Promises: bytes that need not wait are copied to the stage and nowhere else; streams that wait are served in the
 * order of `SendQueue`; while the transport is full no DATA is sent.
 */
import { Fields } from '../http/fields.ts'
import type { Transport } from '../net/transport.ts'
import { Flood, type FloodGuard } from './flood-guard.ts'
import {
  Flag,
  frameBytesMaxDefault,
  frameHeaderBytes,
  FrameType,
  writeFrameHeader,
  writeUint32,
} from './frames.ts'
import { HeaderBlock } from './header-block.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import { SendQueue } from './send-queue.ts'
import { windowBytesDefault } from './settings.ts'
import type { SessionStream } from './stream.ts'

/**
 * Payload of the DATA frames that we send: with their headers four of them fill the stage, so that a large body leaves by
 * 64 KiB a write whatever the peer's SETTINGS_MAX_FRAME_SIZE.
 */
export const dataBytesMax = frameBytesMaxDefault - frameHeaderBytes

/** What a WINDOW_UPDATE should bring: one for each byte is a game, one for each line of a chat is none. */
const windowBytesFair = 16
/** So much earns the two that a frame is answered with: its stream's and the connection's. */
const crumbBytes = 2 * windowBytesFair

/** Blocks are encoded and sent in one go: one memory serves all sessions. */
const block = new HeaderBlock()
const scratch = Buffer.allocUnsafeSlow(64)

/** Who watches whether the peer takes what is sent. */
export interface TakingWatch {
  givenBytes: number
  watchTaking(): void
  stopWatching(): void
}

export class Outbound {
  readonly encoder: HpackEncoder = new HpackEncoder(block)
  readonly queue: SendQueue<SessionStream> = new SendQueue()
  /** What the connection may send. */
  window = windowBytesDefault
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  frameBytesMax = frameBytesMaxDefault
  /** The transport is full until `drained`. */
  isHeld = false
  readonly #transport: Transport
  readonly #watch: TakingWatch
  readonly #guard: FloodGuard
  #isPumping = false

  constructor(transport: Transport, watch: TakingWatch, guard: FloodGuard) {
    this.#transport = transport
    this.#watch = watch
    this.#guard = guard
  }

  // Frames of the connection

  settings(payload: Buffer): void {
    this.#frame(FrameType.SETTINGS, 0, 0, payload.length)
    this.#write(payload, 0, payload.length)
  }

  settingsAck(): void {
    this.#frame(FrameType.SETTINGS, Flag.ACK, 0, 0)
  }

  /** `payload` holds eight bytes at `at`. */
  ping(isAck: boolean, payload: Buffer, at: number): void {
    this.#frame(FrameType.PING, isAck ? Flag.ACK : 0, 0, 8)
    this.#write(payload, at, at + 8)
  }

  goaway(lastStreamId: number, code: number): void {
    writeUint32(scratch, frameHeaderBytes, lastStreamId)
    writeUint32(scratch, frameHeaderBytes + 4, code)
    this.#small(FrameType.GOAWAY, 0, 8)
  }

  rstStream(streamId: number, code: number): void {
    writeUint32(scratch, frameHeaderBytes, code)
    this.#small(FrameType.RST_STREAM, streamId, 4)
  }

  windowUpdate(streamId: number, bytes: number): void {
    writeUint32(scratch, frameHeaderBytes, bytes)
    this.#small(FrameType.WINDOW_UPDATE, streamId, 4)
  }

  bytes(buffer: Buffer): void {
    this.#write(buffer, 0, buffer.length)
  }

  /** A frame whose payload is in `scratch` already. */
  #small(type: number, streamId: number, length: number): void {
    writeFrameHeader(scratch, 0, length, type, 0, streamId)
    this.#write(scratch, 0, frameHeaderBytes + length)
  }

  #frame(type: number, flags: number, streamId: number, length: number): void {
    writeFrameHeader(scratch, 0, length, type, flags, streamId)
    this.#write(scratch, 0, frameHeaderBytes)
  }

  #write(buffer: Buffer, start: number, end: number): void {
    this.#watch.givenBytes += end - start
    if (this.#transport.writeBytes(buffer, start, end) || this.isHeld) return
    this.isHeld = true
    this.#watch.watchTaking()
  }

  // Header blocks

  /** Begins a block; `encoder` writes its fields, then `headers` or `whole` sends it. */
  beginBlock(): void {
    this.encoder.begin(frameHeaderBytes)
  }

  /** Sends the block. With `ends` the stream ends with it. */
  headers(stream: SessionStream, ends: boolean): void {
    const length = block.end - frameHeaderBytes
    const flags = ends ? Flag.END_STREAM : 0
    if (length <= this.frameBytesMax) {
      writeFrameHeader(block.buffer, 0, length, FrameType.HEADERS, flags | Flag.END_HEADERS, stream.id)
      this.#write(block.buffer, 0, block.end)
    } else this.#longHeaders(stream.id, flags, length)
    if (ends) this.#localEnd(stream)
  }

  #longHeaders(streamId: number, flags: number, length: number): void {
    const { frameBytesMax } = this
    writeFrameHeader(block.buffer, 0, frameBytesMax, FrameType.HEADERS, flags, streamId)
    let at = frameHeaderBytes + frameBytesMax
    this.#write(block.buffer, 0, at)
    for (let left = length - frameBytesMax; left > 0;) {
      const part = Math.min(left, frameBytesMax)
      left -= part
      this.#frame(FrameType.CONTINUATION, left === 0 ? Flag.END_HEADERS : 0, streamId, part)
      this.#write(block.buffer, at, at + part)
      at += part
    }
  }

  /**
   * Sends the block and all of a body, and ends the stream. What the windows have no room for waits as it is: the body must not
   * change any more.
   */
  whole(stream: SessionStream, body: Buffer): void {
    const bytes = body.length
    const length = block.end - frameHeaderBytes
    const isSmall = bytes <= dataBytesMax && bytes <= stream.sendWindow && bytes <= this.window
    if (!isSmall || length > this.frameBytesMax || this.isHeld || !this.queue.isEmpty) {
      this.headers(stream, false)
      stream.endsAfter = true
      const at = this.#dataNow(stream, body, 0, bytes)
      if (at === bytes) return this.#endNow(stream, null)
      stream.outgoing.lend(body, at, bytes)
      if (stream.sendWindow > 0) this.queue.add(stream)
      return
    }
    // The straight path: both frames' headers and the block are one piece of memory.
    block.reserve(frameHeaderBytes)
    const { buffer, end } = block
    writeFrameHeader(buffer, 0, length, FrameType.HEADERS, Flag.END_HEADERS, stream.id)
    writeFrameHeader(buffer, end, bytes, FrameType.DATA, Flag.END_STREAM, stream.id)
    this.#write(buffer, 0, end + frameHeaderBytes)
    this.#write(body, 0, bytes)
    this.#spend(stream, bytes)
    this.#localEnd(stream)
  }

  // Bodies

  /** Sends bytes, or keeps what cannot go yet. False: hold on until `stream.onSendRoom`. */
  data(stream: SessionStream, buffer: Buffer, start: number, end: number): boolean {
    const at = this.#dataNow(stream, buffer, start, end)
    if (at === end && !this.isHeld) return true
    stream.isHeldUp = true
    if (at < end) {
      stream.outgoing.append(buffer, at, end)
      if (stream.sendWindow > 0) this.queue.add(stream)
    } else this.queue.add(stream)
    return false
  }

  /** Sends what needs not wait, and says up to where. */
  #dataNow(stream: SessionStream, buffer: Buffer, start: number, end: number): number {
    let at = start
    if (!stream.outgoing.isEmpty || !this.queue.isEmpty) return at
    while (at < end && !this.isHeld) {
      const room = this.#roomFor(stream, end - at)
      if (room === 0) break
      this.#dataFrame(stream, buffer, at, at + room, 0)
      at += room
    }
    return at
  }

  /** Ends the stream behind what was given. `trailers` are borrowed. */
  end(stream: SessionStream, trailers: Fields | null): void {
    if (stream.outgoing.isEmpty) return this.#endNow(stream, trailers)
    stream.endsAfter = true
    if (trailers === null) return
    // What is sent later must not be borrowed.
    stream.trailersAfter = new Fields()
    stream.trailersAfter.copyFrom(trailers)
  }

  #endNow(stream: SessionStream, trailers: Fields | null): void {
    this.queue.remove(stream)
    if (trailers === null) {
      this.#frame(FrameType.DATA, Flag.END_STREAM, stream.id, 0)
      return this.#localEnd(stream)
    }
    this.beginBlock()
    for (let i = 0; i < trailers.size; i++) {
      if (!trailers.isLive(i)) continue
      const id = trailers.idAt(i)
      const name = id === 0 ? trailers.nameAt(i) : ''
      this.encoder.field(id, name, trailers.valueAt(i), trailers.isSecretAt(i))
    }
    this.headers(stream, true)
  }

  #roomFor(stream: SessionStream, bytes: number): number {
    const room = Math.min(bytes, dataBytesMax, stream.sendWindow, this.window)
    return room > 0 ? room : 0
  }

  #dataFrame(stream: SessionStream, buffer: Buffer, start: number, end: number, flags: number): void {
    this.#frame(FrameType.DATA, flags, stream.id, end - start)
    this.#write(buffer, start, end)
    this.#spend(stream, end - start)
  }

  #spend(stream: SessionStream, bytes: number): void {
    stream.sendWindow -= bytes
    stream.sentBytes += bytes
    this.window -= bytes
    // A frame that a window cut short earns by its bytes only.
    const isWhole = stream.sendWindow > 0 && this.window > 0
    this.#guard.credit(Flood.WINDOW, isWhole || bytes >= crumbBytes ? 2 : bytes / windowBytesFair)
    this.#guard.credit(Flood.PING, 1)
  }

  #localEnd(stream: SessionStream): void {
    stream.isLocalEnded = true
    stream.onLocalEnd()
  }

  /** Sends what has become possible to send. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (!this.isHeld) {
      const stream = this.queue.next()
      if (stream === null) break
      if (!stream.outgoing.isEmpty) {
        if (this.window <= 0) break
        this.#sendKept(stream)
      } else this.#release(stream)
    }
    this.#isPumping = false
  }

  #sendKept(stream: SessionStream): void {
    const { outgoing } = stream
    const { buffer, start, size } = outgoing
    const room = this.#roomFor(stream, size)
    const isLast = room === size && stream.endsAfter && stream.trailersAfter === null
    this.#dataFrame(stream, buffer, start, start + room, isLast ? Flag.END_STREAM : 0)
    outgoing.consumeTo(start + room)
    if (room < size) {
      if (stream.sendWindow > 0) this.queue.yield(stream)
      else this.queue.remove(stream)
      return
    }
    if (!stream.endsAfter) return this.#release(stream)
    this.queue.remove(stream)
    if (isLast) this.#localEnd(stream)
    else this.#endNow(stream, stream.trailersAfter)
  }

  /** All of it has left: its producer may go on. */
  #release(stream: SessionStream): void {
    this.queue.remove(stream)
    if (!stream.isHeldUp) return
    stream.isHeldUp = false
    stream.onSendRoom()
  }

  /** The transport has taken all. */
  drained(): void {
    this.isHeld = false
    this.#watch.stopWatching()
    this.pump()
  }

  /** The stream's window has grown. */
  opened(stream: SessionStream): void {
    if (stream.outgoing.isEmpty || stream.sendWindow <= 0) return
    this.queue.add(stream)
  }

  /** Nothing more of it is sent. */
  forget(stream: SessionStream): void {
    this.queue.remove(stream)
    stream.outgoing.clear()
    stream.isHeldUp = stream.endsAfter = false
    stream.trailersAfter = null
  }
}
