/**
 * A certificate for all that speak TLS in a bench: ECDSA, P-256, with one above it, of about the size that public authorities
 * give: 2 KB together. Less would be sent quicker, and leaves OpenSSL in Node with other buffers.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKey, pemOfKey } from '../src/tls/keys.ts'
import { makeCertificate } from '../src/tls/x509.ts'
import { pemOf } from '../test/unit/net/tls-identity.ts'
import type { Identity } from './peers/peer.ts'

const dayMs = 86_400_000

/** As many as fill a certificate to its usual size. */
const names = ['localhost', ...Array.from({ length: 20 }, (_, i) => `name-${i}.in.the.bench.example`)]

async function makeChain(): Promise<{ cert: string; key: string }> {
  const nowMs = Date.now()
  const times = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + 30 * dayMs }
  const commonName = 'An authority with a name as long as theirs are, made for the bench alone'
  const authorityKey = await makeKey('p256')
  const key = await makeKey('p256')
  const authority = makeCertificate({
    commonName,
    names: [],
    key: authorityKey,
    authority: { names: [], networks: [] },
    ...times,
  })
  const issuer = { commonName, key: authorityKey }
  const own = makeCertificate({ commonName: 'localhost', names, key, issuer, ...times })
  return { cert: pemOf(own) + pemOf(authority), key: pemOfKey(key) }
}

/** The same one for all who ask with the same folder. */
export async function makeIdentityFiles(folder: string): Promise<Identity> {
  const cert = join(folder, 'cert.pem')
  const key = join(folder, 'key.pem')
  if (!existsSync(cert)) {
    const made = await makeChain()
    writeFileSync(key, made.key)
    writeFileSync(cert, made.cert)
  }
  return { cert, key }
}
