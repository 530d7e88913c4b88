/** The last orders to purge, kept so that a client that was told of an unfinished count can ask for it again. */
import type { PurgeCounts } from '../store/purge-request.ts'
import { totalOf, type PurgeTotal } from './purge-total.ts'

export const ordersMax = 1000
/** Of all orders together: about 200 bytes each. */
export const targetsMax = 20_000

interface Order {
  readonly counts: readonly PurgeCounts[]
  readonly isSharing: boolean
}

export class PurgeOrders {
  readonly #orders = new Map<string, Order>()
  #targets = 0

  keep(id: string, counts: readonly PurgeCounts[], isSharing: boolean): void {
    if (id === '' || this.#orders.has(id)) return
    this.#orders.set(id, { counts, isSharing })
    this.#targets += counts.length
    // A Map gives its keys in the order in which they came.
    for (const [oldest, order] of this.#orders) {
      if (this.#orders.size <= ordersMax && this.#targets <= targetsMax) return
      this.#orders.delete(oldest)
      this.#targets -= order.counts.length
    }
  }

  /** What has been counted until now; null: it is not remembered. */
  find(id: string): PurgeTotal | null {
    const order = this.#orders.get(id)
    return order === undefined ? null : totalOf(order.counts, order.isSharing, id)
  }
}
