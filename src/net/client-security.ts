/**
 * Builds the ClientSecurity for a server of an origin from its config. Certificates are verified against the
 * authorities that ship with Node, or those that the config names, and against the name of the server.
 */
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { protocolsOf, type TlsVersion } from './tls-versions.ts'
import type { ClientSecurity, SessionCache } from './security.ts'

/** TLS to the servers of an origin. Texts are PEM, '' for what is not wanted. */
export interface OriginTls {
  /** The authorities to trust instead of the public ones. */
  readonly ca: string
  /** Sent as SNI, and what the certificate must be for; '' for the host of each server. */
  readonly serverName: string
  /** Our certificate, for servers that ask for one. */
  readonly cert: string
  readonly key: string
  readonly verifies: boolean
  readonly minVersion: TlsVersion
}

export const defaultOriginTls: OriginTls = {
  ca: '',
  serverName: '',
  cert: '',
  key: '',
  verifies: true,
  minVersion: 'TLSv1.2',
}

/**
 * How many sessions are kept for a server: tickets of TLS 1.3 are for one use each (RFC 8446 §C.4), and a
 * server sends two.
 */
export const sessionsMax = 8

/** The newest comes first; a ticket is used once, so that nobody on the way sees the same one twice. */
export class SessionStack implements SessionCache {
  readonly #sessions: Buffer[] = []

  take(): Buffer | null {
    return this.#sessions.pop() ?? null
  }

  put(session: Buffer): void {
    if (this.#sessions.push(session) > sessionsMax) this.#sessions.shift()
  }
}

/** For all servers of an origin. Throws an Error when the certificate or key cannot be used. */
export function originContext(tls: OriginTls): SecureContext {
  const { ca, cert, key, minVersion } = tls
  return createSecureContext({
    ...protocolsOf(minVersion),
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert, key }),
  })
}

/** For one server, `host` as its URL has it. `protocols`: offered by ALPN, the best first. */
export function securityFor(
  tls: OriginTls,
  context: SecureContext,
  host: string,
  protocols: readonly string[],
): ClientSecurity {
  const peerName = tls.serverName === '' ? host : tls.serverName
  return {
    context,
    // An address cannot be asked for by SNI (RFC 6066 §3).
    serverName: isIP(peerName) === 0 ? peerName.replace(/\.$/, '') : '',
    peerName,
    verifies: tls.verifies,
    protocols,
    sessions: new SessionStack(),
  }
}
