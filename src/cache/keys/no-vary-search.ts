/**
 * No-Vary-Search: an answer says which query parameters did not matter to it (HTTP Working Group draft
 * draft-ietf-httpbis-no-vary-search). Such an answer is stored under a key in which the query is replaced by the
 * parameters that matter, in the form that the rule gives, and the store remembers which rules there are for which
 * path.
 *
 * Parameters are compared as URL search parameters are: percent-decoded, '+' as space, in the order received unless
 * the rule says `key-order`.
 */
import { Field } from '../../http/known-fields.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { readDictionary, type Member } from '../../http/structured.ts'

/** How many names one rule may hold; a rule with more is ignored like one that cannot be read. */
const namesMax = 100

export class SearchRule {
  /** Its spelling: equal rules have the same one. */
  readonly text: string
  readonly #isSorted: boolean
  /** Do only the named parameters matter, or all but those? */
  readonly #onlyNamed: boolean
  readonly #names: ReadonlySet<string>

  constructor(isSorted: boolean, onlyNamed: boolean, names: readonly string[]) {
    this.#isSorted = isSorted
    this.#onlyNamed = onlyNamed
    const sorted = Array.from(new Set(names)).sort()
    this.#names = new Set(sorted)
    // An '&' follows each, since a name may be empty.
    const written = sorted.map((name) => encodeURIComponent(name) + '&').join('')
    this.text = (isSorted ? 's' : '-') + (onlyNamed ? 'o' : 'w') + written
  }

  /** The key that the request with this plain key has under the rule. A key that a rule has made stays as it is. */
  keyOf(key: string): string {
    if (isUnderRule(key)) return key
    const lineEnd = endOfUrl(key)
    const mark = key.indexOf('?')
    const queryStart = mark >= 0 && mark < lineEnd ? mark : lineEnd
    const kept: [string, string][] = []
    for (const [name, value] of new URLSearchParams(
      key.slice(queryStart + 1, Math.max(queryStart + 1, lineEnd)),
    )) {
      if (this.#names.has(name) === this.#onlyNamed) kept.push([name, value])
    }
    if (this.#isSorted) kept.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
    return key.slice(0, queryStart) + key.slice(lineEnd) + searchLine + this.text + '?' + written(kept)
  }
}

/** What begins the line of a key that holds rule and parameters. */
const searchLine = '\nsearch '

/** Encodes any text as visible ASCII. */
function written(parameters: readonly [string, string][]): string {
  return parameters
    .map(([name, value]) => encodeURIComponent(name) + '=' + encodeURIComponent(value))
    .join('&')
}

/** The rule of this spelling (`SearchRule.text`); null when there is none. */
export function ruleOfText(text: string): SearchRule | null {
  const [, order, kind, names = ''] = /^([s-])([ow])((?:[^&?]*&)*)$/.exec(text) ?? []
  if (kind === undefined) return null
  return new SearchRule(order === 's', kind === 'o', names.split('&').slice(0, -1).map(decodeURIComponent))
}

/** The rule by which a key was made; null for the plain key of a request. */
export function ruleOfKey(key: string): SearchRule | null {
  const at = searchLineAt(key)
  return at < 0 ? null : ruleOfText(key.slice(at + searchLine.length, key.indexOf('?', at)))
}

export function isUnderRule(key: string): boolean {
  return searchLineAt(key) >= 0
}

/**
 * Where the line of a rule begins; -1 when there is none. It comes after site and zone, which are the
 * operator's words.
 */
function searchLineAt(key: string): number {
  const at = key.lastIndexOf(searchLine)
  if (at < 0) return -1
  const zone = key.indexOf('\n', key.indexOf('\n') + 1)
  return at > zone ? at : -1
}

/** The rule of an answer; null when it has none, or one that changes nothing or cannot be read. */
export function readSearchRule(fields: FieldsView): SearchRule | null {
  const text = fields.combined(Field.NO_VARY_SEARCH)
  const members = text === undefined ? null : readDictionary(text)
  if (members === null) return null
  const order = members.get('key-order')
  const params = members.get('params')
  const except = members.get('except')
  if (order !== undefined && order.kind !== 'boolean') return null
  const isSorted = order !== undefined && order.value === true
  if (params === undefined) return except === undefined && isSorted ? new SearchRule(true, false, []) : null
  return params.kind === 'boolean'
    ? booleanRule(isSorted, params.value === true, except)
    : listRule(isSorted, params, except)
}

/** `params`: none matters except those of `except`. `params=?0`: all do. */
function booleanRule(isSorted: boolean, isNone: boolean, except: Member | undefined): SearchRule | null {
  if (!isNone) return except === undefined && isSorted ? new SearchRule(true, false, []) : null
  if (except === undefined) return new SearchRule(isSorted, true, [])
  const names = namesOf(except)
  return names === null ? null : new SearchRule(isSorted, true, names)
}

/** `params=("a" "b")`: all matter except these. */
function listRule(isSorted: boolean, params: Member, except: Member | undefined): SearchRule | null {
  const names = except === undefined ? namesOf(params) : null
  return names === null ? null : new SearchRule(isSorted, false, names)
}

function namesOf(member: Member): string[] | null {
  if (member.kind !== 'list' || member.items.length > namesMax) return null
  const names: string[] = []
  for (const { kind, value } of member.items) {
    if (kind !== 'string') return null
    // Names are written as in a form's encoding: '+' is a space, and what is not ASCII is percent-encoded.
    names.push(
      new URLSearchParams(String(value).replaceAll('=', '%3D').replaceAll('&', '%26')).keys().next().value ??
        '',
    )
  }
  return names
}

/** How many rules one path may have; a site that says more different things about it cannot mean them all. */
const rulesPerPathMax = 4
/**
 * How many paths are remembered; the oldest is forgotten, and its answers are not found until one is stored
 * again.
 */
const pathsMax = 10_000

/** Which rules there are for which path, site and zone. */
export class SearchRules {
  readonly #byPath = new Map<string, readonly SearchRule[]>()

  get isEmpty(): boolean {
    return this.#byPath.size === 0
  }

  /** Adds a rule; `key` is the one that the rule made. */
  add(key: string, rule: SearchRule): void {
    const path = searchPathOf(key)
    this.#set(path, withRules([rule], this.#byPath.get(path) ?? noRules))
  }

  /** Something is stored under a key, which a rule may have made. */
  note(key: string): void {
    const rule = ruleOfKey(key)
    if (rule !== null) this.add(key, rule)
  }

  /** Adds rules of a path that are known elsewhere, after those that are known here. */
  learn(path: string, rules: readonly SearchRule[]): void {
    if (rules.length > 0) this.#set(path, withRules(this.#byPath.get(path) ?? noRules, rules))
  }

  #set(path: string, rules: readonly SearchRule[]): void {
    this.#byPath.delete(path)
    this.#byPath.set(path, rules)
    if (this.#byPath.size > pathsMax) {
      for (const oldest of this.#byPath.keys()) {
        this.#byPath.delete(oldest)
        break
      }
    }
  }

  /** The rules under which the request with this plain key may have been answered; the latest first. */
  of(key: string): readonly SearchRule[] {
    return this.#byPath.get(searchPathOf(key)) ?? noRules
  }

  /** Every key under which the request with this plain key may have been answered, except `except`. */
  keysOf(key: string, except = ''): string[] {
    return [key, ...this.of(key).map((rule) => rule.keyOf(key))].filter((each) => each !== except)
  }
}

/** The members of both lists, each once, up to the bound. */
export function withRules(rules: readonly SearchRule[], more: readonly SearchRule[]): readonly SearchRule[] {
  const others = more.filter(({ text }) => rules.every((rule) => rule.text !== text))
  return [...rules, ...others].slice(0, rulesPerPathMax)
}

const noRules: readonly SearchRule[] = []

/** A target without its query. */
export function pathIn(target: string): string {
  const mark = target.indexOf('?')
  return mark < 0 ? target : target.slice(0, mark)
}

function endOfUrl(key: string): number {
  const end = key.indexOf('\n')
  return end < 0 ? key.length : end
}

/** What stands for the path in a key, be it a request's or a rule's: everything but the query. */
export function searchPathOf(key: string): string {
  const at = searchLineAt(key)
  if (at >= 0) return key.slice(0, at)
  const lineEnd = endOfUrl(key)
  const mark = key.indexOf('?')
  return mark >= 0 && mark < lineEnd ? key.slice(0, mark) + key.slice(lineEnd) : key
}
