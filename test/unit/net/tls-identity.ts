/** A certificate for the tests of this room, made when they run. */
import { createSecureContext, type SecureContext } from 'node:tls'
import { makeKey, pemOfKey } from '../../../src/tls/keys.ts'
import { makeCertificate } from '../../../src/tls/x509.ts'
import type { ClientSecurity, ServerSecurity } from '../../../src/net/security.ts'

export const dayMs = 86_400_000

export interface TestIdentity {
  readonly cert: string
  readonly key: string
}

export function pemOf(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?!$)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

const caKey = await makeKey('p256')
const now = Date.now()
export const authority: string = pemOf(
  makeCertificate({
    commonName: 'Test authority',
    names: [],
    key: caKey,
    notBeforeMs: now - dayMs,
    notAfterMs: now + 30 * dayMs,
    authority: { names: [], networks: [] },
  }),
)

/** Signed by `authority`, or by itself. */
export async function makeIdentity(
  names: readonly string[],
  more: { kind?: 'p256' | 'rsa2048'; daysLeft?: number; isSelfSigned?: boolean; isClient?: boolean } = {},
): Promise<TestIdentity> {
  const key = await makeKey(more.kind ?? 'p256')
  const notAfterMs = now + (more.daysLeft ?? 30) * dayMs
  const cert = makeCertificate({
    commonName: names[0] ?? 'nobody',
    names,
    key,
    notBeforeMs: Math.min(now - dayMs, notAfterMs - dayMs),
    notAfterMs,
    isClient: more.isClient === true,
    ...(more.isSelfSigned === true ? {} : { issuer: { commonName: 'Test authority', key: caKey } }),
  })
  return { cert: pemOf(cert), key: pemOfKey(key) }
}

export function serverContext(identity: TestIdentity, more: object = {}): SecureContext {
  return createSecureContext({ ...identity, ca: [], ...more })
}

export function serverSecurity(identity: TestIdentity, more: Partial<ServerSecurity> = {}): ServerSecurity {
  const fallback = { context: serverContext(identity), clientCertificate: 'none' as const }
  return { fallback, identify: () => fallback, protocols: [], ...more }
}

export function clientSecurity(more: Partial<ClientSecurity> = {}, options: object = {}): ClientSecurity {
  return {
    context: createSecureContext({ ca: authority, ...options }),
    serverName: 'localhost',
    peerName: 'localhost',
    verifies: true,
    protocols: [],
    sessions: null,
    ...more,
  }
}
