/**
 * SessionStream: what both roles know of a stream (RFC 9113 §5): its number, which halves have ended, its windows,
 * and what waits to be sent on it.
 *
 * Invariants: bytes are in `outgoing` only while a window, the connection or other streams hold them back. Their
 * producer has then been told to stop (`isHeldUp`), so it holds what one write brought and no more. After `forget`
 * nothing is reported to it.
 */
import type { Fields } from '../http/fields.ts'
import { KeptBytes } from '../net/kept-bytes.ts'
import { priorityDefault, type Priority } from '../http/priority.ts'
import type { Sending } from './send-queue.ts'
import { windowBytesDefault } from './settings.ts'

export abstract class SessionStream implements Sending<SessionStream> {
  id = 0
  priority: Priority = priorityDefault
  previous: SessionStream | null = null
  next: SessionStream | null = null
  list: object | null = null
  /** We have sent END_STREAM. */
  isLocalEnded = false
  /** The peer has sent END_STREAM. */
  isRemoteEnded = false

  /** What we may send; below 0 after the peer made it smaller (RFC 9113 §6.9.2). */
  sendWindow = 0
  readonly outgoing: KeptBytes = new KeptBytes()
  /** END_STREAM follows what is in `outgoing`, */
  endsAfter = false
  /** with these. */
  trailersAfter: Fields | null = null
  /** Its producer is to be told by `onSendRoom` when it may go on. */
  isHeldUp = false
  /** Bytes of DATA sent. */
  sentBytes = 0

  /** What the peer may send still. */
  receiveWindow = windowBytesDefault
  /** How much it may have under way, what we keep included. Grows while it is fast and we are, too. */
  windowBytes = windowBytesDefault

  /** For another use. */
  begin(id: number, sendWindow: number): void {
    this.id = id
    this.priority = priorityDefault
    this.isLocalEnded = this.isRemoteEnded = this.endsAfter = this.isHeldUp = false
    this.sendWindow = sendWindow
    this.sentBytes = 0
    this.trailersAfter = null
    this.receiveWindow = this.windowBytes = windowBytesDefault
  }

  /** Bytes received and not taken by anybody yet. */
  abstract get keptBytes(): number
  /** `buffer[start, end)` of DATA came. Borrowed. What is taken, is reported by `session.consumed`. */
  abstract onData(buffer: Buffer, start: number, end: number): void
  /** The peer has sent END_STREAM. */
  abstract onRemoteEnd(): void
  /** The peer has reset it, or the session is gone; it has been forgotten. */
  abstract onReset(code: number): void
  /** All that was held back has left. */
  abstract onSendRoom(): void
  /** END_STREAM has left. */
  abstract onLocalEnd(): void
}
