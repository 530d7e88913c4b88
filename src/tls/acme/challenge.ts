/**
 * Challenges (RFC 8555 §8, RFC 8737): how a CA sees for itself that a name is ours. This is the seam between an order
 * and whatever can answer: the web listeners, the TLS listeners, the DNS.
 */
import { createHash } from 'node:crypto'

export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01'

export const challengeTypes: readonly ChallengeType[] = ['http-01', 'tls-alpn-01', 'dns-01']

export interface Challenge {
  readonly type: ChallengeType
  /** The name, without '*.'. */
  readonly name: string
  readonly token: string
  /** The token, '.', and the thumbprint of the account's key. */
  readonly keyAuthorization: string
}

/** Puts answers where the CA looks for them. */
export interface Answerer {
  readonly type: ChallengeType
  /**
   * Resolves when the CA can see the answer, to a function that removes it again; that is called once, whether
   * or not the CA was satisfied.
   */
  present(challenge: Challenge, signal: AbortSignal): Promise<() => Promise<void>>
}

/**
 * The SHA-256 of the key authorization, which is in the certificate of tls-alpn-01 and, as base64url, in the
 * TXT record.
 */
export function keyAuthorizationHash(keyAuthorization: string): Buffer {
  return createHash('sha256').update(keyAuthorization).digest()
}

/** A token has only these characters (RFC 8555 §8.3); anything else is no token, and could be a path. */
export function isToken(text: string): boolean {
  return text.length >= 1 && text.length <= 256 && /^[A-Za-z0-9_-]+$/.test(text)
}
