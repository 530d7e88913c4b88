/**
 * BareSounding: a connection on which nothing is asked. It sends FIN at once, and a live process at the other end
 * closes it in turn. For a stopped or hung process the kernel accepts the connection but closes nothing, so the close
 * tells when the process is running again, without risking a request.
 */
import type { Clock } from '../core/clock.ts'
import type { DialTarget, Sounding } from './dial.ts'
import type { Connector, Transport, TransportEvents } from '../net/transport.ts'

export class BareSounding implements Sounding, TransportEvents {
  readonly #transport: Transport
  readonly #clock: Clock
  #onOver: ((waitedMs: number) => void) | null
  #askedAtMs = -1

  constructor(target: DialTarget, connector: Connector, clock: Clock, onOver: (waitedMs: number) => void) {
    this.#clock = clock
    this.#onOver = onOver
    this.#transport = connector.connect(target.address, this, () => this.#onConnected(), null, target.opening)
  }

  #onConnected(): void {
    this.#askedAtMs = this.#clock.nowMs()
    this.#transport.end()
  }

  /** Some say 408 to it. That is life as well, and their FIN follows. */
  onBytes(): void {}

  onDrain(): void {}

  onEnd(): void {
    this.#transport.destroy()
    this.#tell()
  }

  onClose(): void {
    this.#tell()
  }

  #tell(): void {
    const onOver = this.#onOver
    this.#onOver = null
    onOver?.(this.#askedAtMs < 0 ? -1 : this.#clock.nowMs() - this.#askedAtMs)
  }

  stop(): void {
    this.#onOver = null
    this.#transport.destroy()
  }
}
