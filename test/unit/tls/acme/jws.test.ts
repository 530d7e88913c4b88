import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { bindAccount, signJws, thumbprint } from '../../../../src/tls/acme/jws.ts'
import { makeKey, publicOf } from '../../../../src/tls/keys.ts'

/** The key of RFC 7515 appendix A.3. */
const known = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
  },
})

const decoded = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())

test('a signature is ES256 over header and payload, r and s side by side (RFC 7518 §3.4)', () => {
  const jws = signJws(
    known,
    { url: 'https://ca.example/new', nonce: 'n', kid: 'https://ca.example/a/1' },
    { a: 1 },
  )
  assert.deepEqual(decoded(jws.protected), {
    alg: 'ES256',
    kid: 'https://ca.example/a/1',
    nonce: 'n',
    url: 'https://ca.example/new',
  })
  assert.deepEqual(decoded(jws.payload), { a: 1 })
  const signature = Buffer.from(jws.signature, 'base64url')
  assert.equal(signature.length, 64)
  const key = { key: publicOf(known), dsaEncoding: 'ieee-p1363' } as const
  assert.ok(verify('sha256', Buffer.from(`${jws.protected}.${jws.payload}`), key, signature))
})

test('POST-as-GET has an empty payload (RFC 8555 §6.3)', () => {
  assert.equal(signJws(known, { url: 'https://ca.example/' }, '').payload, '')
})

test('without an account the public key is sent, never the private one', () => {
  const header = decoded(signJws(known, { url: 'https://ca.example/' }, {}).protected) as { jwk: object }
  assert.deepEqual(header.jwk, {
    crv: 'P-256',
    kty: 'EC',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  })
})

test('a thumbprint is the hash of the members in their order (RFC 7638 §3)', async () => {
  assert.equal(thumbprint(known), 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U')
  const key = await makeKey('p256')
  assert.equal(thumbprint(key), thumbprint(publicOf(key)))
})

test('a binding is HS256 over the account key (RFC 8555 §7.3.4)', () => {
  const jws = bindAccount(known, 'kid-1', 'c2VjcmV0', 'https://ca.example/new-account')
  assert.deepEqual(decoded(jws.protected), {
    alg: 'HS256',
    kid: 'kid-1',
    url: 'https://ca.example/new-account',
  })
  const expected = createHmac('sha256', 'secret')
    .update(`${jws.protected}.${jws.payload}`)
    .digest('base64url')
  assert.equal(jws.signature, expected)
})
