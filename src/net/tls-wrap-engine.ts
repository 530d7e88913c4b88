/**
 * WrapEngine: TLS by Node's TLSWrap over the handle of a socket, without a TLSSocket (why and how: tls-wrap.ts).
 *
 * Invariants: at most one write of TLSWrap is under way (a second would end the process); its memory is freed in a
 * later turn, never from within one of OpenSSL's calls.
 */
import { checkServerIdentity } from 'node:tls'
import { alpnBytes, alpnOffset } from './alpn.ts'
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
import { shownCertificate } from './shown-certificate.ts'
import { viewOf } from './stage.ts'
import type { TlsEngine, TlsEngineOwner, TlsRole } from './tls-engine.ts'
import { tlsErrorOf, verifyErrorOf } from './tls-errors.ts'
import {
  cipherOf,
  peerCertificateOf,
  peerCertificateWithChain,
  protocolOf,
  shutdownWrap,
  wrapHandle,
  type ClientHelloFacts,
  type LowerHandle,
  type TlsWrap,
  type WrapReader,
  type WriteRequest,
} from './tls-wrap.ts'

export class WrapEngine implements TlsEngine, WrapReader {
  protocol = ''
  serverName = ''
  readonly #owner: TlsEngineOwner
  readonly #lower: LowerHandle
  readonly #tapBuffer: Buffer
  readonly #wrap: TlsWrap
  /** Until the handshake is done. */
  #role: TlsRole | null
  readonly #isServer: boolean
  #mode: ClientCertificateMode = 'none'
  #sessions: ClientSecurity['sessions'] = null
  /** It came before the peer was verified. */
  #pendingSession: Buffer | null = null
  /** One for all writes, as one is under way at most. */
  #request: WriteRequest | null = null
  /** It may be. */
  #isWriting = false
  #hasFailed = false
  #isDisposed = false
  #hasShaken = false
  /** acme-tls/1 was chosen; or is hoped for, and nothing else is served. */
  #isChallenge = false
  #isGuess = false

  /** `tapBuffer` is where the socket of `lower` reads into. */
  constructor(lower: LowerHandle, tapBuffer: Buffer, role: TlsRole, owner: TlsEngineOwner) {
    this.#owner = owner
    this.#lower = lower
    this.#tapBuffer = tapBuffer
    this.#role = role
    this.#isServer = role.isServer
    const context = role.isServer ? role.security.fallback.context : role.security.context
    const wrap = wrapHandle(lower, context, role.isServer, this)
    this.#wrap = wrap
    wrap.engine = this
    // Not by Object.assign: it stores by names that V8 does not know beforehand, which takes it ten times as long.
    wrap.onhandshakedone = onHandshakeDone
    wrap.oncertcb = onClientHello
    wrap.onnewsession = onNewSession
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- TLSWrap is no event target.
    wrap.onerror = onError
    if (role.isServer) this.#beServer(role.security)
    else this.#beClient(role.security)
    wrap.readStart()
    if (!role.isServer) wrap.start()
  }

  #beServer(security: ServerSecurity): void {
    const wrap = this.#wrap
    if (security.isSameForAll !== true) wrap.enableCertCb()
    this.#ask(security.fallback.clientCertificate)
    if (security.challenge !== undefined) {
      wrap.ALPNCallback = onProtocols
      wrap.enableALPNCb()
    } else if (security.protocols.length > 0) wrap.setALPNProtocols(alpnBytes(security.protocols))
  }

  #beClient(security: ClientSecurity): void {
    const wrap = this.#wrap
    wrap.setVerifyMode(true, security.verifies)
    if (security.serverName !== '') wrap.setServername(security.serverName)
    if (security.protocols.length > 0) wrap.setALPNProtocols(alpnBytes(security.protocols))
    this.#sessions = security.sessions
    if (security.sessions === null) return
    wrap.enableSessionCallbacks()
    const session = security.sessions.take()
    if (session !== null) wrap.setSession(session)
  }

  /** Has the client asked for a certificate, or not. Verified here, after the handshake: TLSWrap accepts any. */
  #ask(mode: ClientCertificateMode): void {
    if (mode === this.#mode) return
    this.#mode = mode
    this.#wrap.setVerifyMode(mode !== 'none', mode === 'require')
  }

  // The handshake

  onHello(hello: ClientHelloFacts): void {
    const role = this.#role
    if (role === null || !role.isServer) return
    this.serverName = (hello.servername ?? '').toLowerCase()
    // With TLS 1.3 ALPN is settled by now, and a challenge has its certificate.
    if (this.#isChallenge) return this.#goOn()
    const found = this.serverName === '' ? role.security.fallback : role.security.identify(this.serverName)
    if ((found === null || found instanceof Promise) && this.#guessesChallenge(role.security))
      return this.#goOn()
    if (found instanceof Promise) {
      found.then(
        (identity) => this.#identify(identity, hello),
        () => this.#identify(null, hello),
      )
    } else this.#identify(found, hello)
  }

  #identify(identity: ServerIdentity | null, hello: ClientHelloFacts): void {
    const role = this.#role
    if (this.#isDisposed || role === null || !role.isServer) return
    if (identity === null) return this.#fail(TLS_NAME_UNKNOWN)
    const wrap = this.#wrap
    const isFallback = identity === role.security.fallback
    const { context, ocsp } = shownCertificate(identity, isFallback, {
      asksForStatus: hello.OCSPRequest === true,
      version: protocolOf(wrap),
      algorithms: () => wrap.getSharedSigalgs(),
    })
    if (context !== null) wrap.sni_context = context.context
    if (!isFallback) this.#ask(identity.clientCertificate)
    if (ocsp !== null) wrap.setOCSPResponse(ocsp)
    this.#goOn()
  }

  #goOn(): void {
    try {
      this.#wrap.certCbDone()
    } catch {
      this.#fail(TLS_FAILED)
    }
  }

  /**
   * With TLS 1.2 ALPN comes after the certificate is chosen. While a challenge is open for a name that has nothing to show
   * yet, who asks for it is the CA, or else is refused when the handshake is done.
   */
  #guessesChallenge(security: ServerSecurity): boolean {
    if (protocolOf(this.#wrap) !== 'TLSv1.2') return false
    const context = security.challenge?.(this.serverName) ?? null
    if (context === null) return false
    this.#wrap.sni_context = context.context
    return (this.#isGuess = true)
  }

  /** The place of the protocol to speak within `offered`; undefined refuses them all. */
  chooseProtocol(offered: Buffer): number | undefined {
    const role = this.#role
    if (role === null || !role.isServer) return undefined
    const challenge = alpnOffset(offered, [challengeProtocol])
    if (challenge >= 0) {
      const context = role.security.challenge?.((this.#wrap.getServername() || '').toLowerCase()) ?? null
      if (context === null) return undefined
      this.#wrap.setKeyCert(context.context)
      this.#isChallenge = true
      return challenge
    }
    const at = alpnOffset(offered, role.security.protocols)
    return at < 0 ? undefined : at
  }

  onHandshakeDone(): void {
    const role = this.#role
    // Renegotiated (TLS 1.2): the context forbids it.
    if (role === null || this.#isDisposed) return
    const wrap = this.#wrap
    this.protocol = wrap.getALPNNegotiatedProtocol() || ''
    this.serverName = (wrap.getServername() || '').toLowerCase()
    if (this.#isGuess && this.protocol !== challengeProtocol) return this.#fail(TLS_NAME_UNKNOWN)
    const problem = role.isServer ? this.#clientProblem() : this.#serverProblem(role.security)
    if (problem !== '') return this.#fail(problem)
    this.#hasShaken = true
    this.#role = null
    if (this.#pendingSession !== null) this.#sessions?.put(this.#pendingSession)
    this.#pendingSession = null
    this.#owner.onSecure()
  }

  #clientProblem(): string {
    if (this.#mode === 'none') return ''
    if (peerCertificateOf(this.#wrap) === null) return this.#mode === 'require' ? TLS_CERTIFICATE_MISSING : ''
    const error = this.#wrap.verifyError()
    return error === null ? '' : verifyErrorOf(error.code ?? '')
  }

  #serverProblem({ verifies, peerName }: ClientSecurity): string {
    if (!verifies) return ''
    const wrap = this.#wrap
    const error = wrap.verifyError()
    if (error !== null) return verifyErrorOf(error.code ?? '')
    // A session is kept with the name for which it was verified, and asked for by it.
    if (peerName === '' || wrap.isSessionReused()) return ''
    const wrong = checkServerIdentity(peerName, peerCertificateWithChain(wrap))
    return wrong === undefined ? '' : TLS_CERTIFICATE_NAME
  }

  onSession(session: Buffer): void {
    if (this.#hasShaken) this.#sessions?.put(session)
    else this.#pendingSession = session
  }

  session(): TlsSession {
    const wrap = this.#wrap
    const peer = this.#isServer && this.#mode === 'none' ? null : peerCertificateOf(wrap)
    return {
      version: shared(protocolOf(wrap)),
      cipher: shared(cipherOf(wrap).standardName),
      isResumed: wrap.isSessionReused(),
      peerCertificate: peer,
      peerChain: peer === null ? noChain : chainOf(wrap),
    }
  }

  // Bytes

  receive(buffer: Buffer, start: number, end: number): void {
    if (!this.#isDisposed) this.#wrap.receive(buffer.subarray(start, end))
  }

  onWrapBytes(length: number, buffer: Buffer): void {
    if (!this.#isDisposed) this.#owner.onPlain(buffer, 0, length)
  }

  onWrapEnd(): void {
    if (!this.#isDisposed) this.#owner.onPlainEnd()
  }

  onWrapError(code: string): void {
    this.#fail(tlsErrorOf(code))
  }

  get isBlocked(): boolean {
    return this.#lower.writeQueueSize > 0
  }

  /**
   * Node tells of a write that the kernel took at once in a later turn, too. Whoever needs to know asks here: most often
   * nobody does before that turn, and it need not be told.
   */
  mayWrite(): boolean {
    if (!this.#isWriting) return !this.#hasFailed
    const request = this.#request as WriteRequest
    if (request.writeStatus !== null) {
      this.#isWriting = false
      return true
    }
    request.oncomplete = onWriteComplete
    return false
  }

  write(buffer: Buffer, start: number, end: number): void {
    const status = this.#write(viewOf(buffer, start, end))
    if (status === 0) this.#isWriting = true
    else {
      this.#hasFailed = true
      setImmediate(() => this.onWritten(status))
    }
  }

  /** 0, or why it failed. */
  #write(bytes: Buffer): number {
    const used = this.#request
    if (used !== null) {
      used.writeStatus = null
      return this.#wrap.writeBuffer(used, bytes) || (used.writeStatus ?? 0)
    }
    const request = this.#wrap.writeBuffer(null, bytes)
    if (typeof request === 'number') return request
    request.engine = this
    this.#request = request
    return request.writeStatus ?? 0
  }

  onWritten(status: number): void {
    this.#isWriting = false
    // It is in use until its callback returns.
    this.#request = null
    if (!this.#isDisposed) this.#owner.onWritten(status < 0 ? 'ECONNRESET' : '')
  }

  shutdown(): void {
    if (this.#isDisposed) return
    shutdownWrap(this.#wrap, () => {
      if (!this.#isDisposed) this.#owner.onShutdown()
    })
  }

  stopReading(): void {
    if (!this.#isDisposed) this.#wrap.readStop()
  }

  startReading(): void {
    if (!this.#isDisposed) this.#wrap.readStart()
  }

  tellTruncation(): boolean {
    if (this.#isDisposed || this.isBlocked || !this.mayWrite()) return false
    this.#lower.useUserBuffer(this.#tapBuffer)
    return true
  }

  #fail(error: string): void {
    if (!this.#isDisposed) this.#owner.onEngineFailed(error)
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#fail(tlsErrorOf(error.code ?? ''))
  }

  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    const wrap = this.#wrap
    setImmediate(destroyWrap, wrap)
  }
}

const noChain: readonly Buffer[] = []
const texts = new Map<string, string>()

/** Node makes them anew for each connection, and there are few. */
function shared(text: string): string {
  const known = texts.get(text)
  if (known === undefined) texts.set(text, text)
  return known ?? text
}

function chainOf(wrap: TlsWrap): Buffer[] {
  const chain: Buffer[] = []
  let certificate = peerCertificateWithChain(wrap)
  for (let issuer = certificate.issuerCertificate; issuer !== undefined && issuer !== certificate;) {
    chain.push(issuer.raw)
    certificate = issuer
    issuer = certificate.issuerCertificate
  }
  return chain
}

const engineOf = (wrap: TlsWrap): WrapEngine => wrap.engine as WrapEngine

/** Reading with its close: OpenSSL may be on the stack when the transport closes, not in a turn of its own. */
function destroyWrap(wrap: TlsWrap): void {
  wrap.destroySSL()
}

function onHandshakeDone(this: TlsWrap): void {
  engineOf(this).onHandshakeDone()
}

function onClientHello(this: TlsWrap, hello: ClientHelloFacts): void {
  engineOf(this).onHello(hello)
}

function onProtocols(this: TlsWrap, offered: Buffer): number | undefined {
  return engineOf(this).chooseProtocol(offered)
}

function onNewSession(this: TlsWrap, _id: unknown, session: Buffer): void {
  engineOf(this).onSession(session)
}

function onError(this: TlsWrap, error: NodeJS.ErrnoException): void {
  engineOf(this).onError(error)
}

function onWriteComplete(this: WriteRequest, status: number): void {
  ;(this.engine as WrapEngine).onWritten(status)
}
