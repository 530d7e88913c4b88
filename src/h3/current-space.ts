/**
 * QUIC by the package @currentspace/http3 (quiche in a thread of its own), version 0.9. We use the parts that its own
 * server is made of, since that server listens on TCP as well. What it cannot do, and what we do about it:
 * docs/http3.md.
 */
import type { QuicEndpoint, QuicEvents, QuicField, QuicOptions, QuicProvider } from './provider.ts'

const Event = {
  SESSION: 1,
  HEADERS: 3,
  DATA: 4,
  FINISHED: 5,
  RESET: 6,
  SESSION_CLOSE: 7,
  DRAIN: 8,
  ERROR: 10,
  SHUTDOWN_COMPLETE: 15,
  STREAM_BLOCKED: 16,
  WRITE_READY: 18,
} as const

interface NativeEvent {
  readonly eventType: number
  readonly connHandle: number
  readonly streamId: number
  readonly headers?: readonly QuicField[]
  readonly data?: Uint8Array
  readonly fin?: boolean
  readonly meta?: {
    readonly remoteAddr?: string
    readonly remotePort?: number
    readonly errorCode?: number
    readonly errorReason?: string
  }
}

interface NativeServer {
  listen(port: number, host: string): { readonly address: string; readonly port: number }
  sendResponseHeaders(session: number, stream: number, headers: readonly QuicField[], fin: boolean): boolean
  streamSend(
    session: number,
    stream: number,
    bytes: Uint8Array,
    fin: boolean,
  ): { readonly status: number; readonly written: number }
  sendTrailers(session: number, stream: number, headers: readonly QuicField[]): boolean
  streamClose(session: number, stream: number, code: number): boolean
  closeSession(session: number, code: number, reason: string): boolean
  requestShutdown(): boolean
  joinWorker(): void
  ackEventBatch(count: number): void
}

export interface NativeBinding {
  readonly NativeWorkerServer: new (
    options: object,
    onEvents: (error: unknown, events: readonly NativeEvent[]) => void,
  ) => NativeServer
}

/** How many bytes of one stream may be pending before the client's window is opened further. */
const streamWindowBytes = 256 * 1024
const sessionWindowBytes = 1024 * 1024
/** After this the thread is joined even if it has not reported that it is done. */
const shutdownMs = 5000

export class CurrentSpaceProvider implements QuicProvider {
  readonly name: string
  readonly #binding: NativeBinding

  constructor(binding: NativeBinding, version: string) {
    this.#binding = binding
    this.name = `@currentspace/http3 ${version}`
  }

  open(options: QuicOptions, events: QuicEvents): QuicEndpoint {
    return new Endpoint(this.#binding, options, events)
  }
}

class Endpoint implements QuicEndpoint {
  readonly host: string
  readonly port: number
  readonly #server: NativeServer
  readonly #events: QuicEvents
  #onShutdown: (() => void) | null = null
  #closing: Promise<void> | null = null

  constructor(binding: NativeBinding, options: QuicOptions, events: QuicEvents) {
    this.#events = events
    const native = {
      key: Buffer.from(options.key),
      cert: Buffer.from(options.certificate),
      // The other is io_uring, which containers forbid; and it is no faster for what a proxy does.
      runtimeMode: 'portable',
      maxIdleTimeoutMs: options.idleMs,
      initialMaxData: sessionWindowBytes,
      initialMaxStreamDataBidiLocal: streamWindowBytes,
      initialMaxStreamsBidi: options.streamsMax,
      maxConnections: options.sessionsMax,
    }
    this.#server = new binding.NativeWorkerServer(native, (_error, batch) => this.#onBatch(batch))
    const host = options.host === '' ? '::' : options.host
    const bound = this.#server.listen(options.port, host)
    this.host = bound.address
    this.port = bound.port
  }

  #onBatch(batch: readonly NativeEvent[]): void {
    try {
      for (const event of batch) this.#onEvent(event)
    } finally {
      // The thread reads no further while too many are not acknowledged.
      this.#server.ackEventBatch(batch.length)
    }
  }

  #onEvent(event: NativeEvent): void {
    const events = this.#events
    const { connHandle: session, streamId: stream, meta } = event
    switch (event.eventType) {
      case Event.SESSION:
        return events.onSession(session, unmapped(meta?.remoteAddr ?? ''), meta?.remotePort ?? 0)
      case Event.HEADERS:
        events.onHeaders(session, stream, (event.headers ?? []).map(asLatin1), event.fin === true)
        return this.#onData(event)
      case Event.DATA:
        return this.#onData(event)
      case Event.FINISHED:
        return events.onEnd(session, stream)
      case Event.RESET:
        return events.onReset(session, stream, meta?.errorCode ?? 0)
      case Event.SESSION_CLOSE:
        return events.onSessionClosed(session)
      case Event.DRAIN:
        return events.onRoom(session, stream)
      case Event.STREAM_BLOCKED:
        return events.onFull(session, stream)
      case Event.WRITE_READY:
        return events.onWritable()
      case Event.ERROR:
        return events.onError(meta?.errorReason ?? 'an error without a reason')
      case Event.SHUTDOWN_COMPLETE:
        return this.#onShutdown?.()
    }
  }

  #onData({ connHandle, streamId, data }: NativeEvent): void {
    if (data === undefined || data.length === 0) return
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    this.#events.onData(connHandle, streamId, bytes)
  }

  sendHeaders(session: number, stream: number, fields: readonly QuicField[], ends: boolean): boolean {
    return this.#server.sendResponseHeaders(session, stream, fields.map(asUtf8), ends)
  }

  send(session: number, stream: number, buffer: Buffer, start: number, end: number, ends: boolean): number {
    const { status, written } = this.#server.streamSend(session, stream, buffer.subarray(start, end), ends)
    return status === 0 ? written : start === end ? -1 : written
  }

  sendTrailers(session: number, stream: number, fields: readonly QuicField[]): boolean {
    return this.#server.sendTrailers(session, stream, fields.map(asUtf8))
  }

  reset(session: number, stream: number, code: number): void {
    this.#server.streamClose(session, stream, code)
  }

  closeSession(session: number, code: number): void {
    this.#server.closeSession(session, code, '')
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, shutdownMs)
      this.#onShutdown = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#server.requestShutdown()
    })
    this.#server.joinWorker()
  }
}

const beyondAscii = /[^\0-\x7f]/

/** The package has values as text, read as UTF-8. */
function asLatin1({ name, value }: QuicField): QuicField {
  return { name, value: beyondAscii.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value }
}

/** Bytes that are no UTF-8 cannot be sent: each becomes U+FFFD. */
function asUtf8({ name, value }: QuicField): QuicField {
  return { name, value: beyondAscii.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value }
}

function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
