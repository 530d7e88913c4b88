/**
 * The reports of the last purges, so that a client that was told 'accepted, generation G' can ask later how many
 * answers it removed.
 */
import type { PurgeReport } from '../store/store.ts'

/** A worker purges 10,000 times a minute at most; who asks, asks soon. */
export const reportsMax = 10_000

export class PurgeReports {
  readonly #reports = new Map<number, PurgeReport>()

  keep(report: PurgeReport): PurgeReport {
    if (report.generation === 0) return report
    this.#reports.set(report.generation, report)
    if (this.#reports.size > reportsMax) {
      // A Map gives its keys in the order in which they came.
      const [oldest] = this.#reports.keys()
      if (oldest !== undefined) this.#reports.delete(oldest)
    }
    return report
  }

  find(generation: number): PurgeReport | null {
    return this.#reports.get(generation) ?? null
  }
}
