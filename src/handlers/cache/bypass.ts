/**
 * Bypass: which requests are neither answered from the cache nor stored. One condition that holds is enough: what is
 * left out of a cache by mistake costs time, what is left in shows one user's page to another.
 */
import { compilePath, type PathPattern, type PathSource } from '../../engine/path-pattern.ts'
import { decodeQueryText, findQueryValue } from '../../engine/query.ts'
import type { Exchange } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'
import { misspeltText } from '../../http/spelling.ts'
import { looserPath } from '../../http/target.ts'

/** true: there; false: not there; text: exactly this; a regex: its value matches. */
export type Wanted = boolean | string | RegExp

/** A cookie's name may end in '*', for all that begin so. */
export type NamedTests = Readonly<Record<string, Wanted>>

export interface BypassOptions {
  readonly cookies: NamedTests
  /** Lower-case names. */
  readonly headers: NamedTests
  readonly query: NamedTests
  readonly paths: readonly PathSource[]
}

type Test = readonly [name: string, wanted: Wanted]

const captures: string[] = []

export class Bypass {
  readonly #cookies: readonly Test[]
  readonly #headers: readonly Test[]
  readonly #query: readonly Test[]
  readonly #paths: readonly PathPattern[]

  constructor({ cookies, headers, query, paths }: BypassOptions) {
    this.#cookies = Object.entries(cookies)
    this.#headers = Object.entries(headers)
    this.#query = Object.entries(query)
    this.#paths = paths.map((source) => {
      const made = compilePath(source)
      if (typeof made === 'string') throw new Error(made)
      return made
    })
  }

  /** The condition that holds, in words; '' when none does. */
  why(x: Exchange): string {
    const { request } = x
    for (const [name, wanted] of this.#headers) {
      if (holds(request.fields.combinedByName(name), wanted) || isMisspelt(x, name)) return `field ${name}`
    }
    for (const [name, wanted] of this.#query) {
      const raw = findQueryValue(request.target, request.queryStart, name)
      if (holds(raw === undefined ? undefined : decodeQueryText(raw), wanted))
        return `query parameter ${name}`
    }
    if (this.#paths.length > 0) {
      // Also as origins see it that decode first or cut parameters off ('/account;x'): their page is the same one.
      const loose = looserPath(request.path)
      for (const path of this.#paths) if (isOn(path, request.path, loose)) return `path ${path.source}`
    }
    return this.#cookies.length === 0 ? '' : this.#cookieOf(x)
  }

  #cookieOf(x: Exchange): string {
    const cookies = readCookies(x)
    for (const [name, wanted] of this.#cookies) {
      const values = name.endsWith('*')
        ? cookies.filter(([given]) => given.startsWith(name.slice(0, -1)))
        : cookies.filter(([given]) => given === name)
      const isHeld = wanted === false ? values.length === 0 : values.some(([, value]) => holds(value, wanted))
      if (isHeld) return `cookie ${name}`
    }
    return ''
  }
}

/** Is there a field that some origins take for this one? What they make of it is none of ours: it passes by. */
function isMisspelt({ request }: Exchange, name: string): boolean {
  return name.includes('-') && misspeltText(request.fields, [name]) !== ''
}

function isOn(pattern: PathPattern, path: string, loose: string): boolean {
  captures.length = 0
  return pattern.matches(path, captures) || (loose !== path && pattern.matches(loose, captures))
}

function holds(value: string | undefined, wanted: Wanted): boolean {
  if (typeof wanted === 'boolean') return (value !== undefined) === wanted
  if (value === undefined) return false
  return typeof wanted === 'string' ? value === wanted : wanted.test(value)
}

/** All cookies of the request, those of one name too: a client may send several (RFC 6265 §5.4). */
function readCookies(x: Exchange): [name: string, value: string][] {
  const { fields } = x.request
  const cookies: [string, string][] = []
  if (!fields.has(Field.COOKIE)) return cookies
  for (let i = 0; i < fields.size; i++) {
    if (!fields.isLive(i) || fields.idAt(i) !== Field.COOKIE) continue
    for (const pair of fields.valueAt(i).split(';')) {
      const equals = pair.indexOf('=')
      const name = equals < 0 ? pair : pair.slice(0, equals)
      cookies.push([name.trim(), equals < 0 ? '' : pair.slice(equals + 1).trim()])
    }
  }
  return cookies
}
