/**
 * The primary key of a request: the client's public URL, site and zone, and what the operator added to it.
 *
 * A key is lines: `scheme://host[:port]target`, site, zone, then one line for each addition. No content can make two
 * different requests share one: a target is visible ASCII, names from the config are checked here, and what comes
 * from fields is preceded by its length. The URL is the client's, before any rewriting, so two routes that rewrite to
 * the same target never share an answer.
 *
 * Only spellings that mean the same URL to everybody are normalised (RFC 3986 §6.2.2, RFC 9110 §4.2.3): the case of
 * the host and of percent-encoding, encoded unreserved characters, the scheme's default port. Dot segments and empty
 * segments stay: the origin is sent the target as it came, and may answer '//a' differently from '/a'.
 */
import { readHexByte, unreservedClass } from '../../core/bytes.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead } from '../../http/message.ts'
import { misspeltText } from '../../http/spelling.ts'
import { trimSpace } from '../../http/tokens.ts'
import { bestLanguage, deviceOf } from './buckets.ts'
import { HotKeys } from './hot-keys.ts'

/** Which query parameters are part of the key. A name that ends in '*' stands for all that begin so. */
export type QueryChoice =
  | 'all'
  | 'none'
  | { readonly only: readonly string[] }
  | { readonly without: readonly string[] }

export interface KeyChoices {
  readonly query?: QueryChoice
  /** Parameters in another order are the same request; those of one name keep their order. */
  readonly sortQuery?: boolean
  /** Lower-case names of request fields. */
  readonly headers?: readonly string[]
  readonly cookies?: readonly string[]
  /** Phones, tablets and others apart, by User-Agent. */
  readonly device?: boolean
  /** Languages that the site has, in order of preference: the best for Accept-Language. */
  readonly languages?: readonly string[]
}

const hotKeys = new HotKeys()
let keyCount = 0

export class CacheKey {
  readonly site: string
  readonly zone: string
  readonly choices: KeyChoices
  /** What every key of it has after the URL. */
  readonly #suffix: string
  readonly #query: ((query: string) => string) | null
  readonly #hasChoices: boolean
  /** Among all that make keys. */
  readonly #number: number = ++keyCount
  /** Request fields that choices look at, where another spelling may say the same to an origin. */
  readonly #chosenFields: readonly string[]

  /** Throws RangeError when `site` or `zone` holds a control character. */
  constructor(site: string, zone: string, choices: KeyChoices = {}) {
    if (!isPlain(site) || !isPlain(zone)) throw new RangeError('a site or zone holds a control character')
    this.site = site
    this.zone = zone
    this.choices = choices
    this.#suffix = '\n' + site + '\n' + zone
    this.#query = queryRule(choices.query ?? 'all', choices.sortQuery === true)
    const { headers = [], cookies = [], languages = [], device = false } = choices
    const looked = [
      ...headers,
      ...(device ? ['user-agent'] : []),
      ...(languages.length > 0 ? ['accept-language'] : []),
    ]
    this.#chosenFields = looked.filter((name) => name.includes('-'))
    this.#hasChoices = headers.length > 0 || cookies.length > 0 || languages.length > 0 || device
  }

  /** The key of a request. `bodyDigest`: of a QUERY's body (RFC 10008); '' for GET and HEAD, which share a key. */
  of(request: RequestHead, bodyDigest = ''): string {
    const isPlainKey = !this.#hasChoices && bodyDigest === ''
    const hot = isPlainKey ? hotKeys.find(request, this.#number, this.#suffix.length) : null
    if (hot !== null) return hot
    const start = request.scheme + '://' + keyHost(request)
    const target = this.#written(request.target, request.queryStart)
    const key = start + target + this.#suffix
    if (isPlainKey) {
      if (target === request.target) hotKeys.note(request, this.#number, key, start.length)
      return key
    }
    return key + this.#chosen(request) + (bodyDigest === '' ? '' : line('query', bodyDigest))
  }

  /** A target ('/a?b') as keys have it: normalised, with what is chosen of its query. */
  targetOf(target: string): string {
    const mark = target.indexOf('?')
    return this.#written(target, mark < 0 ? target.length : mark)
  }

  #written(target: string, queryStart: number): string {
    const rule = this.#query
    if (rule === null || queryStart === target.length) return normalTarget(target)
    const query = rule(normalTarget(target.slice(queryStart + 1)))
    const path = normalTarget(target.slice(0, queryStart))
    return query === '' ? path : path + '?' + query
  }

  #chosen(request: RequestHead): string {
    const { headers = [], cookies = [], languages = [], device = false } = this.choices
    let text = ''
    for (const name of headers) text += line('header ' + name, request.fields.combinedByName(name))
    for (const name of cookies) text += line('cookie ' + name, cookiesOf(request, name))
    if (device) text += line('device', deviceOf(request.fields.get(Field.USER_AGENT) ?? ''))
    if (languages.length > 0) {
      text += line('language', bestLanguage(request.fields.combined(Field.ACCEPT_LANGUAGE), languages))
    }
    if (this.#chosenFields.length === 0) return text
    // What the origin may take for one of these fields must not answer those who did not send it.
    const misspelt = misspeltText(request.fields, this.#chosenFields)
    return misspelt === '' ? text : text + line('spelling', misspelt)
  }

  /** The key in words, for `explain`: one sentence each. */
  describe(request: RequestHead): string[] {
    const [url = '', site = '', zone = '', ...rest] = this.of(request).split('\n')
    const said = [`URL ${url}`, `site ${site}`, `zone ${zone}`]
    for (const text of rest) said.push(text)
    return said
  }
}

/** One choice: its name, how long its value is, and the value; '-' when the request does not have it. */
function line(name: string, value: string | undefined): string {
  return '\n' + name + (value === undefined ? ' -' : ' ' + value.length + ':' + value)
}

/** host[:port] as it stands in keys: the port only where it is not the scheme's own. */
export function keyHost(request: RequestHead): string {
  const { host, port } = request
  if (port < 0 || port === (request.scheme === 'https' ? 443 : 80)) return host
  return host + ':' + port
}

/** `target` with encoded unreserved characters decoded and other triplets in upper case; what is no triplet stays. */
export function normalTarget(target: string): string {
  let at = target.indexOf('%')
  if (at < 0) return target
  let out = ''
  let from = 0
  for (; at >= 0; at = target.indexOf('%', at + 1)) {
    const byte = readHexByte(target, at + 1)
    if (byte < 0) continue
    const triplet = target.slice(at, at + 3).toUpperCase()
    out += target.slice(from, at) + (unreservedClass[byte] === 1 ? String.fromCharCode(byte) : triplet)
    from = at + 3
    at += 2
  }
  return out + target.slice(from)
}

/** What is left of a query (without '?'); null when it stays as it is. */
function queryRule(choice: QueryChoice, isSorted: boolean): ((query: string) => string) | null {
  if (choice === 'none') return () => ''
  if (choice === 'all' && !isSorted) return null
  const isKept = choice === 'all' ? () => true : parameterRule(choice)
  return (query) => {
    const kept = query.split('&').filter((parameter) => parameter.split(';').some(isKept))
    if (isSorted) kept.sort(byName)
    return kept.join('&')
  }
}

/**
 * Which parameters are kept. What is left out is sent to the origin all the same, so nothing may be left out that the origin takes
 * for a parameter that counts: it would answer others with what one client has asked for. Some origins split at ';' as well
 * ('utm_x=1;id=2'), so any part may keep the whole; PHP reads '+id', '%20id', 'id[]' and 'id%00' as `id`, and 'a.b' as `a_b`.
 */
function parameterRule(choice: { only: readonly string[] } | { without: readonly string[] }) {
  if ('without' in choice) {
    const names = choice.without.map((name) => normalTarget(name))
    return (parameter: string) => !names.some((pattern) => fits(pattern, nameOf(parameter)))
  }
  const names = choice.only.map((name) => normalTarget(name))
  const looseNames = names.map(looseName)
  return (parameter: string) => {
    const name = nameOf(parameter)
    if (names.some((pattern) => fits(pattern, name))) return true
    const loose = looseName(name)
    return looseNames.some((pattern) => fits(pattern, loose))
  }
}

/** As PHP takes the name of a parameter. */
function looseName(name: string): string {
  return name
    .replace(/^(?:\+|%20)+/, '')
    .replace(/(?:\[|%5B|%00).*$/, '')
    .replace(/[.+]|%20/g, '_')
}

function fits(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function nameOf(parameter: string): string {
  const at = parameter.indexOf('=')
  return at < 0 ? parameter : parameter.slice(0, at)
}

/** By code units, the same on every machine; sorting is stable, so those of one name keep their order. */
function byName(a: string, b: string): number {
  const x = nameOf(a)
  const y = nameOf(b)
  return x < y ? -1 : x > y ? 1 : 0
}

/**
 * All cookies of this name: of several some origins take the first and some the last (RFC 6265 §5.4 warns of both). Those that PHP
 * takes for it ('name[]') count too, and of a name that ends in '*' all that begin so. One without '=' is there, with nothing for a
 * value.
 */
function cookiesOf(request: RequestHead, name: string): string | undefined {
  const { fields } = request
  if (!fields.has(Field.COOKIE)) return undefined
  const loose = looseName(name)
  let values: string | undefined
  for (let i = 0; i < fields.size; i++) {
    if (fields.idAt(i) !== Field.COOKIE) continue
    for (const pair of fields.valueAt(i).split(';')) {
      const at = pair.indexOf('=')
      const given = trimSpace(at < 0 ? pair : pair.slice(0, at))
      if (!fits(name, given) && !fits(loose, looseName(given))) continue
      const value = at < 0 ? '' : trimSpace(pair.slice(at + 1))
      const said = given === name ? value : given + '=' + value
      values = values === undefined ? said : values + '; ' + said
    }
  }
  return values
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return false
  return true
}

/** The parts of a key. */
export interface KeyParts {
  /** host[:port] */
  readonly host: string
  /** Where the target begins in the key, and where it ends. */
  readonly targetStart: number
  readonly targetEnd: number
  readonly site: string
  readonly zone: string
  /** There are lines after the zone. */
  readonly hasChoices: boolean
}

/** Takes a key apart; what is none gives empty parts. */
export function readKey(key: string): KeyParts {
  const [url = '', site = '', zone = '', ...rest] = key.split('\n')
  const hostStart = url.indexOf('://') + 3
  const slash = url.slice(hostStart).search(/[/*?]/)
  const targetStart = hostStart < 3 || slash < 0 ? url.length : hostStart + slash
  const host = hostStart < 3 ? '' : url.slice(hostStart, targetStart)
  return { host, targetStart, targetEnd: url.length, site, zone, hasChoices: rest.length > 0 }
}

/** The key without choices of a URL, for a purge by URL. */
export function plainKey(scheme: string, host: string, target: string, site: string, zone: string): string {
  return scheme + '://' + host + target + '\n' + site + '\n' + zone
}
