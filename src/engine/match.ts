/**
 * Matchers: what a route requires of a request. All conditions that are written must hold; of a list, one must.
 *
 * `matches` is called for every request and allocates nothing but captures; `whyNot` says the same in words, for
 * `explain` and for the log of a request that no route takes.
 */
import { empty } from '../core/empty.ts'
import type { Networks } from '../guard/networks.ts'
import type { Exchange } from '../http/exchange.ts'
import type { PathPattern } from './path-pattern.ts'
import { decodeQueryText, findQueryValue } from './query.ts'

/** What is required of a field or a query parameter. */
export interface ValueTest {
  /** As the config names it: the field's name in lower case, or the parameter's. */
  readonly name: string
  /** true: it is there; false: it is not there; a text: it is exactly this; a regex: its value matches. */
  readonly wanted: boolean | string | RegExp
}

export interface MatcherOptions {
  /** One of them must match the path; [] for any path. */
  readonly paths: readonly PathPattern[]
  /** [] for any. */
  readonly methods: readonly string[]
  /** '' for any. */
  readonly scheme: string
  readonly fields: readonly ValueTest[]
  readonly queries: readonly ValueTest[]
  /** null for any client. */
  readonly clients: Networks | null
}

const noNames: readonly string[] = []

export class Matcher {
  readonly paths: readonly PathPattern[]
  readonly #options: MatcherOptions
  readonly #onlyPath: PathPattern | null
  readonly #hasConditions: boolean

  constructor(options: MatcherOptions) {
    this.#options = options
    this.paths = options.paths
    this.#onlyPath = options.paths.length === 1 ? (options.paths[0] as PathPattern) : null
    const { methods, scheme, fields, queries, clients } = options
    this.#hasConditions =
      methods.length + fields.length + queries.length > 0 || scheme !== '' || clients !== null
  }

  /** Does it take every request, so that nothing written after it is reached? */
  get isCatchAll(): boolean {
    return !this.#hasConditions && (this.paths.length === 0 || this.paths.some((path) => path.isCatchAll))
  }

  /** Does it take every request and capture nothing, so that it need not be asked? */
  get isUnconditional(): boolean {
    return !this.#hasConditions && this.paths.length === 0
  }

  /** Does the route take x? Sets the captures of x when it does. */
  matches(x: Exchange): boolean {
    const only = this.#onlyPath
    empty(x.captures)
    let names = noNames
    if (only !== null) {
      if (!only.matches(x.request.path, x.captures)) return false
      names = only.captureNames
    } else if (this.paths.length > 0) {
      const path = this.#findPath(x)
      if (path === null) return false
      names = path.captureNames
    }
    if (this.#hasConditions && !this.#conditionsHold(x)) {
      empty(x.captures)
      return false
    }
    empty(x.captureNames)
    for (let i = 0; i < names.length; i++) x.captureNames.push(names[i] as string)
    return true
  }

  #findPath(x: Exchange): PathPattern | null {
    for (let i = 0; i < this.paths.length; i++) {
      const path = this.paths[i] as PathPattern
      if (path.matches(x.request.path, x.captures)) return path
    }
    return null
  }

  #conditionsHold(x: Exchange): boolean {
    const { methods, scheme, fields, queries, clients } = this.#options
    if (methods.length > 0 && !takesMethod(methods, x.request.method)) return false
    if (scheme !== '' && scheme !== x.request.scheme) return false
    for (let i = 0; i < fields.length; i++) {
      const test = fields[i] as ValueTest
      if (!holds(test, x.request.fields.combinedByName(test.name))) return false
    }
    for (let i = 0; i < queries.length; i++) {
      const test = queries[i] as ValueTest
      if (!holds(test, queryText(x, test.name))) return false
    }
    return clients === null || clients.has(x.clientAddress)
  }

  /** Why the route does not take x, in words; '' when it does. */
  whyNot(x: Exchange): string {
    const { methods, scheme, fields, queries, clients } = this.#options
    const { path, method } = x.request
    if (this.paths.length > 0 && !this.paths.some((pattern) => pattern.matches(path, []))) {
      return `path ${path} is not ${this.paths.map((pattern) => pattern.source).join(' or ')}`
    }
    if (methods.length > 0 && !takesMethod(methods, method))
      return `method ${method} is not ${methods.join(' or ')}`
    if (scheme !== '' && scheme !== x.request.scheme) return `scheme ${x.request.scheme} is not ${scheme}`
    for (const test of fields) {
      const value = x.request.fields.combinedByName(test.name)
      if (!holds(test, value)) return `field ${test.name} ${differs(test, value)}`
    }
    for (const test of queries) {
      const value = queryText(x, test.name)
      if (!holds(test, value)) return `query parameter ${test.name} ${differs(test, value)}`
    }
    if (clients !== null && !clients.has(x.clientAddress)) {
      return `client ${x.clientAddress === '' ? '(unix socket)' : x.clientAddress} is in none of the networks`
    }
    return ''
  }
}

/** HEAD goes where GET would: its answer must be the same without the body (RFC 9110 §9.3.2). */
function takesMethod(methods: readonly string[], method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

function holds(test: ValueTest, value: string | undefined): boolean {
  const { wanted } = test
  if (typeof wanted === 'boolean') return (value !== undefined) === wanted
  if (value === undefined) return false
  return typeof wanted === 'string' ? value === wanted : wanted.test(value)
}

function differs(test: ValueTest, value: string | undefined): string {
  if (value === undefined) return 'is missing'
  if (test.wanted === false) return 'is there'
  return `is "${value}", not ${test.wanted instanceof RegExp ? String(test.wanted) : `"${String(test.wanted)}"`}`
}

function queryText(x: Exchange, name: string): string | undefined {
  const raw = findQueryValue(x.request.target, x.request.queryStart, name)
  return raw === undefined ? undefined : decodeQueryText(raw)
}
