/**
 * Pulse: is the origin of a session still there? While requests are under way and nothing comes, a PING asks; who does not answer
 * it in `silentMs` is gone.
 *
 * Servers of gRPC take PINGs that come more often than once in five minutes for abuse, unless they have sent something in between:
 * at the third they end the session with ENHANCE_YOUR_CALM, and with it all that is under way. So a session that has carried a call
 * asks that seldom; but at once, if it has not lately, when an answer does not come in time.
 */
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { Transport } from '../net/transport.ts'

/** How long nothing may come while streams are open before a PING asks, and then how long its answer may take. */
export const silentMs = 10_000

/** The first of these of a session with calls: with the second between two PINGs there are five minutes and more. */
export const callsSilentMs = 300_000

/** The session, as its pulse sees it. */
export interface PulseOwner {
  readonly transport: Transport
  readonly timers: Timers
  /** It is not over, and streams are open. */
  readonly isBusy: boolean
  /** Sends a PING. */
  askWhetherThere(): void
  onSilent(): void
}

export class Pulse implements DeadlineOwner {
  readonly #owner: PulseOwner
  readonly #deadline: Deadline = new Deadline(this)
  #hasCalls = false
  #bytesBefore = 0
  #isAsked = false
  #askedAtMs = -Infinity

  constructor(owner: PulseOwner) {
    this.#owner = owner
  }

  /** A stream is open. `isCall`: of gRPC. */
  begin(isCall: boolean): void {
    if (isCall) this.#hasCalls = true
    if (!this.#deadline.isSet()) this.#listen()
  }

  stop(): void {
    this.#owner.timers.remove(this.#deadline)
  }

  /** An answer did not come in time. */
  doubt(): void {
    const { timers } = this.#owner
    if (this.#hasCalls && timers.clock.nowMs() - this.#askedAtMs >= callsSilentMs) this.#ask()
  }

  #listen(): void {
    const { timers, transport } = this.#owner
    this.#isAsked = false
    this.#bytesBefore = transport.bytesRead
    timers.set(this.#deadline, this.#hasCalls ? callsSilentMs : silentMs)
  }

  #ask(): void {
    const { timers, transport } = this.#owner
    this.#isAsked = true
    this.#askedAtMs = timers.clock.nowMs()
    this.#bytesBefore = transport.bytesRead
    timers.set(this.#deadline, silentMs)
    this.#owner.askWhetherThere()
  }

  onDeadline(): void {
    const { isBusy, transport } = this.#owner
    if (!isBusy) return
    if (transport.bytesRead !== this.#bytesBefore || transport.isPaused) this.#listen()
    else if (this.#isAsked) this.#owner.onSilent()
    else this.#ask()
  }
}
