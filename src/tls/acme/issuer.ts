/**
 * Issuer: whoever makes certificates, a CA by ACME or the local authority. The keeper of certificates does not know
 * which.
 */
import type { CertificateFacts } from '../certificate-facts.ts'
import type { RenewalInfo } from './renewal-window.ts'

/** A private key and the chain of certificates for it, both PEM. */
export interface KeyAndChain {
  readonly key: string
  readonly chain: string
}

export interface IssueWish {
  readonly name: string
  /** The certificate that is replaced; null for the first. */
  readonly previous: CertificateFacts | null
  /** How many attempts failed since one succeeded: another kind of challenge may do better. */
  readonly failures: number
  readonly signal: AbortSignal
}

export interface Issuer {
  /** The folder of what it issued, as a key of the storage. */
  readonly folder: string
  /** Its name for people: 'the CA at …', 'the local authority'. */
  readonly title: string
  /** Rejects with an AcmeError. */
  issue(wish: IssueWish): Promise<KeyAndChain>
  /** When to renew; null: it has nothing to say about that. */
  renewalInfo(facts: CertificateFacts, signal: AbortSignal): Promise<RenewalInfo | null>
  close(): void
}
