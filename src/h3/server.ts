/**
 * H3Server: HTTP/3 on one UDP port, over a provider of QUIC. To the owner of the server its sessions are connections
 * like any others: counted, drained, cut.
 */
import type { FaultLevel } from '../core/faults.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import { H3Code } from './codes.ts'
import { grownBytesMaxHere, MemoryWatch, nativeBytesNow } from './memory-watch.ts'
import type { QuicEndpoint, QuicEvents, QuicField, QuicOptions, QuicProvider } from './provider.ts'
import { allHeldBytesMax, H3Session, heldBytesMax, type SessionHome } from './session.ts'

export interface H3Context extends ServingContext {
  /** A session has begun. */
  onOpened(connection: ServerConnection): void
  /** Is there room for another connection, from this client? */
  takes(address: string): boolean
  note(level: FaultLevel, message: string): void
  /** What requests may be for; null: anything. */
  readonly guard: ConnectionGuard | null
}

export interface H3ServerOptions extends QuicOptions {
  /** For tests. */
  readonly heldBytesMax?: number
  readonly allHeldBytesMax?: number
  readonly nativeBytes?: () => number
  readonly grownBytesMax?: number
  readonly answerBytesUsual?: number
}

/** Of an answer whose client takes it slowly: 450 on five sessions took 0.9 MiB each. */
const answerBytesUsual: number = 1024 * 1024

/** After sessions had to go for their memory: clients come over TCP meanwhile. */
export const refuseMs = 30_000

/** At most a note a second of what the provider says of its own accord. */
const noteMs = 1000

export class H3Server implements QuicEvents, SessionHome {
  readonly endpoint: QuicEndpoint
  readonly context: H3Context
  heldBytes = 0
  readonly heldBytesMax: number
  readonly allHeldBytesMax: number
  readonly #sessions = new Map<number, H3Session>()
  readonly #memory: MemoryWatch
  #refusesUntilMs = -Infinity
  #notedMs = -Infinity
  #isDraining = false
  #onEmpty: (() => void) | null = null

  /** Throws when the provider cannot open the port. */
  constructor(provider: QuicProvider, options: H3ServerOptions, context: H3Context) {
    this.context = context
    this.heldBytesMax = options.heldBytesMax ?? heldBytesMax
    this.allHeldBytesMax = options.allHeldBytesMax ?? allHeldBytesMax
    this.#memory = new MemoryWatch({
      clock: context.timers.clock,
      nativeBytes: options.nativeBytes ?? nativeBytesNow,
      grownBytesMax: options.grownBytesMax ?? grownBytesMaxHere(),
      usualBytes: () => this.#requestCount() * (options.answerBytesUsual ?? answerBytesUsual),
      onGrown: (bytes, isTooMuch) => this.#shed(bytes, isTooMuch),
    })
    this.endpoint = provider.open(options, this)
  }

  get localPort(): number {
    return this.endpoint.port
  }

  get guard(): ConnectionGuard | null {
    return this.context.guard
  }

  later(ms: number, callback: () => void): void {
    this.context.timers.clock.after(ms, callback)
  }

  onSession(id: number, remoteAddress: string, remotePort: number): void {
    const { context } = this
    const hasRoom = context.timers.clock.nowMs() >= this.#refusesUntilMs && context.takes(remoteAddress)
    if (!hasRoom) return this.endpoint.closeSession(id, H3Code.EXCESSIVE_LOAD)
    if (this.#isDraining) return this.endpoint.closeSession(id, H3Code.NO_ERROR)
    const session = new H3Session(this, id, remoteAddress, remotePort)
    this.#sessions.set(id, session)
    this.#memory.begin()
    context.onOpened(session)
  }

  onHeaders(session: number, stream: number, fields: readonly QuicField[], ends: boolean): void {
    this.#sessions.get(session)?.onHeaders(stream, fields, ends)
  }

  onData(session: number, stream: number, bytes: Buffer): void {
    this.#sessions.get(session)?.onData(stream, bytes)
  }

  onEnd(session: number, stream: number): void {
    this.#sessions.get(session)?.onEnd(stream)
  }

  onReset(session: number, stream: number): void {
    this.#sessions.get(session)?.onReset(stream)
  }

  onFull(session: number, stream: number): void {
    this.#sessions.get(session)?.onFull(stream)
  }

  onRoom(session: number, stream: number): void {
    this.#sessions.get(session)?.onRoom(stream)
  }

  onWritable(): void {
    for (const session of this.#sessions.values()) session.onWritable()
  }

  onSessionClosed(id: number): void {
    const session = this.#sessions.get(id)
    this.#sessions.delete(id)
    session?.onClosed()
    if (this.#sessions.size > 0) return
    this.#memory.end()
    this.#onEmpty?.()
  }

  #requestCount(): number {
    let count = 0
    for (const session of this.#sessions.values()) count += session.requestCount
    return count
  }

  #shed(bytes: number, isTooMuch: boolean): void {
    let count = 0
    for (const session of this.#sessions.values()) {
      if (session.isGone || (!isTooMuch && !session.isSilent)) continue
      session.shed()
      count++
    }
    if (isTooMuch) {
      this.#refusesUntilMs = this.context.timers.clock.nowMs() + refuseMs
      // Whatever is there still was not the provider's.
      this.#memory.forget()
    } else if (count === 0) return
    const grown = `the memory of HTTP/3 has grown by ${Math.round(bytes / 2 ** 20)} MiB`
    const what = isTooMuch
      ? 'closed, and none is taken for half a minute'
      : 'closed that had asked for nothing'
    this.context.note('warn', `${grown}: of its sessions ${count} were ${what}`)
  }

  onError(message: string): void {
    const nowMs = this.context.timers.clock.nowMs()
    if (nowMs - this.#notedMs < noteMs) return
    this.#notedMs = nowMs
    this.context.note('debug', `HTTP/3: ${message}`)
  }

  /** Takes no more sessions, and resolves when the last one is gone, or after `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
    for (const session of this.#sessions.values()) session.drain()
    if (this.#sessions.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    const timer = this.context.timers.clock.after(drainMs, resolve)
    await promise
    timer.cancel()
  }

  /** Resolves when nothing is left of it; its sessions should be gone by then. */
  async close(): Promise<void> {
    await this.endpoint.close()
    for (const session of this.#sessions.values()) session.onClosed()
    this.#sessions.clear()
    this.#memory.end()
    this.#onEmpty?.()
  }
}
