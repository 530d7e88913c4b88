/**
 * TcpDial: connections to the servers of an origin, for clients that bring a protocol of their own. Each serves one
 * client and is never reused, so no client ever sees anything of another's; one that turns out to be for nobody is
 * closed at once.
 */
import { NONE, Faults, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import { connectFault } from '../http/connect-faults.ts'
import type { ConnectionOwner, Dial, DialTarget, OriginConnection } from '../http/dial.ts'
import type { Exchange, Upstream, UpstreamServer } from '../http/exchange.ts'
import type { Connector, Transport, TransportEvents } from '../net/transport.ts'

export class TcpDial implements Dial {
  readonly #connector: Connector
  readonly #timers: Timers

  constructor(connector: Connector, timers: Timers) {
    this.#connector = connector
    this.#timers = timers
  }

  dial(target: DialTarget, owner: ConnectionOwner): TcpConnection {
    return new TcpConnection(target, owner, this.#connector, this.#timers)
  }
}

/** A connection, which is also its only lease. */
export class TcpConnection implements OriginConnection, Upstream, TransportEvents, DeadlineOwner {
  readonly target: DialTarget
  readonly server: UpstreamServer
  readonly address: string
  readonly isReused = false
  readonly servedCount = 0
  readonly keepAliveMs = -1
  readonly hasAnswered = false
  freeStreams = 0
  connectMs = 0
  readonly #owner: ConnectionOwner
  readonly #timers: Timers
  readonly #transport: Transport
  readonly #deadline: Deadline = new Deadline(this)
  readonly #startedMs: number
  #isConnected = false
  #isLeased = false
  #isTaken = false
  #isOver = false
  #closeFault: Fault = NONE

  constructor(target: DialTarget, owner: ConnectionOwner, connector: Connector, timers: Timers) {
    this.target = target
    this.server = target.server
    this.address = target.addressText
    this.#owner = owner
    this.#timers = timers
    this.#startedMs = timers.clock.nowMs()
    timers.set(this.#deadline, target.connectMs)
    this.#transport = connector.connect(target.address, this, () => this.#onConnected())
  }

  #onConnected(): void {
    this.#timers.remove(this.#deadline)
    this.#isConnected = true
    this.connectMs = this.#timers.clock.nowMs() - this.#startedMs
    this.freeStreams = 1
    // What a server says first waits in the kernel until there is somebody to hear it.
    this.#transport.pause()
    this.#owner.onConnected(this)
    if (!this.#isLeased) this.destroy()
  }

  lease(_x: Exchange): Upstream {
    this.freeStreams = 0
    this.#isLeased = true
    return this
  }

  destroy(): void {
    this.freeStreams = 0
    this.#transport.destroy()
  }

  onDeadline(): void {
    this.#closeFault = Faults.ORIGIN_CONNECT_TIMEOUT
    this.#transport.destroy()
  }

  // As an Upstream

  send(): void {
    // Nothing is sent here: the bytes go over the bare transport.
  }

  takeTransport(): Transport | null {
    if (this.#isTaken || !this.#transport.isOpen) return null
    this.#isTaken = true
    return this.#transport
  }

  pushKept(): void {
    this.resume()
  }

  resume(): void {
    this.#transport.resume()
  }

  cancel(): void {
    if (this.#transport.isOpen) this.#transport.destroy()
    // Only the one who took the transport hears of its close.
    if (this.#isTaken) this.#tellClosed(NONE)
  }

  // As a transport's events, until somebody takes it

  onBytes(): void {}

  onDrain(): void {}

  onEnd(): void {}

  onClose(error: string): void {
    this.#timers.remove(this.#deadline)
    this.freeStreams = 0
    if (this.#isConnected) this.#tellClosed(NONE)
    else this.#tellClosed(this.#closeFault === NONE ? connectFault(error) : this.#closeFault)
  }

  #tellClosed(fault: Fault): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.onClosed(this, fault)
  }
}
