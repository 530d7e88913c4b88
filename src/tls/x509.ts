/**
 * Makes X.509 certificates (RFC 5280): those of the local CA, and those that answer tls-alpn-01 challenges (RFC
 * 8737).
 */
import { randomBytes, type KeyObject } from 'node:crypto'
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts'
import { keyIdentifier, publicKeyBytes, signatureAlgorithm, signatureOf } from './keys.ts'
import { generalNames } from './subject-names.ts'

/** What an authority is allowed to speak for: names with all below them, and networks as address and mask. */
export interface NameConstraints {
  readonly names: readonly string[]
  readonly networks: readonly Uint8Array[]
}

export interface CertificateRequest {
  /** Common name of the subject; '' leaves the subject empty. */
  readonly commonName: string
  /** Names that it is for; none for an authority. */
  readonly names: readonly string[]
  /** Whose key it is: a public or a private one. */
  readonly key: KeyObject
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** It is for a client rather than a server (RFC 5280 §4.2.1.12). */
  readonly isClient?: boolean
  /** Who signs: by itself when left out. */
  readonly issuer?: { readonly commonName: string; readonly key: KeyObject }
  /** It may sign certificates of servers, within these constraints; of any, where there are none. */
  readonly authority?: NameConstraints
  /** Key authorization of a tls-alpn-01 challenge, hashed (RFC 8737 §3). */
  readonly acmeIdentifier?: Uint8Array
}

const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

/** Makes and signs a certificate. Gives its DER. */
export function makeCertificate(request: CertificateRequest): Buffer {
  const signer = request.issuer?.key ?? request.key
  const issuerName = request.issuer?.commonName ?? request.commonName
  const body = sequence(
    explicit(0, integer(2)),
    serialNumber(),
    signatureAlgorithm(signer),
    distinguishedName(issuerName),
    sequence(time(request.notBeforeMs), time(request.notAfterMs)),
    distinguishedName(request.commonName),
    publicKeyBytes(request.key),
    explicit(3, sequence(...extensionsOf(request, signer))),
  )
  return sequence(body, signatureAlgorithm(signer), bitString(signatureOf(signer, body)))
}

export function pemOfCertificate(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

/** 16 random octets: unique without a list of what was given out (RFC 5280 §4.1.2.2 allows 20). */
function serialNumber(): Buffer {
  const octets = randomBytes(16)
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40
  return integer(octets)
}

function distinguishedName(commonName: string): Buffer {
  return commonName === '' ? sequence() : sequence(setOf(sequence(oid('2.5.4.3'), utf8String(commonName))))
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Buffer {
  return isCritical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value))
}

function extensionsOf(request: CertificateRequest, signer: KeyObject): Buffer[] {
  const { names, key, authority, acmeIdentifier, commonName } = request
  const found: Buffer[] = []
  if (names.length > 0) {
    // Critical where there is no subject beside it (RFC 5280 §4.2.1.6).
    found.push(extension('2.5.29.17', commonName === '', generalNames(names)))
  }
  found.push(extension('2.5.29.14', false, octetString(keyIdentifier(key))))
  if (authority === undefined) {
    found.push(
      extension('2.5.29.15', true, namedBits(0)),
      extension('2.5.29.37', false, sequence(oid(request.isClient === true ? clientAuth : serverAuth))),
      extension('2.5.29.19', true, sequence()),
    )
  } else {
    found.push(
      extension('2.5.29.15', true, namedBits(5, 6)),
      extension('2.5.29.19', true, sequence(boolean(true), integer(0))),
    )
    // An empty one is not allowed, and clients written in Go refuse the certificate for it.
    if (authority.names.length + authority.networks.length > 0)
      found.push(extension('2.5.29.30', true, constraintsOf(authority)))
  }
  if (request.issuer !== undefined)
    found.push(extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(signer)))))
  if (acmeIdentifier !== undefined)
    found.push(extension('1.3.6.1.5.5.7.1.31', true, octetString(acmeIdentifier)))
  return found
}

/** permittedSubtrees (RFC 5280 §4.2.1.10). */
function constraintsOf({ names, networks }: NameConstraints): Buffer {
  const subtrees = [
    ...names.map((name) => sequence(implicit(2, Buffer.from(name, 'latin1')))),
    ...networks.map((network) => sequence(implicit(7, network))),
  ]
  return sequence(explicit(0, ...subtrees))
}
