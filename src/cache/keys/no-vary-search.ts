/**
 * No-Vary-Search: an answer says which query parameters did not matter to it (HTTP Working Group draft
 * draft-ietf-httpbis-no-vary-search). Such an answer is stored under a key in which its query is replaced by the
 * parameters that matter, in the form of the rule, and the store remembers which rules it has for which path.
 *
 * Parameters are compared as URLs' search parameters are: percent-decoded, '+' as space, in the order received unless
 * the rule says `key-order`.
 */
import { Field } from '../../http/known-fields.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { readDictionary, type Member } from '../../http/structured.ts'

/** Names that one rule may hold; a rule with more is ignored, as one that cannot be read. */
const namesMax = 100

export class SearchRule {
  /** Its spelling: the same rule has the same one. */
  readonly text: string
  readonly #isSorted: boolean
  /** Do the parameters named matter, and no others; or all but those? */
  readonly #onlyNamed: boolean
  readonly #names: ReadonlySet<string>

  constructor(isSorted: boolean, onlyNamed: boolean, names: readonly string[]) {
    this.#isSorted = isSorted
    this.#onlyNamed = onlyNamed
    const sorted = Array.from(new Set(names)).sort()
    this.#names = new Set(sorted)
    this.text = (isSorted ? 's' : '-') + (onlyNamed ? 'o' : 'w') + sorted.map(encodeURIComponent).join('&')
  }

  /** The key that the request with this plain key has under the rule. */
  keyOf(key: string): string {
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

/** As text of visible ASCII, whatever is in it. */
function written(parameters: readonly [string, string][]): string {
  return parameters
    .map(([name, value]) => encodeURIComponent(name) + '=' + encodeURIComponent(value))
    .join('&')
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

/** `params`: none matters, but those of `except`. `params=?0`: all do. */
function booleanRule(isSorted: boolean, isNone: boolean, except: Member | undefined): SearchRule | null {
  if (!isNone) return except === undefined && isSorted ? new SearchRule(true, false, []) : null
  if (except === undefined) return new SearchRule(isSorted, true, [])
  const names = namesOf(except)
  return names === null ? null : new SearchRule(isSorted, true, names)
}

/** `params=("a" "b")`: all matter but these. */
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

/** Rules for one path; a site that says more than this many different things about it does not mean them. */
const rulesPerPathMax = 4
/** Paths remembered; the oldest is forgotten, and its answers are not found until it is stored again. */
const pathsMax = 10_000

/** Which rules are there for which path, site and zone. */
export class SearchRules {
  readonly #byPath = new Map<string, SearchRule[]>()

  get isEmpty(): boolean {
    return this.#byPath.size === 0
  }

  /** `key` is the one that the rule made. */
  add(key: string, rule: SearchRule): void {
    const path = key.slice(0, key.lastIndexOf(searchLine))
    const rules = this.#byPath.get(path) ?? []
    this.#byPath.delete(path)
    const others = rules.filter((each) => each.text !== rule.text)
    this.#byPath.set(path, [rule, ...others].slice(0, rulesPerPathMax))
    if (this.#byPath.size > pathsMax) {
      for (const oldest of this.#byPath.keys()) {
        this.#byPath.delete(oldest)
        break
      }
    }
  }

  /** The rules under which the request with this plain key may have been answered; the latest first. */
  of(key: string): readonly SearchRule[] {
    return this.#byPath.get(pathOf(key)) ?? noRules
  }
}

const noRules: readonly SearchRule[] = []

function endOfUrl(key: string): number {
  const end = key.indexOf('\n')
  return end < 0 ? key.length : end
}

function pathOf(key: string): string {
  const lineEnd = endOfUrl(key)
  const mark = key.indexOf('?')
  return mark >= 0 && mark < lineEnd ? key.slice(0, mark) + key.slice(lineEnd) : key
}
