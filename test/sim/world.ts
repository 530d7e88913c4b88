/**
 * World: virtual time and an order of events that a seed decides. It is the Clock of the engine under test, so nothing
 * in a simulation waits for real time, and a failing seed fails again.
 */
import type { Clock, ClockTimer } from '../../src/core/clock.ts'
import { Random } from './random.ts'

interface Event {
  readonly atMs: number
  readonly order: number
  run: (() => void) | null
}

export class World implements Clock {
  readonly random: Random
  /** What went wrong, in words. Empty at the end of a good world. */
  readonly failures: string[] = []
  #nowMs = 0
  #order = 0
  readonly #heap: Event[] = []
  /** Called after every event: staged writes leave. */
  readonly afterEvent: (() => void)[] = []
  eventsRun = 0
  /** What happens, line by line, when somebody wants to read it. */
  trace: ((line: string) => void) | null = null

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_764_000_000_000 + this.#nowMs
  }

  after(delayMs: number, callback: () => void): ClockTimer {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run: callback }
    this.#push(event)
    return {
      cancel: () => {
        event.run = null
      },
    }
  }

  fail(reason: string): void {
    if (this.failures.length < 20) this.failures.push(`at ${this.#nowMs.toFixed(1)} ms: ${reason}`)
  }

  /** Runs events until none is left before `untilMs`. A world that does not come to rest within `eventsMax` failed. */
  run(untilMs: number, eventsMax: number): void {
    while (this.#isDue(untilMs)) if (!this.#runNext(eventsMax)) return
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** The same for a world with promises: between two events so many of their turns pass as `drawTurns` says. */
  async runWithTurns(untilMs: number, eventsMax: number, drawTurns: () => number): Promise<void> {
    for (;;) {
      for (let turns = drawTurns(); turns > 0; turns--) await Promise.resolve()
      this.#tellHooks()
      if (!this.#isDue(untilMs)) break
      if (!this.#runNext(eventsMax)) return
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #isDue(untilMs: number): boolean {
    return this.#heap.length > 0 && (this.#heap[0] as Event).atMs <= untilMs
  }

  /** False: it is over. */
  #runNext(eventsMax: number): boolean {
    const event = this.#pop()
    if (event.run === null) return true
    this.#nowMs = event.atMs
    if (++this.eventsRun > eventsMax) {
      this.fail(`no rest after ${eventsMax} events`)
      return false
    }
    try {
      event.run()
      this.#tellHooks()
    } catch (error) {
      this.fail(`thrown: ${error instanceof Error ? error.stack : String(error)}`)
      return false
    }
    return true
  }

  #tellHooks(): void {
    for (const hook of this.afterEvent) hook()
  }

  #before(a: Event, b: Event): boolean {
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let i = heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.#before(event, heap[parent] as Event)) break
      heap[i] = heap[parent] as Event
      i = parent
    }
    heap[i] = event
  }

  #pop(): Event {
    const heap = this.#heap
    const top = heap[0] as Event
    const last = heap.pop() as Event
    if (heap.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#before(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!this.#before(heap[child] as Event, last)) break
      heap[i] = heap[child] as Event
      i = child
    }
    heap[i] = last
    return top
  }
}
