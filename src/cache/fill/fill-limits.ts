/** The bounds of fills, each with its reason, and how far a fill goes on when nobody reads it. */
import type { Entry } from '../store/entry.ts'

export interface FillLimits {
  /**
   * How far a fill runs ahead of its fastest reader, and how much is held for slower ones of an answer that no
   * store takes. It is large enough for two readers of different speed to share an answer for seconds, and
   * small enough for a thousand fills.
   */
  readonly windowBytes: number
  /**
   * A Range that begins more than this beyond what has arrived asks the origin itself: a seek does not wait for
   * a film.
   */
  readonly rangeAheadBytesMax: number
  /** The same where nothing is stored: a reader far ahead would take the window away from those behind. */
  readonly passedAheadBytesMax: number
  /**
   * What to do when the last reader has left. 'auto': go on if at least half is there, or at most
   * `finishBytesMax` are missing.
   */
  readonly whenDeserted: 'auto' | 'finish' | 'abort'
  /** So little that stopping costs more than going on: the connection to the origin would have to be closed. */
  readonly finishBytesMax: number
  /** How long a fill that nobody reads may take. */
  readonly desertedMs: number
  /** How long a validation in the background may take. */
  readonly backgroundMs: number
  /** The pause between two of them for one key, after one has failed. */
  readonly restMs: number
  /** For how long nobody is made to wait on a key whose answer could not be shared. */
  readonly unsharedMs: number
  /** The same after an answer by which the origin failed: its next one may be shareable. */
  readonly unsharedFailureMs: number
  /** How long to wait before trying slices again for a URL whose answers could not be sliced. */
  readonly unslicedMs: number
  /** How many keys are remembered in this way, at about 150 bytes each. */
  readonly unsharedMax: number
  /** How many fills may be under way; beyond that, each request asks the origin by itself. */
  readonly fillsMax: number
}

/** How much of an unwanted answer is cheaper to read than a new connection. */
export const discardBytesMax: number = 64 * 1024

const mebibyte = 1024 * 1024

export const defaultFillLimits: FillLimits = {
  windowBytes: 4 * mebibyte,
  rangeAheadBytesMax: 4 * mebibyte,
  passedAheadBytesMax: mebibyte,
  whenDeserted: 'auto',
  finishBytesMax: mebibyte,
  desertedMs: 60_000,
  backgroundMs: 600_000,
  restMs: 1000,
  unsharedMs: 30_000,
  unsharedFailureMs: 1000,
  unslicedMs: 600_000,
  unsharedMax: 10_000,
  fillsMax: 10_000,
}

/** How long an entry may still become when nobody reads it any more; 0: it is given up. */
export function desertedBytesMax({ body, statedLength }: Entry, limits: FillLimits): number {
  const { whenDeserted, finishBytesMax } = limits
  if (whenDeserted === 'finish') return Infinity
  if (whenDeserted === 'abort') return 0
  // An answer that may be endless is not waited for.
  if (statedLength < 0) return body.length + finishBytesMax
  const isNear = statedLength - body.length <= finishBytesMax || body.length >= statedLength / 2
  return isNear ? Infinity : 0
}
