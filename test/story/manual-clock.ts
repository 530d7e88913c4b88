/**
 * ManualClock: time that passes when a test says so.
 */
import type { Clock, ClockTimer } from '../../src/core/clock.ts'

interface Pending extends ClockTimer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

export class ManualClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #pending = new Set<Pending>()
  /** Called after each callback: a wire hands over what was written. */
  onRan: () => void = () => {}

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.#nowMs
  }

  after(delayMs: number, callback: () => void): ClockTimer {
    const pending: Pending = {
      dueMs: this.#nowMs + delayMs,
      order: this.#order++,
      callback,
      cancel: () => void this.#pending.delete(pending),
    }
    this.#pending.add(pending)
    return pending
  }

  /** How many callbacks wait. */
  get waiting(): number {
    return this.#pending.size
  }

  /** Lets time pass, and runs in order what comes due meanwhile. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs
    for (let next = this.#next(untilMs); next !== null; next = this.#next(untilMs)) {
      this.#pending.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
      this.onRan()
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Pending | null {
    let first: Pending | null = null
    for (const pending of this.#pending) {
      if (pending.dueMs > untilMs) continue
      if (first === null || pending.dueMs < first.dueMs) first = pending
      else if (pending.dueMs === first.dueMs && pending.order < first.order) first = pending
    }
    return first
  }
}
