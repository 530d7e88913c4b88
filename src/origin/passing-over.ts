/**
 * PassingOver: what is believed of one address of a server, and so whether requests are sent there.
 *
 *      GOOD ──fault──▶ PASSED ──its time is over──▶ DUE ──a request takes it──▶ TRIAL
 *       ▲                ▲                            ▲                            │
 *       │                └─────────── fault (the time doubles) ◀───────────────────┤
 *       │                                             └── ended without a verdict ◀┤
 *       └────────────── success: a connection or an answer, at any time ◀──────────┘
 *
 * One request at a time is the trial, so that a dead server costs one request and not a thousand. Faults that arrive
 * while the address is passed over belong to attempts begun earlier: they do not prolong its time.
 *
 * There are two kinds of fault. A fault of *connecting* is cleared by a successful connect. A fault of *silence* (a
 * connection was made, and no answer came) is cleared only by an answer: the kernel of a stopped or hung process
 * accepts connections for it, and every request sent on the strength of that would wait for its deadline. (When such
 * a process runs again its time is over at once: standing.ts listens for that.)
 */
import { Faults, NONE, type Fault } from '../core/faults.ts'

export const GOOD = 0
export const PASSED = 1
export const DUE = 2
export const TRIAL = 3

const connectFaults: ReadonlySet<Fault> = new Set([
  Faults.ORIGIN_REFUSED,
  Faults.ORIGIN_UNREACHABLE,
  Faults.ORIGIN_CONNECT_TIMEOUT,
  Faults.ORIGIN_TLS,
  Faults.ORIGIN_TLS_ALERT,
  Faults.ORIGIN_CERTIFICATE_EXPIRED,
  Faults.ORIGIN_CERTIFICATE_UNTRUSTED,
  Faults.ORIGIN_CERTIFICATE_NAME,
  Faults.ORIGIN_NOT_HTTP2,
])

const silenceFaults: ReadonlySet<Fault> = new Set([
  Faults.ORIGIN_FIRST_BYTE_TIMEOUT,
  Faults.ORIGIN_WRITE_TIMEOUT,
])

/** Was there a connection on which nobody answered or read? */
export function isSilence(fault: Fault): boolean {
  return silenceFaults.has(fault)
}

/** How many doublings are counted: 2^20 times any `passOverMinMs` is beyond any `passOverMaxMs`. */
const doublingsMax = 20

export interface PassOverTimes {
  readonly passOverMinMs: number
  readonly passOverMaxMs: number
}

export class PassingOver {
  readonly #times: PassOverTimes
  state: typeof GOOD | typeof PASSED | typeof DUE | typeof TRIAL = GOOD
  /** The faults counted since the last success. */
  faults = 0
  /** The last fault; NONE when GOOD. */
  fault: Fault = NONE
  /** When the last fault came, counted or not. */
  faultedAtMs = -Infinity
  /** Until when it is PASSED. */
  untilMs = 0
  /** A successful connect proves nothing: it takes an answer. */
  needsAnswer = false

  constructor(times: PassOverTimes) {
    this.#times = times
  }

  get isAvailable(): boolean {
    return this.state === GOOD || this.state === DUE
  }

  /** Records a fault that speaks against the server. True: it was counted, and the state is now PASSED. */
  onFault(fault: Fault, isTrial: boolean, nowMs: number): boolean {
    this.faultedAtMs = nowMs
    // After a refusal the process behind it is gone, so a connection will be to a new one. Silence outweighs
    // other faults.
    if (fault === Faults.ORIGIN_REFUSED) this.needsAnswer = false
    else if (!connectFaults.has(fault)) this.needsAnswer = true
    if (this.state === PASSED || (this.state === TRIAL && !isTrial)) return false
    this.faults++
    this.fault = fault
    this.state = PASSED
    const { passOverMinMs, passOverMaxMs } = this.#times
    this.untilMs =
      nowMs + Math.min(passOverMaxMs, passOverMinMs * 2 ** Math.min(this.faults - 1, doublingsMax))
    return true
  }

  /** True: that ended it. */
  onConnected(): boolean {
    return !this.needsAnswer && this.onAnswer()
  }

  /** True: that ended it. */
  onAnswer(): boolean {
    if (this.state === GOOD) return false
    this.state = GOOD
    this.faults = 0
    this.fault = NONE
    this.needsAnswer = false
    return true
  }

  /** Its while is over. */
  becomeDue(): void {
    if (this.state === PASSED) this.state = DUE
  }

  /** Returns true when the caller's attempt is the trial. */
  beginTrial(): boolean {
    if (this.state !== DUE) return false
    this.state = TRIAL
    return true
  }

  /** The trial ended without a verdict (its client left): the next request is one. True: the state has changed. */
  endTrial(): boolean {
    if (this.state !== TRIAL) return false
    this.state = DUE
    return true
  }
}

/** Does a fault of connecting speak against the server? Our own lack of descriptors does not. */
export function isConnectFault(fault: Fault): boolean {
  return connectFaults.has(fault)
}

/**
 * Does a fault of an attempt speak against the server? A reused connection that was closed early met the origin's idle
 * deadline. A broken-off or malformed answer is one resource's affair, and its server answers.
 */
export function isFaultOfServer(fault: Fault, isReused: boolean): boolean {
  return silenceFaults.has(fault) || (fault === Faults.ORIGIN_CLOSED_EARLY && !isReused)
}
