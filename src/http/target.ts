/**
 * The request target and Host (RFC 9112 §3.2, RFC 3986): parsed, normalised for routing, or refused.
 *
 * `head.target` is what is forwarded, byte for byte as it came; `head.path` is what routes and guards see. So that a
 * guard on '/admin/*' cannot be bypassed, everything that an origin may do to a path before it looks at it is done to
 * `path` first, and what origins are known to do differently is refused:
 * - Unreserved characters are decoded ('/%61dmin'), other triplets get upper-case digits, %00 is refused.
 * - Dot segments are resolved, encoded ones too ('/%2e/admin', '/x/../admin'); a '..' above the root is refused.
 * - Empty segments are merged ('//admin'), as most servers do. A '..' that follows one is refused: whether it removes
 *   the empty segment or the one before it depends on whether the server merges before it resolves.
 * - A backslash in a path is refused: some servers take it for a slash, and browsers never send one.
 * - %2F stays encoded: it is data within a segment (RFC 3986 §2.2). But dot segments delimited by an encoded slash or
 *   backslash ('..%2f'), or ended by a parameter ('..;'), are refused: some servers resolve them, others do not. So
 *   is a '..' that removes a segment in which other servers see several, or none. For what remains, `looserPath`
 *   gives the other reading, so that guards can be asked about it too.
 *
 * The query is opaque: any visible ASCII character, including percent signs without digits, as browsers send them.
 */
import { isIPv6 } from 'node:net'
import { isAllOf, readDecimal, readHexByte, unreservedClass } from '../core/bytes.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import { FORM_ABSOLUTE, FORM_ASTERISK, FORM_AUTHORITY, FORM_ORIGIN, type RequestHead } from './message.ts'

/** A DNS name has at most 253 characters; a literal address has fewer. */
const hostCharactersMax = 255

/** A host and port, as Host, :authority or an absolute target name them. */
export interface Authority {
  /** Lower case, without port and without the dot at the end of a full name; IPv6 in brackets, in its shortest form. */
  readonly host: string
  /** -1 when there is none. */
  readonly port: number
  /** host[:port] as written, lower case. */
  readonly text: string
}

const emptyAuthority: Authority = { host: '', port: -1, text: '' }

/**
 * The authority that `text` is, null when it is none. Of the names that RFC 3986 allows only those are taken that can
 * stand in DNS (and '_', '~'): a percent sign would have two readings, and the rest of its marks mean something to logs,
 * shells and templates further on. The empty text is the empty authority.
 */
export function parseAuthority(text: string): Authority | null {
  if (text === '') return emptyAuthority
  const hostEnd = text.startsWith('[') ? text.indexOf(']') + 1 : endOf(text, text.indexOf(':'))
  const written = text.slice(0, hostEnd).toLowerCase()
  const host = written.startsWith('[') ? addressOf(written) : nameOf(written)
  if (host === '') return null
  // A colon without digits is allowed, and means the scheme's own port (RFC 3986 §3.2.3).
  const rest = text.slice(hostEnd)
  if (rest === '' || rest === ':') return { host, port: -1, text: written }
  const port = rest.startsWith(':') && rest.length <= 6 ? readDecimal(rest.slice(1), 65_535) : -1
  return port < 0 ? null : { host, port, text: written + ':' + port }
}

function endOf(text: string, index: number): number {
  return index < 0 ? text.length : index
}

/** A registered name without the dot at its end; '' when it is not one. */
function nameOf(written: string): string {
  if (written.length > hostCharactersMax || !isAllOf(unreservedClass, written)) return ''
  if (written.startsWith('.') || written.includes('..')) return ''
  return written.endsWith('.') ? written.slice(0, -1) : written
}

/** '[::1]' in its shortest form; '' when it is no address. A zone ('%eth0') means nothing at the other end. */
function addressOf(written: string): string {
  const address = written.slice(1, -1)
  if (!isIPv6(address) || address.includes('%')) return ''
  return new URL(`http://[${address}]/`).hostname
}

/** Fills host, port and authority from the text of Host or :authority. NONE or HOST_BAD. */
export function readAuthority(text: string, head: RequestHead): Fault {
  const authority = parseAuthority(text)
  if (authority === null) return Faults.HOST_BAD
  setAuthority(head, authority)
  return NONE
}

export function setAuthority(head: RequestHead, authority: Authority): void {
  head.host = authority.host
  head.port = authority.port
  head.authority = authority.text
}

/**
 * Fills form, target, queryStart and path, and for the absolute form host, port and authority, which then win over Host
 * (RFC 9112 §3.2.2). `head.method` is set already. NONE, TARGET_BAD, or METHOD_NOT_SERVED for CONNECT.
 */
export function readTarget(target: string, head: RequestHead): Fault {
  if (!isVisible(target)) return Faults.TARGET_BAD
  if (head.method === 'CONNECT') return readAuthorityForm(target, head)
  if (target.startsWith('/')) {
    head.form = FORM_ORIGIN
    return setTarget(head, target)
  }
  if (target === '*') return readAsteriskForm(head)
  return readAbsoluteForm(target, head)
}

/** Visible ASCII without '#': a fragment is never sent (RFC 9112 §3.2). */
function isVisible(target: string): boolean {
  return /^[!"$-~]+$/.test(target)
}

/** CONNECT is not served: nothing here is a forward proxy. */
function readAuthorityForm(target: string, head: RequestHead): Fault {
  const authority = parseAuthority(target)
  if (authority === null || authority.port < 0) return Faults.TARGET_BAD
  head.form = FORM_AUTHORITY
  setAuthority(head, authority)
  return Faults.METHOD_NOT_SERVED
}

function readAsteriskForm(head: RequestHead): Fault {
  if (head.method !== 'OPTIONS') return Faults.TARGET_BAD
  head.form = FORM_ASTERISK
  head.target = head.path = '*'
  head.queryStart = 1
  return NONE
}

function readAbsoluteForm(target: string, head: RequestHead): Fault {
  const scheme = /^https?:\/\//i.exec(target)
  if (scheme === null) return Faults.TARGET_BAD
  const start = scheme[0].length
  const length = target.slice(start).search(/[/?]/)
  const end = length < 0 ? target.length : start + length
  const authority = parseAuthority(target.slice(start, end))
  if (authority === null || authority.host === '') return Faults.TARGET_BAD
  setAuthority(head, authority)
  const rest = target.slice(end)
  // An OPTIONS without path asks about the server itself (RFC 9112 §3.2.4).
  if (rest === '' && head.method === 'OPTIONS') readAsteriskForm(head)
  else if (setTarget(head, rest.startsWith('/') ? rest : '/' + rest) !== NONE) return Faults.TARGET_BAD
  head.form = FORM_ABSOLUTE
  return NONE
}

function setTarget(head: RequestHead, target: string): Fault {
  head.target = target
  head.queryStart = endOf(target, target.indexOf('?'))
  head.path = normalPath(target.slice(0, head.queryStart))
  return head.path === '' ? Faults.TARGET_BAD : NONE
}

/**
 * The path to route on, for a path that begins with '/'; '' when it has two readings (see the head of this
 * file).
 */
export function normalPath(path: string): string {
  const decoded = path.includes('%') ? decodeUnreserved(path) : path
  if (decoded === '' || decoded.includes('\\')) return ''
  if (!/\/[/.]|%2F|%5C/.test(decoded)) return decoded
  return resolveSegments(decoded.split('/'))
}

/**
 * Decodes unreserved characters and puts other triplets in upper case; '' for what is not percent-encoding, and
 * for %00.
 */
function decodeUnreserved(path: string): string {
  let out = ''
  let from = 0
  for (let at = path.indexOf('%'); at >= 0; at = path.indexOf('%', at + 3)) {
    const byte = readHexByte(path, at + 1)
    if (byte <= 0) return ''
    const triplet = path.slice(at, at + 3).toUpperCase()
    out += path.slice(from, at) + (unreservedClass[byte] === 1 ? String.fromCharCode(byte) : triplet)
    from = at + 3
  }
  return out + path.slice(from)
}

/** Is it a dot segment that only some servers would see as one? */
const hiddenDots = /(?:^|%2F|%5C)\.\.?(?:$|%2F|%5C|%3B|;)/
/** A segment that others see as several, or, its parameters cut off, as empty: what '..' leaves of it is not agreed on. */
const elastic = /%2F|%5C|^;/

/** `segments[0]` is what comes before the first slash: nothing. */
function resolveSegments(segments: readonly string[]): string {
  const kept: string[] = []
  let sawEmpty = false
  const last = segments.length - 1
  for (let i = 1; i <= last; i++) {
    const segment = segments[i] as string
    if (segment === '') sawEmpty = true
    else if (segment === '..') {
      if (sawEmpty || kept.length === 0 || elastic.test(kept.pop() as string)) return ''
    } else if (segment !== '.') {
      if (hiddenDots.test(segment)) return ''
      kept.push(segment)
    }
  }
  const end = segments[last]
  const endsInSlash = end === '' || end === '.' || end === '..'
  return '/' + kept.join('/') + (endsInSlash && kept.length > 0 ? '/' : '')
}

/**
 * The path as it is to servers that decode before they look (%2F and %5C are slashes: nginx, Apache's
 * AllowEncodedSlashes, IIS) or cut parameters off segments ('/a;x/b' is '/a/b': servlet containers). `path` is a
 * normalised one; itself when both are the same, which costs two searches.
 */
export function looserPath(path: string): string {
  if (!path.includes('%') && !path.includes(';')) return path
  const loose = path.replace(/%2F|%5C/g, '/').replace(/;[^/]*/g, '')
  return loose === path ? path : resolveSegments(loose.split('/'))
}
