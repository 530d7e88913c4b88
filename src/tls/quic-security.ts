/**
 * QuicSecurity: TLS of a listener's HTTP/3. The provider takes one certificate and asks clients for none. So that is
 * one of the several which are shown over TCP, and hosts whose clients are asked for certificates are not served.
 */
import type { Clock } from '../core/clock.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { CertificateSource } from './certificates.ts'
import type { ServerCertificate } from './server-certificate.ts'

/** PEM, and the names that the certificate is for. */
export interface QuicIdentity {
  readonly cert: string
  readonly key: string
  readonly names: readonly string[]
}

export interface QuicSecurityOptions {
  readonly clock: Clock
  /** The first certificate of files; null: one of those that come by themselves. */
  readonly certificate: ServerCertificate | null
  readonly source: CertificateSource
  /** Names of which `source` is to have one, the likeliest first. */
  readonly hosts: readonly string[]
  /** Are clients that ask for the host asked for a certificate? */
  readonly asksFor: (host: string) => boolean
}

/** How long what was found holds: answers over TCP ask each time. */
const findMs = 1000

export class QuicSecurity implements ConnectionGuard {
  readonly client = null
  readonly session = null
  readonly serverName = ''
  readonly #options: QuicSecurityOptions
  #of: ServerCertificate | null = null
  #identity: QuicIdentity | null = null
  #foundMs = -Infinity

  constructor(options: QuicSecurityOptions) {
    this.#options = options
  }

  /** The same object while the certificate is; null: there is none yet. */
  get identity(): QuicIdentity | null {
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - this.#foundMs < findMs) return this.#identity
    this.#foundMs = nowMs
    const certificate = this.#find()
    if (certificate !== null && certificate !== this.#of) {
      this.#of = certificate
      this.#identity = identityOf(certificate)
    }
    return this.#identity
  }

  #find(): ServerCertificate | null {
    const { certificate, source, hosts } = this.#options
    if (certificate !== null) return certificate
    for (const host of hosts) {
      const found = source.find(host)
      if (found !== null) return found
    }
    return null
  }

  /** May clients be told to come for this host? */
  covers(host: string): boolean {
    const names = this.identity?.names ?? []
    const dot = host.indexOf('.')
    const isNamed = names.includes(host) || (dot > 0 && names.includes(`*${host.slice(dot)}`))
    return isNamed && this.serves(host)
  }

  serves(host: string): boolean {
    return !this.#options.asksFor(host)
  }
}

/** Of several pairs the one with ECDSA, which every client of QUIC knows. */
function identityOf(certificate: ServerCertificate): QuicIdentity | null {
  const { best, names } = certificate
  return best === null ? null : { cert: best.cert, key: best.key, names }
}
