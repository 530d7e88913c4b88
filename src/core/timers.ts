/**
 * One timer wheel for all deadlines of a worker.
 *
 * A Deadline lives inside the thing it guards (a connection, a waiting exchange) and is moved rather than made anew.
 * Pushing it out is a single assignment, because the wheel looks again when the deadline's old slot comes up. So a
 * deadline that is renewed with every request costs a comparison; only one that fires or is put to rest costs a list
 * operation.
 *
 * Promises: a deadline never fires early, and at most `tickMs` plus the delay of the event loop late; after `clear()`
 * it does not fire. The wheel turns only while a deadline is set.
 */
import type { Clock, ClockTimer } from './clock.ts'

/**
 * The width of a slot. An edge's deadlines are seconds long, so nobody notices 50 ms, and 20 ticks a second
 * cost nothing.
 */
export const tickMs = 50
const slotCount = 512

export interface DeadlineOwner {
  /** The deadline has passed. `deadline` tells which one, for an owner that has several. */
  onDeadline(deadline: Deadline): void
}

export class Deadline {
  readonly owner: DeadlineOwner
  /** When it is due by `Clock.nowMs`; Infinity = not set. */
  dueMs = Infinity
  /** The slot that it hangs in, -1 for none. Only the wheel writes these three. */
  slot = -1
  slotTick = 0
  previous: Deadline | null = null
  next: Deadline | null = null

  constructor(owner: DeadlineOwner) {
    this.owner = owner
  }

  /** Stops it: it does not fire, though it may hang in the wheel until its slot comes up. */
  clear(): void {
    this.dueMs = Infinity
  }

  isSet(): boolean {
    return this.dueMs !== Infinity
  }
}

export class Timers {
  readonly clock: Clock
  readonly #slots: (Deadline | null)[] = Array.from({ length: slotCount }, () => null)
  #tick: number
  #hanging = 0
  #timer: ClockTimer | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.#tick = Math.floor(clock.nowMs() / tickMs)
  }

  /** How many deadlines hang in the wheel, including those cleared since: 0 at rest, after one round. */
  get hanging(): number {
    return this.#hanging
  }

  /**
   * Sets `deadline` to `delayMs` from now. `nowMs` may be handed in by a caller that has just read the clock.
   */
  set(deadline: Deadline, delayMs: number, nowMs: number = this.clock.nowMs()): void {
    const dueMs = nowMs + delayMs
    deadline.dueMs = dueMs
    // Already hanging in a slot that comes up before it is due: the wheel moves it on then.
    if (deadline.slot !== -1 && deadline.slotTick * tickMs <= dueMs) return
    if (deadline.slot !== -1) this.#unhang(deadline)
    if (dueMs !== Infinity) this.#hang(deadline, nowMs)
  }

  /** Removes `deadline` from the wheel for good, because its owner is thrown away. */
  remove(deadline: Deadline): void {
    deadline.dueMs = Infinity
    if (deadline.slot !== -1) this.#unhang(deadline)
  }

  /** Fires what is due at `nowMs`. Called by the clock; tests may call it after advancing theirs. */
  run(nowMs: number = this.clock.nowMs()): void {
    const target = Math.floor(nowMs / tickMs)
    // After a long sleep every slot comes up once; walking more rounds than one finds nothing new.
    if (target - this.#tick > slotCount) this.#tick = target - slotCount
    while (this.#tick < target) {
      this.#tick++
      this.#runSlot(this.#tick % slotCount, nowMs)
    }
  }

  #runSlot(slot: number, nowMs: number): void {
    let deadline = this.#slots[slot] ?? null
    this.#slots[slot] = null
    // The whole list is taken off first: owners set and remove deadlines while we walk.
    for (let d = deadline; d !== null; d = d.next) d.slot = slotCount
    while (deadline !== null) {
      const next: Deadline | null = deadline.next
      if (next !== null) next.previous = null
      deadline.slot = -1
      deadline.previous = null
      deadline.next = null
      this.#hanging--
      this.#due = next
      if (deadline.dueMs <= nowMs) {
        deadline.dueMs = Infinity
        deadline.owner.onDeadline(deadline)
      } else if (deadline.dueMs !== Infinity) {
        this.#hang(deadline, nowMs)
      }
      deadline = this.#due
    }
    this.#due = null
  }

  /** The rest of the slot being run; `#unhang` may shorten it. */
  #due: Deadline | null = null

  #hang(deadline: Deadline, nowMs: number): void {
    if (this.#timer === null) this.#start(nowMs)
    const earliest = this.#tick + 1
    const wanted = Math.max(earliest, Math.ceil(deadline.dueMs / tickMs))
    // Farther than the wheel is round: it rests in the last slot and is moved on from there.
    const tick = Math.min(wanted, this.#tick + slotCount - 1)
    const slot = tick % slotCount
    const head = this.#slots[slot] ?? null
    deadline.slot = slot
    deadline.slotTick = tick
    deadline.next = head
    deadline.previous = null
    if (head !== null) head.previous = deadline
    this.#slots[slot] = deadline
    this.#hanging++
  }

  #unhang(deadline: Deadline): void {
    if (deadline.previous !== null) deadline.previous.next = deadline.next
    else if (deadline.slot === slotCount) this.#due = deadline.next
    else this.#slots[deadline.slot] = deadline.next
    if (deadline.next !== null) deadline.next.previous = deadline.previous
    deadline.slot = -1
    deadline.previous = null
    deadline.next = null
    this.#hanging--
  }

  #start(nowMs: number): void {
    // The wheel slept: nothing hung in it, so its hand may jump.
    if (this.#hanging === 0 && this.#due === null)
      this.#tick = Math.max(this.#tick, Math.floor(nowMs / tickMs))
    // Woken where a tick begins, and not somewhere within it, nothing waits for a second tick.
    this.#timer = this.clock.after((Math.floor(nowMs / tickMs) + 1) * tickMs - nowMs, this.#onTick)
  }

  #onTick = (): void => {
    this.#timer = null
    this.run()
    if (this.#hanging > 0 && this.#timer === null) this.#start(this.clock.nowMs())
  }
}
