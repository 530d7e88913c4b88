/**
 * RefusalNotes: names that were refused on demand, in the log. Anybody can bring any number of them, so of those in `eachMs` one is
 * told for each reason, and with the next how many were not.
 */
import type { Clock } from '../../core/clock.ts'

const eachMs = 1000
/** There are a handful. */
const reasonsMax = 16

interface Told {
  atMs: number
  untold: number
}

export class RefusalNotes {
  readonly #clock: Clock
  readonly #note: (sentence: string) => void
  readonly #byReason = new Map<string, Told>()

  constructor(clock: Clock, note: (sentence: string) => void) {
    this.#clock = clock
    this.#note = note
  }

  tell(name: string, why: string): void {
    const nowMs = this.#clock.nowMs()
    const told = this.#byReason.get(why) ?? this.#begin(why)
    if (nowMs - told.atMs < eachMs) {
      told.untold++
      return
    }
    const more = told.untold === 0 ? '' : `; nor for ${told.untold} names before it`
    told.atMs = nowMs
    told.untold = 0
    this.#note(`no certificate for ${name} on demand: ${why}${more}`)
  }

  #begin(why: string): Told {
    if (this.#byReason.size >= reasonsMax) this.#byReason.clear()
    const told = { atMs: -Infinity, untold: 0 }
    this.#byReason.set(why, told)
    return told
  }
}
