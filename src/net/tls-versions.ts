/**
 * The versions, cipher suites and groups of TLS that are spoken, in both roles.
 *
 * The suites of TLS 1.2 are those with forward secrecy and authenticated encryption (RFC 9325 §4.2), in our own
 * order, so that ECDSA comes before RSA. But a client without AES in hardware, which therefore asks for ChaCha20
 * first, gets it. The group with ML-KEM comes first where the runtime has it: what is recorded today cannot then be
 * read by a quantum computer later.
 */
import { constants } from 'node:crypto'
import { createSecureContext } from 'node:tls'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

const suites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const wantedGroups = 'X25519MLKEM768:X25519:P-256:P-384'

let groups: string | null = null

/** The groups that this runtime has of those that are wanted. */
export function supportedGroups(): string {
  groups ??= isSupported(wantedGroups) ? wantedGroups : 'X25519:P-256:P-384'
  return groups
}

function isSupported(ecdhCurve: string): boolean {
  try {
    createSecureContext({ ecdhCurve, ca: [] })
    return true
  } catch {
    return false
  }
}

/** SSL_OP_NO_RENEGOTIATION, which node:crypto has no name for: asking for it is an attack or a habit of 2009. */
const noRenegotiation = 0x4000_0000
/** SSL_OP_PRIORITIZE_CHACHA, which it has no name for either. */
const prioritizeChacha = 0x0020_0000

export interface ProtocolOptions {
  readonly minVersion: TlsVersion
  readonly maxVersion: 'TLSv1.3'
  readonly ciphers: string
  readonly ecdhCurve: string
  readonly secureOptions: number
}

export function protocolsOf(minVersion: TlsVersion): ProtocolOptions {
  return {
    minVersion,
    maxVersion: 'TLSv1.3',
    ciphers: suites,
    ecdhCurve: supportedGroups(),
    secureOptions: noRenegotiation | prioritizeChacha | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }
}
