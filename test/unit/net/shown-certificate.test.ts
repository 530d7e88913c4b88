/** Which certificate a client gets, and the answer of OCSP with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecureContext } from 'node:tls'
import type { ServerIdentity } from '../../../src/net/security.ts'
import { shownCertificate, type HelloFacts } from '../../../src/net/shown-certificate.ts'

const contextOf = (name: string): SecureContext => ({ name }) as unknown as SecureContext
const [ecdsa, rsa, both] = [contextOf('ecdsa'), contextOf('rsa'), contextOf('both')]
const [ocsp, rsaOcsp] = [Buffer.from('about ecdsa'), Buffer.from('about rsa')]

const named: ServerIdentity = {
  context: ecdsa,
  rsaContext: rsa,
  clientCertificate: 'none',
  ecdsaAlgorithm: 'ECDSA+SHA256',
  ocsp,
  rsaOcsp,
}
const fallback: ServerIdentity = { context: both, clientCertificate: 'none', narrow: named }

const modern = ['ECDSA+SHA384', 'ECDSA+SHA256', 'RSA-PSS+SHA256']
const old = ['RSA-PSS+SHA256', 'RSA+SHA256']

const hello = (algorithms: readonly string[], more: Partial<HelloFacts> = {}): HelloFacts => ({
  asksForStatus: true,
  version: 'TLSv1.3',
  algorithms: () => algorithms,
  ...more,
})

test('for a name the kind that the client verifies is shown, with the answer about it', () => {
  for (const version of ['TLSv1.3', 'TLSv1.2']) {
    assert.deepEqual(shownCertificate(named, false, hello(modern, { version })), { context: ecdsa, ocsp })
    const shown = shownCertificate(named, false, hello(old, { version }))
    assert.deepEqual(shown, { context: rsa, ocsp: rsaOcsp })
  }
})

test('who does not ask gets no answer, and for the fallback what the connection has begun with', () => {
  const silent = { asksForStatus: false }
  assert.deepEqual(shownCertificate(named, false, hello(modern, silent)), { context: ecdsa, ocsp: null })
  assert.deepEqual(shownCertificate(fallback, true, hello(modern, silent)), { context: null, ocsp: null })
})

test('a fallback with one kind of key has its answer', () => {
  const one: ServerIdentity = { context: ecdsa, clientCertificate: 'none', ocsp }
  assert.deepEqual(shownCertificate(one, true, hello(modern)), { context: null, ocsp })
  assert.deepEqual(shownCertificate(one, true, hello(modern, { version: 'TLSv1.2' })), {
    context: null,
    ocsp,
  })
})

test('a fallback with two is narrowed to the one that the answer is about', () => {
  assert.deepEqual(shownCertificate(fallback, true, hello(modern)), { context: ecdsa, ocsp })
  assert.deepEqual(shownCertificate(fallback, true, hello(old)), { context: rsa, ocsp: rsaOcsp })
})

test('it is not where the client may verify neither, where there is no answer, or before TLS 1.3', () => {
  const asItIs = { context: null, ocsp: null }
  // ECDSA of another curve, and RSA by signatures that TLS 1.3 does not have.
  assert.deepEqual(shownCertificate(fallback, true, hello(['ECDSA+SHA384', 'RSA+SHA256'])), asItIs)
  assert.deepEqual(shownCertificate(fallback, true, hello(modern, { version: 'TLSv1.2' })), asItIs)
  const without = (more: Partial<ServerIdentity>): ServerIdentity => ({
    ...fallback,
    narrow: { ...named, ...more },
  })
  assert.deepEqual(shownCertificate(without({ ocsp: null }), true, hello(modern)), asItIs)
  assert.deepEqual(shownCertificate(without({ rsaOcsp: null }), true, hello(old)), asItIs)
})
