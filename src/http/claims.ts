/**
 * Claims: what a peer says about the client in X-Forwarded-…, X-Real-IP, Forwarded, Client-Cert, Client-Cert-Chain
 * (RFC 9440) and the field of the request id. They are dropped as the request arrives, so no match, variable or step
 * ever sees a forged one, and whatever a step sets under such a name is the operator's.
 *
 * Promises: from a peer that is not trusted none is kept, nor a spelling with '_' that a CGI-like origin would read
 * as the same name; from a trusted peer those under their real names stay. The straight path cuts no string.
 */
import type { Fields } from './fields.ts'
import { Field, fieldId } from './known-fields.ts'
import { plainName } from './spelling.ts'

const known: readonly number[] = [
  Field.X_FORWARDED_FOR,
  Field.X_FORWARDED_HOST,
  Field.X_FORWARDED_PROTO,
  Field.X_FORWARDED_PORT,
  Field.X_REAL_IP,
  Field.FORWARDED,
  Field.CLIENT_CERT,
  Field.CLIENT_CERT_CHAIN,
]

const hyphen = 0x2d
const underscore = 0x5f
const letterC = 0x63
const letterL = 0x6c
const letterX = 0x78

export class Claims {
  readonly #ids: readonly number[]
  readonly #requestIdField: string
  /** As a CGI-like origin reads it; '' for none. */
  readonly #requestIdName: string
  /** Lower case; 0 when 'x-' tells it apart as it does the others. */
  readonly #requestIdFirst: number

  /** `requestIdField`: '' for none. */
  constructor(requestIdField: string) {
    const lowerName = requestIdField.toLowerCase()
    const id = fieldId(lowerName)
    const name = plainName(lowerName)
    this.#ids = id === 0 ? known : [...known, id]
    this.#requestIdField = lowerName
    this.#requestIdName = name
    this.#requestIdFirst = name.startsWith('x-') ? 0 : name.charCodeAt(0) | 0x20
  }

  /** Of a peer that is not trusted. */
  drop(fields: Fields): void {
    const { first } = fields
    for (const id of this.#ids) if (first[id] !== 0) fields.removeKnown(id)
    const { ids, size } = fields
    for (let i = 0; i < size; i++) if (ids[i] === 0 && this.#isAt(fields, i)) fields.removeAt(i)
  }

  /**
   * Of a trusted peer: a proxy in front that edits X-Forwarded-For lets X_Forwarded_For pass as its client wrote it,
   * and which of the two a CGI-like origin takes is a toss-up. One stays that is the configured name of the request id.
   */
  dropMisspelt(fields: Fields): void {
    const { ids, size } = fields
    for (let i = 0; i < size; i++) {
      if (ids[i] !== 0 || !this.#isAt(fields, i)) continue
      const name = fields.nameAt(i).toLowerCase()
      if (name.includes('_') && name !== this.#requestIdField) fields.removeAt(i)
    }
  }

  /** Is entry i, whose name is not known, a claim? Decided by two characters for nearly every field. */
  #isAt(fields: Fields, i: number): boolean {
    const at = i * 4
    if ((fields.spans[at + 1] as number) >= 0) {
      const start = fields.spans[at] as number
      let first = fields.text.charCodeAt(start) | 0x20
      if (first === (underscore | 0x20)) first = hyphen
      if (first !== this.#requestIdFirst) {
        const second = fields.text.charCodeAt(start + 1)
        if (first === letterC) {
          if ((second | 0x20) !== letterL) return false
        } else if (first !== letterX || (second !== hyphen && second !== underscore)) return false
      }
    }
    const name = plainName(fields.nameAt(i).toLowerCase())
    if (name.startsWith('x-forwarded-') || name === 'x-real-ip') return true
    return name === 'client-cert' || name === 'client-cert-chain' || name === this.#requestIdName
  }
}
