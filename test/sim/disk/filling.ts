/** An answer on its way from an origin into a worker's cache, as a fill brings it: asked for, told of, growing, whole. */
import { Faults } from '../../../src/core/faults.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { defaultFillLimits } from '../../../src/cache/fill/fill-limits.ts'
import { Growing } from '../../../src/cache/fill/growing.ts'
import type { Entry } from '../../../src/cache/store/entry.ts'
import type { SharedCache } from '../../../src/cache/shared-cache.ts'

const growthOwner = { onAdvance: () => {}, onDeserted: () => {} }

export interface FillingOwner {
  readonly clock: Clock
  /** Does the worker live? */
  isAlive(cache: SharedCache): boolean
  /** A client has seen all of it, and it is kept. */
  onSeen(entry: Entry): void
}

export class Filling {
  readonly cache: SharedCache
  /** It is whole, or never will be. */
  isOver = false
  readonly #owner: FillingOwner
  readonly #entry: Entry
  readonly #body: Buffer
  #isAnswered = false
  #isAnnounced = false
  #growing: Growing | null = null

  constructor(owner: FillingOwner, cache: SharedCache, entry: Entry, body: Buffer) {
    this.#owner = owner
    this.cache = cache
    this.#entry = entry
    this.#body = body
    cache.told.onAsked(entry.requestKey)
  }

  /** What the origin does next. `count`: so many bytes of the body come, if it has begun. */
  goOn(count: number): void {
    if (this.#growing !== null && !this.isOver) return this.#append(this.#growing, count)
    if (this.#isAnswered || this.isOver) return
    this.#isAnswered = true
    const { told } = this.cache
    const isSoon = count >= this.#body.length
    const begin = (): void => {
      if (!this.isOver && this.#owner.isAlive(this.cache)) this.#begin(count)
    }
    // As a fill does, whose answer is held back until the others know of it.
    const { requestKey, key, searchRule } = this.#entry
    const ruledKey = searchRule === null ? '' : key
    // Before: it may be heard, and be over, within the call.
    this.#isAnnounced = true
    if (told.hasListeners && told.onAnswer(requestKey, isSoon, begin, ruledKey)) return
    this.#isAnnounced = false
    begin()
  }

  #begin(count: number): void {
    const { clock } = this.#owner
    const place = { store: this.cache.store, clock, limits: defaultFillLimits }
    this.#growing = new Growing(this.#entry, place, growthOwner, 1)
    this.#append(this.#growing, count)
  }

  #append(growing: Growing, count: number): void {
    const body = this.#body
    const start = this.#entry.body.length
    const end = Math.min(body.length, start + count)
    if (end > start) growing.append(body, start, end)
    if (end < body.length) return
    this.isOver = true
    const isKept = growing.complete()
    this.cache.told.onAnswered(this.#entry.requestKey, this.#isAnnounced)
    if (isKept) this.#owner.onSeen(this.#entry)
  }

  /** It breaks off. */
  cut(): void {
    if (this.isOver) return
    this.isOver = true
    this.#growing?.abandon(Faults.ORIGIN_TRUNCATED)
    this.cache.told.onAnswered(this.#entry.requestKey, this.#isAnnounced)
  }
}
