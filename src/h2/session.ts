/**
 * Session: one HTTP/2 connection (RFC 9113), as far as both roles are alike: frames are checked against the protocol
 * and handed to streams, windows are kept, SETTINGS and PING answered, and floods ended.
 *
 * Invariant: the role is handed each header block whole, exactly once and in order, whatever becomes of its stream:
 * the HPACK tables depend on it.
 */
import { Faults } from '../core/faults.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import type { TransportEvents } from '../net/transport.ts'
import { dataBytesFair, Flood } from './flood-guard.ts'
import type { FrameReceiver } from './frame-reader.ts'
import { ErrorCode, Flag, FrameType, frameBytesMaxDefault, readUint31, uint31Max } from './frames.ts'
import { SessionState, settingsAckMs } from './session-state.ts'
import { settingBytes } from './settings.ts'
import type { SessionStream } from './stream.ts'

/** Frames of one header block: its largest fits in three; beyond that many it is a flood (CVE-2024-27316 and its kin). */
export const blockFramesMax = 32

/** What a block may have beyond `headBytesMax`, so that one a little too large can still be answered (431). */
export const blockBytesBeyond = 16 * 1024

/** The payload of the PING that measures the way. */
const measurePing = Buffer.from('measure.', 'latin1')

export abstract class Session<S extends SessionStream>
  extends SessionState<S>
  implements TransportEvents, FrameReceiver
{
  // The block that comes in pieces.
  #blockId = 0
  #blockFlags = 0
  #blockFrames = 0
  readonly #block: KeptBytes = new KeptBytes()
  // The DATA frame that is being read.
  #dataStream: S | null = null
  #dataEnds = false

  protected abstract readonly headBytesMax: number
  /** The peer is a server. */
  protected abstract readonly isPeerServer: boolean
  /** A stream with this number was never opened, by either side. */
  protected abstract isIdleId(streamId: number): boolean
  /** A header block has come whole: it must be decoded, whatever its stream. `flags`: END_STREAM or 0. Borrowed. */
  protected abstract onHeaderBlock(
    streamId: number,
    flags: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): void
  protected abstract onGoaway(lastStreamId: number, code: number): void
  /** The answer to a PING of the role's. `buffer` has its eight bytes at `at`. */
  protected abstract onPingAck(buffer: Buffer, at: number): void
  /** The peer's settings have changed. */
  protected abstract onSettings(): void
  /** RFC 9218 §7.1. `value` is a Priority field's. */
  protected abstract onPriorityUpdate(streamId: number, value: string): void
  abstract onDrain(): void
  abstract onEnd(): void
  abstract onClose(error: string): void

  protected receiver(): FrameReceiver {
    return this
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.reader.read(buffer, start, end)
  }

  /** Whose header block has come in part; 0: nobody's. */
  protected get blockId(): number {
    return this.#blockId
  }

  /** A header block, or another frame than DATA, has come in part. */
  protected get isWithinFrame(): boolean {
    return this.reader.isWithinFrame || this.#blockId !== 0
  }

  protected override over(): void {
    super.over()
    this.#dataStream = null
    this.#blockId = 0
    this.#block.clear()
  }

  protected override forget(stream: S): void {
    if (stream === this.#dataStream) this.#dataStream = null
    super.forget(stream)
  }

  // Frames

  onFrame(type: number, flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    if (!this.#isInOrder(type, streamId)) return this.fail(ErrorCode.PROTOCOL_ERROR)
    switch (type) {
      case FrameType.HEADERS:
        return this.#onHeaders(flags, streamId, buffer, start, end)
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(streamId, buffer, start, end)
      case FrameType.RST_STREAM:
        return this.#onRstStream(streamId, buffer, start, end)
      case FrameType.CONTINUATION:
        return this.#onContinuation(flags, streamId, buffer, start, end)
      case FrameType.SETTINGS:
        return this.#onSettings(flags, streamId, buffer, start, end)
      case FrameType.PING:
        return this.#onPing(flags, streamId, buffer, start, end)
      case FrameType.GOAWAY:
        if (streamId !== 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
        if (end - start < 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
        return this.onGoaway(readUint31(buffer, start), buffer.readUInt32BE(start + 4))
      case FrameType.PUSH_PROMISE:
        return this.fail(ErrorCode.PROTOCOL_ERROR)
      default:
        if (!this.allows(Flood.PRIORITY, Faults.H2_PRIORITY_FLOOD)) return
        if (type === FrameType.PRIORITY) this.#onPriority(streamId, buffer, start, end)
        else if (type === FrameType.PRIORITY_UPDATE) this.#onPriorityUpdate(streamId, buffer, start, end)
    }
  }

  /** SETTINGS come first (RFC 9113 §3.4), and nothing comes between the frames of a header block (§4.3). */
  #isInOrder(type: number, streamId: number): boolean {
    if (this.#blockId !== 0) return type === FrameType.CONTINUATION && streamId === this.#blockId
    return this.hasSettings || type === FrameType.SETTINGS
  }

  onFrameTooLarge(): void {
    this.fail(ErrorCode.FRAME_SIZE_ERROR)
  }

  onPaddingBad(): void {
    this.fail(ErrorCode.PROTOCOL_ERROR)
  }

  // Header blocks

  #onHeaders(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    let from = start
    let to = end
    if ((flags & Flag.PADDED) !== 0) to -= from < end ? (buffer[from++] as number) : end
    if ((flags & Flag.PRIORITY) !== 0) {
      if (to - from < 5) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
      if (readUint31(buffer, from) === streamId) return this.fail(ErrorCode.PROTOCOL_ERROR)
      from += 5
    }
    if (to < from || streamId === 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if ((flags & Flag.END_HEADERS) !== 0)
      return this.onHeaderBlock(streamId, flags & Flag.END_STREAM, buffer, from, to)
    this.#blockId = streamId
    this.#blockFlags = flags & Flag.END_STREAM
    this.#blockFrames = 1
    this.#block.append(buffer, from, to)
  }

  #onContinuation(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    if (this.#blockId === 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    const block = this.#block
    const isTooLarge = block.size + end - start > this.headBytesMax + blockBytesBeyond
    if (isTooLarge || ++this.#blockFrames > blockFramesMax)
      return this.fail(ErrorCode.ENHANCE_YOUR_CALM, Faults.H2_CONTINUATION_FLOOD)
    block.append(buffer, start, end)
    if ((flags & Flag.END_HEADERS) === 0) return
    this.#blockId = 0
    this.onHeaderBlock(streamId, this.#blockFlags, block.buffer, block.start, block.end)
    block.clear()
  }

  // DATA

  onDataFrame(flags: number, streamId: number, length: number): void {
    if (!this.#isInOrder(FrameType.DATA, streamId) || streamId === 0)
      return this.fail(ErrorCode.PROTOCOL_ERROR)
    if (!this.windows.take(length)) return this.fail(ErrorCode.FLOW_CONTROL_ERROR)
    const grant = this.windows.connectionGrant()
    if (grant > 0) this.out.windowUpdate(0, grant)
    const ends = (flags & Flag.END_STREAM) !== 0
    if (!this.#countData(length, ends)) return
    this.#dataStream = this.#streamForData(streamId, length)
    this.#dataEnds = ends
  }

  /** False: a flood of frames with next to nothing in them. */
  #countData(length: number, ends: boolean): boolean {
    if (ends || length >= dataBytesFair) {
      this.guard.credit(Flood.EMPTY_DATA, length)
      this.guard.credit(Flood.PING, 1)
      return true
    }
    return this.allows(Flood.EMPTY_DATA, Faults.H2_EMPTY_DATA_FLOOD, dataBytesFair - length)
  }

  #streamForData(streamId: number, length: number): S | null {
    const stream = this.streams.get(streamId)
    if (stream === undefined || stream.isRemoteEnded) {
      if (this.isIdleId(streamId)) this.fail(ErrorCode.PROTOCOL_ERROR)
      else if (stream !== undefined || !this.wasReset(streamId))
        this.streamError(streamId, ErrorCode.STREAM_CLOSED, Faults.H2_STREAM_CLOSED)
      return null
    }
    stream.receiveWindow -= length
    if (stream.receiveWindow >= 0) return stream
    this.streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR, Faults.H2_FLOW_CONTROL_ERROR)
    return null
  }

  onDataBytes(buffer: Buffer, start: number, end: number): void {
    this.#dataStream?.onData(buffer, start, end)
  }

  onPadding(_bytes: number): void {
    if (this.#dataStream !== null) this.consumed(this.#dataStream)
  }

  onDataEnd(): void {
    const stream = this.#dataStream
    if (stream === null) return
    this.#dataStream = null
    if (!this.#dataEnds) return
    stream.isRemoteEnded = true
    stream.onRemoteEnd()
  }

  /** Bytes of a stream were taken: its window may be given back. */
  consumed(stream: S): void {
    if (stream.isRemoteEnded || this.isOver || (this.#dataEnds && stream === this.#dataStream)) return
    const { windows } = this
    const grant = windows.streamGrant(stream.receiveWindow, stream.keptBytes, stream.windowBytes)
    if (grant === 0) return
    stream.receiveWindow += grant
    const grown = stream.receiveWindow + stream.keptBytes - stream.windowBytes
    if (grown > 0) {
      stream.windowBytes += grown
      windows.grew(grown)
    }
    this.out.windowUpdate(stream.id, grant)
    if (!windows.mayGrow) return
    windows.beginMeasure()
    this.out.ping(false, measurePing, 0)
  }

  // The others

  #onWindowUpdate(streamId: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
    if (!this.allows(Flood.WINDOW, Faults.H2_WINDOW_FLOOD)) return
    const bytes = readUint31(buffer, start)
    if (streamId === 0) {
      if (bytes === 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
      this.out.window += bytes
      if (this.out.window > uint31Max) return this.fail(ErrorCode.FLOW_CONTROL_ERROR)
    } else {
      const stream = this.streams.get(streamId)
      if (stream === undefined) {
        // On a stream that has closed it may still come (RFC 9113 §5.1).
        if (this.isIdleId(streamId)) this.fail(ErrorCode.PROTOCOL_ERROR)
        return
      }
      if (bytes === 0) return this.streamError(streamId, ErrorCode.PROTOCOL_ERROR, Faults.H2_PROTOCOL_ERROR)
      stream.sendWindow += bytes
      if (stream.sendWindow > uint31Max)
        return this.streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR, Faults.H2_FLOW_CONTROL_ERROR)
      this.out.opened(stream)
    }
    this.out.pump()
  }

  #onRstStream(streamId: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
    if (streamId === 0 || this.isIdleId(streamId)) return this.fail(ErrorCode.PROTOCOL_ERROR)
    const stream = this.streams.get(streamId)
    if (stream !== undefined) {
      this.forget(stream)
      stream.onReset(buffer.readUInt32BE(start))
      this.allows(Flood.RESET, Faults.H2_RESET_FLOOD)
    } else this.allows(Flood.PRIORITY, Faults.H2_PRIORITY_FLOOD)
  }

  #onSettings(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    if (streamId !== 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if ((flags & Flag.ACK) !== 0) {
      if (end !== start) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
      if (!this.hasSettings) return this.fail(ErrorCode.PROTOCOL_ERROR)
      this.settingsAck.clear()
      return
    }
    if ((end - start) % settingBytes !== 0) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
    if (!this.allows(Flood.SETTINGS, Faults.H2_SETTINGS_FLOOD)) return
    const { peer, out } = this
    const windowBefore = peer.windowBytes
    const error = peer.read(buffer, start, end, this.isPeerServer)
    if (error !== ErrorCode.NO_ERROR) return this.fail(error)
    // The peer has begun to speak: it must hear us as well.
    if (!this.hasSettings) this.timers.set(this.settingsAck, settingsAckMs)
    this.hasSettings = true
    // The peer has thrown out what had no room then, and must be told that we know (RFC 7541 §4.2).
    out.encoder.allowTable(peer.headerTableBytesLeast)
    out.encoder.allowTable(peer.headerTableBytes)
    out.frameBytesMax = Math.min(peer.frameBytesMax, frameBytesMaxDefault)
    out.settingsAck()
    if (peer.windowBytes !== windowBefore && !this.#moveWindows(peer.windowBytes - windowBefore)) return
    this.onSettings()
  }

  /** The first window of all streams is another from now on (RFC 9113 §6.9.2). */
  #moveWindows(bytes: number): boolean {
    for (const stream of this.streams.values()) {
      stream.sendWindow += bytes
      if (stream.sendWindow > uint31Max) {
        this.fail(ErrorCode.FLOW_CONTROL_ERROR)
        return false
      }
      if (stream.sendWindow > 0) this.out.opened(stream)
      else if (!stream.outgoing.isEmpty) this.out.queue.remove(stream)
    }
    this.out.pump()
    return !this.isOver
  }

  #onPing(flags: number, streamId: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 8) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
    if (streamId !== 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if ((flags & Flag.ACK) === 0) {
      if (this.allows(Flood.PING, Faults.H2_PING_FLOOD)) this.out.ping(true, buffer, start)
    } else if (this.windows.isMeasuring && measurePing.compare(buffer, start, end) === 0) {
      this.windows.endMeasure()
    } else this.onPingAck(buffer, start)
  }

  /** Priorities of the old kind are read over (RFC 9113 §5.3.2), but not what makes no sense. */
  #onPriority(streamId: number, buffer: Buffer, start: number, end: number): void {
    if (streamId === 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if (end - start !== 5) this.streamError(streamId, ErrorCode.FRAME_SIZE_ERROR, Faults.H2_FRAME_SIZE_ERROR)
    else if (readUint31(buffer, start) === streamId)
      this.streamError(streamId, ErrorCode.PROTOCOL_ERROR, Faults.H2_PROTOCOL_ERROR)
  }

  #onPriorityUpdate(streamId: number, buffer: Buffer, start: number, end: number): void {
    if (streamId !== 0) return this.fail(ErrorCode.PROTOCOL_ERROR)
    if (end - start < 4) return this.fail(ErrorCode.FRAME_SIZE_ERROR)
    this.onPriorityUpdate(readUint31(buffer, start), buffer.toString('latin1', start + 4, end))
  }
}
