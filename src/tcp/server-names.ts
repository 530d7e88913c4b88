/**
 * ServerNames: finds a value by the name that a TLS client asks for: an exact name before a wildcard of its parent
 * ('*.example.com' covers one label, as in certificates, RFC 9525 §6.3), and that before '*', which is for everybody.
 */
export class ServerNames<T> {
  readonly #exact = new Map<string, T>()
  readonly #wildcards = new Map<string, T>()
  #any: T | null = null
  /** Does any value depend on the name? */
  hasNames = false

  add(pattern: string, value: T): void {
    const name = pattern.toLowerCase()
    if (name === '*') {
      this.#any = value
      return
    }
    this.hasNames = true
    if (name.startsWith('*.')) this.#wildcards.set(name.slice(2), value)
    else this.#exact.set(name, value)
  }

  /** The value for a name; '' is a client that names none. */
  find(name: string): T | null {
    const parent = name.indexOf('.')
    const wildcard = parent < 0 ? undefined : this.#wildcards.get(name.slice(parent + 1))
    return this.#exact.get(name) ?? wildcard ?? this.#any
  }
}
