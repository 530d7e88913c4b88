/**
 * TlsStage: the part of a client's connection in which TLS begins. It keeps the handshake's deadline, and tells its
 * owner how it ended: with a transport that is served from then on, or with a fault.
 *
 * A client that speaks HTTP without TLS is told so in HTTP (400), since it would show an alert as gibberish.
 *
 * Promises: `onSecure` or `onRefused` comes at most once, and neither after `destroy`. `onClosed` comes once, as the
 * last call, unless `onSecure` came.
 */
import { Faults, type Fault } from '../core/faults.ts'
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { ServerConnection } from '../http/serving.ts'
import {
  challengeProtocol,
  TLS_ALERT,
  TLS_CERTIFICATE_EXPIRED,
  TLS_CERTIFICATE_MISSING,
  TLS_CERTIFICATE_UNTRUSTED,
  TLS_FAILED,
  TLS_NAME_UNKNOWN,
  TLS_PLAIN_HTTP,
  type ServerSecurity,
} from '../net/security.ts'
import { startTls } from '../net/start-tls.ts'
import { guardOf, type GuardRules } from './client-guard.ts'
import type { TlsTransport } from '../net/tls-transport.ts'
import type { Transport, TransportEvents } from '../net/transport.ts'

export interface TlsStageOwner extends GuardRules {
  /** Set the transport's `events` before returning. */
  onSecure(stage: TlsStage, transport: TlsTransport): void
  /** The connection is about to close. `detail` is what the peer's alert says, or ''. */
  onRefused(stage: TlsStage, fault: Fault, detail: string): void
  onClosed(stage: TlsStage): void
}

export interface TlsStageOptions {
  /** The listener's name. */
  readonly name: string
  readonly security: ServerSecurity
  readonly timers: Timers
  readonly handshakeMs: number
  readonly owner: TlsStageOwner
}

const plainText = 'HTTP without TLS was sent to a port of TLS: use https://\n'
const plainAnswer =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
  `Content-Length: ${plainText.length}\r\nConnection: close\r\n\r\n${plainText}`

const faultOf: Readonly<Record<string, Fault>> = {
  [TLS_FAILED]: Faults.TLS_FAILED,
  [TLS_PLAIN_HTTP]: Faults.TLS_PLAIN_HTTP,
  [TLS_NAME_UNKNOWN]: Faults.TLS_NAME_UNKNOWN,
  [TLS_CERTIFICATE_MISSING]: Faults.TLS_CERTIFICATE_MISSING,
  [TLS_CERTIFICATE_EXPIRED]: Faults.TLS_CERTIFICATE_BAD,
  [TLS_CERTIFICATE_UNTRUSTED]: Faults.TLS_CERTIFICATE_BAD,
}

export class TlsStage implements ServerConnection, TransportEvents, DeadlineOwner {
  readonly name: string
  readonly transport: TlsTransport
  readonly #options: TlsStageOptions
  readonly #deadline: Deadline = new Deadline(this)
  #isOver = false

  /** Takes `lower` over at once. */
  constructor(lower: Transport, options: TlsStageOptions) {
    this.#options = options
    this.name = options.name
    options.timers.set(this.#deadline, options.handshakeMs)
    this.transport = startTls(lower, { isServer: true, security: options.security }, (transport) =>
      this.#onSecure(transport),
    )
    this.transport.plainAnswer = plainAnswer
    this.transport.events = this
  }

  /** A handshake is no request, so it may be closed when room is needed. */
  get isIdle(): boolean {
    return true
  }

  /** The handshake may finish in its time; whoever takes the transport then drains it. */
  drain(): void {}

  destroy(): void {
    this.#leave()
    this.transport.destroy()
  }

  #onSecure(transport: TlsTransport): void {
    this.#leave()
    // A CA looked at our certificate, and that was all (RFC 8737 §3).
    if (transport.protocol === challengeProtocol) return transport.end()
    const { name, security, owner } = this.#options
    transport.guard = guardOf(transport, name, security, owner)
    owner.onSecure(this, transport)
  }

  #leave(): void {
    this.#isOver = true
    this.#options.timers.remove(this.#deadline)
  }

  onDeadline(): void {
    this.#refuse(Faults.TLS_TIMEOUT, '')
    this.transport.destroy()
  }

  #refuse(fault: Fault, detail: string): void {
    if (this.#isOver) return
    this.#leave()
    this.#options.owner.onRefused(this, fault, detail)
  }

  onBytes(): void {}

  onDrain(): void {}

  onEnd(): void {
    this.transport.destroy()
  }

  onClose(error: string): void {
    if (error.startsWith(TLS_ALERT)) this.#refuse(Faults.TLS_ALERT, error.slice(TLS_ALERT.length + 1))
    else this.#refuse(faultOf[error] ?? Faults.TLS_GONE, '')
    this.#options.owner.onClosed(this)
  }
}
