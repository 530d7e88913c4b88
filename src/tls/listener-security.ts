/**
 * ListenerSecurity: TLS of one listener: which certificate is shown for which name, whom to ask for a client
 * certificate, and with which keys sessions are resumed.
 *
 * A resumed session sends no certificate and its name is not looked up again, so whatever was asked of the client the
 * first time still holds. Therefore a listener that asks for certificates under some names and not under others, or
 * by different authorities, does not resume sessions at all; and listeners that ask differently do not resume each
 * other's (their `sessionIdContext` differs).
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { ClientCertificateMode, ServerIdentity, ServerSecurity } from '../net/security.ts'
import { protocolsOf, type TlsVersion } from '../net/tls-versions.ts'
import type { CertificateSource } from './certificates.ts'
import type { ServerCertificate } from './server-certificate.ts'
import type { TicketKeys } from './ticket-keys.ts'

/** Whom to ask for a certificate. */
export interface ClientAuth {
  /** PEM of the authorities that sign clients' certificates. */
  readonly ca: string
  readonly mode: 'require' | 'optional'
  /** For these names alone, lower case, wildcards as '*.name'; none: for every name. */
  readonly hosts: readonly string[]
}

export interface ListenerSecurityOptions {
  readonly certificates: CertificateSource
  /** For who names nobody, or somebody whom none is for; null: such a handshake fails. */
  readonly default: () => ServerCertificate | null
  readonly minVersion: TlsVersion
  /** ALPN, the best first. */
  readonly protocols: readonly string[]
  readonly clientAuth: readonly ClientAuth[]
  /** null: sessions are not resumed. */
  readonly tickets: TicketKeys | null
  /** How long a session may be resumed, in seconds. */
  readonly sessionSeconds: number
}

export class ListenerSecurity implements ServerSecurity {
  readonly protocols: readonly string[]
  readonly asksSome: boolean
  readonly challenge?: (serverName: string) => SecureContext | null
  readonly #options: ListenerSecurityOptions
  readonly #isUniform: boolean
  readonly #identities = new WeakMap<ServerCertificate, Map<ClientAuth | null, ServerIdentity>>()
  readonly #texts = new Map<ClientAuth, string>()
  #fallback: ServerIdentity | null = null
  #fallbackOf: ServerCertificate | null = null
  #fallbackKey: Buffer | null = null

  constructor(options: ListenerSecurityOptions) {
    this.#options = options
    this.protocols = options.protocols
    this.asksSome = options.clientAuth.length > 0
    const { certificates } = options
    if (certificates.isSingle !== true)
      this.challenge = (serverName) => certificates.challenge?.(serverName) ?? null
    this.#isUniform = options.clientAuth.every(({ hosts }) => hosts.length === 0)
  }

  get fallback(): ServerIdentity {
    const { certificates } = this.#options
    const certificate = this.#options.default() ?? certificates.unnamed?.() ?? null
    const key = this.#options.tickets?.key ?? null
    if (this.#fallback === null || certificate !== this.#fallbackOf || key !== this.#fallbackKey) {
      this.#fallbackOf = certificate
      this.#fallbackKey = key
      this.#fallback = this.#makeFallback(certificate, key)
    }
    return this.#fallback
  }

  /** Its context has what all connections begin with: versions, suites, ticket keys. */
  #makeFallback(certificate: ServerCertificate | null, key: Buffer | null): ServerIdentity {
    const { minVersion, sessionSeconds } = this.#options
    const auth = this.#authFor('')
    const protocols = protocolsOf(minVersion)
    const resumes = key !== null && this.#isUniform
    const context = createSecureContext({
      ...protocols,
      secureOptions: protocols.secureOptions | (resumes ? 0 : constants.SSL_OP_NO_TICKET),
      ca: auth === null ? [] : [auth.ca],
      sessionIdContext: sessionContextOf(auth),
      sessionTimeout: sessionSeconds,
      ...(resumes ? { ticketKeys: key } : {}),
      ...(certificate === null
        ? {}
        : {
            cert: certificate.pairs.map(({ cert }) => cert),
            key: certificate.pairs.map((pair) => pair.key),
          }),
    })
    return fallbackOf(certificate, context, auth)
  }

  get isSameForAll(): boolean {
    // An answer of OCSP is given in the place where a name would be asked for.
    const { ocsp = null, narrow = null } = this.fallback
    return this.#isUniform && this.#options.certificates.isSingle === true && ocsp === null && narrow === null
  }

  identify(serverName: string): ServerIdentity | null | Promise<ServerIdentity | null> {
    const { certificates } = this.#options
    const certificate = certificates.find(serverName)
    if (certificate !== null) return this.#identityOf(certificate, serverName)
    const promise = certificates.resolve?.(serverName) ?? null
    if (promise === null) return this.#defaultFor(serverName)
    return promise.then((found) =>
      found === null ? this.#defaultFor(serverName) : this.#identityOf(found, serverName),
    )
  }

  #defaultFor(serverName: string): ServerIdentity | null {
    const certificate = this.#options.default()
    return certificate === null ? null : this.#identityOf(certificate, serverName)
  }

  #identityOf(certificate: ServerCertificate, serverName: string): ServerIdentity {
    const auth = this.#authFor(serverName)
    // What the connection has begun with is for it as well, with all its kinds of keys.
    if (certificate === this.#options.default() && auth === this.#authFor('')) return this.fallback
    let identities = this.#identities.get(certificate)
    if (identities === undefined) this.#identities.set(certificate, (identities = new Map()))
    let identity = identities.get(auth)
    if (identity === undefined) {
      identity = identityOf(certificate, auth)
      identities.set(auth, identity)
    }
    return identity
  }

  /** The first that names it, else the first that is for every name. */
  #authFor(serverName: string): ClientAuth | null {
    const { clientAuth } = this.#options
    const named = clientAuth.find(({ hosts }) => hosts.some((host) => isFor(host, serverName)))
    return named ?? clientAuth.find(({ hosts }) => hosts.length === 0) ?? null
  }

  explain(serverName: string): string[] {
    const own = this.#options.certificates.find(serverName)
    const auth = this.#authFor(serverName)
    return [
      explainCertificate(serverName, own, this.#options.default()),
      ...(auth === null ? [] : [`clients are asked for a certificate there (${auth.mode})`]),
    ]
  }

  askedFor(serverName: string): string {
    const auth = this.asksSome ? this.#authFor(serverName) : null
    if (auth === null) return ''
    let text = this.#texts.get(auth)
    if (text === undefined) this.#texts.set(auth, (text = sessionContextOf(auth)))
    return text
  }
}

/** For a name; one kind of key is shown. */
function identityOf(certificate: ServerCertificate, auth: ClientAuth | null): ServerIdentity {
  return {
    context: certificate.context(auth?.ca ?? '', 'best') as SecureContext,
    rsaContext: certificate.context(auth?.ca ?? '', 'rsa'),
    clientCertificate: modeOf(auth),
    ecdsaAlgorithm: certificate.ecdsaAlgorithm,
    // Read anew for each handshake: they are fetched again before they expire.
    get ocsp() {
      return certificate.ocsp
    },
    get rsaOcsp() {
      return certificate.rsaOcsp
    },
  }
}

/** What connections begin with, with all kinds of keys. */
function fallbackOf(
  certificate: ServerCertificate | null,
  context: SecureContext,
  auth: ClientAuth | null,
): ServerIdentity {
  const hasTwo =
    certificate?.pairs.length === 2 && certificate.rsa !== null && certificate.ecdsaAlgorithm !== ''
  let narrow: ServerIdentity | null = null
  return {
    context,
    clientCertificate: modeOf(auth),
    get ocsp() {
      return certificate?.pairs.length === 1 ? certificate.ocsp : null
    },
    /** Made when there is something to show. */
    get narrow() {
      if (certificate === null || !hasTwo || (certificate.ocsp ?? certificate.rsaOcsp) === null) return null
      return (narrow ??= identityOf(certificate, auth))
    },
  }
}

function explainCertificate(
  serverName: string,
  own: ServerCertificate | null,
  first: ServerCertificate | null,
): string {
  const shown = own ?? first
  if (shown === null) return `no certificate is for ${serverName} now: without one the handshake fails`
  const until = new Date(shown.notAfterMs).toISOString().slice(0, 10)
  const text = `for ${shown.names.join(', ')}, good to ${until}`
  return own === null
    ? `no certificate is for ${serverName}; the first is shown: ${text}`
    : `shows the certificate ${text}`
}

function isFor(pattern: string, name: string): boolean {
  if (pattern === name) return true
  return pattern.startsWith('*.') && name.endsWith(pattern.slice(1))
}

function modeOf(auth: ClientAuth | null): ClientCertificateMode {
  return auth === null ? 'none' : auth.mode
}

/** At most 32 bytes. */
function sessionContextOf(auth: ClientAuth | null): string {
  const hash = createHash('sha256').update(auth === null ? '' : `${auth.mode}\n${auth.ca}`)
  return hash.digest('hex').slice(0, 32)
}
