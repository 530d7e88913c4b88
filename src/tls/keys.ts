/** The private keys of certificates and accounts, and signatures made with them in the form of X.509. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { nullValue, oid, readDer, sequence, Tag } from './der.ts'

/** ECDSA on P-256 or P-384, or RSA with so many bits. */
export type KeyKind = 'p256' | 'p384' | 'rsa2048' | 'rsa4096'

export const keyKinds: readonly KeyKind[] = ['p256', 'p384', 'rsa2048', 'rsa4096']

const generate = promisify(generateKeyPair)

/** Makes a private key, off the event loop: RSA takes up to seconds. */
export async function makeKey(kind: KeyKind): Promise<KeyObject> {
  if (kind === 'p256' || kind === 'p384') {
    const namedCurve = kind === 'p256' ? 'P-256' : 'P-384'
    return (await generate('ec', { namedCurve })).privateKey
  }
  return (await generate('rsa', { modulusLength: kind === 'rsa2048' ? 2048 : 4096 })).privateKey
}

export function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' })
}

/** Throws when it is not a private key. */
export function keyOfPem(pem: string): KeyObject {
  return createPrivateKey(pem)
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1). */
export function publicKeyBytes(key: KeyObject): Buffer {
  return publicOf(key).export({ type: 'spki', format: 'der' })
}

export function publicOf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key
}

/** SHA-1 of the public key's bits: method 1 of RFC 5280 §4.2.1.2. An identifier, no protection. */
export function keyIdentifier(key: KeyObject): Buffer {
  const bits = readDer(publicKeyBytes(key)).part(1, Tag.BIT_STRING).content.subarray(1)
  return createHash('sha1').update(bits).digest()
}

/** AlgorithmIdentifier of the signatures that `signatureOf` makes: SHA-256, with P-384 SHA-384 (RFC 5758, RFC 4055). */
export function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(oid('1.2.840.113549.1.1.11'), nullValue())
  return sequence(oid(isP384(key) ? '1.2.840.10045.4.3.3' : '1.2.840.10045.4.3.2'))
}

export function signatureOf(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(isP384(key) ? 'sha384' : 'sha256', bytes, key)
}

function isP384(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
}
