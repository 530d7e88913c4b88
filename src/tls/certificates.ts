/**
 * Certificates by the name that a client asks for (SNI, RFC 6066 §3): exact names first, then wildcards, then
 * whatever further sources have. A client that asks for no name, or for one that nobody has, gets the default.
 *
 * A certificate that is at hand is returned at once; a source that can obtain one while a handshake waits does so in
 * `resolve`.
 */
import type { SecureContext } from 'node:tls'
import type { ServerCertificate } from './server-certificate.ts'

/** A source of certificates: those of files, or those that an authority issues. */
export interface CertificateSource {
  /** It has only the default certificate, for any name, and will never have another nor answer a challenge. */
  readonly isSingle?: boolean
  /** The certificate that it has now for `serverName`, in lower case; null for none. */
  find(serverName: string): ServerCertificate | null
  /**
   * Obtains a certificate for a handshake that waits; null when it will not. It resolves to null, or rejects,
   * when it could not; the handshake's deadline runs meanwhile.
   */
  resolve?(serverName: string): Promise<ServerCertificate | null> | null
  /** The certificate for a client that names nobody, as one that connects to an address does; null for none. */
  unnamed?(): ServerCertificate | null
  /**
   * The certificate that answers a tls-alpn-01 challenge (RFC 8737) for `serverName`; null when none is
   * pending.
   */
  challenge?(serverName: string): SecureContext | null
}

export class CertificateTable implements CertificateSource {
  readonly #exact = new Map<string, ServerCertificate>()
  readonly #wildcard = new Map<string, ServerCertificate>()
  readonly #first: ServerCertificate | null

  /** For a name that several certificates are for, the first of them is used. The first of all is the default. */
  constructor(certificates: readonly ServerCertificate[]) {
    for (const certificate of certificates) this.#add(certificate)
    this.#first = certificates[0] ?? null
  }

  #add(certificate: ServerCertificate): void {
    for (const name of certificate.names) {
      const isWildcard = name.startsWith('*.')
      const table = isWildcard ? this.#wildcard : this.#exact
      const key = isWildcard ? name.slice(2) : name
      if (!table.has(key)) table.set(key, certificate)
    }
  }

  find(serverName: string): ServerCertificate | null {
    const exact = this.#exact.get(serverName)
    if (exact !== undefined) return exact
    // One label, the leftmost (RFC 9525 §6.3).
    const dot = serverName.indexOf('.')
    return dot <= 0 ? null : (this.#wildcard.get(serverName.slice(dot + 1)) ?? null)
  }

  get isSingle(): boolean {
    return this.all.size === 1
  }

  get all(): ReadonlySet<ServerCertificate> {
    const named = [...this.#exact.values(), ...this.#wildcard.values()]
    return new Set(this.#first === null ? named : [this.#first, ...named])
  }

  get default(): ServerCertificate | null {
    return this.#first
  }
}

/** Several sources as one: the first that has a certificate is used. */
export class CertificateSources implements CertificateSource {
  readonly #sources: readonly CertificateSource[]

  readonly isSingle: boolean

  constructor(sources: readonly CertificateSource[]) {
    this.#sources = sources
    this.isSingle = sources.length === 1 && sources[0]?.isSingle === true
  }

  find(serverName: string): ServerCertificate | null {
    for (const source of this.#sources) {
      const found = source.find(serverName)
      if (found !== null) return found
    }
    return null
  }

  resolve(serverName: string): Promise<ServerCertificate | null> | null {
    for (const source of this.#sources) {
      const promise = source.resolve?.(serverName) ?? null
      if (promise !== null) return promise
    }
    return null
  }

  unnamed(): ServerCertificate | null {
    for (const source of this.#sources) {
      const found = source.unnamed?.() ?? null
      if (found !== null) return found
    }
    return null
  }

  challenge(serverName: string): SecureContext | null {
    for (const source of this.#sources) {
      const context = source.challenge?.(serverName) ?? null
      if (context !== null) return context
    }
    return null
  }
}
