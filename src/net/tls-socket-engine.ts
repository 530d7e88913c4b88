/**
 * SocketEngine: TLS the documented way, with a TLSSocket over a stream that stands for a transport. It is slower, and
 * used on runtimes where tls-wrap.ts finds something missing, and for transports that are not sockets (wires of
 * tests).
 *
 * The transport's FIN is not passed on to the TLSSocket. If close_notify came before it, TLS has ended by itself a
 * turn later; otherwise the end is a truncation.
 */
import { Duplex } from 'node:stream'
import { checkServerIdentity, connect, TLSSocket, type SecureContext } from 'node:tls'
import {
  challengeProtocol,
  TLS_CERTIFICATE_MISSING,
  TLS_CERTIFICATE_NAME,
  TLS_FAILED,
  TLS_NAME_UNKNOWN,
  type ClientCertificateMode,
  type ClientSecurity,
  type ServerIdentity,
  type ServerSecurity,
  type TlsSession,
} from './security.ts'
import type { TlsEngine, TlsEngineOwner, TlsRole } from './tls-engine.ts'
import { tlsErrorOf, verifyErrorOf } from './tls-errors.ts'
import type { Transport } from './transport.ts'

/** The encrypted side, as a stream. */
class TransportStream extends Duplex {
  readonly #transport: Transport
  #onRoom: ((error?: Error) => void) | null = null
  constructor(transport: Transport) {
    super({ allowHalfOpen: true })
    this.#transport = transport
  }
  /** Whoever reads the plain side asks for no more. */
  isStopped = false
  override _read(): void {
    if (this.#transport.isPaused && !this.isStopped) this.#transport.resume()
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const flows = this.#transport.writeBytes(chunk, 0, chunk.length)
    this.#transport.flush()
    if (flows) done()
    else this.#onRoom = done
  }
  override _final(done: () => void): void {
    this.#transport.end()
    done()
  }
  onBytes(buffer: Buffer, start: number, end: number): void {
    if (!this.push(Buffer.from(buffer.subarray(start, end)))) this.#transport.pause()
  }
  stop(stops: boolean): void {
    this.isStopped = stops
    if (stops) this.#transport.pause()
    else this.#transport.resume()
  }
  onRoom(): void {
    const done = this.#onRoom
    this.#onRoom = null
    done?.()
  }
}

export class SocketEngine implements TlsEngine {
  protocol = ''
  serverName = ''
  readonly #owner: TlsEngineOwner
  readonly #lower: Transport
  readonly #stream: TransportStream
  readonly #socket: TLSSocket
  #mode: ClientCertificateMode = 'none'
  #isDisposed = false
  #isChallenge = false
  #isWriting = false

  constructor(lower: Transport, role: TlsRole, owner: TlsEngineOwner) {
    this.#owner = owner
    this.#lower = lower
    this.#stream = new TransportStream(lower)
    this.#socket = role.isServer ? this.#makeServer(role.security) : this.#makeClient(role.security)
    const socket = this.#socket
    socket.on('data', (bytes: Buffer) => {
      if (!this.#isDisposed) owner.onPlain(bytes, 0, bytes.length)
    })
    socket.on('end', () => {
      if (!this.#isDisposed) owner.onPlainEnd()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(tlsErrorOf(error.code ?? '')))
    // Before the handshake is done, errors of a server's side come by this name alone.
    socket.on('_tlsError', (error: NodeJS.ErrnoException) => this.#fail(tlsErrorOf(error.code ?? '')))
    socket.on('close', () => this.#fail('ECONNRESET'))
  }

  #makeServer(security: ServerSecurity): TLSSocket {
    const { fallback } = security
    this.#mode = fallback.clientCertificate
    const socket: TLSSocket = new TLSSocket(this.#stream, {
      isServer: true,
      secureContext: fallback.context,
      requestCert: this.#mode !== 'none',
      rejectUnauthorized: false,
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) => {
        void this.#identify(security, name.toLowerCase(), done)
      },
      ALPNCallback: ({ servername, protocols }: { servername: string; protocols: string[] }) =>
        this.#chooseProtocol(security, servername, protocols),
    })
    socket.on('secure', () => {
      this.#settle(this.#clientProblem())
    })
    return socket
  }

  async #identify(
    security: ServerSecurity,
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): Promise<void> {
    // With TLS 1.3 ALPN is settled by now, and a challenge has its certificate.
    if (this.#isChallenge) return done(null)
    let identity: ServerIdentity | null = null
    try {
      identity = await security.identify(name)
    } catch {
      // As when there is none.
    }
    if (this.#isDisposed) return
    if (identity === null) this.#fail(TLS_NAME_UNKNOWN)
    // Who is asked for a certificate cannot be changed here once the handshake has begun.
    else if (identity.clientCertificate !== this.#mode) this.#fail(TLS_FAILED)
    else done(null, identity.context)
  }

  #chooseProtocol(security: ServerSecurity, name: string, offered: readonly string[]): string | undefined {
    if (offered.includes(challengeProtocol)) {
      const context = security.challenge?.(name.toLowerCase()) ?? null
      if (context === null) return undefined
      ;(this.#socket as TLSSocket & { setKeyCert(context: SecureContext): void }).setKeyCert(context)
      this.#isChallenge = true
      return challengeProtocol
    }
    return security.protocols.find((protocol) => offered.includes(protocol))
  }

  #makeClient(security: ClientSecurity): TLSSocket {
    const { context, serverName, peerName, protocols } = security
    const socket = connect({
      socket: this.#stream,
      secureContext: context,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(serverName === '' ? {} : { servername: serverName }),
      ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
    })
    socket.on('secureConnect', () => {
      this.#settle(security.verifies ? this.#serverProblem(peerName) : '')
    })
    return socket
  }

  #settle(problem: string): void {
    if (this.#isDisposed) return
    if (problem !== '') return this.#fail(problem)
    const socket = this.#socket
    this.protocol = socket.alpnProtocol || ''
    this.serverName = ((socket as { servername?: string | false }).servername || '').toLowerCase()
    this.#owner.onSecure()
  }

  #clientProblem(): string {
    if (this.#mode === 'none') return ''
    if (this.#socket.getPeerX509Certificate() === undefined)
      return this.#mode === 'require' ? TLS_CERTIFICATE_MISSING : ''
    const handle = (this.#socket as unknown as { _handle: { verifyError(): NodeJS.ErrnoException | null } })
      ._handle
    const error = handle.verifyError()
    return error === null ? '' : verifyErrorOf(error.code ?? '')
  }

  #serverProblem(peerName: string): string {
    const error = this.#socket.authorizationError as unknown as string | Error | null
    if (error !== null && error !== undefined)
      return verifyErrorOf(typeof error === 'string' ? error : ((error as NodeJS.ErrnoException).code ?? ''))
    if (peerName === '') return ''
    const wrong = checkServerIdentity(peerName, this.#socket.getPeerCertificate(true))
    return wrong === undefined ? '' : TLS_CERTIFICATE_NAME
  }

  session(): TlsSession {
    const socket = this.#socket
    const peer = socket.getPeerX509Certificate() ?? null
    const chain: Buffer[] = []
    let certificate = peer === null ? null : socket.getPeerCertificate(true)
    while (certificate !== null && certificate.issuerCertificate !== undefined) {
      const issuer = certificate.issuerCertificate
      if (issuer === certificate) break
      chain.push(issuer.raw)
      certificate = issuer
    }
    return {
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher().standardName,
      isResumed: socket.isSessionReused(),
      peerCertificate: peer,
      peerChain: chain,
    }
  }

  receive(buffer: Buffer, start: number, end: number): void {
    if (!this.#isDisposed) this.#stream.onBytes(buffer, start, end)
  }

  get isBlocked(): boolean {
    return this.#isWriting && this.#lower.unsentBytes > 0
  }

  mayWrite(): boolean {
    return !this.#isWriting
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#isWriting = true
    this.#socket.write(Buffer.from(buffer.subarray(start, end)), (error) => {
      this.#isWriting = false
      if (!this.#isDisposed) this.#owner.onWritten(error == null ? '' : 'ECONNRESET')
    })
  }

  /** The transport below has room again. */
  onRoom(): void {
    this.#stream.onRoom()
  }

  shutdown(): void {
    if (this.#isDisposed) return
    this.#socket.end(() => {
      if (!this.#isDisposed) this.#owner.onShutdown()
    })
  }

  stopReading(): void {
    // Not that of the TLSSocket: then nobody would see whether close_notify came before FIN.
    this.#stream.stop(true)
  }

  startReading(): void {
    this.#stream.stop(false)
  }

  tellTruncation(): boolean {
    return true
  }

  #fail(error: string): void {
    if (!this.#isDisposed) this.#owner.onEngineFailed(error)
  }

  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#socket.destroy()
    this.#stream.destroy()
  }
}
