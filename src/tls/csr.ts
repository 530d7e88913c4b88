/** Certification requests (PKCS#10, RFC 2986), as ACME's finalize wants them (RFC 8555 §7.4). */
import type { KeyObject } from 'node:crypto'
import { bitString, explicit, integer, octetString, oid, sequence, setOf } from './der.ts'
import { publicKeyBytes, signatureAlgorithm, signatureOf } from './keys.ts'
import { generalNames } from './subject-names.ts'

const extensionRequest = '1.2.840.113549.1.9.14'
const subjectAltName = '2.5.29.17'

/**
 * A request for all of `names`, signed by their key. The subject is empty: what a certificate is for stands in its
 * subjectAltName, and a CN would have to fit into 64 letters.
 */
export function makeRequest(names: readonly string[], key: KeyObject): Buffer {
  const extension = sequence(oid(subjectAltName), octetString(generalNames(names)))
  const attribute = sequence(oid(extensionRequest), setOf(sequence(extension)))
  const info = sequence(integer(0), sequence(), publicKeyBytes(key), explicit(0, attribute))
  return sequence(info, signatureAlgorithm(key), bitString(signatureOf(key, info)))
}
