/**
 * ServerCertificate: what is shown to clients that ask for its names: one key with its chain, or several of different
 * kinds (ECDSA and RSA) for the same names, of which each client gets the first that it can verify.
 *
 * Its keys and certificates never change (a renewed certificate is a new object); only its OCSP answers come and go.
 * Contexts are made on demand and kept, one for each way of asking clients for certificates (OpenSSL takes the client
 * authorities from the context) and for each kind of key. A context that Node is given for a name replaces the
 * previous one with a single key pair, so the kind of key is chosen by what the client says it can verify.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { factsOf, type CertificateFacts } from './certificate-facts.ts'

/** PEM: the certificate with those that lead to its authority, and its private key. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export class ServerCertificate {
  readonly pairs: readonly CertificatePair[]
  /** Kinds of their keys, as Node names them ('ec', 'rsa'). */
  readonly kinds: readonly string[]
  /** Names and addresses that all its pairs are for, lower case; wildcards as '*.name'. */
  readonly names: readonly string[]
  /** When the first of its pairs begins to hold and ends to. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** What every client that is not of long ago can verify. */
  readonly best: CertificatePair | null
  /** Beside another kind. */
  readonly rsa: CertificatePair | null
  /** What signs with the key of `best` in TLS 1.3 (RFC 8446 §4.2.3), as Node names it; '' where that is no ECDSA. */
  readonly ecdsaAlgorithm: string
  /** OCSP answers to staple, DER, about the certificates of `best` and of `rsa`; null for none. */
  ocsp: Buffer | null = null
  rsaOcsp: Buffer | null = null
  readonly #contexts = new Map<string, SecureContext>()

  /** Throws an Error that tells what is wrong with a pair. */
  constructor(pairs: readonly CertificatePair[]) {
    const read = pairs.map(readPair)
    this.pairs = pairs
    this.kinds = read.map(({ kind }) => kind)
    const [first, ...others] = read
    this.names = (first?.names ?? []).filter((name) => others.every(({ names }) => names.includes(name)))
    this.notBeforeMs = Math.max(...read.map(({ notBeforeMs }) => notBeforeMs))
    this.notAfterMs = Math.min(...read.map(({ notAfterMs }) => notAfterMs))
    const best = read.find(({ kind }) => kind !== 'rsa') ?? first
    const rsa = read.find(({ kind }) => kind === 'rsa')
    this.best = best?.pair ?? null
    this.rsa = rsa === undefined || rsa === best ? null : rsa.pair
    this.ecdsaAlgorithm = curveAlgorithms[best?.curve ?? ''] ?? ''
  }

  /**
   * With `clientAuthority` (PEM) clients are asked for certificates of it; '' is never asked. `kind` 'rsa': for clients
   * that verify no ECDSA; null when there is no such pair besides another.
   */
  context(clientAuthority: string, kind: 'best' | 'rsa'): SecureContext | null {
    const pair = kind === 'best' ? this.best : this.rsa
    if (pair === null) return null
    const name = `${kind}\n${clientAuthority}`
    let context = this.#contexts.get(name)
    if (context === undefined) {
      // An empty list of authorities, so that none are loaded: without a list all public ones would be.
      context = createSecureContext({ ...pair, ca: clientAuthority === '' ? [] : [clientAuthority] })
      this.#contexts.set(name, context)
    }
    return context
  }
}

const curveAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: 'ECDSA+SHA256',
  secp384r1: 'ECDSA+SHA384',
  secp521r1: 'ECDSA+SHA512',
}

interface ReadPair extends CertificateFacts {
  readonly pair: CertificatePair
  readonly kind: string
  /** '' where the key has none. */
  readonly curve: string
}

function readPair(pair: CertificatePair): ReadPair {
  const certificate = new X509Certificate(pair.cert)
  checkKey(certificate, pair.key)
  const { asymmetricKeyType: kind = '', asymmetricKeyDetails } = certificate.publicKey
  return { ...factsOf(certificate), pair, kind, curve: asymmetricKeyDetails?.namedCurve ?? '' }
}

function checkKey(certificate: X509Certificate, key: string): void {
  let privateKey
  try {
    privateKey = createPrivateKey(key)
  } catch (error) {
    throw new Error(`the key cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (certificate.checkPrivateKey(privateKey)) return
  throw new Error('the key does not belong to the certificate')
}
