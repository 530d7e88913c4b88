/**
 * JSON Web Signatures in the flattened form that ACME takes (RFC 7515 §7.2.2, RFC 8555 §6.2), with ES256, and HS256 for
 * external account bindings.
 */
import { createHash, createHmac, sign, type KeyObject } from 'node:crypto'
import { publicOf } from '../keys.ts'

export interface Jws {
  readonly protected: string
  readonly payload: string
  readonly signature: string
}

export interface JwsHeader {
  readonly url: string
  readonly nonce?: string
  /** The account's URL; without it the public key itself is sent. */
  readonly kid?: string
}

/** Signs `payload`; '' stands for POST-as-GET (RFC 8555 §6.3). The key is ECDSA on P-256. */
export function signJws(key: KeyObject, header: JwsHeader, payload: object | ''): Jws {
  const { kid, nonce, url } = header
  const fields = {
    alg: 'ES256',
    ...(kid === undefined ? { jwk: publicJwk(key) } : { kid }),
    ...(nonce === undefined ? {} : { nonce }),
    url,
  }
  const parts = partsOf(fields, payload)
  // IEEE P1363: r and s side by side, not in DER (RFC 7518 §3.4).
  const signature = sign('sha256', signedBytes(parts), { key, dsaEncoding: 'ieee-p1363' })
  return { ...parts, signature: signature.toString('base64url') }
}

/** The binding of a new account to one that the CA knows otherwise (RFC 8555 §7.3.4). */
export function bindAccount(accountKey: KeyObject, kid: string, macKey: string, url: string): Jws {
  const parts = partsOf({ alg: 'HS256', kid, url }, publicJwk(accountKey))
  const signature = createHmac('sha256', Buffer.from(macKey, 'base64url')).update(signedBytes(parts)).digest()
  return { ...parts, signature: signature.toString('base64url') }
}

/** What stands in a challenge's answer for the account (RFC 8555 §8.1): RFC 7638's thumbprint of its key. */
export function thumbprint(key: KeyObject): string {
  return createHash('sha256')
    .update(JSON.stringify(publicJwk(key)))
    .digest('base64url')
}

interface PublicJwk {
  readonly crv: string
  readonly kty: string
  readonly x: string
  readonly y: string
}

/** Members in the order that a thumbprint wants (RFC 7638 §3). */
function publicJwk(key: KeyObject): PublicJwk {
  const { crv = '', kty = '', x = '', y = '' } = publicOf(key).export({ format: 'jwk' })
  return { crv, kty, x, y }
}

function partsOf(header: object, payload: object | ''): { protected: string; payload: string } {
  return {
    protected: base64url(JSON.stringify(header)),
    payload: payload === '' ? '' : base64url(JSON.stringify(payload)),
  }
}

function signedBytes(parts: { readonly protected: string; readonly payload: string }): Buffer {
  return Buffer.from(`${parts.protected}.${parts.payload}`, 'latin1')
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
