/** Translates the errors of OpenSSL and Node into the few names of security.ts. */
import {
  TLS_ALERT,
  TLS_CERTIFICATE_EXPIRED,
  TLS_CERTIFICATE_NAME,
  TLS_CERTIFICATE_UNTRUSTED,
  TLS_FAILED,
  TLS_PLAIN_HTTP,
} from './security.ts'

const byCode: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: TLS_CERTIFICATE_EXPIRED,
  CERT_NOT_YET_VALID: TLS_CERTIFICATE_EXPIRED,
  ERR_TLS_CERT_ALTNAME_INVALID: TLS_CERTIFICATE_NAME,
  HOSTNAME_MISMATCH: TLS_CERTIFICATE_NAME,
  ERR_SSL_HTTP_REQUEST: TLS_PLAIN_HTTP,
  ERR_SSL_HTTPS_PROXY_REQUEST: TLS_PLAIN_HTTP,
}

/** The name for the code of an error while TLS is spoken; codes of the system stay as they are. */
export function tlsErrorOf(code: string): string {
  const known = byCode[code]
  if (known !== undefined) return known
  const alert = /_ALERT_(.+)$/.exec(code)?.[1]
  if (alert !== undefined) return `${TLS_ALERT}:${alert.toLowerCase()}`
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') return TLS_FAILED
  return code === 'EPIPE' || code === '' ? 'ECONNRESET' : code
}

/** The name for what verifying a chain has found. All but time is a matter of trust. */
export function verifyErrorOf(code: string): string {
  return byCode[code] ?? TLS_CERTIFICATE_UNTRUSTED
}
