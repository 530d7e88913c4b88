/**
 * OriginNames: which origins a config has, and which of them routes and listeners name. Says what is wrong with a name
 * that no origin has.
 */
import { listed } from '../core/listed.ts'
import { didYouMean } from '../core/nearest.ts'
import { isOriginName } from './route-schema.ts'
import { isObject } from './written.ts'

/** To find the nearest of ten thousand names takes milliseconds, and more mistakes than these are not shown (load.ts). */
const guessesMax = 200

export class OriginNames {
  readonly #names: ReadonlySet<string>
  readonly #used: Set<string> = new Set()
  #guesses = 0

  /** `origins`: as they were written. */
  constructor(origins: unknown) {
    this.#names = new Set(isObject(origins) ? Object.keys(origins) : [])
  }

  /** Somebody names this origin, or an address. Says what is wrong; '' for nothing. */
  use(name: string): string {
    this.#used.add(name)
    if (!isOriginName(name) || this.#names.has(name)) return ''
    const guess = this.#guesses++ < guessesMax ? didYouMean(name, this.#names) : ''
    const there = this.#names.size === 0 ? 'there are no origins' : `there are ${this.#text}`
    return `there is no origin "${name}"${guess || `; ${there}; an address has a port, as in "${name}:80"`}`
  }

  get #text(): string {
    return listed(Array.from(this.#names, (name) => `"${name}"`))
  }

  get areUsed(): boolean {
    return this.#used.size > 0
  }

  get unused(): readonly string[] {
    return [...this.#names].filter((name) => !this.#used.has(name) && isOriginName(name))
  }
}
