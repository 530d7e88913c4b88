/**
 * StreamTransport: an upgraded stream (RFC 8441) as a Transport: END_STREAM is its FIN, RST_STREAM its RST.
 *
 * It keeps the promises of net/transport.ts (whose suite runs over it). What it cannot report within an event of the
 * connection's transport, it reports in a later turn, by the clock.
 */
import { KeptBytes } from '../net/kept-bytes.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'
import { ErrorCode } from './frames.ts'
import type { Outbound } from './outbound.ts'
import type { SessionStream } from './stream.ts'

const silent: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

/** What it needs of the session that its stream is of. */
export interface StreamHome {
  readonly transport: Transport
  readonly out: Outbound
  /** Calls back in a turn of its own. */
  later(callback: () => void): void
  /** Bytes of the stream were taken. */
  consumedBy(stream: SessionStream): void
  /** Takes the stream out of the table, and resets it unless both halves have ended. */
  cut(stream: SessionStream, code: ErrorCode): void
}

export class StreamTransport implements Transport {
  events: TransportEvents = silent
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
  readonly protocol = ''
  readonly serverName: string
  isPaused = false
  isOpen = true
  bytesRead = 0
  readonly #stream: SessionStream
  readonly #home: StreamHome
  readonly #kept: KeptBytes = new KeptBytes()
  #handedBytes = 0
  /** Given to the connection since that had nothing unsent. */
  #passedBytes = 0
  /** Its owner has set `events` and is ready. */
  #isReady = false
  #isEnding = false
  #isEndTold = false
  #isCloseTold = false
  #error = ''
  /** A turn of its own is to come. */
  #isTurnDue = false

  constructor(stream: SessionStream, home: StreamHome) {
    const { transport } = home
    this.#stream = stream
    this.#home = home
    this.remoteAddress = transport.remoteAddress
    this.remotePort = transport.remotePort
    this.localAddress = transport.localAddress
    this.localPort = transport.localPort
    this.encrypted = transport.encrypted
    this.serverName = transport.serverName
  }

  /** From now on events are delivered; `kept` is what came before. */
  open(kept: KeptBytes): void {
    if (!kept.isEmpty) {
      this.bytesRead += kept.size
      this.#kept.append(kept.buffer, kept.start, kept.end)
      kept.clear()
    }
    this.#isReady = true
    if (!this.#kept.isEmpty || this.#stream.isRemoteEnded || !this.isOpen) this.#wake()
  }

  get keptBytes(): number {
    return this.#kept.size
  }

  /** In memory of what came. */
  get heldBytes(): number {
    return this.#kept.memoryBytes
  }

  /** What waits for a window, and what of the connection's unsent bytes may be of ours. */
  get unsentBytes(): number {
    if (!this.isOpen) return 0
    return this.#stream.outgoing.size + Math.min(this.#passedBytes, this.#home.transport.unsentBytes)
  }

  get bytesWritten(): number {
    return this.#handedBytes - this.unsentBytes
  }

  writeText(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1')
    return this.writeBytes(bytes, 0, bytes.length)
  }

  writeBytes(buffer: Buffer, start: number, end: number): boolean {
    if (!this.isOpen || this.#isEnding || end <= start) return true
    const { out, transport } = this.#home
    const { outgoing } = this.#stream
    const heldBefore = outgoing.size
    if (transport.unsentBytes === 0) this.#passedBytes = 0
    this.#handedBytes += end - start
    const flows = out.data(this.#stream, buffer, start, end)
    this.#passedBytes += end - start - (outgoing.size - heldBefore)
    return flows
  }

  flush(): void {
    this.#home.transport.flush()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (!this.#kept.isEmpty || this.#stream.isRemoteEnded) this.#wake()
  }

  end(): void {
    if (!this.isOpen || this.#isEnding) return
    this.#isEnding = true
    this.#home.out.end(this.#stream, null)
  }

  destroy(): void {
    this.#close('')
  }

  reset(): void {
    this.#close('')
  }

  #close(error: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#error = error
    this.#kept.clear()
    this.#home.cut(this.#stream, ErrorCode.CANCEL)
    this.#wake()
  }

  // The stream's side

  onData(buffer: Buffer, start: number, end: number): void {
    if (!this.isOpen) return
    this.bytesRead += end - start
    if (this.#isReady && !this.isPaused && this.#kept.isEmpty) this.events.onBytes(buffer, start, end)
    else this.#kept.append(buffer, start, end)
    if (this.isOpen) this.#home.consumedBy(this.#stream)
  }

  onRemoteEnd(): void {
    if (this.#isReady) this.#tellEnd()
  }

  onSendRoom(): void {
    if (this.isOpen) this.events.onDrain()
  }

  /** END_STREAM has left. */
  onLocalEnd(): void {
    if (this.#isEndTold) this.#wake()
  }

  /** The stream is gone, and out of the table. */
  onReset(error: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#error = error
    this.#kept.clear()
    this.#wake()
  }

  // Turns of its own

  #wake(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    this.#home.later(() => this.#onTurn())
  }

  #onTurn(): void {
    this.#isTurnDue = false
    if (!this.#isReady) return
    if (!this.isOpen) return this.#tellClosed()
    if (!this.#kept.isEmpty && !this.isPaused) this.#pushKept()
    if (this.isOpen && this.#stream.isRemoteEnded) this.#tellEnd()
    if (this.isOpen && this.#isEndTold && this.#stream.isLocalEnded) this.#closeWhole()
  }

  #pushKept(): void {
    const { buffer, start, end } = this.#kept
    this.#kept.clear()
    this.events.onBytes(buffer, start, end)
    if (this.isOpen) this.#home.consumedBy(this.#stream)
  }

  #tellEnd(): void {
    if (this.#isEndTold || this.isPaused || !this.#kept.isEmpty) return
    this.#isEndTold = true
    this.events.onEnd()
    if (this.isOpen && this.#stream.isLocalEnded) this.#wake()
  }

  /** Both have ended, and all was told. */
  #closeWhole(): void {
    this.isOpen = false
    this.#home.cut(this.#stream, ErrorCode.NO_ERROR)
    this.#tellClosed()
  }

  #tellClosed(): void {
    if (this.#isCloseTold) return
    this.#isCloseTold = true
    const { events } = this
    this.events = silent
    events.onClose(this.#error)
  }
}
