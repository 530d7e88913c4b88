/**
 * Decides which certificate of an identity a client gets, and which OCSP answer is stapled to it. The answer is about
 * that very certificate or there is none: clients that insist on stapling end the connection when they get another.
 *
 * With one kind of key there is nothing to decide. With ECDSA and RSA, the client is shown ECDSA if it can verify
 * that. The fallback context holds both, and OpenSSL would choose without telling. So where there is an answer to
 * staple, the context is narrowed to one kind, with TLS 1.3 only: there the signature algorithms say everything about
 * what a client can verify (RFC 8446 §4.2.3). In older versions the cipher suites matter too, and Node does not
 * reveal those.
 */
import type { SecureContext } from 'node:tls'
import type { ServerIdentity } from './security.ts'

/** The client, as its hello has it. */
export interface HelloFacts {
  readonly asksForStatus: boolean
  readonly version: string
  /** That both sides know, as Node names them: 'ECDSA+SHA256', 'RSA-PSS+SHA256'. */
  readonly algorithms: () => readonly string[]
}

export interface ShownCertificate {
  /** null: that which the connection has begun with. */
  readonly context: SecureContext | null
  readonly ocsp: Buffer | null
}

const asItIs: ShownCertificate = { context: null, ocsp: null }

/** `isFallback`: the connection has begun with its context. */
export function shownCertificate(
  identity: ServerIdentity,
  isFallback: boolean,
  hello: HelloFacts,
): ShownCertificate {
  const { asksForStatus } = hello
  if (!isFallback) {
    const { context, rsaContext = null } = identity
    const isRsa = rsaContext !== null && !hello.algorithms().some(isEcdsa)
    const ocsp = (isRsa ? identity.rsaOcsp : identity.ocsp) ?? null
    return { context: isRsa ? rsaContext : context, ocsp: asksForStatus ? ocsp : null }
  }
  if (!asksForStatus) return asItIs
  const narrow = identity.narrow ?? null
  if (narrow === null) return { context: null, ocsp: identity.ocsp ?? null }
  return hello.version === 'TLSv1.3' ? narrowed(narrow, hello.algorithms()) : asItIs
}

function narrowed(identity: ServerIdentity, algorithms: readonly string[]): ShownCertificate {
  const { ecdsaAlgorithm = '', ocsp = null, rsaContext = null, rsaOcsp = null } = identity
  if (algorithms.includes(ecdsaAlgorithm)) return ocsp === null ? asItIs : { context: identity.context, ocsp }
  const isRsa = algorithms.some((algorithm) => algorithm.startsWith('RSA-PSS'))
  return isRsa && rsaOcsp !== null ? { context: rsaContext, ocsp: rsaOcsp } : asItIs
}

function isEcdsa(algorithm: string): boolean {
  return /^(ECDSA|ecdsa)/.test(algorithm)
}
