/**
 * H3Server: HTTP/3 on one UDP port, over a provider of QUIC. Its sessions are connections like any others to whoever owns
 * the server: counted, drained, cut.
 */
import type { FaultLevel } from '../core/faults.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import type { QuicEndpoint, QuicEvents, QuicField, QuicOptions, QuicProvider } from './provider.ts'
import { allHeldBytesMax, H3Session, heldBytesMax, type SessionHome } from './session.ts'

export interface H3Context extends ServingContext {
  /** A session has begun. */
  onOpened(connection: ServerConnection): void
  /** Is there room for another connection? */
  readonly isFull: boolean
  note(level: FaultLevel, message: string): void
}

export interface H3ServerOptions extends QuicOptions {
  /** For tests. */
  readonly heldBytesMax?: number
  readonly allHeldBytesMax?: number
}

/** At most a note a second of what the provider says of its own accord. */
const noteMs = 1000

export class H3Server implements QuicEvents, SessionHome {
  readonly endpoint: QuicEndpoint
  readonly context: H3Context
  heldBytes = 0
  readonly heldBytesMax: number
  readonly allHeldBytesMax: number
  readonly #sessions = new Map<number, H3Session>()
  #notedMs = -Infinity

  /** Throws when the provider cannot open the port. */
  constructor(provider: QuicProvider, options: H3ServerOptions, context: H3Context) {
    this.context = context
    this.heldBytesMax = options.heldBytesMax ?? heldBytesMax
    this.allHeldBytesMax = options.allHeldBytesMax ?? allHeldBytesMax
    this.endpoint = provider.open(options, this)
  }

  get localPort(): number {
    return this.endpoint.port
  }

  later(ms: number, callback: () => void): void {
    this.context.timers.clock.after(ms, callback)
  }

  onSession(id: number, remoteAddress: string, remotePort: number): void {
    const { context } = this
    if (context.isFull) return this.endpoint.closeSession(id, 0x107)
    const session = new H3Session(this, id, remoteAddress, remotePort)
    this.#sessions.set(id, session)
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
  }

  onError(message: string): void {
    const nowMs = this.context.timers.clock.nowMs()
    if (nowMs - this.#notedMs < noteMs) return
    this.#notedMs = nowMs
    this.context.note('debug', `HTTP/3: ${message}`)
  }

  /** Resolves when nothing is left of it; its sessions should be gone by then. */
  async close(): Promise<void> {
    await this.endpoint.close()
    for (const session of this.#sessions.values()) session.onClosed()
    this.#sessions.clear()
  }
}
