/**
 * Fields: the header or trailer section of one message, as a flat list of (name, value) in the order received.
 *
 * Two kinds of entry live side by side. *Wire* entries are spans of `text`, the head as it arrived: nothing is cut
 * until somebody asks, and a run of untouched entries is sent as one slice. *Made* entries hold two strings; they
 * come from HTTP/2, from handlers and from our own additions. Measured with a browser's 15 fields: cutting each into
 * strings and joining them again costs three times as much as the walk itself.
 *
 * Invariants: wire entries stand before made ones, in the order of `text`, and each one's line ends where the next
 * begins (the last at `wireEnd`), so that a run of them is one slice. A wire entry that is given another value
 * becomes a made entry in its place. `ids[i]` is the number of entry i's known name, 0 for an unknown name, `REMOVED`
 * for an entry that was taken out. `first[id]` is 1 + the index of the first live entry with that id, 0 when there is
 * none. Names and values were validated when they came in (read-head, hpack), or are checked by
 * `isFieldName`/`isFieldValue` where the config brings them in; this class does not check again.
 */
import { isAllOf, tokenClass, valueClass } from '../core/bytes.ts'
import { FRAMING, fieldFlags, fieldId, fieldName, knownFieldCount } from './known-fields.ts'
import type { FieldsView } from './fields-view.ts'

const REMOVED = 255
const initialCapacity = 32

/** Lines that several messages share: a stored answer's. */
export interface FieldLines {
  /** `name: value CR LF` one after another. */
  readonly text: string
  /** Adds a span to `fields` for each line, and says how many there are. */
  copyInto(fields: Fields): number
  /** A protocol's: the head that it last made of them. Absent: they are sent too seldom to keep it. */
  written?: WrittenHead | null
}

/** A whole head as bytes, and what besides the fields it was made of. */
export interface WrittenHead {
  readonly status: number
  readonly reason: string
  readonly bodyLength: number
  readonly bytes: Buffer
}

export class Fields implements FieldsView {
  /** What the wire entries' spans point into. */
  text = ''
  /** The lines that were adopted, while they are all there is and untouched. */
  source: FieldLines | null = null
  /** Entries, removed ones included. */
  size = 0
  ids: Uint8Array = new Uint8Array(initialCapacity)
  /**
   * Per entry: name start (= line start), name end, value start, value end in `text`. Name end -1: a made entry, and
   * the third is its place in the lists of made names and values, the fourth 1 where it came as never to be indexed; the
   * first still is where the line that it took the place of began, if it took one's.
   */
  spans: Int32Array = new Int32Array(initialCapacity * 4)
  readonly #names: string[] = []
  readonly #values: string[] = []
  #madeCount = 0
  readonly first: Uint16Array = new Uint16Array(knownFieldCount)
  /** Where the last wire line ends in `text`, its CR LF included. Set by the head reader. */
  wireEnd = 0
  #wireCount = 0

  clear(): void {
    const { size, ids, first } = this
    // A few stores cost less than fill() of the whole, which is a call into C++.
    for (let i = 0; i < size; i++) first[ids[i] as number] = 0
    // Kept as long as they are, the lists need not grow again; the strings in them must not be kept.
    for (let k = 0; k < this.#madeCount; k++) this.#names[k] = this.#values[k] = ''
    this.size = 0
    this.text = ''
    this.source = null
    this.wireEnd = 0
    this.#wireCount = 0
    this.#madeCount = 0
  }

  /** Appends a wire entry. Only head readers call it; they set `text` and `wireEnd` when the head is whole. */
  addSpan(id: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const i = this.#grow()
    const at = i * 4
    this.ids[i] = id
    this.spans[at] = nameStart
    this.spans[at + 1] = nameEnd
    this.spans[at + 2] = valueStart
    this.spans[at + 3] = valueEnd
    this.#wireCount = i + 1
    if (id !== 0 && this.first[id] === 0) this.first[id] = i + 1
  }

  /** Appends wire entries as `addSpan` would: of each its id, and four places in `text`. Only into fields that are clear. */
  addSpans(ids: Uint8Array, spans: Int32Array): void {
    const { first } = this
    const { length } = ids
    while (this.ids.length < length) this.#enlarge()
    const own = this.ids
    for (let i = 0; i < length; i++) {
      const id = ids[i] as number
      own[i] = id
      if (id !== 0 && first[id] === 0) first[id] = i + 1
    }
    this.spans.set(spans)
    this.size = this.#wireCount = length
  }

  #grow(): number {
    const i = this.size++
    if (i === this.ids.length) this.#enlarge()
    return i
  }

  #enlarge(): void {
    const ids = new Uint8Array(this.ids.length * 2)
    ids.set(this.ids)
    this.ids = ids
    const spans = new Int32Array(ids.length * 4)
    spans.set(this.spans)
    this.spans = spans
  }

  // Reading

  has(id: number): boolean {
    return this.first[id] !== 0
  }

  /** The first value of a known field. */
  get(id: number): string | undefined {
    const i = this.first[id] as number
    return i === 0 ? undefined : this.valueAt(i - 1)
  }

  /** All values of a known field joined by ', ' (RFC 9110 §5.3); undefined when there is none. Not for Set-Cookie. */
  combined(id: number): string | undefined {
    let i = (this.first[id] as number) - 1
    if (i < 0) return undefined
    let value = this.valueAt(i)
    for (i++; i < this.size; i++) if (this.ids[i] === id) value += ', ' + this.valueAt(i)
    return value
  }

  /** How many entries of a known field there are. */
  countOf(id: number): number {
    let n = 0
    const i = this.first[id] as number
    if (i === 0) return 0
    for (let k = i - 1; k < this.size; k++) if (this.ids[k] === id) n++
    return n
  }

  /** Is entry i there still? Loops go from 0 to `size` and ask. */
  isLive(i: number): boolean {
    return this.ids[i] !== REMOVED
  }

  idAt(i: number): number {
    return this.ids[i] as number
  }

  /** The name of entry i, as received. */
  nameAt(i: number): string {
    const at = i * 4
    const end = this.spans[at + 1] as number
    if (end < 0) return this.#names[this.spans[at + 2] as number] as string
    return this.text.slice(this.spans[at], end)
  }

  valueAt(i: number): string {
    const at = i * 4
    if ((this.spans[at + 1] as number) < 0) return this.#values[this.spans[at + 2] as number] as string
    return this.text.slice(this.spans[at + 2], this.spans[at + 3])
  }

  /** Did entry i come as never to be indexed (RFC 7541 §7.1.3)? */
  isSecretAt(i: number): boolean {
    const at = i * 4
    return (this.spans[at + 1] as number) < 0 && this.spans[at + 3] === 1
  }

  /** Index of the first live entry at or after `from` with this lower-case name, -1 when there is none. */
  indexOf(lowerName: string, from = 0): number {
    const id = fieldId(lowerName)
    if (id !== 0 && this.first[id] === 0) return -1
    for (let i = from; i < this.size; i++) if (this.#is(i, id, lowerName)) return i
    return -1
  }

  #is(i: number, id: number, lowerName: string): boolean {
    if (this.ids[i] !== id) return false
    if (id !== 0) return true
    const at = i * 4
    const end = this.spans[at + 1] as number
    if (end >= 0 && end - (this.spans[at] as number) !== lowerName.length) return false
    return this.nameAt(i).toLowerCase() === lowerName
  }

  /** The first value by lower-case name. */
  getByName(lowerName: string): string | undefined {
    const i = this.indexOf(lowerName)
    return i < 0 ? undefined : this.valueAt(i)
  }

  /** All values by lower-case name joined by ', '; undefined when there is none. */
  combinedByName(lowerName: string): string | undefined {
    let i = this.indexOf(lowerName)
    if (i < 0) return undefined
    let value = this.valueAt(i)
    while ((i = this.indexOf(lowerName, i + 1)) >= 0) value += ', ' + this.valueAt(i)
    return value
  }

  // Editing

  /** Appends a field; `name` in the spelling to be sent. */
  add(name: string, value: string): void {
    this.#addMade(fieldId(name.toLowerCase()), name, value)
  }

  /** Appends a known field under its lower-case name. */
  addKnown(id: number, value: string): void {
    this.#addMade(id, fieldName(id), value)
  }

  /**
   * Appends a field whose number was found already: 0 for a name that is not known. `isSecret`: it came as never to be indexed,
   * and goes on as that (RFC 7541 §6.2.3).
   */
  addNumbered(id: number, name: string, value: string, isSecret = false): void {
    this.#addMade(id, name, value)
    if (isSecret) this.spans[this.size * 4 - 1] = 1
  }

  #addMade(id: number, name: string, value: string): void {
    this.source = null
    const i = this.#grow()
    this.ids[i] = id
    this.#make(i, name, value)
    if (id !== 0 && this.first[id] === 0) this.first[id] = i + 1
  }

  #make(i: number, name: string, value: string): void {
    const k = this.#madeCount++
    this.spans[i * 4 + 1] = -1
    this.spans[i * 4 + 2] = k
    this.spans[i * 4 + 3] = 0
    this.#names[k] = name
    this.#values[k] = value
  }

  /** Sets a known field to one value: the first entry keeps its place, others of the name go. */
  setKnown(id: number, value: string): void {
    if (this.first[id] === 0) return this.addKnown(id, value)
    const i = (this.first[id] as number) - 1
    this.#replaceAt(i, fieldName(id), value)
    for (let k = i + 1; k < this.size; k++) if (this.ids[k] === id) this.removeAt(k)
  }

  /** Sets a field by name to one value. */
  set(name: string, value: string): void {
    const lowerName = name.toLowerCase()
    let i = this.indexOf(lowerName)
    if (i < 0) return this.add(name, value)
    this.#replaceAt(i, name, value)
    while ((i = this.indexOf(lowerName, i + 1)) >= 0) this.removeAt(i)
  }

  /** Gives entry i another value; its name stays. */
  setValueAt(i: number, value: string): void {
    this.#replaceAt(i, this.nameAt(i), value)
  }

  #replaceAt(i: number, name: string, value: string): void {
    this.source = null
    const at = i * 4
    if ((this.spans[at + 1] as number) >= 0) return this.#make(i, name, value)
    const k = this.spans[at + 2] as number
    this.#names[k] = name
    this.#values[k] = value
  }

  /** Takes all entries of a known field out. */
  removeKnown(id: number): void {
    const i = this.first[id] as number
    if (i === 0) return
    this.source = null
    for (let k = i - 1; k < this.size; k++) {
      if (this.ids[k] === id) this.ids[k] = REMOVED
    }
    this.first[id] = 0
  }

  /** Takes all entries of this lower-case name out. */
  remove(lowerName: string): void {
    let i = -1
    while ((i = this.indexOf(lowerName, i + 1)) >= 0) this.removeAt(i)
  }

  removeAt(i: number): void {
    const id = this.ids[i] as number
    if (id === REMOVED) return
    this.source = null
    this.ids[i] = REMOVED
    if (id === 0 || this.first[id] !== i + 1) return
    let k = i + 1
    while (k < this.size && this.ids[k] !== id) k++
    this.first[id] = k < this.size ? k + 1 : 0
  }

  /** Copies every live entry of `other` as made entries. */
  copyFrom(other: Fields): void {
    for (let i = 0; i < other.size; i++) {
      if (other.isLive(i))
        this.addNumbered(other.idAt(i), other.nameAt(i), other.valueAt(i), other.isSecretAt(i))
    }
  }

  /** Takes the fields of a stored message, whose text is shared and not copied. Only into fields that are clear. */
  adopt(stored: FieldLines): void {
    this.text = stored.text
    this.wireEnd = stored.text.length
    stored.copyInto(this)
    this.source = stored
  }

  /**
   * The section as HTTP/1 writes it: `name: value CR LF` for each live entry, without the empty line. Neighbouring
   * wire entries go out as one slice of what came in. Fields that delimit messages are left out: the codec writes
   * those itself, from what it knows and not from what it was told.
   */
  toWire(): string {
    const { size, ids, spans, text } = this
    const wireCount = this.#wireCount
    let out = ''
    let runStart = -1
    let i = 0
    for (; i < wireCount; i++) {
      const id = ids[i] as number
      const made = (spans[i * 4 + 1] as number) < 0
      if (id === 0 ? !made : !made && id !== REMOVED && (fieldFlags(id) & FRAMING) === 0) {
        if (runStart < 0) runStart = spans[i * 4] as number
        continue
      }
      if (runStart >= 0) {
        out += text.slice(runStart, spans[i * 4])
        runStart = -1
      }
      if (made) out += this.#madeLine(i)
    }
    if (runStart >= 0) out += text.slice(runStart, this.wireEnd)
    for (; i < size; i++) out += this.#madeLine(i)
    return out
  }

  #madeLine(i: number): string {
    const id = this.ids[i] as number
    if (id === REMOVED || (fieldFlags(id) & FRAMING) !== 0) return ''
    const k = this.spans[i * 4 + 2] as number
    return (this.#names[k] as string) + ': ' + (this.#values[k] as string) + '\r\n'
  }

  /** [name, value, …] of the live entries, for logs, tests and `explain`. */
  toArray(): string[] {
    const list: string[] = []
    for (let i = 0; i < this.size; i++) if (this.isLive(i)) list.push(this.nameAt(i), this.valueAt(i))
    return list
  }
}

/** Can `text` be a field's name? (RFC 9110 §5.1) */
export function isFieldName(text: string): boolean {
  return isAllOf(tokenClass, text)
}

/** Can `text` be a field's value, every character one byte? Space around it would not be part of it (RFC 9110 §5.5). */
export function isFieldValue(text: string): boolean {
  return (
    text === '' || (isAllOf(valueClass, text) && !isSpaceAt(text, 0) && !isSpaceAt(text, text.length - 1))
  )
}

function isSpaceAt(text: string, i: number): boolean {
  return text[i] === ' ' || text[i] === '\t'
}
