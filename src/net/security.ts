/**
 * What a transport must know to speak TLS, as a client (to origins) and as a server. Plain values: certificates and
 * names are chosen in higher rooms (tls/certificates.ts, origin/).
 */
import type { X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'

/** What the handshake has settled. */
export interface TlsSession {
  /** 'TLSv1.3', 'TLSv1.2'. */
  readonly version: string
  /** By its standard name, such as 'TLS_AES_128_GCM_SHA256'. */
  readonly cipher: string
  /** By a ticket of an earlier connection: no certificate was sent. */
  readonly isResumed: boolean
  /** The peer's own certificate; null when it sent none. On the server's side only one that was verified. */
  readonly peerCertificate: X509Certificate | null
  /** DER of those that the peer sent besides, the nearest to its own first. */
  readonly peerChain: readonly Buffer[]
}

/** TLS to an origin. One object for each server and name: it remembers the sessions. */
export interface ClientSecurity {
  readonly context: SecureContext
  /** Sent as SNI (RFC 6066 §3); '' for none, as for an address. */
  readonly serverName: string
  /** Name or address that the certificate must be for; '' when only the chain matters. */
  readonly peerName: string
  /** Chain and name must be right. */
  readonly verifies: boolean
  /** Offered by ALPN (RFC 7301), the best first; none: the extension is not sent. */
  readonly protocols: readonly string[]
  /** Sessions to resume, by who connects next; null: none is kept. */
  readonly sessions: SessionCache | null
}

/** A client's sessions with one server. */
export interface SessionCache {
  take(): Buffer | null
  put(session: Buffer): void
}

/**
 * What the handshake of a client's connection has settled, and what the connection may be used for: for who the client
 * showed it is, and for hosts of which the same is asked.
 */
export interface ConnectionGuard {
  /** null: it is not known of each connection (HTTP/3). */
  readonly session: TlsSession | null
  /** The name that was asked for (SNI), lower case; '' for none. */
  readonly serverName: string
  /** Of the client that showed one; null for none. */
  readonly client: ClientIdentity | null
  /** May a request for this host come on it now? Else it is misdirected (RFC 9110 §15.5.20). */
  serves(host: string): boolean
}

/** A client by its certificate, which was verified. */
export interface ClientIdentity {
  /** Values of Client-Cert and Client-Cert-Chain (RFC 9440 §2); the second is '' when only the one was sent. */
  readonly certificateField: string
  readonly chainField: string
  /** The subject on one line, 'CN=joe,O=Example' (the most specific first). */
  readonly subject: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
}

/** Whether a client has to show a certificate. */
export type ClientCertificateMode = 'none' | 'optional' | 'require'

/** What a client gets that asks for a name. */
export interface ServerIdentity {
  /** Holds certificates and keys, and the authorities of clients where `clientCertificate` is not 'none'. */
  readonly context: SecureContext
  /** With an RSA key, for clients that verify no ECDSA; null or left out: `context` is for all. */
  readonly rsaContext?: SecureContext | null
  readonly clientCertificate: ClientCertificateMode
  /** An OCSP answer to staple (RFC 6066 §8), DER, when the client asks: about the certificate of `context`; null for none. */
  readonly ocsp?: Buffer | null
  /** About that of `rsaContext`. */
  readonly rsaOcsp?: Buffer | null
  /** What signs with the key of `context`, as Node names it ('ECDSA+SHA256'); '' where it is no ECDSA. */
  readonly ecdsaAlgorithm?: string
  /** The same with each kind of key by itself, where `context` has two; null or left out: it has one. */
  readonly narrow?: ServerIdentity | null
}

/** TLS to clients, for one listener. Read anew for each connection: a reload replaces it. */
export interface ServerSecurity {
  /** For who names nobody. Its context also has the versions, ciphers, groups and ticket keys of all. */
  readonly fallback: ServerIdentity
  /**
   * For a client that asks for `serverName`, lower case; null: there is nothing for it, the handshake fails. A promise
   * when it has to be fetched: the handshake waits, within its deadline.
   */
  identify(serverName: string): ServerIdentity | null | Promise<ServerIdentity | null>
  /** `fallback` is for every name: nobody has to be asked during the handshake. */
  readonly isSameForAll?: boolean
  /** Served here, the best first (ALPN); none: the extension is not answered. */
  readonly protocols: readonly string[]
  /**
   * What is asked of the client of a connection made for `serverName`: for the same, the same text, also after a reload; ''
   * for nothing. Left out: nothing, whatever the name.
   */
  askedFor?(serverName: string): string
  /** For people: what a client gets that asks for `serverName`, and is asked for. */
  explain?(serverName: string): string[]
  /** For some name something is asked. */
  readonly asksSome?: boolean
  /** The certificate that answers a tls-alpn-01 challenge (RFC 8737) for `serverName`; null for none. */
  challenge?(serverName: string): SecureContext | null
}

/** The protocol of tls-alpn-01 (RFC 8737 §4): such a connection is closed after its handshake. */
export const challengeProtocol = 'acme-tls/1'

// Names of what ends a connection over TLS, beside the system's: what `onClose` says.
/** A FIN that was not announced by close_notify (RFC 8446 §6.1): what came may not be all. */
export const TLS_TRUNCATED = 'TLS_TRUNCATED'
/** The peer sent an alert, and what was sent of it stands behind the colon. */
export const TLS_ALERT = 'TLS_ALERT'
/** Anything else that breaks TLS. */
export const TLS_FAILED = 'TLS_FAILED'
export const TLS_CERTIFICATE_EXPIRED = 'TLS_CERTIFICATE_EXPIRED'
export const TLS_CERTIFICATE_UNTRUSTED = 'TLS_CERTIFICATE_UNTRUSTED'
export const TLS_CERTIFICATE_NAME = 'TLS_CERTIFICATE_NAME'
/** A client sent none where one is required. */
export const TLS_CERTIFICATE_MISSING = 'TLS_CERTIFICATE_MISSING'
/** An HTTP request without TLS came. */
export const TLS_PLAIN_HTTP = 'TLS_PLAIN_HTTP'
/** A client names a server that is not here. */
export const TLS_NAME_UNKNOWN = 'TLS_NAME_UNKNOWN'
export const TLS_TIMEOUT = 'TLS_TIMEOUT'
