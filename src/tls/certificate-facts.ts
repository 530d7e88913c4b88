/** What a certificate says about itself, as far as serving and renewing it need to know. */
import { X509Certificate } from 'node:crypto'
import { readDer, Tag, type DerValue } from './der.ts'

export interface CertificateFacts {
  /** The names that it is for, in lower case: DNS names and IP addresses. */
  readonly names: readonly string[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** The common name of its issuer, or the issuer's whole name. */
  readonly issuer: string
  /** Serial number, hexadecimal. */
  readonly serial: string
  /** SHA-256, hexadecimal. */
  readonly fingerprint: string
  /** The certificate's id of RFC 9773 §4.1; '' when the certificate does not name its authority's key. */
  readonly renewalId: string
}

const authorityKeyIdentifier = '2.5.29.35'

/** Reads the first certificate of a chain. Throws when it is not one. */
export function readFacts(chainPem: string): CertificateFacts {
  return factsOf(new X509Certificate(chainPem))
}

export function factsOf(certificate: X509Certificate): CertificateFacts {
  return {
    names: namesOf(certificate.subjectAltName ?? ''),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    issuer: issuerOf(certificate),
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    renewalId: renewalIdOf(certificate.raw),
  }
}

function namesOf(subjectAltName: string): string[] {
  const names: string[] = []
  for (const part of subjectAltName.split(', ')) {
    const match = /^(DNS|IP Address):(.+)$/.exec(part)
    if (match !== null) names.push((match[2] as string).toLowerCase())
  }
  return names
}

/**
 * base64url(key identifier of the authority) '.' base64url(serial number), both as the octets of their DER values
 * (RFC 9773 §4.1), a leading zero of the serial included.
 */
function renewalIdOf(bytes: Uint8Array): string {
  const body = readDer(bytes).part(0, Tag.SEQUENCE)
  const serial = body.parts().find((part) => part.tag === Tag.INTEGER)
  const keyId = authorityKeyId(body)
  if (serial === undefined || keyId === null) return ''
  return `${keyId.toString('base64url')}.${serial.content.toString('base64url')}`
}

function authorityKeyId(body: DerValue): Buffer | null {
  const extensions = body.parts().find((part) => part.tag === 0xa3)
  for (const extension of extensions?.part(0, Tag.SEQUENCE).parts() ?? []) {
    if (extension.part(0, Tag.OID).oid() !== authorityKeyIdentifier) continue
    const value = readDer(extension.parts().at(-1)?.content ?? Buffer.alloc(0))
    return value.parts().find((part) => part.tag === 0x80)?.content ?? null
  }
  return null
}

/** The PEM blocks of a chain, the server's own first. */
export function splitChain(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** Does one of the chain's certificates name this authority (its common name) as its issuer? */
export function isIssuedUnder(chain: string, commonName: string): boolean {
  return splitChain(chain).some((pem) => issuerOf(new X509Certificate(pem)) === commonName)
}

/** The common name of the issuer, or its whole name; '' where the certificate names nobody. */
function issuerOf(certificate: X509Certificate): string {
  // Node gives undefined for an empty name, whatever its types say.
  const issuer = (certificate.issuer as string | undefined) ?? ''
  return commonNameOf(issuer) ?? issuer.replaceAll('\n', ', ')
}

/** Of a subject or issuer as Node gives it: without the escapes of RFC 4514 §2.4 (`a\, b` is `a, b`). null: it has none. */
export function commonNameOf(distinguishedName: string): string | null {
  const escaped = /^CN=(.*)$/m.exec(distinguishedName)?.[1]
  return escaped === undefined ? null : escaped.replace(/\\(?:([0-9A-Fa-f]{2})|(.))/g, unescaped)
}

function unescaped(_all: string, hex: string | undefined, character: string | undefined): string {
  return hex === undefined ? (character ?? '') : String.fromCharCode(Number.parseInt(hex, 16))
}
