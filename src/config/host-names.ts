/**
 * Hosts as sites and certificates name them: 'www.example.com', '*.example.com', '*', '[::1]', several separated by
 * commas.
 */
import { domainToASCII } from 'node:url'
import { parseAuthority } from '../http/target.ts'

/** The hosts of a site's key: 'a.example, *.b.example' → both, in the form that the router compares. */
export function hostsOf(key: string): string[] {
  return key.split(',').map((part) => {
    const host = part.trim().toLowerCase()
    if (host === '*') return host
    const wild = host.startsWith('*.') ? '*.' : ''
    const rest = host.slice(wild.length).replace(/\.$/, '')
    return wild + (rest.startsWith('[') ? (parseAuthority(rest)?.host ?? rest) : domainToASCII(rest))
  })
}

/** What is wrong with a site's key, or ''. */
export function hostProblem(key: string): string {
  for (const part of key.split(',')) {
    const host = part.trim()
    if (host === '') return 'a host is missing; "*" is every host'
    if (host === '*' || (host.startsWith('[') && parseAuthority(host)?.port === -1)) continue
    if (/^https?:\/\//i.test(host)) return `"${host}" is a URL; write the host only${hostOnly(host)}`
    if (host.includes('/')) return `"${host}" has a path; write it in "match"`
    if (/:\d+$/.test(host)) return `"${host}" has a port; a site is a host on every listener${hostOnly(host)}`
    const rest = host.replace(/^\*\./, '')
    if (rest.includes('*'))
      return `"${host}": a "*" stands alone or as the first label, as in "*.example.com"`
    if (rest.startsWith('.')) return `"${host}": for every name below it write "*${host}"`
    const ascii = domainToASCII(rest.replace(/\.$/, ''))
    if (ascii === '' || !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(ascii) || ascii.includes('..'))
      return `"${host}" is not a host name`
  }
  return ''
}

function hostOnly(text: string): string {
  const host = text.replace(/^https?:\/\//i, '').replace(/[:/].*$/, '')
  return host === '' ? '' : `: "${host}"`
}
