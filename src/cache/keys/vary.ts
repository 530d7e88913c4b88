/**
 * Vary (RFC 9111 §4.1): which request fields chose an answer, and the secondary key made of them.
 *
 * Two requests have the same secondary key exactly when the named fields say the same: absent in both, or equal after
 * removing what no reader may distinguish. That is space around commas (RFC 9110 §5.6.1) and, in Accept,
 * Accept-Encoding and Accept-Language, case and the order among equal weights (§12.4.2). Where the operator says what
 * the site has, these three become the best of it, and `foldRequest` makes the origin see exactly that.
 */
import { Field, fieldId } from '../../http/known-fields.ts'
import type { Fields } from '../../http/fields.ts'
import type { RequestHead } from '../../http/message.ts'
import type { FieldsView } from '../../http/fields-view.ts'
import { splitTokens, trimSpace } from '../../http/tokens.ts'
import { bestEncoding, bestLanguage, bestType, orderedPreferences } from './buckets.ts'

/** How request fields are folded before they are compared, so that browsers that ask alike share an answer. */
export interface VaryFolding {
  /**
   * The encodings that the site has, in order of preference: Accept-Encoding becomes the best of them that is
   * accepted.
   */
  readonly encodings?: readonly string[]
  /** Media types likewise, for Accept. */
  readonly types?: readonly string[]
  /** Language tags likewise, for Accept-Language. */
  readonly languages?: readonly string[]
}

/** `Vary: *`: what chose the answer is not in the fields, so it fits no other request. */
export const VARY_ANY = 'any'

/**
 * Fields that we write on the way to the origin and that say who asks: the client's own request does not show
 * what the origin saw in them. (X-Forwarded-Host and X-Forwarded-Proto say what the key says.)
 */
const whoAsks: ReadonlySet<string> = new Set(['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-request-id'])

/** How many fields one Vary may name. One that names more is treated as `*`. */
export const varyNamesMax = 32

/** A set of field names, interned: while it is in use, the same set under the same folding is the same object. */
export class Vary {
  /** Lower-case names, sorted, each once. */
  readonly names: readonly string[]
  readonly folding: VaryFolding | null
  readonly #ids: readonly number[]

  constructor(names: readonly string[], folding: VaryFolding | null) {
    this.names = names
    this.folding = folding
    this.#ids = names.map((name) => fieldId(name))
  }

  /** The secondary key of a request. Each value is preceded by its length, so that no value can look like two. */
  variantOf(request: RequestHead): string {
    const { fields } = request
    let text = ''
    for (let i = 0; i < this.#ids.length; i++) {
      const id = this.#ids[i] as number
      const name = this.names[i] as string
      const value = id === 0 ? fields.combinedByName(name) : fields.combined(id)
      const folded = foldedValue(id, value, this.folding)
      text += folded === undefined ? '-' : folded.length + ':' + folded
    }
    return text
  }

  /** Does it compare the same fields in the same way? */
  isLike(other: Vary | null): boolean {
    if (this === other) return true
    return other !== null && other.folding === this.folding && other.names.join() === this.names.join()
  }
}

/** The best of what the site has, if the operator said what that is; undefined if not. */
function chosenValue(id: number, value: string | undefined, folding: VaryFolding): string | undefined {
  const { encodings, types, languages } = folding
  if (id === Field.ACCEPT_ENCODING && encodings !== undefined) return bestEncoding(value, encodings)
  if (id === Field.ACCEPT && types !== undefined) return bestType(value, types)
  if (id === Field.ACCEPT_LANGUAGE && languages !== undefined) return bestLanguage(value, languages)
  return undefined
}

function foldedValue(id: number, value: string | undefined, folding: VaryFolding | null): string | undefined {
  if (folding !== null) {
    const chosen = chosenValue(id, value, folding)
    if (chosen !== undefined) return chosen
  }
  if (value === undefined) return undefined
  switch (id) {
    case Field.ACCEPT:
    case Field.ACCEPT_ENCODING:
    case Field.ACCEPT_LANGUAGE:
      return orderedPreferences(value)
    // Not lists: a comma in them is a comma.
    case Field.COOKIE:
    case Field.AUTHORIZATION:
    case Field.USER_AGENT:
    case Field.REFERER:
      return value
    default:
      return withoutListSpace(value)
  }
}

/** A list without the space around its commas. A list with a quoted string in it stays as it is. */
function withoutListSpace(value: string): string {
  if (!value.includes(',') || value.includes('"')) return value
  return value
    .split(',')
    .map((member) => trimSpace(member))
    .join(',')
}

/**
 * Makes the request to the origin say exactly what its secondary key says: the answer must fit every client
 * that the key stands for. Only fields that are folded into what the site has are changed.
 */
export function foldRequest(fields: Fields, folding: VaryFolding | null): void {
  if (folding === null) return
  for (const id of [Field.ACCEPT, Field.ACCEPT_ENCODING, Field.ACCEPT_LANGUAGE]) {
    const chosen = chosenValue(id, fields.combined(id), folding)
    if (chosen === undefined) continue
    if (chosen === '') fields.removeKnown(id)
    else fields.setKnown(id, chosen)
  }
}

const internedPlain = new Map<string, Vary>()
const internedFolded = new WeakMap<VaryFolding, Map<string, Vary>>()
/** How many sets are interned; beyond that all are forgotten, and those in use compare a little more slowly. */
const internedMax = 1000

/** The Vary of an answer: null when it has none, VARY_ANY when no other request may have it. */
export function readVary(fields: FieldsView, folding: VaryFolding | null): Vary | null | typeof VARY_ANY {
  const value = fields.combined(Field.VARY)
  if (value === undefined) return null
  const names = Array.from(new Set(splitTokens(value.toLowerCase()))).sort()
  if (names.includes('*') || names.length > varyNamesMax) return VARY_ANY
  if (names.some((name) => whoAsks.has(name))) return VARY_ANY
  if (names.length === 0) return null
  return varyOf(names, folding)
}

/** Of lower-case names that are sorted, each once. */
export function varyOf(names: readonly string[], folding: VaryFolding | null): Vary {
  const table = tableOf(folding)
  const text = names.join()
  let vary = table.get(text)
  if (vary === undefined) {
    vary = new Vary(names, folding)
    if (table.size >= internedMax) table.clear()
    table.set(text, vary)
  }
  return vary
}

function tableOf(folding: VaryFolding | null): Map<string, Vary> {
  if (folding === null) return internedPlain
  let table = internedFolded.get(folding)
  if (table === undefined) internedFolded.set(folding, (table = new Map()))
  return table
}
