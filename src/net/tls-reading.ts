/**
 * TlsReading: the reading half of a TLS transport. Plain bytes and ends go to `events`, or are kept while it is
 * paused.
 *
 * Invariant: kept bytes are delivered first, and nothing more is read while there are any. They are at most what one
 * read of the socket brought.
 */
import { nobody } from './socket.ts'
import { tellBytes, tellEnd } from './telling.ts'
import type { TlsEngine } from './tls-engine.ts'
import type { TransportEvents } from './transport.ts'

export abstract class TlsReading {
  events: TransportEvents = nobody
  isPaused = false
  bytesRead = 0
  protected engine: TlsEngine | null = null
  protected isSecure = false
  /** Its end was told. */
  protected isEnded = false
  protected isClosing = false
  #kept: Buffer[] = []
  #isEndKept = false
  #isReadingStopped = false
  #isResuming = false

  /** Closes the transport for this reason. */
  protected abstract close(error: string): void
  /** The end was told: when ours has been sent, too, the transport is over. */
  protected abstract onEndTold(): void

  /** There is an engine from now on. */
  protected readFrom(engine: TlsEngine): void {
    this.engine = engine
    if (this.#isReadingStopped) engine.stopReading()
  }

  onPlain(buffer: Buffer, start: number, end: number): void {
    if (this.isClosing) return
    if (this.isPaused || this.#kept.length > 0) {
      this.#kept.push(Buffer.from(buffer.subarray(start, end)))
      return
    }
    this.#give(buffer, start, end)
  }

  #give(buffer: Buffer, start: number, end: number): void {
    this.bytesRead += end - start
    tellBytes(this.events, buffer, start, end)
  }

  onPlainEnd(): void {
    if (this.isClosing || this.isEnded) return
    if (!this.isSecure) return this.close('ECONNRESET')
    if (this.isPaused || this.#kept.length > 0) {
      this.#isEndKept = true
      return
    }
    this.#tellEnd()
  }

  #tellEnd(): void {
    this.isEnded = true
    tellEnd(this.events)
    this.onEndTold()
  }

  /** Has the peer said that it sends no more? */
  protected get hasHeardEnd(): boolean {
    return this.isEnded || this.#isEndKept
  }

  pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.#stopReading(true)
  }

  #stopReading(stops: boolean): void {
    if (stops === this.#isReadingStopped || this.isClosing) return
    this.#isReadingStopped = stops
    if (stops) this.engine?.stopReading()
    else this.engine?.startReading()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (this.#kept.length === 0 && !this.#isEndKept) return this.#stopReading(false)
    if (this.#isResuming) return
    this.#isResuming = true
    setImmediate(() => this.#giveKept())
  }

  #giveKept(): void {
    this.#isResuming = false
    while (!this.isPaused && !this.isClosing) {
      const bytes = this.#kept[0]
      if (bytes === undefined) break
      this.#give(bytes, 0, bytes.length)
      this.#kept.shift()
    }
    if (this.isPaused || this.isClosing) return
    if (this.#isEndKept) {
      this.#isEndKept = false
      this.#tellEnd()
    } else this.#stopReading(false)
  }

  protected dropKept(): void {
    this.#kept = []
  }
}
