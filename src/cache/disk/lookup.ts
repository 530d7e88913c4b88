/**
 * Lookup: an exchange that wants to know what the disk has for it. If the answer is not there at once (`isOver`), the
 * step keeps the Lookup on the exchange, parks it, and is re-entered later. By then what was found is in memory or,
 * where memory does not take it, in `entry`.
 *
 * Nobody waits longer than `patienceMs`: a disk that does not answer costs hits.
 */
import { Deadline, type DeadlineOwner, type Timers } from '../../core/timers.ts'
import { WAIT, type Exchange, type Flow } from '../../http/exchange.ts'
import type { Entry } from '../store/entry.ts'

export const patienceMs = 2000

export class Lookup implements DeadlineOwner {
  /** What is wanted. */
  readonly key: string
  entry: Entry | null = null
  isOver = false
  /** Answers under the key vary, as far as the disk tells. */
  isVaried = false
  /** What the step kept on the exchange before. */
  before: unknown = undefined
  readonly #x: Exchange
  readonly #timers: Timers
  readonly #deadline = new Deadline(this)
  #turn = -1

  constructor(x: Exchange, key: string, timers: Timers) {
    this.key = key
    this.#x = x
    this.#timers = timers
  }

  /** For the step to return. */
  park(): Flow {
    this.#turn = this.#x.beginWait()
    this.#timers.set(this.#deadline, patienceMs)
    return WAIT
  }

  /** What was found. Too late: nothing happens. */
  tell(entry: Entry | null): void {
    if (this.isOver) return
    const turn = this.#turn
    this.leave()
    this.entry = entry
    if (turn >= 0) this.#x.reenter(turn)
  }

  onDeadline(): void {
    this.tell(null)
  }

  /** The exchange is abandoned or finished. */
  leave(): void {
    this.isOver = true
    this.#turn = -1
    this.#timers.remove(this.#deadline)
  }
}
