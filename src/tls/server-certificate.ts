/**
 * ServerCertificate: what is shown to clients that ask for its names: one key with its chain, or several of different
 * kinds (ECDSA and RSA) for the same names, of which each client gets the first that it can verify.
 *
 * One is never changed: a renewed certificate is a new object. Contexts are made of it when they are asked for and kept,
 * one for each kind of asking clients for certificates: OpenSSL takes the authorities of clients from there.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { readFacts } from './certificate-facts.ts'

/** PEM: the certificate with those that lead to its authority, and its private key. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export class ServerCertificate {
  readonly pairs: readonly CertificatePair[]
  /** Names and addresses that all its pairs are for, lower case; wildcards as '*.name'. */
  readonly names: readonly string[]
  /** When the first of its pairs begins to hold and ends to. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** An OCSP answer to staple, DER; null for none. */
  ocsp: Buffer | null = null
  readonly #contexts = new Map<string, SecureContext>()

  /** Throws an Error that tells what is wrong with a pair. */
  constructor(pairs: readonly CertificatePair[]) {
    const facts = pairs.map((pair) => readFacts(pair.cert))
    for (const pair of pairs) checkPair(pair)
    this.pairs = pairs
    const [first, ...others] = facts
    this.names = (first?.names ?? []).filter((name) => others.every(({ names }) => names.includes(name)))
    this.notBeforeMs = Math.max(...facts.map(({ notBeforeMs }) => notBeforeMs))
    this.notAfterMs = Math.min(...facts.map(({ notAfterMs }) => notAfterMs))
  }

  /** With `clientAuthority` (PEM) clients are asked for certificates of it; '' is never asked. */
  context(clientAuthority: string = ''): SecureContext {
    let context = this.#contexts.get(clientAuthority)
    if (context === undefined) {
      // An empty list of authorities, so that none are loaded: without a list all public ones would be.
      const ca = clientAuthority === '' ? [] : [clientAuthority]
      const cert = this.pairs.map((pair) => pair.cert)
      const key = this.pairs.map((pair) => pair.key)
      context = createSecureContext({ cert, key, ca })
      this.#contexts.set(clientAuthority, context)
    }
    return context
  }
}

/** Does the key belong to the certificate, and does the chain stand in order? */
function checkPair({ cert, key }: CertificatePair): void {
  const certificate = new X509Certificate(cert)
  let privateKey
  try {
    privateKey = createPrivateKey(key)
  } catch (error) {
    throw new Error(`the key cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (certificate.checkPrivateKey(privateKey)) return
  throw new Error('the key does not belong to the certificate')
}
