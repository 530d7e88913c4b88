/**
 * TlsTransport: TLS over another transport, as a Transport. The handshake is its first phase: it is seen only through
 * `onSecure`, and what is written before that leaves after it.
 *
 * Invariants:
 * - What OpenSSL (tls-outbox.ts) or the kernel has not taken yet counts as unsent.
 * - `end` sends close_notify, then FIN. `destroy` and `reset` send neither, so that nothing cut off looks whole;
 *   `reset` resets the transport below.
 * - FIN without close_notify (RFC 8446 §6.1) is reported as an ordinary end, since browsers and origins often leave
 *   it out, unless `relyOnEnd` was called and returned true: then it closes the transport with TLS_TRUNCATED.
 */
import type { ProxyHeader } from './proxy-header.ts'
import { TLS_PLAIN_HTTP, TLS_TRUNCATED, type ConnectionGuard, type TlsSession } from './security.ts'
import { nobody, unsentBytesHigh } from './socket.ts'
import {
  dropStageOf,
  enterEvent,
  leaveEvent,
  sendStageOf,
  stageBytes,
  stageBytesMax,
  stagedBytes,
  stageText,
  type StageOwner,
} from './stage.ts'
import type { TlsEngine, TlsEngineOwner } from './tls-engine.ts'
import { TlsOutbox } from './tls-outbox.ts'
import { TlsReading } from './tls-reading.ts'
import { tellDrain } from './telling.ts'
import type { Transport, TransportEvents } from './transport.ts'

/** For a plain answer to arrive before the connection is closed under it. */
const plainAnswerMs = 200

export class TlsTransport
  extends TlsReading
  implements Transport, TransportEvents, TlsEngineOwner, StageOwner
{
  readonly encrypted = true
  /** Set by whoever took the handshake. */
  guard: ConnectionGuard | null = null
  /** Sent as it is to a peer that speaks HTTP without TLS; '' for nothing. */
  plainAnswer = ''
  readonly #lower: Transport
  readonly #makeEngine: (owner: TlsEngineOwner) => TlsEngine
  readonly #waits: boolean
  #onSecure: ((transport: TlsTransport) => void) | null
  #session: TlsSession | null = null
  readonly #outbox = new TlsOutbox()
  #handedBytes = 0
  #isHeldUp = false
  #isEnding = false
  /** close_notify and FIN are on their way, and have left. */
  #hasShutDown = false
  #isShutDown = false
  #isClosed = false
  #error = ''

  /**
   * Takes `lower` over: its events are ours. `makeEngine` gets this as the owner, at `begin`, or, when it `waits`, with
   * the peer's first bytes. `onSecure` comes once, or `onClose` and nothing else.
   */
  constructor(
    lower: Transport,
    makeEngine: (owner: TlsEngineOwner) => TlsEngine,
    onSecure: (transport: TlsTransport) => void,
    waits: boolean,
  ) {
    super()
    this.#lower = lower
    this.#onSecure = onSecure
    this.#makeEngine = makeEngine
    this.#waits = waits
    lower.events = this
  }

  /** Starts the handshake; `lower` is connected. */
  begin(): void {
    if (this.isClosing) return
    if (!this.#waits) this.#start()
    if (this.#lower.isPaused) this.#lower.resume()
  }

  #start(): TlsEngine {
    const engine = this.#makeEngine(this)
    this.readFrom(engine)
    return engine
  }

  get protocol(): string {
    return this.engine?.protocol ?? ''
  }

  get serverName(): string {
    return this.engine?.serverName ?? ''
  }

  get tls(): TlsSession | null {
    if (!this.isSecure || this.engine === null) return null
    return (this.#session ??= this.engine.session())
  }

  get introduction(): ProxyHeader | null {
    return this.#lower.introduction ?? null
  }

  get relayAddress(): string {
    return this.#lower.relayAddress ?? ''
  }

  get remoteAddress(): string {
    return this.#lower.remoteAddress
  }

  get remotePort(): number {
    return this.#lower.remotePort
  }

  get localAddress(): string {
    return this.#lower.localAddress
  }

  get localPort(): number {
    return this.#lower.localPort
  }

  get unsentBytes(): number {
    const { queuedBytes, writingBytes } = this.#outbox
    // To ask the kernel is a call into C++.
    const writing = writingBytes > 0 && this.engine?.isBlocked === true ? writingBytes : 0
    return stagedBytes(this) + queuedBytes + writing
  }

  get bytesWritten(): number {
    return this.#handedBytes + stagedBytes(this) - this.unsentBytes
  }

  unacknowledgedBytes(): number {
    return this.#lower.unacknowledgedBytes?.() ?? -1
  }

  get isOpen(): boolean {
    return !this.isClosing && this.#lower.isOpen
  }

  relyOnEnd(): boolean {
    return this.isOpen && this.#outbox.queuedBytes === 0 && this.engine?.tellTruncation() === true
  }

  // Writing

  writeText(text: string): boolean {
    if (!this.#isWritable()) return true
    if (text.length > stageBytesMax) {
      const bytes = Buffer.from(text, 'latin1')
      return this.writeBytes(bytes, 0, bytes.length)
    }
    stageText(this, text)
    return this.#hasRoom()
  }

  writeBytes(buffer: Buffer, start: number, end: number): boolean {
    if (!this.#isWritable() || end <= start) return true
    if (end - start <= stageBytesMax - stagedBytes(this)) stageBytes(this, buffer, start, end)
    else {
      sendStageOf(this)
      this.#send(buffer, start, end)
    }
    return this.#hasRoom()
  }

  flush(): void {
    sendStageOf(this)
  }

  sendStaged(buffer: Buffer, length: number): void {
    if (this.#isWritable() && this.#lower.isOpen) this.#send(buffer, 0, length)
  }

  #send(buffer: Buffer, start: number, end: number): void {
    this.#handedBytes += end - start
    this.#outbox.send(this.isSecure ? this.engine : null, buffer, start, end)
  }

  onWritten(error: string): void {
    this.#outbox.writingBytes = 0
    if (this.isClosing) return
    if (error !== '') return this.close(error)
    this.#goOn()
    this.#tellRoom()
  }

  #tellRoom(): void {
    if (!this.#isHeldUp || this.isClosing) return
    const engine = this.engine as TlsEngine
    const isWaiting = this.#outbox.queuedBytes > 0 || engine.isBlocked
    if (isWaiting && !engine.mayWrite()) return
    this.#isHeldUp = false
    tellDrain(this.events)
  }

  /** What waits is written; behind it, the end. */
  #goOn(): void {
    const engine = this.engine as TlsEngine
    this.#outbox.goOn(engine)
    if (this.#isEnding && this.#outbox.queuedBytes === 0 && engine.mayWrite()) this.#shutDown()
  }

  #isWritable(): boolean {
    return !this.#isEnding && !this.isClosing
  }

  #hasRoom(): boolean {
    const { queuedBytes, writingBytes } = this.#outbox
    if (stagedBytes(this) + queuedBytes + writingBytes < unsentBytesHigh) return true
    sendStageOf(this)
    if (this.unsentBytes < unsentBytesHigh) return true
    // `onWritten` comes, or, before the handshake is done, `onSecure`.
    if (this.isSecure && this.engine?.mayWrite() === true) return true
    this.#isHeldUp = true
    return false
  }

  end(): void {
    if (!this.#isWritable()) return
    sendStageOf(this)
    this.#isEnding = true
    if (this.isSecure) this.#goOn()
  }

  #shutDown(): void {
    if (this.#hasShutDown) return
    this.#hasShutDown = true
    this.engine?.shutdown()
  }

  onShutdown(): void {
    this.#isShutDown = true
    if (this.isEnded) this.close('')
  }

  // Reading

  onSecure(): void {
    if (this.isClosing) return
    this.isSecure = true
    const onSecure = this.#onSecure
    this.#onSecure = null
    enterEvent()
    try {
      onSecure?.(this)
    } finally {
      leaveEvent()
    }
    if (this.isClosing) return
    this.#goOn()
    this.#tellRoom()
  }

  protected onEndTold(): void {
    if (this.#isShutDown && !this.isClosing) this.close('')
  }

  onTruncated(): void {
    if (!this.hasHeardEnd) this.close(TLS_TRUNCATED)
  }

  // The transport below: what its socket read before TLS was there, or reads around it

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.isClosing) return
    const engine = this.engine ?? this.#start()
    engine.receive(buffer, start, end)
  }

  onDrain(): void {
    this.engine?.onRoom?.()
  }

  onEnd(): void {
    // When close_notify came with it, TLS tells so in this turn.
    setImmediate(() => {
      if (this.hasHeardEnd || this.isClosing) return
      if (this.isSecure) this.onTruncated()
      else this.close('ECONNRESET')
    })
  }

  onClose(error: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.isClosing = true
    this.#onSecure = null
    dropStageOf(this)
    this.engine?.dispose()
    this.#outbox.clear()
    this.dropKept()
    enterEvent()
    try {
      this.events.onClose(this.#error === '' ? error : this.#error)
    } finally {
      this.events = nobody
      leaveEvent()
    }
  }

  onEngineFailed(error: string): void {
    if (error === TLS_PLAIN_HTTP && this.plainAnswer !== '' && this.#lower.isOpen) this.#answerPlainly()
    else this.close(error)
  }

  /** Not encrypted: so that it is understood. What the peer still sends is not read, and FIN closes it. */
  #answerPlainly(): void {
    this.#error = TLS_PLAIN_HTTP
    this.isClosing = true
    this.#lower.writeText(this.plainAnswer)
    this.#lower.end()
    setTimeout(() => this.#lower.destroy(), plainAnswerMs).unref()
  }

  protected close(error: string): void {
    if (this.isClosing) return
    this.isClosing = true
    this.#error = error
    dropStageOf(this)
    this.#lower.destroy()
  }

  destroy(): void {
    this.close('')
  }

  reset(): void {
    if (this.isClosing) return
    // libuv refuses a reset while FIN is on its way.
    if (this.#hasShutDown && !this.#isShutDown) return this.close('')
    this.isClosing = true
    dropStageOf(this)
    this.#lower.reset()
  }
}
