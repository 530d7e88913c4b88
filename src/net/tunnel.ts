/**
 * A tunnel: two transports joined, each one's bytes written to the other (RFC 9110 §7.8, §9.3.6). It does not look at
 * what passes.
 *
 * Promises:
 * - Back-pressure both ways: a side whose bytes are not taken is paused until they are.
 * - A FIN is passed on as a FIN, after everything that was read before it. The other direction goes on for as long as
 *   something moves at least every `halfClosedMs`.
 * - A side that dies takes the other with it at once, by RST when it died of an error, so that the peer can see that
 *   it did not get everything.
 * - `onClosed` comes once, when both sides are gone, and nothing of the tunnel is left then.
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { Transport, TransportEvents } from './transport.ts'

/**
 * How long one direction may stand still after the other was closed. Who closes one way and still expects an answer
 * gets it soon; a connection that the peer has forgotten does not stay for the whole idle time.
 */
export const halfClosedMsDefault = 30_000

export interface TunnelOptions {
  readonly timers: Timers
  /** Without a byte either way, both are closed after this. */
  readonly idleMs: number
  /** As `idleMs`, from when one side has sent FIN; not above `idleMs`. Default `halfClosedMsDefault`. */
  readonly halfClosedMs?: number
  /** What the death of `a` or `b` by an error is called. By default `a` is the client's side, `b` the origin's. */
  readonly faultOfA?: Fault
  readonly faultOfB?: Fault
  /**
   * Both are gone. `fault`: NONE when each closed in an orderly way; `faultOfA` or `faultOfB` for the one that died;
   * TUNNEL_IDLE; DRAINING when `closeGracefully` was not answered in time; or what `destroy` was given.
   */
  onClosed(fault: Fault, bytesFromA: number, bytesFromB: number): void
}

export interface Tunnel {
  /** Sends FIN both ways, and destroys what is still open after `halfClosedMs` of silence. */
  closeGracefully(): void
  /** Closes both at once; `fault` is what `onClosed` gets. */
  destroy(fault: Fault): void
}

/**
 * Joins `a` and `b` from now on: their `events` are the tunnel's. What had been read from one of them before is to be
 * written to the other before this call; neither may have reported its `onClose` yet.
 */
export function joinTunnel(a: Transport, b: Transport, options: TunnelOptions): Tunnel {
  return new TransportTunnel(a, b, options)
}

class TransportTunnel implements Tunnel, DeadlineOwner {
  readonly #options: TunnelOptions
  readonly #a: TunnelSide
  readonly #b: TunnelSide
  readonly #deadline: Deadline = new Deadline(this)
  #quietMs: number
  /** We sent FIN both ways: the sides close in their own time. */
  #isLeaving = false
  #isDestroyed = false
  #fault: Fault = NONE

  constructor(a: Transport, b: Transport, options: TunnelOptions) {
    this.#options = options
    this.#quietMs = options.idleMs
    this.#a = new TunnelSide(this, a, options.faultOfA ?? Faults.CLIENT_GONE)
    this.#b = new TunnelSide(this, b, options.faultOfB ?? Faults.ORIGIN_TRUNCATED)
    this.#a.other = this.#b
    this.#b.other = this.#a
    this.moved()
    this.#a.join()
    this.#b.join()
  }

  closeGracefully(): void {
    if (this.#isDestroyed) return
    this.#isLeaving = true
    this.halfClosed()
    this.#a.transport.end()
    this.#b.transport.end()
  }

  destroy(fault: Fault): void {
    this.#end(fault, false)
  }

  /** Something moved: the deadline is pushed out. */
  moved(): void {
    if (!this.#isDestroyed) this.#options.timers.set(this.#deadline, this.#quietMs)
  }

  /** From now on less patience. */
  halfClosed(): void {
    const { idleMs, halfClosedMs = halfClosedMsDefault } = this.#options
    this.#quietMs = Math.min(idleMs, halfClosedMs)
    this.moved()
  }

  onDeadline(): void {
    this.#end(this.#isLeaving ? Faults.DRAINING : Faults.TUNNEL_IDLE, false)
  }

  /** `side` is gone. With `fault`: it died. */
  sideClosed(side: TunnelSide, fault: Fault): void {
    const other = side.other as TunnelSide
    // After FIN both ways the other one is only sending the rest of what it was given.
    const isOrderly = this.#isLeaving || (side.isEnded && other.isEnded)
    if (fault !== NONE || !isOrderly) this.#end(fault, fault !== NONE)
    if (!other.isClosed) return
    this.#isDestroyed = true
    this.#options.timers.remove(this.#deadline)
    this.#options.onClosed(this.#fault, this.#a.receivedBytes, this.#b.receivedBytes)
  }

  #end(fault: Fault, withReset: boolean): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#fault = fault
    this.#options.timers.remove(this.#deadline)
    for (const { transport } of [this.#a, this.#b]) {
      if (withReset) transport.reset()
      else transport.destroy()
    }
  }
}

/** One side: takes what its transport reads, and gives it to the other. */
class TunnelSide implements TransportEvents {
  readonly transport: Transport
  other: TunnelSide | null = null
  isEnded = false
  isClosed = false
  receivedBytes = 0
  readonly #tunnel: TransportTunnel
  readonly #deathFault: Fault

  constructor(tunnel: TransportTunnel, transport: Transport, deathFault: Fault) {
    this.#tunnel = tunnel
    this.transport = transport
    this.#deathFault = deathFault
  }

  join(): void {
    this.transport.events = this
    this.transport.resume()
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.receivedBytes += end - start
    this.#tunnel.moved()
    const target = (this.other as TunnelSide).transport
    if (!target.writeBytes(buffer, start, end)) this.transport.pause()
  }

  onDrain(): void {
    this.#tunnel.moved()
    const source = (this.other as TunnelSide).transport
    source.resume()
  }

  onEnd(): void {
    this.isEnded = true
    this.#tunnel.halfClosed()
    const target = (this.other as TunnelSide).transport
    target.end()
  }

  onClose(error: string): void {
    this.isClosed = true
    this.#tunnel.sideClosed(this, error === '' ? NONE : this.#deathFault)
  }
}
