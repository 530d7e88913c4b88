/**
 * The variables of templates: `{host}`, `{header.Name}` and so on, one row each in the table below, which the docs
 * read too.
 *
 * A missing value is ''. CR, LF and NUL are removed from a value before it goes anywhere, so no client can split an
 * answer (RFC 9112 §11.1).
 */
import type { Clock } from '../core/clock.ts'
import { didYouMean } from '../core/nearest.ts'
import { Field } from '../http/known-fields.ts'
import type { Exchange } from '../http/exchange.ts'
import { findQueryValue } from './query.ts'

/**
 * What a value is made of, which decides how it is written into a URL: 'path' and 'query' are encoded already, 'uri' is
 * path and query together, 'text' is anything.
 */
export type ValueKind = 'path' | 'query' | 'uri' | 'text'

export interface Variable {
  readonly kind: ValueKind
  read(x: Exchange): string
}

interface VariableRow {
  readonly description: string
  readonly kind: ValueKind
  /** It is known only once there is an answer. */
  readonly needsResponse?: boolean
  /** It ends with the name of something: `{header.Name}`. */
  readonly named?: boolean
  make(name: string, clock: Clock): (x: Exchange) => string
}

function defaultPort(scheme: string): number {
  return scheme === 'https' ? 443 : 80
}

/** By name; 'header.' and the like take the rest as a name. The order is the order of the docs. */
export const variableTable: Readonly<Record<string, VariableRow>> = {
  host: {
    description: 'The host asked for, lower case, without port.',
    kind: 'text',
    make: () => (x) => x.request.host,
  },
  port: {
    description: 'The port asked for, or the default of the scheme.',
    kind: 'text',
    make: () => (x) => {
      const { port, scheme } = x.request
      return String(port >= 0 ? port : defaultPort(scheme))
    },
  },
  scheme: { description: '`http` or `https`.', kind: 'text', make: () => (x) => x.request.scheme },
  method: { description: 'The request method.', kind: 'text', make: () => (x) => x.request.method },
  path: {
    description: 'The path, normalised, percent-encoded, before any rewrite.',
    kind: 'path',
    make: () => (x) => x.request.path,
  },
  query: {
    description: 'The query as received, without `?`.',
    kind: 'query',
    make: () => (x) => x.request.target.slice(x.request.queryStart + 1),
  },
  uri: {
    description: 'Path and query as received, before any rewrite.',
    kind: 'uri',
    make: () => (x) => x.request.target,
  },
  client_ip: {
    description: 'The address of the client: the peer, or what a trusted proxy says.',
    kind: 'text',
    make: () => (x) => x.clientAddress,
  },
  client_certificate_subject: {
    description:
      'Whom the verified certificate of the client is for, as `CN=joe,O=Example`; empty without one.',
    kind: 'text',
    make: () => (x) => x.down.guard?.client?.subject ?? '',
  },
  client_certificate_fingerprint: {
    description: 'SHA-256 of that certificate, hexadecimal; empty without one.',
    kind: 'text',
    make: () => (x) => x.down.guard?.client?.fingerprint ?? '',
  },
  request_id: {
    description: 'The id of the request, as in the log.',
    kind: 'text',
    make: () => (x) => x.requestId,
  },
  route: {
    description: 'The route that took the request, such as `www.example.com[2]`.',
    kind: 'text',
    make: () => (x) => x.route?.name ?? '',
  },
  time: {
    description: 'The time now, such as `2026-01-31T12:00:00.000Z`.',
    kind: 'text',
    make: (_name, clock) => () => new Date(clock.wallMs()).toISOString(),
  },
  status: {
    description: 'The status of the answer.',
    kind: 'text',
    needsResponse: true,
    make: () => (x) => String(x.response.status),
  },
  'path.': {
    description: 'What `:name` of the match, or the named capture of its regex, took.',
    kind: 'path',
    named: true,
    make: (name) => (x) => {
      const i = x.captureNames.indexOf(name)
      return i < 0 ? '' : (x.captures[i] ?? '')
    },
  },
  'header.': {
    description: 'A field of the request; several lines of it are joined by `, `.',
    kind: 'text',
    named: true,
    make: (name) => {
      const lowerName = name.toLowerCase()
      // The codec writes Host itself, so it may be gone from the fields: the head knows it.
      if (lowerName === 'host') return (x) => x.request.authority
      return (x) => x.request.fields.combinedByName(lowerName) ?? ''
    },
  },
  'response.header.': {
    description: 'A field of the answer; several lines of it are joined by `, `.',
    kind: 'text',
    needsResponse: true,
    named: true,
    make: (name) => {
      const lowerName = name.toLowerCase()
      return (x) => x.response.fields.combinedByName(lowerName) ?? ''
    },
  },
  'query.': {
    description: 'The first query parameter of this name, as received (percent-encoded).',
    kind: 'query',
    named: true,
    make: (name) => (x) => findQueryValue(x.request.target, x.request.queryStart, name) ?? '',
  },
  'cookie.': {
    description: 'The first cookie of this name.',
    kind: 'text',
    named: true,
    make: (name) => (x) => findCookie(x.request.fields.combined(Field.COOKIE) ?? '', name),
  },
}

/** The value of a cookie in a Cookie field (RFC 6265 §4.2.1), quotes included; '' when it is not there. */
function findCookie(field: string, name: string): string {
  let start = 0
  while (start < field.length) {
    let end = field.indexOf(';', start)
    if (end < 0) end = field.length
    while (field.charCodeAt(start) === 0x20) start++
    if (field.startsWith(name, start) && field.charCodeAt(start + name.length) === 0x3d) {
      return field.slice(start + name.length + 1, end).trimEnd()
    }
    start = end + 1
  }
  return ''
}

/** The variable, or the sentence that says what is wrong. `body` is the text between the braces. */
export function compileVariable(body: string, hasResponse: boolean, clock: Clock): Variable | string {
  const families = Object.keys(variableTable).filter((key) => key.endsWith('.'))
  const family = families.find((key) => body.startsWith(key))
  const row = family === undefined ? ownRow(body) : variableTable[family]
  if (row === undefined) return `unknown variable {${body}}${suggestion(body, families)}`
  const name = family === undefined ? '' : body.slice(family.length)
  if (row.named === true && name === '') return `{${body}} lacks a name: {${body}name}`
  if (row.needsResponse === true && !hasResponse) {
    return `{${body}} is not known yet: there is no answer here; it can stand in "headers.response"`
  }
  return { kind: row.kind, read: row.make(name, clock) }
}

function ownRow(body: string): VariableRow | undefined {
  return Object.hasOwn(variableTable, body) && !body.endsWith('.') ? variableTable[body] : undefined
}

function suggestion(body: string, families: readonly string[]): string {
  const dot = body.lastIndexOf('.')
  if (dot < 0) {
    const plain = Object.keys(variableTable).filter((key) => !key.endsWith('.'))
    return didYouMean(body, plain)
  }
  const prefix = body.slice(0, dot + 1)
  // The names that other programs have for the same thing.
  const known: Record<string, string> = {
    'http.request.header.': 'header.',
    'headers.': 'header.',
    'req.header.': 'header.',
  }
  const meant = known[prefix.toLowerCase()]
  if (meant !== undefined) return `; did you mean "${meant}${body.slice(dot + 1)}"?`
  return didYouMean(prefix, families).replace(/"\?$/, `${body.slice(dot + 1)}"?`)
}
