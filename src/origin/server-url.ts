/**
 * The address of a server as people write it in the config:
 *
 *     https://app.internal:8443   http://10.0.0.11:3000   10.0.0.11:3000   http://[::1]:8080   app.internal
 *     unix:/run/app.sock   h2c://10.0.0.11:50051   unix+h2c:/run/grpc.sock
 *
 * Without a scheme it means http; without a port 80, or 443 with https. h2c is HTTP/2 without TLS from the first byte
 * (RFC 9113 §3.3), which gRPC servers speak. An address says where to connect to and nothing else: a path, a query or
 * a password in it is a mistake, and reported as such.
 */
import { isIP, isIPv4 } from 'node:net'
import type { OriginProtocol } from '../http/dial.ts'

export interface ServerUrl {
  /** As written. */
  readonly text: string
  /** An IPv4 or IPv6 literal (without brackets), a name in lower case, or '' for a unix socket. */
  readonly host: string
  /** 0 for a unix socket. */
  readonly port: number
  /** Of a unix socket; '' for none. */
  readonly path: string
  /** TLS is spoken with it. */
  readonly isSecure: boolean
  /** What is spoken with it, as far as the address tells. */
  readonly protocol: OriginProtocol
  /** `host` is a name, to be resolved. */
  readonly isName: boolean
  /** 'host[:port]', IPv6 in brackets, the port left out when it is that of its scheme: what a Host field says of it. */
  readonly authority: string
}

/** Linux's `sun_path` holds 108 bytes, the closing zero included. */
export const unixPathBytesMax = 107

const schemes: ReadonlyMap<string, OriginProtocol> = new Map([
  ['http', 'http/1.1'],
  ['https', 'negotiated'],
  ['h2c', 'h2'],
])

/** The parts of `text`, or a sentence that says what is wrong with it. */
export function parseServerUrl(text: string): ServerUrl | string {
  if (text === '') return 'a server needs an address, such as http://10.0.0.11:3000'
  const slip = /^(https?|h2c):?\/+(.+)$/i.exec(text)
  if (slip !== null && !text.includes('://'))
    return `"${text}" is not an address; did you mean "${slip[1] ?? ''}://${slip[2] ?? ''}"?`
  if (/[\s\p{Cc}]/u.test(text)) return `${JSON.stringify(text)} holds a space or a control character`
  if (text.startsWith('unix:')) return parseUnix(text, 'unix:', 'http/1.1')
  if (text.startsWith('unix+h2c:')) return parseUnix(text, 'unix+h2c:', 'h2')
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined && !schemes.has(scheme))
    return `"${text}": the scheme ${scheme} is unknown; use http://, https://, h2c:// or unix:`
  const rest = scheme === undefined ? text : text.slice(`${scheme}://`.length)
  const end = rest.search(/[/?#\\]/)
  const authority = end < 0 ? rest : rest.slice(0, end)
  if (end >= 0 && rest.slice(end) !== '/')
    return `"${text}" has a path or query; it names a server only: use rewrite for "${rest.slice(end)}"`
  if (authority.includes('@'))
    return `"${text}" holds a user name or password; set Authorization with headers`
  return parseAuthority(text, authority, scheme ?? 'http')
}

function parseUnix(text: string, scheme: string, protocol: OriginProtocol): ServerUrl | string {
  const path = text.slice(scheme.length).replace(/^\/\/(?=\/)/, '')
  if (!path.startsWith('/'))
    return `"${text}": a unix socket needs an absolute path, such as unix:/run/app.sock`
  if (path.endsWith('/')) return `"${text}" names a folder, not a socket`
  const bytes = Buffer.byteLength(path)
  if (bytes > unixPathBytesMax)
    return `"${text}": the path of a unix socket may have ${unixPathBytesMax} bytes, this one has ${bytes}`
  return { text, host: '', port: 0, path, isSecure: false, protocol, isName: false, authority: 'localhost' }
}

function parseAuthority(text: string, authority: string, scheme: string): ServerUrl | string {
  const isBracketed = authority.startsWith('[')
  if (/^:\d+$/.test(authority)) return `"${text}": the host is missing; did you mean "127.0.0.1${authority}"?`
  if (!isBracketed && authority.indexOf(':') !== authority.lastIndexOf(':'))
    return isIP(authority) === 6
      ? `"${text}": write the IPv6 address in brackets: [${authority}]`
      : `"${text}" has more than one colon; an IPv6 address stands in brackets`
  const hostEnd = isBracketed ? authority.indexOf(']') + 1 : endOfHost(authority)
  if (isBracketed && hostEnd === 0) return `"${text}": the bracket of the IPv6 address is not closed`
  const isSecure = scheme === 'https'
  const ownPort = isSecure ? 443 : 80
  const after = authority.slice(hostEnd)
  if (after !== '' && !after.startsWith(':')) return `"${text}": "${after}" follows the IPv6 address`
  const port = after === '' ? ownPort : portOf(after.slice(1))
  if (port < 0) return `"${text}": the port must be a number from 1 to 65535, not "${after.slice(1)}"`
  const written = authority.slice(0, hostEnd)
  const host = isBracketed ? written.slice(1, -1).replace('%25', '%') : written.toLowerCase()
  if (isBracketed && isIP(host) !== 6) return `"${text}": "${host}" is not an IPv6 address`
  const isName = !isBracketed && !isIPv4(host)
  const wrong = isName ? faultOfName(host) : ''
  if (wrong !== '') return `"${text}": ${wrong}`
  const name = written.toLowerCase()
  const shown = port === ownPort ? name : `${name}:${port}`
  const protocol = schemes.get(scheme) ?? 'http/1.1'
  return { text, host, port, path: '', isSecure, protocol, isName, authority: shown }
}

function endOfHost(authority: string): number {
  const colon = authority.indexOf(':')
  return colon < 0 ? authority.length : colon
}

/** The port, or -1. */
function portOf(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) return -1
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : -1
}

/** What is wrong with a name that is to be resolved (RFC 1123 §2.1, with the underscores that people use); '' = nothing. */
function faultOfName(name: string): string {
  if (name === '') return 'the host is missing'
  if (/\P{ASCII}/u.test(name)) return 'write a name with letters beyond ASCII in its xn-- form'
  if (name.length > 253) return 'a name has at most 253 letters'
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.')
  for (const label of labels) {
    if (!/^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) return `"${name}" is not a name of a host`
  }
  // '10.0.0' and '010.0.0.1' and '0x7f.1' are addresses to some readers: two readings, so refused.
  const last = labels.at(-1) ?? ''
  if (/^([0-9]+|0x[0-9a-f]*)$/.test(last)) return `"${name}" is not an IPv4 address of four decimal numbers`
  return ''
}

/** 'ip:port' or 'unix:/path', as logs show it. */
export function addressText(host: string, port: number, path: string): string {
  if (path !== '') return `unix:${path}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
