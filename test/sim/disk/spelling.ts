/**
 * How clients of a world of the cache on disk spell their URLs: in some worlds with parameters that the origin says do not
 * matter (No-Vary-Search); in some of these it says so now and then only, or of other parameters too.
 */
import { Random } from '../random.ts'

const queries = ['', '?u=1', '?u=2', '?w=3&u=1', '?u=1&w=3'] as const

/** None of what is asked with matters, by any of them. */
const rules = ['params=("u" "w")', 'params', 'params, except=("id")', 'key-order, params=("u" "w")'] as const

export class Spelling {
  /** The origin says different things: which answer is the newer one for another spelling nobody knows. */
  readonly isMixed: boolean
  readonly #isSpelled: boolean
  readonly #random: Random

  constructor(seed: number, isSpelled = false) {
    this.#random = new Random(seed + 1_000_000)
    this.#isSpelled = this.#random.chance(isSpelled ? 1 : 0.4)
    this.isMixed = this.#isSpelled && this.#random.chance(0.4)
  }

  of(url: string): string {
    return this.#isSpelled ? url + this.#random.pick(queries) : url
  }

  /** What the origin says of it. */
  fields(): Record<string, string> {
    const isSaid = this.#isSpelled && (!this.isMixed || this.#random.chance(0.7))
    const rule = this.isMixed ? this.#random.pick(rules) : rules[0]
    return isSaid ? { 'no-vary-search': rule } : {}
  }
}
