/**
 * Patience: how long an answer that no store takes waits for readers that are about to lose its window.
 *
 * Readers of one pace drift apart by what the kernel buffers for each of them, which may be more than the window.
 * Nobody is slow then, and all catch up while the origin waits. So most of the readers are waited for; the last few,
 * which may really be slow, only for as long as that slows the others little.
 *
 * Promises: the waits for a few, taken together, are at most `fewMs` and a share of the time since the answer began;
 * a wait for many is at most `manyMs`; after each, whoever is still behind is not waited for again until the window
 * has moved.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { Growth } from '../store/growth.ts'

/**
 * Up to this share of the readers counts as few: with an eighth, one fast reader behind among an eighth of slow
 * ones counted as many.
 */
const fewOfAll = 1 / 4
const fewMs = 250
/** The others are slowed by a fifth at most, whoever reads slowly, where a reader that loses the window is cut. */
const fewShare = 1 / 5
/**
 * The same where the rest can be fetched from the origin, so that losing the window costs one request for all
 * who do.
 */
const fewShareWithRest = 1 / 10
const manyMs = 1000
/** The time between two looks. */
const lookMs = 2

export class Patience {
  isWaiting = false
  readonly #clock: Clock
  readonly #growth: Growth
  readonly #windowBytes: number
  readonly #onOver: () => void
  readonly #bornMs: number
  #timer: ClockTimer | null = null
  /** Readers before this position are waited for. */
  #mark = 0
  #startMs = 0
  #lookedMs = 0
  /** How long it has waited for few readers in all. */
  #spentMs = 0
  /** The length of the body at which it may wait again. */
  #nextLength = 0

  constructor(clock: Clock, growth: Growth, windowBytes: number, onOver: () => void) {
    this.#clock = clock
    this.#growth = growth
    this.#windowBytes = windowBytes
    this.#onOver = onOver
    this.#bornMs = clock.nowMs()
  }

  /** The body has grown to `length`. Begins to wait when a reader is three quarters of the window behind. */
  look(length: number): void {
    const window = this.#windowBytes
    if (this.isWaiting || length < this.#nextLength || length < window) return
    if (this.#growth.countBefore(length - 0.75 * window) === 0) return
    this.#mark = length - window / 2
    this.#startMs = this.#lookedMs = this.#clock.nowMs()
    this.isWaiting = true
    this.#nextLength = length + window / 2
    this.#wait()
  }

  #wait(): void {
    this.#timer = this.#clock.after(lookMs, () => this.#onLook())
  }

  #onLook(): void {
    const { size } = this.#growth
    const behind = this.#growth.countBefore(this.#mark)
    const nowMs = this.#clock.nowMs()
    const isMany = behind > size * fewOfAll
    if (!isMany) this.#spentMs += nowMs - this.#lookedMs
    this.#lookedMs = nowMs
    const share = this.#growth.rest === null ? fewShare : fewShareWithRest
    const isPatient = isMany
      ? nowMs - this.#startMs < manyMs
      : this.#spentMs < fewMs + share * (nowMs - this.#bornMs)
    if (behind > 0 && isPatient) return this.#wait()
    // All have caught up: a reader that falls behind from here on is waited for, too.
    if (behind === 0) this.#nextLength = 0
    this.close()
    this.#onOver()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.isWaiting = false
  }
}
