/**
 * ClosingDirection: one direction of a WebSocket tunnel, followed frame by frame so that a Close frame can be
 * inserted where a frame ends. What comes behind it is dropped: nothing may follow a Close frame (RFC 6455 §5.5.1).
 *
 * It stands before the tunnel's own events and passes everything on; the tunnel knows nothing of it.
 */
import type { Transport, TransportEvents } from '../net/transport.ts'
import { FrameWalk } from '../http/websocket-close.ts'

export class ClosingDirection implements TransportEvents {
  readonly #frame: Buffer
  readonly #walk = new FrameWalk()
  #events: TransportEvents | null = null
  #target: Transport | null = null
  #onSent: (() => void) | null = null
  #isClosed = false

  /** `frame` is the Close frame to send. */
  constructor(frame: Buffer) {
    this.#frame = frame
  }

  /** Follows what `source` reads, on its way to `target`. Call it after they were joined. */
  follow(source: Transport, target: Transport): void {
    this.#events = source.events
    this.#target = target
    source.events = this
  }

  /** Sends the Close frame now or where the frame under way ends, then calls `onSent`; at once if one has passed. */
  close(onSent: () => void): void {
    this.#onSent = onSent
    if (this.#walk.hasClosed || this.#walk.isBetween) this.#send()
  }

  #send(): void {
    const onSent = this.#onSent
    this.#onSent = null
    this.#isClosed = true
    if (!this.#walk.hasClosed) this.#target?.writeBytes(this.#frame, 0, this.#frame.length)
    onSent?.()
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#isClosed) return
    let stop = end
    if (this.#onSent === null) {
      this.#walk.walk(buffer, start, end)
    } else {
      const frameEnd = this.#walk.walkToEnd(buffer, start, end)
      if (frameEnd >= 0) stop = frameEnd
    }
    this.#events?.onBytes(buffer, start, stop)
    if (this.#onSent !== null && this.#walk.isBetween) this.#send()
  }

  onDrain(): void {
    this.#events?.onDrain()
  }

  onEnd(): void {
    this.#events?.onEnd()
  }

  onClose(error: string): void {
    this.#events?.onClose(error)
  }
}
