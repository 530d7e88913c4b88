/**
 * HelloStage: looks at the ClientHello of a connection before it is decided who serves it, without taking part in the
 * handshake.
 *
 * Promises: every byte that it has read is handed over, in order. A connection that is not TLS is handed over too,
 * without a name, at the first byte that shows it. `onHello` or `onTimeout` comes at most once, and neither after
 * `destroy`. `onClosed` comes once, as the last call, unless `onHello` came.
 */
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import { ClientHello, clientHelloBytesMax, HELLO_INCOMPLETE, readClientHello } from './client-hello.ts'
import type { Transport, TransportEvents } from './transport.ts'

export interface HelloStageOwner {
  /** `bytes[start, end)` is what was read so far, borrowed until the call returns. Set the transport's `events` before. */
  onHello(stage: HelloStage, hello: ClientHello, bytes: Buffer, start: number, end: number): void
  /** It did not come in time, and the connection is about to close. */
  onTimeout(stage: HelloStage): void
  onClosed(stage: HelloStage): void
}

export interface HelloStageOptions {
  readonly timers: Timers
  /** From now to the whole hello. */
  readonly helloMs: number
  /** From `drain()` to it. */
  readonly drainMs: number
  readonly owner: HelloStageOwner
}

export class HelloStage implements TransportEvents, DeadlineOwner {
  readonly transport: Transport
  readonly #options: HelloStageOptions
  readonly #deadline: Deadline = new Deadline(this)
  #kept: Buffer | null = null
  #keptBytes = 0
  /** With fewer bytes it cannot be whole. */
  #wantedBytes = 0
  #isDraining = false

  /** Takes the transport's events at once. */
  constructor(transport: Transport, options: HelloStageOptions) {
    this.transport = transport
    this.#options = options
    transport.events = this
    options.timers.set(this.#deadline, options.helloMs)
  }

  get isIdle(): boolean {
    return true
  }

  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#options.timers.set(this.#deadline, this.#options.drainMs)
  }

  destroy(): void {
    this.#leave()
    this.transport.destroy()
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const hello = new ClientHello()
    if (this.#kept === null) {
      if (readClientHello(buffer, start, end, hello) !== HELLO_INCOMPLETE)
        return this.#handOver(hello, buffer, start, end)
      this.#keep(buffer, start, end)
    } else {
      this.#keep(buffer, start, end)
      if (this.#keptBytes < this.#wantedBytes) return
      if (readClientHello(this.#kept, 0, this.#keptBytes, hello) !== HELLO_INCOMPLETE)
        return this.#handOver(hello, this.#kept, 0, this.#keptBytes)
    }
    this.#wantedBytes = Math.min(this.#keptBytes + hello.missingBytes, clientHelloBytesMax)
  }

  /** A segment may reach beyond the hello, as with early data: all of it is kept. */
  #keep(buffer: Buffer, start: number, end: number): void {
    const needed = this.#keptBytes + end - start
    const before = this.#kept
    if (before === null || needed > before.length) {
      this.#kept = Buffer.allocUnsafe(Math.max(needed, Math.min(needed * 2, clientHelloBytesMax)))
      before?.copy(this.#kept, 0, 0, this.#keptBytes)
    }
    this.#keptBytes += buffer.copy(this.#kept as Buffer, this.#keptBytes, start, end)
  }

  #handOver(hello: ClientHello, bytes: Buffer, start: number, end: number): void {
    this.#leave()
    this.#options.owner.onHello(this, hello, bytes, start, end)
  }

  #leave(): void {
    this.#options.timers.remove(this.#deadline)
    this.#kept = null
  }

  onDeadline(): void {
    this.#leave()
    if (!this.#isDraining) this.#options.owner.onTimeout(this)
    this.transport.destroy()
  }

  onDrain(): void {}

  onEnd(): void {
    this.destroy()
  }

  onClose(): void {
    this.#leave()
    this.#options.owner.onClosed(this)
  }
}
