/**
 * The guard of a connection whose listener asks clients for certificates: who the client is, and for which hosts it may ask.
 */
import type { X509Certificate } from 'node:crypto'
import type { ClientIdentity, ConnectionGuard, ServerSecurity, TlsSession } from '../net/security.ts'
import type { Transport } from '../net/transport.ts'

/** null: nobody is asked, and nothing has to be guarded. */
export function guardOf(transport: Transport, security: ServerSecurity): ConnectionGuard | null {
  if (security.asksNobody === true) return null
  const { serverName, tls } = transport
  return {
    client: tls == null ? null : identityOf(tls),
    serves: (host) => security.serves?.(serverName, hostOf(host)) ?? true,
  }
}

/** A trailing dot is another spelling of the same name. */
function hostOf(host: string): string {
  return host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host
}

function identityOf({ peerCertificate, peerChain }: TlsSession): ClientIdentity | null {
  if (peerCertificate === null) return null
  return {
    certificateField: byteSequence(peerCertificate.raw),
    chainField: peerChain.map(byteSequence).join(', '),
    subject: subjectOf(peerCertificate),
    fingerprint: peerCertificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

/** Of structured fields (RFC 9651 §3.3.5). */
function byteSequence(der: Buffer): string {
  return `:${der.toString('base64')}:`
}

/** Node has a line for each part, the least specific first; here as RFC 4514 §2.1 has it, from the other end. */
function subjectOf(certificate: X509Certificate): string {
  return (certificate.subject ?? '').split('\n').toReversed().join(',')
}
