/** The bounds of fills, each with its reason, and how far a fill goes on when nobody reads it. */
import type { Entry } from '../store/entry.ts'

export interface FillLimits {
  /**
   * How far a fill runs ahead of its fastest reader, and how much of an answer that no store takes is held for slower
   * ones. Large enough that two readers of unlike speed share an answer for seconds, small enough for a thousand fills.
   */
  readonly windowBytes: number
  /** A Range that begins more than this behind what is there asks the origin itself: a seek does not wait for a film. */
  readonly rangeAheadBytesMax: number
  /** The same where nothing is kept: who reads ahead there takes the window from those behind. */
  readonly passedAheadBytesMax: number
  /** When the last reader has left. 'auto': goes on if at least half there, or `finishBytesMax` from its end. */
  readonly whenDeserted: 'auto' | 'finish' | 'abort'
  /** So little that stopping would cost more than going on: the connection to the origin would have to be closed. */
  readonly finishBytesMax: number
  /** A fill that nobody reads must be over by then. */
  readonly desertedMs: number
  /** A validation in the background must be over by then. */
  readonly backgroundMs: number
  /** Between two of them for one key, after one has failed. */
  readonly restMs: number
  /** How long nobody is made to wait for a key whose answer could not be shared. */
  readonly unsharedMs: number
  /** The same after an answer that says that the origin failed: its next one may be another matter. */
  readonly unsharedFailureMs: number
  /** How long slices are not tried again for a URL of whose answers none could be made. */
  readonly unslicedMs: number
  /** Keys so remembered, about 150 bytes each. */
  readonly unsharedMax: number
  /** Fills under way; beyond, requests go to the origin by themselves. */
  readonly fillsMax: number
}

/** Of an answer that nobody wants, what is cheaper to read than a new connection. */
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

/** How long an entry may get for which nobody is left who reads it; 0: it is given up. */
export function desertedBytesMax({ body, statedLength }: Entry, limits: FillLimits): number {
  const { whenDeserted, finishBytesMax } = limits
  if (whenDeserted === 'finish') return Infinity
  if (whenDeserted === 'abort') return 0
  // What may be endless is not waited for.
  if (statedLength < 0) return body.length + finishBytesMax
  const isNear = statedLength - body.length <= finishBytesMax || body.length >= statedLength / 2
  return isNear ? Infinity : 0
}
