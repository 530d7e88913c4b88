/**
 * Generation: a plan in use. The plan of a reload replaces the current one for new exchanges only; the old one is let
 * go of when the last exchange that began with it is finished.
 */
import type { Lease } from '../http/exchange.ts'
import type { Plan } from './plan.ts'

export class Generation implements Lease {
  readonly plan: Plan
  /** Exchanges that were served with this plan and are not finished. */
  running = 0
  #isRetired = false

  constructor(plan: Plan) {
    this.plan = plan
  }

  release(): void {
    this.running--
    if (this.#isRetired && this.running === 0) this.plan.close()
  }

  /** No new exchange takes it. */
  retire(): void {
    this.#isRetired = true
    if (this.running === 0) this.plan.close()
  }
}
