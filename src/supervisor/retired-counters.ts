/**
 * The last reported counters of workers that are gone, kept so that sums over the fleet do not fall when a worker
 * dies. What a worker counted after its last snapshot is lost with it.
 */
import { mergeSnapshots, metricRows, type MetricsSnapshot } from '../engine/metrics.ts'

const counterNames = new Set(metricRows.filter((row) => row.type !== 'gauge').map((row) => row.name))

export class RetiredCounters {
  sum: MetricsSnapshot = {}
  readonly #last = new Map<object, MetricsSnapshot>()

  /** Keeps what `worker` has just reported. */
  keep(worker: object, snapshot: MetricsSnapshot): void {
    this.#last.set(worker, snapshot)
  }

  /** Adds the last report of `worker`, which is gone. */
  retire(worker: object): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last === undefined) return
    const counters = Object.entries(last).filter(([name]) => counterNames.has(name))
    this.sum = mergeSnapshots([this.sum, Object.fromEntries(counters)])
  }
}
