/**
 * The sweep: after purges it walks over all entries in slices, so that each is compared with the purges, what was
 * purged gives its memory back, and purges can be forgotten. It takes at most `sliceMs` at a time and rests in
 * between, since the same thread answers requests.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { Purges } from '../purge/purge.ts'

/** One slice: a request that comes meanwhile waits at most as long. */
export const sliceMs = 1
/** Between two slices: the sweep takes at most a fifth of the thread. */
const pauseMs = 4
/** Entries between two looks at the clock; the variants of one key, 128 at most, are not torn apart. */
const lookEvery = 64
/** Entries of one slice, for clocks that stand still. */
const sliceEntriesMax = 20_000

/** Over all there are, those added meanwhile included or not; null: that was all. */
export interface Walk<T> {
  /** May it rest here? */
  readonly isBetweenKeys: boolean
  next(): T | null
}

export class Sweep<T> {
  readonly #clock: Clock
  readonly #purges: Purges
  readonly #index: { walk(): Walk<T> }
  readonly #growing: Iterable<T>
  /** Compares an entry with the purges, and takes it out when it was purged. */
  readonly #settle: (entry: T) => void
  #walk: Walk<T> | null = null
  /** The generation when the walk began. */
  #target = 0
  #timer: ClockTimer | null = null

  constructor(
    clock: Clock,
    purges: Purges,
    index: { walk(): Walk<T> },
    growing: Iterable<T>,
    settle: (entry: T) => void,
  ) {
    this.#clock = clock
    this.#purges = purges
    this.#index = index
    this.#growing = growing
    this.#settle = settle
  }

  /** There was a purge. */
  wake(): void {
    if (this.#walk !== null) return
    this.#timer?.cancel()
    this.#timer = this.#clock.after(pauseMs, this.#slice)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = this.#walk = null
  }

  #slice = (): void => {
    if (this.#walk === null) this.#begin()
    const endMs = this.#clock.nowMs() + sliceMs
    let isDone = false
    for (let n = 0; n < sliceEntriesMax && !isDone; n += lookEvery) {
      isDone = this.#step()
      if (this.#clock.nowMs() >= endMs) break
    }
    if (isDone) this.#end()
    else this.#timer = this.#clock.after(pauseMs, this.#slice)
  }

  #begin(): void {
    this.#target = this.#purges.generation
    if (this.#purges.pending > 0) this.#walk = this.#index.walk()
    for (const entry of this.#growing) this.#settle(entry)
  }

  /** Looks at some entries. True at the end of the walk. */
  #step(): boolean {
    const walk = this.#walk
    if (walk === null) return true
    for (let n = 0; n < lookEvery || !walk.isBetweenKeys; n++) {
      const entry = walk.next()
      if (entry === null) return true
      this.#settle(entry)
    }
    return false
  }

  /** Forgets what can be forgotten, and sees when the next thing can. */
  #end(): void {
    this.#walk = null
    this.#timer = null
    this.#purges.sweptTo(this.#target)
    if (this.#purges.pending > 0) return this.wake()
    const restLeftMs = this.#purges.restLeftMs
    if (restLeftMs >= 0) this.#timer = this.#clock.after(Math.max(pauseMs, restLeftMs), this.#slice)
  }
}
