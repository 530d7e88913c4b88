/** SETTINGS (RFC 9113 §6.5): the peer's, checked, and our own. */
import { ErrorCode, frameBytesMaxDefault, uint31Max, writeUint32 } from './frames.ts'

export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
  /** RFC 8441 §3 */
  ENABLE_CONNECT_PROTOCOL: 0x8,
  /** RFC 9218 §2.1 */
  NO_RFC7540_PRIORITIES: 0x9,
} as const

export const settingBytes = 6

const OK = ErrorCode.NO_ERROR

/** A window until told otherwise (RFC 9113 §6.9.2). */
export const windowBytesDefault = 65_535

/** What the peer has said so far. */
export class PeerSettings {
  headerTableBytes = 4096
  /** The smallest that it was meanwhile: a frame may name it more than once. */
  headerTableBytesLeast = 4096
  streamsMax = Infinity
  windowBytes = windowBytesDefault
  frameBytesMax = frameBytesMaxDefault
  headerListBytesMax = Infinity
  /** Extended CONNECT may be sent (RFC 8441). */
  enablesConnect = false

  /** Takes over a payload of whole settings. NO_ERROR, or why it is against the rules. `isServer`: the peer is one. */
  read(buffer: Buffer, start: number, end: number, isServer: boolean): ErrorCode {
    this.headerTableBytesLeast = this.headerTableBytes
    for (let at = start; at < end; at += settingBytes) {
      const id = ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
      const error = this.#take(id, buffer.readUInt32BE(at + 2), isServer)
      if (error !== OK) return error
    }
    return OK
  }

  #take(id: number, value: number, isServer: boolean): ErrorCode {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value
        this.headerTableBytesLeast = Math.min(value, this.headerTableBytesLeast)
        return OK
      case Setting.ENABLE_PUSH:
        return value > (isServer ? 0 : 1) ? ErrorCode.PROTOCOL_ERROR : OK
      case Setting.MAX_CONCURRENT_STREAMS:
        this.streamsMax = value
        return OK
      case Setting.INITIAL_WINDOW_SIZE:
        this.windowBytes = value
        return value > uint31Max ? ErrorCode.FLOW_CONTROL_ERROR : OK
      case Setting.MAX_FRAME_SIZE:
        this.frameBytesMax = value
        return value < frameBytesMaxDefault || value > 0xff_ffff ? ErrorCode.PROTOCOL_ERROR : OK
      case Setting.MAX_HEADER_LIST_SIZE:
        this.headerListBytesMax = value
        return OK
      case Setting.ENABLE_CONNECT_PROTOCOL:
        // Once given it may not be taken back (RFC 8441 §3).
        if (value > 1 || (this.enablesConnect && value === 0)) return ErrorCode.PROTOCOL_ERROR
        this.enablesConnect = value === 1
        return OK
      case Setting.NO_RFC7540_PRIORITIES:
        return value > 1 ? ErrorCode.PROTOCOL_ERROR : OK
      default:
        return OK
    }
  }
}

/** The payload that says [id, value, …]. */
export function settingsPayload(pairs: readonly number[]): Buffer {
  const payload = Buffer.alloc((pairs.length / 2) * settingBytes)
  for (let i = 0; i < pairs.length; i += 2) {
    const at = (i / 2) * settingBytes
    payload[at + 1] = pairs[i] as number
    writeUint32(payload, at + 2, pairs[i + 1] as number)
  }
  return payload
}
