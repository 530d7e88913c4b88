/**
 * Request ids: unique over processes and their restarts, and cheap enough to make one for every request: a random
 * prefix drawn once, and a counter. They are names, not secrets: they can be guessed.
 */
import { randomBytes } from 'node:crypto'

/**
 * The longest id that is accepted from a trusted peer; a trace id with its parents has 55 characters, the rest
 * is room.
 */
export const requestIdLengthMax = 128

/** Token characters, and those that ids of the large clouds hold ('Root=1-67…', base64). */
const sane = /^[\w!#$%&'*+.^`|~:/=-]+$/

const digits = 36
const blockSize = digits * digits
const lowDigits: string[] = Array.from({ length: blockSize }, (_, i) => i.toString(digits).padStart(2, '0'))

export class RequestIds {
  readonly #random: string
  #high = 0
  #low = 0
  #prefix = ''

  /** `random` is for tests that compare texts. */
  constructor(random: string = randomBytes(6).toString('hex')) {
    this.#random = random
  }

  /**
   * A new id of about 20 characters: 'c0ffee123456-1x'. Two digits change per call, so it costs a single
   * concatenation.
   */
  next(): string {
    if (this.#low === 0) this.#prefix = this.#random + '-' + this.#high.toString(digits)
    const id = this.#prefix + (lowDigits[this.#low] as string)
    if (++this.#low === blockSize) {
      this.#low = 0
      this.#high++
    }
    return id
  }
}

/** May an id that a trusted peer sent be used in logs, pages and fields as it is? */
export function isSaneRequestId(id: string): boolean {
  return id.length <= requestIdLengthMax && sane.test(id)
}
