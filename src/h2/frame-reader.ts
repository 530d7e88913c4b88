/**
 * FrameReader: extracts frames from the bytes of a connection (RFC 9113 §4.1).
 *
 * Promises: a frame that lies whole in one read is not copied. Nor are the bytes of a DATA frame, which are handed on
 * in pieces as they come. Of any other frame at most `frameBytesMaxDefault` bytes are kept until it is whole. After
 * `stop()` nothing more is reported, not even of the current read.
 */
import { Flag, frameBytesMaxDefault, frameHeaderBytes, FrameType, readUint31 } from './frames.ts'

export interface FrameReceiver {
  /** A frame other than DATA; its payload is `buffer[start, end)`. Borrowed. */
  onFrame(type: number, flags: number, streamId: number, buffer: Buffer, start: number, end: number): void
  /** The header of a DATA frame with `length` bytes of payload, padding included. */
  onDataFrame(flags: number, streamId: number, length: number): void
  /** Bytes of it, without padding. Borrowed. */
  onDataBytes(buffer: Buffer, start: number, end: number): void
  /** So many bytes of it were padding. */
  onPadding(bytes: number): void
  /** It is whole. */
  onDataEnd(): void
  /** The payload is larger than we allow (RFC 9113 §4.2). */
  onFrameTooLarge(type: number, streamId: number): void
  /** The padding is as long as the payload or longer (RFC 9113 §6.1). */
  onPaddingBad(): void
}

export class FrameReader {
  readonly #receiver: FrameReceiver
  /** Frames that came whole. */
  frameCount = 0
  /** It stops behind the frame that it is at, so that others have their turn. */
  isYielding = false
  #isStopped = false
  #isData = false
  #awaitsPadLength = false
  #dataLeft = 0
  #paddingLeft = 0
  /** The beginning of a frame that is not whole, its header included. */
  #kept: Buffer | null = null
  #keptBytes = 0

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver
  }

  /** Something of a frame other than DATA has come, and not all. */
  get isWithinFrame(): boolean {
    return this.#kept !== null
  }

  stop(): void {
    this.#isStopped = true
    this.#kept = null
  }

  /** Reads on until all is used, or somebody set `isYielding` meanwhile; says up to where. */
  read(buffer: Buffer, start: number, end: number): number {
    let at = start
    while (at < end && !this.#isStopped && !this.isYielding) {
      if (this.#isData) at = this.#readData(buffer, at, end)
      else if (this.#kept !== null) at = this.#complete(this.#kept, buffer, at, end)
      else at = this.#readFrame(buffer, at, end)
    }
    return at
  }

  #readFrame(buffer: Buffer, at: number, end: number): number {
    if (end - at < frameHeaderBytes) return this.#keep(buffer, at, end, frameHeaderBytes)
    const length =
      ((buffer[at] as number) << 16) | ((buffer[at + 1] as number) << 8) | (buffer[at + 2] as number)
    const type = buffer[at + 3] as number
    const flags = buffer[at + 4] as number
    const streamId = readUint31(buffer, at + 5)
    const start = at + frameHeaderBytes
    if (length > frameBytesMaxDefault) {
      this.#receiver.onFrameTooLarge(type, streamId)
      return end
    }
    if (type === FrameType.DATA) {
      this.#beginData(flags, streamId, length)
      return start
    }
    if (end - start < length) return this.#keep(buffer, at, end, frameHeaderBytes + length)
    this.frameCount++
    this.#receiver.onFrame(type, flags, streamId, buffer, start, start + length)
    return start + length
  }

  #keep(buffer: Buffer, at: number, end: number, bytes: number): number {
    this.#kept = Buffer.allocUnsafe(bytes)
    this.#keptBytes = buffer.copy(this.#kept, 0, at, end)
    return end
  }

  #complete(kept: Buffer, buffer: Buffer, at: number, end: number): number {
    const taken = Math.min(kept.length - this.#keptBytes, end - at)
    buffer.copy(kept, this.#keptBytes, at, at + taken)
    this.#keptBytes += taken
    if (this.#keptBytes === kept.length) {
      this.#kept = null
      // Of a header alone it takes what follows from the header, or keeps it anew with room for the rest.
      this.#readFrame(kept, 0, kept.length)
    }
    return at + taken
  }

  #beginData(flags: number, streamId: number, length: number): void {
    this.#isData = true
    this.#dataLeft = length
    this.#paddingLeft = 0
    this.#awaitsPadLength = (flags & Flag.PADDED) !== 0
    this.#receiver.onDataFrame(flags, streamId, length)
    if (this.#isStopped) return
    if (this.#awaitsPadLength && length === 0) this.#receiver.onPaddingBad()
    else if (length === 0) this.#endData()
  }

  #readData(buffer: Buffer, start: number, end: number): number {
    let at = start
    if (this.#awaitsPadLength) {
      this.#awaitsPadLength = false
      this.#paddingLeft = buffer[at++] as number
      this.#dataLeft -= 1 + this.#paddingLeft
      if (this.#dataLeft < 0) {
        this.#receiver.onPaddingBad()
        return end
      }
      this.#receiver.onPadding(1 + this.#paddingLeft)
    }
    const data = Math.min(this.#dataLeft, end - at)
    if (data > 0) {
      this.#dataLeft -= data
      this.#receiver.onDataBytes(buffer, at, at + data)
      at += data
    }
    const padding = Math.min(this.#paddingLeft, end - at)
    this.#paddingLeft -= padding
    at += padding
    if (this.#dataLeft === 0 && this.#paddingLeft === 0 && !this.#isStopped) this.#endData()
    return at
  }

  #endData(): void {
    this.#isData = false
    this.frameCount++
    this.#receiver.onDataEnd()
  }
}
