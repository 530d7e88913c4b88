/**
 * FloodGuard: how much a peer may make us do for nothing. HTTP/2 lets one side cause work without asking for
 * anything: with frames that carry nothing, with requests cancelled at once, with mistakes that must be answered.
 * Each kind has a budget that refills with time; a peer that uses one up is sent away with ENHANCE_YOUR_CALM (RFC
 * 9113 §10.5).
 *
 * Promises: a budget in use costs a subtraction; the clock is read only when one seems to be empty.
 */
import { Faults, type Fault } from '../core/faults.ts'
import type { Clock } from '../core/clock.ts'

/** What is counted. */
export const Flood = {
  /** Requests taken back (RST_STREAM before the answer was whole): "rapid reset", CVE-2023-44487. */
  RESET: 0,
  /** Streams that we had to reset for what came on them: "made you reset", CVE-2025-8671; malformed and oversized heads. */
  ERROR: 1,
  SETTINGS: 2,
  PING: 3,
  /** What changes nothing: PRIORITY, PRIORITY_UPDATE, frames of unknown types, RST_STREAM on streams that have closed. */
  PRIORITY: 4,
  /** Bytes that DATA frames fall short of `dataBytesFair`. */
  EMPTY_DATA: 5,
  WINDOW: 6,
  /** Streams that were given up since their client did not take the answer: "slow read". */
  SLOW: 7,
} as const
export type Flood = (typeof Flood)[keyof typeof Flood]

interface Budget {
  readonly fault: Fault
  /** At once. */
  readonly burst: number
  /** Comes back in a second. */
  readonly perSecond: number
}

/** What a DATA frame should carry. Chat and terminals send less, but not thousands a second. */
export const dataBytesFair = 16

export const floodBudgets: readonly Budget[] = [
  // A browser that leaves a page takes all of its requests back at once, 128 at most; twice, and the reader who clicks on.
  // A gateway in front takes some back for its own clients all the time: credited by what it takes whole.
  { fault: Faults.H2_RESET_FLOOD, burst: 256, perSecond: 32 },
  // A client that is no attacker makes none. Some gateways pass on what their own clients do wrong.
  { fault: Faults.H2_ERROR_FLOOD, burst: 128, perSecond: 8 },
  // One at the start and one when the window is set anew is what is seen.
  { fault: Faults.H2_SETTINGS_FLOOD, burst: 32, perSecond: 1 },
  // gRPC measures with one for each round trip while data flow: those are credited by the data.
  { fault: Faults.H2_PING_FLOOD, burst: 512, perSecond: 64 },
  // A browser of the old kind sends a handful at first and some for each request, which credits them.
  { fault: Faults.H2_PRIORITY_FLOOD, burst: 1024, perSecond: 64 },
  // 4096 frames with a byte each; then sixteen a second.
  { fault: Faults.H2_EMPTY_DATA_FLOOD, burst: 65_536, perSecond: 256 },
  // Credited by what was sent. The rest is for a reader who has fallen behind and takes crumbs, each with two of them.
  { fault: Faults.H2_WINDOW_FLOOD, burst: 8192, perSecond: 1024 },
  // A page holds back a film or six. A whole connection that stands still is ended by its own deadline.
  { fault: Faults.H2_SLOW_FLOOD, burst: 32, perSecond: 0.1 },
]

/** Of ten requests that are answered whole, one more may be taken back: so busy gateways, and no attacker to speak of. */
const resetsPerAnswer = 0.1

/** A priority, and a RST_STREAM that crosses the end of the answer. */
const prioritiesPerAnswer = 2

export class FloodGuard {
  readonly #clock: Clock
  readonly #left: Float64Array = Float64Array.from(floodBudgets, (budget) => budget.burst)
  readonly #filledMs: Float64Array

  constructor(clock: Clock) {
    this.#clock = clock
    this.#filledMs = new Float64Array(floodBudgets.length).fill(clock.nowMs())
  }

  /** Takes `amount` from a budget. False: it is used up. */
  allows(kind: Flood, amount = 1): boolean {
    const left = (this.#left[kind] as number) - amount
    this.#left[kind] = left
    return left >= 0 || this.#refill(kind)
  }

  /** Work was done that `amount` of this kind belongs to. */
  credit(kind: Flood, amount: number): void {
    const { burst } = floodBudgets[kind] as Budget
    this.#left[kind] = Math.min(burst, (this.#left[kind] as number) + amount)
  }

  /** A stream has ended as it should. */
  onWhole(): void {
    this.credit(Flood.RESET, resetsPerAnswer)
    this.credit(Flood.PRIORITY, prioritiesPerAnswer)
  }

  #refill(kind: Flood): boolean {
    const nowMs = this.#clock.nowMs()
    const { perSecond } = floodBudgets[kind] as Budget
    const since = nowMs - (this.#filledMs[kind] as number)
    this.#filledMs[kind] = nowMs
    this.credit(kind, (since / 1000) * perSecond)
    return (this.#left[kind] as number) >= 0
  }
}
