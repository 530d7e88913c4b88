/**
 * Generations: the plans in use. A reload replaces the current plan for new exchanges only; an old one is released
 * when the last exchange that began with it is finished.
 */
import type { Lease } from '../http/exchange.ts'
import type { Plan } from './plan.ts'

/** A plan, and how many exchanges hold it. */
export class Generation implements Lease {
  readonly plan: Plan
  /** How many exchanges were served with this plan and are not finished. */
  running = 0
  #isRetired = false

  constructor(plan: Plan) {
    this.plan = plan
  }

  retain(): void {
    this.running++
  }

  release(): void {
    this.running--
    if (this.#isRetired && this.running === 0) this.plan.close()
  }

  /** From now on no new exchange takes it. */
  retire(): void {
    this.#isRetired = true
    if (this.running === 0) this.plan.close()
  }
}

export class Generations {
  current: Generation
  /** Replaced generations that may still have running exchanges. */
  #retired: Generation[] = []

  constructor(plan: Plan) {
    this.current = new Generation(plan)
  }

  swap(plan: Plan): void {
    const old = this.current
    this.current = new Generation(plan)
    this.#retired = this.#retired.filter((generation) => generation.running > 0)
    this.#retired.push(old)
    old.retire()
  }

  /** How many exchanges are under way, whatever their plan. */
  get running(): number {
    let sum = this.current.running
    for (const generation of this.#retired) sum += generation.running
    return sum
  }
}
