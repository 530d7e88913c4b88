/**
 * THE file that knows what Node does not document about TLS: TLSWrap, the object below a TLSSocket, used without one.
 *
 * Why: it does without the streams in between. In bare programs on Node 26 an idle connection took 50 KB with a
 * TLSSocket over its socket and 21 KB without one, and a small answer took 17.5 and 16.3 µs of CPU
 * (docs/decisions/0017). `TlsWrap` is the part of it that we use. `findTlsWrap` looks whether all of that exists
 * here, and tls-mode.ts tries it with a real handshake before anything relies on it. Otherwise TLS goes the
 * documented way (tls-socket-engine.ts).
 *
 * - `TLSSocket.prototype._wrapHandle` makes a TLSWrap over a handle; it needs little of its `this`.
 * - What is read arrives at `handle.onread` in a form that only Node's own function can decode. So that function is
 *   used with an owner of ours, which has the few members that it touches, under symbols found on a real socket.
 * - SSL_write takes the bytes before `writeBuffer` returns: they are encrypted or, before the handshake, copied.
 * - TLSWrap reports a write as done in a later turn even when the kernel took it at once; a second write before that
 *   would end the process. `oncomplete` of the request may be set until then; if it is not, nobody is called and
 *   `writeStatus` is set. A finished request may be given to the next write instead of null, which saves a twentieth
 *   of what a small answer costs outside the system, as the garbage collector has to ask C++ about each such object.
 * - TLSWrap reads from and writes to the handle below it by itself. Bytes that a socket read before TLSWrap existed
 *   are given to it with `receive`.
 * - A listener put above TLSWrap (`useUserBuffer` of the lower handle) gets the raw bytes and FIN from then on, and
 *   TLSWrap gets what `receive` gives it. That tells close_notify from a bare FIN, which TLSWrap alone does not.
 *   TLSWrap then hears no more of the completion of a write that had to wait, so this is done only while none is
 *   waiting.
 */
import { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import type { SocketHandle } from './node-handle.ts'

/** What Node calls on whoever owns a handle that reads. */
export interface WrapReader {
  onWrapBytes(length: number, buffer: Buffer): void
  onWrapEnd(): void
  onWrapError(code: string): void
}

export interface ClientHelloFacts {
  readonly servername?: string
  readonly OCSPRequest?: boolean
}

interface WriteRequest {
  oncomplete?: (this: WriteRequest, status: number) => void
  /** null: it is under way. */
  writeStatus: number | null
  engine?: object
}

/** TLSWrap, as far as it is used. */
export interface TlsWrap {
  onread: unknown
  ALPNCallback?: (this: TlsWrap, protocols: Buffer) => number | undefined
  onhandshakedone?: (this: TlsWrap) => void
  oncertcb?: (this: TlsWrap, hello: ClientHelloFacts) => void
  onnewsession?: (this: TlsWrap, id: unknown, session: Buffer) => void
  onerror?: (this: TlsWrap, error: NodeJS.ErrnoException) => void
  lastHandshakeTime: number
  handshakes: number
  sni_context?: unknown
  engine?: object
  readStart(): number
  readStop(): number
  receive(bytes: Buffer): void
  useUserBuffer(buffer: Uint8Array): void
  /** 0, or why it failed; without a request the one that it made, unless it failed. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  writeBuffer(request: null, bytes: Uint8Array): number | WriteRequest
  shutdown(request: object): number
  start(): void
  destroySSL(): void
  enableCertCb(): void
  certCbDone(): void
  enableALPNCb(): void
  enableSessionCallbacks(): void
  newSessionDone(): void
  setALPNProtocols(protocols: Buffer): void
  getALPNNegotiatedProtocol(): string | false
  getServername(): string | false
  setServername(name: string): void
  setSession(session: Buffer): void
  isSessionReused(): boolean
  setVerifyMode(request: boolean, require: boolean): void
  verifyError(): NodeJS.ErrnoException | null
  getSharedSigalgs(): string[]
  setKeyCert(context: unknown): void
  setOCSPResponse(der: Buffer): void
}

export type { WriteRequest }

/** The handle below: TCP or a pipe. */
export interface LowerHandle extends SocketHandle {
  readonly writeQueueSize: number
  /** Whether its socket believes that it reads. */
  reading?: boolean
  useUserBuffer(buffer: Uint8Array): void
}

interface Parts {
  readonly wrap: (this: object, socket: null, handle: object, hasWrite: boolean) => TlsWrap
  readonly shutdownRequest: new () => { oncomplete?: (status: number) => void }
  readonly onStreamRead: unknown
  readonly owner: symbol
  readonly updateTimer: symbol
  readonly buffer: symbol
  readonly bufferCall: symbol
  readonly bufferMake: symbol
}

/** Plain bytes of one record at most come at once; it has to be a multiple of that for Node to fill it well. */
export const plainBufferBytes = 64 * 1024

let parts: Parts | null | undefined

/** All that is needed, or null when something of it is not here. `server` is one that listens. */
export function findTlsWrap(handle: object): boolean {
  if (parts === undefined) parts = find(handle)
  return parts !== null
}

function find(handle: object): Parts | null {
  const probe = new Socket({ onread: { buffer: Buffer.alloc(1), callback: () => true } })
  const onSocket = symbolsOf(probe)
  const onPrototype = symbolsOf(Socket.prototype)
  const owner = symbolsOf(handle).get('owner_symbol')
  const updateTimer = onPrototype.get('kUpdateTimer')
  const buffer = onSocket.get('kBuffer')
  const bufferCall = onSocket.get('kBufferCb')
  const bufferMake = onSocket.get('kBufferGen')
  const wrap = (TLSSocket.prototype as unknown as { _wrapHandle?: Parts['wrap'] })._wrapHandle
  const onStreamRead = (handle as { onread?: unknown }).onread
  const shutdownRequest = findShutdownRequest()
  if (owner === undefined || updateTimer === undefined || buffer === undefined) return null
  if (bufferCall === undefined || bufferMake === undefined || typeof wrap !== 'function') return null
  if (typeof onStreamRead !== 'function' || shutdownRequest === null) return null
  return { wrap, shutdownRequest, onStreamRead, owner, updateTimer, buffer, bufferCall, bufferMake }
}

function symbolsOf(of: object): Map<string, symbol> {
  return new Map(Object.getOwnPropertySymbols(of).map((symbol) => [symbol.description ?? '', symbol]))
}

/** The class of the request that a shutdown takes: a socket without one of its own makes it and hands it over. */
function findShutdownRequest(): Parts['shutdownRequest'] | null {
  let found: unknown = null
  const handle = {
    shutdown(request: object): number {
      found = request.constructor
      return 1
    },
  }
  const end = (Socket.prototype as unknown as { _final?: (this: object, done: () => void) => void })._final
  end?.call({ connecting: false, _handle: handle }, () => {})
  return typeof found === 'function' ? (found as Parts['shutdownRequest']) : null
}

/** In the place of a TLSSocket, which `_wrapHandle` belongs to. */
class WrapMaker {
  readonly _tlsOptions: object
  constructor(context: SecureContext, isServer: boolean) {
    this._tlsOptions = { isServer, secureContext: context }
  }
  on(): void {}
  /** One: so that it adds none. */
  listenerCount(): number {
    return 1
  }
}

const notEnded = { endEmitted: false }

/** Whom Node tells what was decrypted: it takes him for a socket. */
class WrapOwner {
  readonly _readableState = notEnded
  readonly destroyed = false
  readonly #reader: WrapReader
  constructor(reader: WrapReader) {
    this.#reader = reader
  }
  give(length: number, buffer: Buffer): void {
    this.#reader.onWrapBytes(length, buffer)
  }
  push(): void {
    this.#reader.onWrapEnd()
  }
  read(): void {}
  on(): void {}
  destroy(error?: NodeJS.ErrnoException): void {
    this.#reader.onWrapError(error?.code ?? 'ECONNRESET')
  }
}

/** True: go on reading. */
function onOwnerBytes(this: WrapOwner, length: number, buffer: Buffer): boolean {
  this.give(length, buffer)
  return true
}

const plainBuffer = Buffer.allocUnsafeSlow(plainBufferBytes)

/** Makes OpenSSL's end over `lower`. `findTlsWrap` must have said yes. */
export function wrapHandle(
  lower: LowerHandle,
  context: SecureContext,
  isServer: boolean,
  reader: WrapReader,
): TlsWrap {
  const { wrap: make, owner, onStreamRead, updateTimer, buffer, bufferCall, bufferMake } = parts as Parts
  const prototype = WrapOwner.prototype as unknown as Record<symbol, unknown>
  if (prototype[bufferCall] === undefined) {
    prototype[updateTimer] = () => {}
    prototype[buffer] = plainBuffer
    prototype[bufferMake] = null
    prototype[bufferCall] = onOwnerBytes
  }
  const wrap = make.call(new WrapMaker(context, isServer), null, lower, false)
  ;(wrap as unknown as Record<symbol, unknown>)[owner] = new WrapOwner(reader)
  wrap.onread = onStreamRead
  wrap.useUserBuffer(plainBuffer)
  wrap.lastHandshakeTime = 0
  wrap.handshakes = 0
  // So that the socket does not start reading a second time, which fails, when it has connected.
  lower.reading = true
  return wrap
}

/** Asks for close_notify and FIN; `done` comes later. */
export function shutdownWrap(wrap: TlsWrap, done: () => void): void {
  const { shutdownRequest } = parts as Parts
  const request = new shutdownRequest()
  request.oncomplete = done
  if (wrap.shutdown(request) !== 0) setImmediate(done)
}

/** The handle below a socket. */
export function lowerHandleOf(socket: Socket): LowerHandle | null {
  return (socket as unknown as { _handle: LowerHandle | null })._handle
}

// What a TLSSocket makes of its handle, for one that has no TLSSocket.

export function peerCertificateOf(wrap: TlsWrap): X509Certificate | null {
  return TLSSocket.prototype.getPeerX509Certificate.call({ _handle: wrap } as never) ?? null
}

/** In the form that `tls.checkServerIdentity` takes, with the chain as issuers. */
export function peerCertificateWithChain(wrap: TlsWrap): import('node:tls').DetailedPeerCertificate {
  return TLSSocket.prototype.getPeerCertificate.call({ _handle: wrap } as never, true) as never
}

export function cipherOf(wrap: TlsWrap): { readonly standardName: string; readonly version: string } {
  return TLSSocket.prototype.getCipher.call({ _handle: wrap } as never) as never
}

export function protocolOf(wrap: TlsWrap): string {
  return TLSSocket.prototype.getProtocol.call({ _handle: wrap } as never) ?? ''
}
