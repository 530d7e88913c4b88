/**
 * OriginNames: the names and paths under which an origin knows itself, and what they become for clients.
 *
 * An origin calls itself by the authority of one of its servers, by the Host that was sent to it, or by that host
 * with a server's port. A URL under one of these becomes one under the scheme and authority that the client asked
 * with. Any other URL belongs to somebody else and stays as it is. So does `https://` under the Host that was sent:
 * an origin that sends its clients from http to https means it.
 */
import { isIP } from 'node:net'
import type { Exchange } from './exchange.ts'

/** A route that changed the beginning of the path: prefixes without a slash at their end, '' for the root. */
export interface PathMap {
  /** As the client asks: '/api'. */
  readonly publicPrefix: string
  /** As the origin is asked: '', '/v2'. */
  readonly originPrefix: string
}

export class OriginNames {
  readonly #authorities: ReadonlySet<string>
  readonly #hosts: readonly string[]
  readonly #ports: ReadonlySet<string>
  readonly #pathMap: PathMap | null
  /** Hosts that are worth hiding wherever they stand: not loopback ones, which are everybody's. */
  readonly #needles: readonly string[]
  /** A needle, with scheme and port if they stand there, and not as a part of a longer name. */
  readonly #anywhere: RegExp | null

  constructor(authorities: readonly string[], pathMap: PathMap | null) {
    this.#authorities = new Set(authorities.map((authority) => authority.toLowerCase()))
    const parts = [...this.#authorities].map((authority) => splitAuthority(authority))
    this.#hosts = [...new Set(parts.map(({ host }) => host))]
    this.#ports = new Set(parts.map(({ port }) => port))
    this.#pathMap = pathMap
    this.#needles = this.#hosts.filter(isTelling)
    const pattern = this.#needles.map((host) => host.replace(/[.[\]]/g, '\\$&')).join('|')
    this.#anywhere =
      pattern === ''
        ? null
        : new RegExp(`(?<![\\w.-])(?:(https?:)?(//))?(${pattern})(:\\d+)?(?![\\w:-]|\\.\\w)`, 'gi')
  }

  /** Could a name of the origin stand in the head `text`? Decided by searches alone. '' = unknown: it could. */
  mayStandIn(text: string): boolean {
    if (text === '') return this.#needles.length > 0
    for (const needle of this.#needles) if (text.includes(needle)) return true
    return false
  }

  /** A URL reference as the client should see it. */
  mapUrl(x: Exchange, url: string): string {
    const found = /^(?:(https?):)?\/\/([^/?#\\]*)(.*)$/is.exec(url)
    if (found === null) return url.startsWith('/') ? this.#mapPath(url) : url
    const scheme = (found[1] ?? '').toLowerCase()
    const written = found[2] as string
    const authority = withoutDefaultPort(written.slice(written.lastIndexOf('@') + 1).toLowerCase(), scheme)
    const rest = this.#mapPath(found[3] as string)
    const { request, outgoing } = x
    if (!this.#isOwn(authority, scheme, outgoing.host)) return url
    if (request.authority === '') return rest.startsWith('/') ? rest : `/${rest}`
    const isMeant = scheme === 'https' && authority === outgoing.host && !this.#authorities.has(authority)
    return `${isMeant ? 'https' : request.scheme}://${request.authority}${rest}`
  }

  #isOwn(authority: string, scheme: string, sentHost: string): boolean {
    const sent = withoutDefaultPort(sentHost.toLowerCase(), scheme)
    if (authority === sent || this.#authorities.has(authority)) return true
    const { host, port } = splitAuthority(authority, scheme === 'https' ? '443' : '80')
    return this.#ports.has(port) && (host === splitAuthority(sent).host || this.#hosts.includes(host))
  }

  /** A path, with what follows it, as the client should ask for it. */
  #mapPath(path: string): string {
    const map = this.#pathMap
    if (map === null) return path
    // The origin may know under which prefix it is seen, and say it.
    if (map.publicPrefix.length > map.originPrefix.length && isUnder(path, map.publicPrefix)) return path
    const from = path === '' || path.startsWith('?') || path.startsWith('#') ? `/${path}` : path
    if (!isUnder(from, map.originPrefix)) return path
    return map.publicPrefix + from.slice(map.originPrefix.length)
  }

  /** Any text, with the origin's names in it replaced. */
  mapText(x: Exchange, text: string): string {
    if (this.#anywhere === null) return text
    const { scheme, authority } = x.request
    return text.replace(this.#anywhere, (_all, written: string | undefined, slashes: string | undefined) => {
      if (slashes === undefined) return authority === '' ? 'localhost' : authority
      return `${written === undefined ? '' : `${scheme}:`}//${authority === '' ? 'localhost' : authority}`
    })
  }

  /** A Set-Cookie value with Domain and Path as the client's browser will take them (RFC 6265 §5.2.3, §5.2.4). */
  mapCookie(x: Exchange, cookie: string): string {
    const semicolon = cookie.indexOf(';')
    if (semicolon < 0) return cookie
    const attributes = cookie
      .slice(semicolon)
      .replace(/;([ \t]*domain[ \t]*=[ \t]*)([^;]*)/gi, (all, name: string, domain: string) => {
        const mapped = this.#mapDomain(x, domain.trim().replace(/^\./, '').toLowerCase())
        return mapped === null ? all : mapped === '' ? '' : `;${name}${mapped}`
      })
      .replace(/;([ \t]*path[ \t]*=[ \t]*)(\/[^;]*)/gi, (all, name: string, path: string) => {
        const mapped = this.#mapPath(path)
        return mapped === path ? all : `;${name}${mapped}`
      })
    return cookie.slice(0, semicolon) + attributes
  }

  /** null: stays. '': the attribute goes, and the cookie belongs to the host that was asked alone. */
  #mapDomain(x: Exchange, domain: string): string | null {
    const { host } = x.request
    if (domain === '' || isWithin(host, domain)) return null
    const sent = splitAuthority(x.outgoing.host.toLowerCase()).host
    if (!isWithin(sent, domain) && !this.#hosts.some((own) => isWithin(own, domain))) return null
    return host === '' || isAddress(host) ? '' : host
  }
}

function splitAuthority(authority: string, defaultPort = '80'): { host: string; port: string } {
  const found = /^(.*?)(?::(\d*))?$/.exec(authority)
  const host = found?.[1] ?? authority
  // The colons of an IPv6 address stand in brackets.
  if (authority.startsWith('[') && !host.endsWith(']')) return { host: authority, port: defaultPort }
  const port = found?.[2] ?? ''
  return { host, port: port === '' ? defaultPort : port }
}

function withoutDefaultPort(authority: string, scheme: string): string {
  const suffix = scheme === 'https' ? ':443' : ':80'
  return authority.endsWith(suffix) ? authority.slice(0, -suffix.length) : authority
}

function isUnder(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  const next = path.charAt(prefix.length)
  return prefix === '' ? next === '/' : next === '' || next === '/' || next === '?' || next === '#'
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function isAddress(host: string): boolean {
  return isIP(host) !== 0 || host.startsWith('[')
}

/** Does this host tell anything about the inside? A single word ('app') stands in many texts by chance. */
function isTelling(host: string): boolean {
  if (host === '' || host === '[::1]' || host.startsWith('127.')) return false
  return isAddress(host) || host.includes('.')
}
