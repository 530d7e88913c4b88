/**
 * Structured Fields (RFC 9651): dictionaries and lists, read as strictly as the RFC demands. A field that is not
 * exactly one of them has no value at all (§4.2), so that two recipients never read two values out of it: null.
 *
 * Parameters are checked and dropped: they mean nothing in any of the fields that Headgate reads.
 */
import { hexValue, isAllOf, tokenClass } from '../core/bytes.ts'

export interface Item {
  readonly kind: 'integer' | 'decimal' | 'string' | 'token' | 'binary' | 'boolean' | 'date' | 'display'
  /** Dates in seconds; binary as base64 text. */
  readonly value: number | string | boolean
}

export interface InnerList {
  readonly kind: 'list'
  readonly items: readonly Item[]
}

export type Member = Item | InnerList

/** A dictionary by its keys; of a key that stands twice the last counts (§4.2.2). Null when `text` is none. */
export function readDictionary(text: string): Map<string, Member> | null {
  const members = new Map<string, Member>()
  const reader = new Reader(text)
  while (!reader.isAtEnd()) {
    const key = reader.key()
    const member = key === null ? null : reader.memberValue()
    if (key === null || member === null || !reader.parameters() || !reader.separator()) return null
    // Taken out first, so that it stands where it stood last.
    members.delete(key)
    members.set(key, member)
  }
  return members
}

/** The members of a list (§4.2.1). Null when `text` is none. */
export function readList(text: string): Member[] | null {
  const members: Member[] = []
  const reader = new Reader(text)
  while (!reader.isAtEnd()) {
    const member = reader.member()
    if (member === null || !reader.parameters() || !reader.separator()) return null
    members.push(member)
  }
  return members
}

/** A list whose members are all strings, as Cache-Groups is (RFC 9875 §2). Null when `text` is none. */
export function readStringList(text: string): string[] | null {
  const strings: string[] = []
  for (const member of readList(text) ?? [null]) {
    if (member === null || member.kind !== 'string') return null
    strings.push(member.value as string)
  }
  return strings
}

const keyStart = /^[a-z*]/
const digitsOfIntegerMax = 15
const digitsBeforePointMax = 12
const digitsAfterPointMax = 3

/** One pass over a text. What it reads is null or false when it is not there; the position is meaningless then. */
class Reader {
  readonly #text: string
  #at = 0
  #end: number

  constructor(text: string) {
    this.#text = text
    this.#end = text.length
    // Space (not a tab) around the whole is ignored (§4.2, steps 2 and 6).
    while (text[this.#at] === ' ') this.#at++
    while (this.#end > this.#at && text[this.#end - 1] === ' ') this.#end--
  }

  isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  #peek(): string {
    return this.#at < this.#end ? (this.#text[this.#at] as string) : ''
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  /** The text that matches a sticky pattern here; null when nothing does. */
  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null || this.#at + found[0].length > this.#end) return null
    this.#at += found[0].length
    return found[0]
  }

  /** Reads a comma and what follows it, or the end. A comma at the end is a mistake (§4.2.1, step 2.6). */
  separator(): boolean {
    this.#match(/[ \t]*/y)
    if (this.isAtEnd()) return true
    if (!this.#take(',')) return false
    this.#match(/[ \t]*/y)
    return !this.isAtEnd()
  }

  key(): string | null {
    if (!keyStart.test(this.#peek())) return null
    return this.#match(/[a-z*][a-z0-9_.*-]*/y)
  }

  /** After a key: what follows '=', else true. */
  memberValue(): Member | null {
    return this.#take('=') ? this.member() : { kind: 'boolean', value: true }
  }

  member(): Member | null {
    return this.#peek() === '(' ? this.#innerList() : this.#item()
  }

  parameters(): boolean {
    while (this.#take(';')) {
      this.#match(/ */y)
      if (this.key() === null) return false
      if (this.#take('=') && this.#item() === null) return false
    }
    return true
  }

  #innerList(): InnerList | null {
    this.#at++
    const items: Item[] = []
    for (;;) {
      this.#match(/ */y)
      if (this.#take(')')) return { kind: 'list', items }
      const item = this.#item()
      if (item === null || !this.parameters()) return null
      items.push(item)
      if (this.#peek() !== ' ' && this.#peek() !== ')') return null
    }
  }

  #item(): Item | null {
    const first = this.#peek()
    if (first === '"') return this.#string()
    if (first === '?') return this.#boolean()
    if (first === ':') return this.#binary()
    if (first === '@') return this.#date()
    if (first === '%') return this.#display()
    if (/[-0-9]/.test(first)) return this.#number()
    return /[A-Za-z*]/.test(first) ? this.#token() : null
  }

  #number(): Item | null {
    const text = this.#match(/-?[0-9]+(\.[0-9]*)?/y)
    if (text === null) return null
    const digits = text.startsWith('-') ? text.slice(1) : text
    const point = digits.indexOf('.')
    if (point < 0) {
      return digits.length > digitsOfIntegerMax ? null : { kind: 'integer', value: Number(text) }
    }
    const after = digits.length - point - 1
    if (point > digitsBeforePointMax || after < 1 || after > digitsAfterPointMax) return null
    return { kind: 'decimal', value: Number(text) }
  }

  #string(): Item | null {
    const text = this.#match(/"(?:[ !#-[\]-~]|\\["\\])*"/y)
    return text === null ? null : { kind: 'string', value: text.slice(1, -1).replace(/\\(.)/g, '$1') }
  }

  #token(): Item | null {
    const start = this.#at++
    while (/[:/]/.test(this.#peek()) || isAllOf(tokenClass, this.#peek())) this.#at++
    return { kind: 'token', value: this.#text.slice(start, this.#at) }
  }

  #boolean(): Item | null {
    const text = this.#match(/\?[01]/y)
    return text === null ? null : { kind: 'boolean', value: text === '?1' }
  }

  #binary(): Item | null {
    const text = this.#match(/:[A-Za-z0-9+/=]*:/y)
    return text === null ? null : { kind: 'binary', value: text.slice(1, -1) }
  }

  #date(): Item | null {
    this.#at++
    const number = this.#number()
    return number?.kind === 'integer' ? { kind: 'date', value: number.value } : null
  }

  #display(): Item | null {
    const text = this.#match(/%"(?:[ !#$&-~]|%[0-9a-f]{2})*"/y)
    if (text === null) return null
    const bytes: number[] = []
    for (let i = 2; i < text.length - 1; i++) {
      if (text[i] !== '%') bytes.push(text.charCodeAt(i))
      else {
        bytes.push(hexAt(text, i + 1))
        i += 2
      }
    }
    const value = readUtf8(Uint8Array.from(bytes))
    return value === null ? null : { kind: 'display', value }
  }
}

function hexAt(text: string, at: number): number {
  return (hexValue[text.charCodeAt(at)] as number) * 16 + (hexValue[text.charCodeAt(at + 1)] as number)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
