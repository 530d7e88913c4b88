/**
 * The guard of a client's connection over TLS: who the client is, and for which hosts it may ask.
 *
 * A connection is good for those hosts that ask the same of clients as was asked of it (RFC 9110 §7.4); for others
 * the client gets 421 and makes a new connection. The requirements are looked up for each request, so after a reload
 * the new rules hold for older connections too.
 */
import type { X509Certificate } from 'node:crypto'
import type { ClientIdentity, ConnectionGuard, ServerSecurity, TlsSession } from '../net/security.ts'
import type { TlsTransport } from '../net/tls-transport.ts'

export interface GuardRules {
  /** What now applies to connections of the listener `name`; null: clients are asked for nothing. */
  rulesOf(name: string): ServerSecurity | null
}

/** `security` is what applied during the handshake. */
export function guardOf(
  transport: TlsTransport,
  name: string,
  security: ServerSecurity,
  rules: GuardRules,
): ConnectionGuard | null {
  const session = transport.tls
  return session === null ? null : new ClientGuard(transport.serverName, session, name, security, rules)
}

class ClientGuard implements ConnectionGuard {
  readonly serverName: string
  readonly session: TlsSession
  readonly client: ClientIdentity | null
  readonly #name: string
  readonly #asked: string
  readonly #rules: GuardRules

  constructor(
    serverName: string,
    session: TlsSession,
    name: string,
    security: ServerSecurity,
    rules: GuardRules,
  ) {
    this.serverName = serverName
    this.session = session
    this.client = identityOf(session)
    this.#name = name
    this.#asked = security.askedFor?.(serverName) ?? ''
    this.#rules = rules
  }

  serves(host: string): boolean {
    return (this.#rules.rulesOf(this.#name)?.askedFor?.(hostOf(host)) ?? '') === this.#asked
  }
}

/** A trailing dot is another spelling of the same name. */
function hostOf(host: string): string {
  return host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host
}

function identityOf({ peerCertificate, peerChain }: TlsSession): ClientIdentity | null {
  if (peerCertificate === null) return null
  return {
    certificateField: byteSequence(peerCertificate.raw),
    chainField: peerChain.map(byteSequence).join(', '),
    subject: subjectOf(peerCertificate),
    fingerprint: peerCertificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

/** A byte sequence as structured fields write it (RFC 9651 §3.3.5). */
function byteSequence(der: Buffer): string {
  return `:${der.toString('base64')}:`
}

/**
 * The subject in the order of RFC 4514 §2.1: Node has a line for each part, the least specific first, which is
 * the other way round.
 */
function subjectOf(certificate: X509Certificate): string {
  return (certificate.subject ?? '').split('\n').toReversed().join(',')
}
