/**
 * Finds where and why a text is not JSON (RFC 8259). JSON.parse tells it only sometimes, and in other words with each
 * version of Node. So once a text is known to be wrong, this reads it a second time.
 */

export interface JsonMistake {
  readonly at: number
  readonly message: string
}

// eslint-disable-next-line no-control-regex -- JSON refuses them in strings (RFC 8259 §7).
const string = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|true\b|false\b|null\b/y
const word = /[^\s,:[\]{}"]+/y

class JsonReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The first mistake, null when there is none. Open brackets are kept in a list: depth costs no stack. */
  find(): JsonMistake | null {
    const open: ('{' | '[')[] = []
    for (;;) {
      const wrong = this.#readValue(open)
      if (wrong !== null) return wrong
      // Behind a value: close what ends here, then go on with the next one.
      for (;;) {
        this.#skip()
        const inside = open.at(-1)
        if (inside === undefined)
          return this.#at === this.#text.length ? null : this.#wrong('nothing may follow the end')
        const close = inside === '{' ? '}' : ']'
        if (this.#take(close)) open.pop()
        else if (this.#take(',')) break
        else return this.#wrong(`"," or "${close}" is expected`)
      }
      if (open.at(-1) === '{') {
        const wrongKey = this.#readKey()
        if (wrongKey !== null) return wrongKey
      }
    }
  }

  /** A value, or opening brackets down to the first one inside. */
  #readValue(open: ('{' | '[')[]): JsonMistake | null {
    for (;;) {
      this.#skip()
      if (this.#take('{')) {
        open.push('{')
        this.#skip()
        if (this.#text[this.#at] === '}') return null
        const wrong = this.#readKey()
        if (wrong !== null) return wrong
      } else if (this.#take('[')) {
        open.push('[')
        this.#skip()
        if (this.#text[this.#at] === ']') return null
      } else if (this.#match(string) || this.#match(scalar)) return null
      else return this.#wrongValue()
    }
  }

  #readKey(): JsonMistake | null {
    this.#skip()
    if (!this.#match(string)) return this.#wrong('a key in double quotes is expected')
    this.#skip()
    return this.#take(':') ? null : this.#wrong('":" is expected')
  }

  #wrongValue(): JsonMistake {
    if (this.#at === this.#text.length) return this.#wrong('the text ends too early')
    const character = this.#text[this.#at]
    if (character === '"') return this.#wrong('this text is not closed, or holds a wrong escape')
    if (character === "'") return this.#wrong('text stands in double quotes')
    word.lastIndex = this.#at
    const found = word.exec(this.#text)?.[0] ?? ''
    return this.#wrong(
      found === ''
        ? 'a value is expected'
        : `"${found.slice(0, 40)}" is not a value; text stands in double quotes`,
    )
  }

  #wrong(message: string): JsonMistake {
    return { at: this.#at, message: this.#at === this.#text.length ? 'the text ends too early' : message }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return false
    this.#at += match[0].length
    return true
  }

  #skip(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }
}

export function findJsonMistake(text: string): JsonMistake | null {
  return new JsonReader(text).find()
}
