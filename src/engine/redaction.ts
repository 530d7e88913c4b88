/**
 * Redaction: keeps secret values out of the logs. Authorization, Cookie and Set-Cookie are never logged at all. Here
 * are query parameters with secret values, in the request target and in Referer (which carries the target of the page
 * before), the user and password of a URL, and fields that the operator chose.
 *
 * A name is compared as an application would read it: percent-decoded, in lower case, and `user[password]` by its
 * parts. A URL inside a value (`next=%2F%3Ftoken%3D…`) is not looked into.
 */

/** Names of query parameters that usually hold secrets: the config's default. */
export const defaultRedactQuery: readonly string[] = [
  'token',
  'access_token',
  'id_token',
  'refresh_token',
  'api_key',
  'apikey',
  'auth',
  'authorization',
  'client_secret',
  'code_verifier',
  'passwd',
  'password',
  'secret',
  'session',
  'sessionid',
  'sig',
  'signature',
  'x-amz-credential',
  'x-amz-security-token',
  'x-amz-signature',
  'x-goog-signature',
]

/** What is written in the place of a hidden value. */
export const hiddenText = '***'

const percent = 0x25
const equals = 0x3d

/** Does a parameter end here? '&', ';', and '?' or '#', which begin another list. */
function isSeparator(code: number): boolean {
  return code === 0x26 || code === 0x3b || code === 0x3f || code === 0x23
}

/** Five bits of the first character: the same for both cases of a letter. */
function lookOf(length: number, first: number): number {
  return length * 32 + (first & 31)
}

export class Redaction {
  readonly #names: ReadonlySet<string>
  readonly #fields: ReadonlySet<string>
  /** Is there a name of this length and first letter? Most parameters are let through by this look alone. */
  readonly #looks = new Uint8Array(64 * 32)

  /** Both lists in lower case. */
  constructor(queryNames: readonly string[], fieldNames: readonly string[]) {
    this.#names = new Set(queryNames)
    this.#fields = new Set(fieldNames)
    for (const name of queryNames)
      if (name.length < 64) this.#looks[lookOf(name.length, name.charCodeAt(0))] = 1
  }

  hidesField(lowerName: string): boolean {
    return this.#fields.has(lowerName)
  }

  /** Replaces hidden values in the parameters of `text`, which begin at or after `from`. */
  parameters(text: string, from: number): string {
    let out = ''
    let copied = 0
    let at = from
    while (at < text.length) {
      let assign = -1
      let stop = at
      let isPlain = true
      for (; stop < text.length; stop++) {
        const code = text.charCodeAt(stop)
        if (isSeparator(code)) break
        if (assign >= 0) continue
        if (code === equals) assign = stop
        else if (code === percent || code === 0x5b) isPlain = false
      }
      if (assign >= 0 && this.#hides(text, at, assign, isPlain)) {
        out += text.slice(copied, assign + 1) + hiddenText
        copied = stop
      }
      at = stop + 1
    }
    return copied === 0 ? text : out + text.slice(copied)
  }

  #hides(text: string, start: number, end: number, isPlain: boolean): boolean {
    if (isPlain) {
      const length = end - start
      if (length < 64 && this.#looks[lookOf(length, text.charCodeAt(start))] === 0) return false
      return this.#names.has(text.slice(start, end).toLowerCase())
    }
    const name = decoded(text.slice(start, end)).toLowerCase()
    return this.#names.has(name) || name.split(/[[\]]/).some((part) => part !== '' && this.#names.has(part))
  }

  /** Redacts a whole URL, as in Referer. */
  url(text: string): string {
    let from = 0
    while (from < text.length && !isSeparator(text.charCodeAt(from))) from++
    const shown = from === text.length ? text : this.parameters(text, from + 1)
    return text.indexOf('@') < 0 ? shown : withoutUser(shown)
  }
}

function decoded(name: string): string {
  return name.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}

/** Removes user and password before the host. */
function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1' + hiddenText + '@')
}
