/**
 * ClientPatience: how long a client's connection is waited for. It has two deadlines: one for what the client should
 * send (or do), one for what it should take. Each is moved, never made anew; setting one costs an assignment and a
 * comparison.
 *
 * Rules: a slow client is judged by a minimum rate, not by a total time, and only while it is the client's turn: the
 * rate of an upload counts while we are ready to read, that of a reader while the transport holds bytes that the
 * kernel did not take. A slow origin never counts against the client.
 *
 * What a reader takes is seen in steps: the kernel asks for more only when about a third of its send buffer (up to
 * some megabytes) is free, so a client that reads 10 KB/s can appear to stand still for minutes. So where the kernel
 * can be asked, it is asked how much such a client has acknowledged. A standstill may last `standstillWindows`
 * windows. After those the average since the reader was first held up decides; where the kernel does not tell, the
 * next steps may take up to `longestStandstillWindows`.
 */
import { Deadline, type DeadlineOwner, type Timers } from '../core/timers.ts'
import type { ConnectionLimits } from './limits.ts'
import type { Transport } from '../net/transport.ts'

/** What the client should do next. */
export const WAITS_FOR_NOTHING = 0
/** The first byte of a further request (`idleMs`). */
export const WAITS_FOR_REQUEST = 1
/** The rest of a head, or the first request of a connection (`headMs`). */
export const WAITS_FOR_HEAD = 2
/** Bytes of a body (`bodyBytesPerSecondMin`). */
export const WAITS_FOR_BODY = 3
/** That it closes, or ends an upload that nobody wants (`drainMs`). */
export const WAITS_FOR_CLOSE = 4

const standstillWindows = 3
const longestStandstillWindows = 15

export interface PatientOwner {
  readonly limits: ConnectionLimits
  onPatienceEnd(waitedFor: number): void
  /** The client takes the answer too slowly. */
  onReaderTooSlow(): void
}

export class ClientPatience implements DeadlineOwner {
  waitsFor = WAITS_FOR_NOTHING
  /** Bytes handed to the transport so far; the writer counts them. */
  givenBytes = 0
  readonly #owner: PatientOwner
  readonly #timers: Timers
  readonly #transport: Transport
  readonly #sending: Deadline
  readonly #taking: Deadline
  /** `transport.bytesRead` when the body's window began. */
  #readBefore = 0
  #isTakingWatched = false
  #takenFirst = 0
  #takenBefore = 0
  /** What the kernel held when it was last asked; -1 when it was not. */
  #queuedBefore = -1
  /** What was acknowledged since the transport last took something. */
  #acknowledged = 0
  #heldSinceMs = 0
  #stillSinceMs = 0

  constructor(owner: PatientOwner, timers: Timers, transport: Transport) {
    this.#owner = owner
    this.#timers = timers
    this.#transport = transport
    this.#sending = new Deadline(this)
    this.#taking = new Deadline(this)
  }

  waitForNothing(): void {
    // It may fire meanwhile; then it does nothing, which costs less than to clear and hang it for each request.
    this.waitsFor = WAITS_FOR_NOTHING
  }

  waitForRequest(): void {
    this.waitsFor = WAITS_FOR_REQUEST
    this.#timers.set(this.#sending, this.#owner.limits.idleMs)
  }

  waitForHead(): void {
    if (this.waitsFor === WAITS_FOR_HEAD) return
    this.waitsFor = WAITS_FOR_HEAD
    this.#timers.set(this.#sending, this.#owner.limits.headMs)
  }

  /** Begins a window, unless one is running. */
  waitForBody(): void {
    if (this.waitsFor === WAITS_FOR_BODY) return
    this.waitsFor = WAITS_FOR_BODY
    this.#readBefore = this.#transport.bytesRead
    this.#timers.set(this.#sending, this.#owner.limits.rateWindowMs)
  }

  waitForClose(): void {
    this.waitsFor = WAITS_FOR_CLOSE
    this.#timers.set(this.#sending, this.#owner.limits.drainMs)
  }

  /** A write found the transport full. */
  watchTaking(): void {
    if (this.#isTakingWatched) return
    const nowMs = this.#timers.clock.nowMs()
    this.#isTakingWatched = true
    this.#takenFirst = this.#takenBefore = this.#takenBytes
    this.#queuedBefore = -1
    this.#acknowledged = 0
    this.#heldSinceMs = this.#stillSinceMs = nowMs
    this.#timers.set(this.#taking, this.#owner.limits.rateWindowMs, nowMs)
  }

  /** Everything was taken. */
  stopWatching(): void {
    this.#isTakingWatched = false
    this.#taking.clear()
  }

  /** Ends it for good: nothing fires afterwards. */
  stop(): void {
    this.waitsFor = WAITS_FOR_NOTHING
    this.#isTakingWatched = false
    this.#timers.remove(this.#sending)
    this.#timers.remove(this.#taking)
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#taking) this.#judgeTaking()
    else if (this.waitsFor === WAITS_FOR_BODY) this.#judgeBody()
    else if (this.waitsFor !== WAITS_FOR_NOTHING) this.#endSending()
  }

  get #takenBytes(): number {
    return this.givenBytes - this.#transport.unsentBytes
  }

  #endSending(): void {
    const waitedFor = this.waitsFor
    if (this.#transport.unsentBytes > 0 && waitedFor !== WAITS_FOR_HEAD) {
      // It is not silent: it is still reading what we sent, so its rate decides.
      this.watchTaking()
      if (waitedFor === WAITS_FOR_CLOSE) this.waitForClose()
      else this.waitForRequest()
      return
    }
    this.waitsFor = WAITS_FOR_NOTHING
    this.#owner.onPatienceEnd(waitedFor)
  }

  #judgeBody(): void {
    const { bodyBytesPerSecondMin, rateWindowMs } = this.#owner.limits
    const received = this.#transport.bytesRead - this.#readBefore
    this.waitsFor = WAITS_FOR_NOTHING
    if (received * 1000 < bodyBytesPerSecondMin * rateWindowMs) this.#owner.onPatienceEnd(WAITS_FOR_BODY)
    else this.waitForBody()
  }

  #judgeTaking(): void {
    if (!this.#isTakingWatched) return
    if (this.#transport.unsentBytes === 0) return this.stopWatching()
    const { readBytesPerSecondMin, rateWindowMs } = this.#owner.limits
    const nowMs = this.#timers.clock.nowMs()
    if (this.#hasMoved()) this.#stillSinceMs = nowMs
    const dueMs = nowMs - this.#heldSinceMs - standstillWindows * rateWindowMs
    const taken = this.#takenBefore - this.#takenFirst + this.#acknowledged
    const isBelow = taken * 1000 < readBytesPerSecondMin * dueMs
    const stillMax = this.#queuedBefore >= 0 ? standstillWindows : longestStandstillWindows
    const isStill = nowMs - this.#stillSinceMs >= stillMax * rateWindowMs
    if (readBytesPerSecondMin > 0 && (isBelow || isStill)) {
      this.stopWatching()
      this.#owner.onReaderTooSlow()
    } else this.#timers.set(this.#taking, rateWindowMs, nowMs)
  }

  /** Did the client take anything since the last time? */
  #hasMoved(): boolean {
    const taken = this.#takenBytes
    if (taken > this.#takenBefore) {
      this.#takenBefore = taken
      this.#queuedBefore = -1
      this.#acknowledged = 0
      return true
    }
    const queued = this.#transport.unacknowledgedBytes?.() ?? -1
    const before = this.#queuedBefore
    this.#queuedBefore = queued
    if (queued < 0 || before <= queued) return false
    this.#acknowledged += before - queued
    return true
  }
}
