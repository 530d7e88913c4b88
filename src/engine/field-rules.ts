/**
 * Which fields a config may name where: a name must be a token, and fields that delimit messages, or that another
 * part of Headgate writes, are refused with the reason rather than set in vain.
 */

/** RFC 9110 §5.6.2. */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
}

/** Text that can stand in a field (RFC 9110 §5.5), every character one octet. */
export function isFieldText(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}

const framing = 'it delimits the message, and is written from what really follows (RFC 9112 §6)'
const hop = 'it concerns one connection only and is never forwarded (RFC 9110 §7.6.1)'
const forwarding = 'it is written by the proxy step; see "forwarding" and "trustedProxies"'

const always: Readonly<Record<string, string>> = {
  'content-length': framing,
  'transfer-encoding': framing,
  trailer: 'it announces the trailer section, which only the sender knows (RFC 9110 §6.6.2)',
  connection: hop,
  'keep-alive': hop,
  'proxy-connection': hop,
  te: hop,
  upgrade: hop,
  'http2-settings': hop,
}

const inRequest: Readonly<Record<string, string>> = {
  host: 'say "hostHeader" in the origin',
  expect: 'it is answered or forwarded as the body is (RFC 9110 §10.1.1)',
  'x-forwarded-for': forwarding,
  'x-forwarded-host': forwarding,
  'x-forwarded-proto': forwarding,
  forwarded: forwarding,
  via: forwarding,
  'cdn-loop': forwarding,
}

const inResponse: Readonly<Record<string, string>> = {
  date: 'it is written when the answer is sent, if the origin has not (RFC 9110 §6.6.1)',
  'proxy-authenticate': hop,
}

/** Why a field cannot be edited there; '' when it can. */
export function fieldProblem(name: string, side: 'request' | 'response'): string {
  if (!isFieldName(name)) return `"${name}" is not a field name (RFC 9110 §5.1)`
  const lowerName = name.toLowerCase()
  // To an origin of the CGI kind X_Forwarded_For is X-Forwarded-For.
  const own = side === 'request' ? inRequest[lowerName.replaceAll('_', '-')] : inResponse[lowerName]
  const reason = always[lowerName] ?? own
  return reason === undefined ? '' : `${name} cannot be edited: ${reason}`
}
