/**
 * What an authority is asked about a certificate (RFC 6960 §4.1), and where: both are read from the certificate and
 * its issuer.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { splitChain } from '../certificate-facts.ts'
import { DerError, nullValue, octetString, oid, readDer, sequence, Tag, type DerValue } from '../der.ts'

const sha1 = '1.3.14.3.2.26'

export interface Question {
  /** Of the authority's responder: `http://…`. */
  readonly url: string
  /** Names the certificate, DER: what an answer must be about (CertID, §4.1.1). */
  readonly certificateId: Buffer
  readonly issuer: X509Certificate
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string
}

/** null: its authority names no responder, or the chain does not have its issuer, whose key an answer is verified by. */
export function questionAbout(chainPem: string): Question | null {
  const [leafPem, issuerPem] = splitChain(chainPem)
  if (leafPem === undefined || issuerPem === undefined) return null
  const leaf = new X509Certificate(leafPem)
  const issuer = new X509Certificate(issuerPem)
  const url = /^OCSP - URI:(http:\/\/\S+)$/m.exec(leaf.infoAccess ?? '')?.[1] ?? ''
  if (!URL.canParse(url) || !leaf.checkIssued(issuer)) return null
  const fingerprint = leaf.fingerprint256.replaceAll(':', '').toLowerCase()
  return { url, certificateId: certificateIdOf(leaf, issuer), issuer, fingerprint }
}

/** By SHA-1, which says nothing of trust here: it is what every responder knows (RFC 5019 §2.1.1). */
function certificateIdOf(leaf: X509Certificate, issuer: X509Certificate): Buffer {
  const { serial, issuerName } = namesOf(leaf)
  const keyBits = readDer(issuer.publicKey.export({ type: 'spki', format: 'der' })).part(1, Tag.BIT_STRING)
  return sequence(
    sequence(oid(sha1), nullValue()),
    octetString(hash(issuerName.whole)),
    // Without the octet that counts unused bits.
    octetString(hash(keyBits.content.subarray(1))),
    serial.whole,
  )
}

/** Of TBSCertificate (RFC 5280 §4.1): version [0]?, serial, algorithm, issuer. */
function namesOf(certificate: X509Certificate): { serial: DerValue; issuerName: DerValue } {
  const parts = readDer(certificate.raw).part(0, Tag.SEQUENCE).parts()
  const start = parts[0]?.tag === 0xa0 ? 1 : 0
  const [serial, issuerName] = [parts[start], parts[start + 2]]
  if (serial?.tag !== Tag.INTEGER || issuerName?.tag !== Tag.SEQUENCE)
    throw new DerError('it is not a certificate')
  return { serial, issuerName }
}

function hash(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest()
}

/** An OCSPRequest about one certificate, not signed and without a nonce: an answer is kept by many (RFC 5019 §2.1.1). */
export function requestOf({ certificateId }: Question): Buffer {
  return sequence(sequence(sequence(sequence(certificateId))))
}
